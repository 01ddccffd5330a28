"""text-generation, TGI's own client: its timeout is 10 seconds unless told otherwise."""

import json
import os

from text_generation import Client

client = Client(os.environ["ENDPOINT_URL"], headers={"Authorization": f"Bearer {os.environ['HF_TOKEN']}"}, timeout=120)
for frame in client.generate_stream("What is deep learning?", max_new_tokens=200, stop_sequences=["\nUser:"]):
    if not frame.token.special:
        print(json.dumps(frame.token.text), flush=True)
whole = client.generate("What is deep learning?", max_new_tokens=3)
print(
    json.dumps(
        {
            "streamed": frame.generated_text,
            "finish": frame.details.finish_reason,
            "text": whole.generated_text,
            "short": whole.details.finish_reason,
        }
    )
)
