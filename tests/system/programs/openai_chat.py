"""The openai package: which models there are, and a chat stream that ends with the usage."""

import json
import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["ENDPOINT_URL"] + "/v1")
[model] = client.models.list().data
stream = client.chat.completions.create(
    model=model.id,
    messages=[{"role": "user", "content": "What is deep learning?"}],
    max_tokens=200,
    stop=["\nUser:"],
    stream=True,
    stream_options={"include_usage": True},
)
finish = None
for chunk in stream:
    for choice in chunk.choices:
        if choice.delta.content:
            print(json.dumps(choice.delta.content), flush=True)
        finish = choice.finish_reason or finish
print(json.dumps({"model": model.id, "finish": finish, "tokens": chunk.usage.completion_tokens}))
