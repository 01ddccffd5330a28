"""huggingface_hub: four texts and a chat side by side on one asynchronous client."""

import asyncio
import json
import os

from huggingface_hub import AsyncInferenceClient

URL = os.environ["ENDPOINT_URL"]


async def text(client: AsyncInferenceClient, number: int) -> str:
    stream = await client.text_generation(f"Tell me {number}.", stream=True, max_new_tokens=200, details=True)
    return "".join([frame.token.text async for frame in stream if not frame.token.special])


async def chat(client: AsyncInferenceClient) -> str:
    messages = [{"role": "user", "content": "What is deep learning?"}]
    stream = await client.chat_completion(messages, max_tokens=200, stream=True)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


async def main() -> None:
    async with AsyncInferenceClient(URL, timeout=60) as client:
        said = await asyncio.gather(*(text(client, number) for number in range(4)), chat(client))
    for one in said:
        print(json.dumps(one))


asyncio.run(main())
