"""EasyLLM: a completion, streamed and whole."""

import json
import os

from easyllm.clients import huggingface

huggingface.api_base = os.environ["ENDPOINT_URL"]
huggingface.prompt_builder = "llama2"
given = {"prompt": "What is deep learning?", "max_tokens": 200, "stop": ["\nUser:"]}
for chunk in huggingface.Completion.create(**given, stream=True):
    if chunk["choices"][0].get("text"):
        print(json.dumps(chunk["choices"][0]["text"]), flush=True)
whole = huggingface.Completion.create(**given)
print(json.dumps({"text": whole["choices"][0]["text"], "finish": whole["choices"][0]["finish_reason"]}))
