"""EasyLLM: a chat whose prompt the client builds itself, streamed and whole. It reads HUGGINGFACE_TOKEN by itself."""

import json
import os

from easyllm.clients import huggingface

huggingface.api_base = os.environ["ENDPOINT_URL"]
huggingface.prompt_builder = "llama2"
messages = [
    {"role": "system", "content": "You answer in one sentence."},
    {"role": "user", "content": "What is deep learning?"},
]
for chunk in huggingface.ChatCompletion.create(messages=messages, max_tokens=200, stream=True):
    delta = chunk["choices"][0]["delta"]
    if delta.get("content"):
        print(json.dumps(delta["content"]), flush=True)
whole = huggingface.ChatCompletion.create(messages=messages, max_tokens=200, temperature=0.9, top_p=0.6)
choice = whole["choices"][0]
print(json.dumps({"text": choice["message"]["content"], "finish": choice["finish_reason"], "usage": whole["usage"]}))
