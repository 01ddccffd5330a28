"""huggingface_hub: TGI's own stream with details. The client finds HF_TOKEN by itself."""

import json
import os

from huggingface_hub import InferenceClient

client = InferenceClient(os.environ["ENDPOINT_URL"], timeout=60)
stream = client.text_generation(
    "What is deep learning?",
    stream=True,
    details=True,
    max_new_tokens=200,
    temperature=0.2,
    top_k=30,
    top_p=0.9,
    repetition_penalty=1.02,
    stop=["\nUser:"],
    return_full_text=False,
)
for frame in stream:
    if not frame.token.special:
        print(json.dumps(frame.token.text), flush=True)
details = frame.details
print(json.dumps({"text": frame.generated_text, "finish": details.finish_reason, "tokens": details.generated_tokens}))
