"""huggingface_hub: embeddings; the client needs numpy."""

import json
import os

from huggingface_hub import InferenceClient

client = InferenceClient(os.environ["ENDPOINT_URL"], timeout=60)
print(json.dumps(client.feature_extraction(["Hello", "Grüße"]).tolist()))
