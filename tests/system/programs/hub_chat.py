"""huggingface_hub: a chat that streams, with the model named as every engine wants it."""

import json
import os

from huggingface_hub import InferenceClient

client = InferenceClient(os.environ["ENDPOINT_URL"], timeout=60)
messages = [{"role": "user", "content": "What is deep learning?"}]
finish = None
for chunk in client.chat_completion(messages, model=os.environ["MODEL"], max_tokens=200, seed=7, stream=True):
    for choice in chunk.choices:
        if choice.delta.content:
            print(json.dumps(choice.delta.content), flush=True)
        finish = choice.finish_reason or finish
print(json.dumps({"finish": finish}))
