"""The openai package: embeddings, which it asks for in base64."""

import json
import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["ENDPOINT_URL"] + "/v1")
reply = client.embeddings.create(model="any", input=["Hello", "Grüße"])
print(json.dumps([item.embedding for item in reply.data]))
