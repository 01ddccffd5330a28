"""EasyLLM: embeddings; the input is a list."""

import json
import os

from easyllm.clients import huggingface

huggingface.api_base = os.environ["ENDPOINT_URL"]
reply = huggingface.Embedding.create(input=["Hello", "Grüße"])
print(json.dumps([item["embedding"] for item in reply["data"]]))
