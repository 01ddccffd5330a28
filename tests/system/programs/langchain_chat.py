"""LangChain: ChatHuggingFace over an endpoint; limits and model are set on the chat object, where they travel."""

import json
import os

from langchain_core.messages import HumanMessage, SystemMessage
from langchain_huggingface import ChatHuggingFace, HuggingFaceEndpoint

llm = HuggingFaceEndpoint(
    endpoint_url=os.environ["ENDPOINT_URL"],
    timeout=60,
    server_kwargs={"headers": {"Authorization": f"Bearer {os.environ['HF_TOKEN']}"}},
)
chat = ChatHuggingFace(llm=llm, max_tokens=200, temperature=0.2, model_kwargs={"model": os.environ["MODEL"]})
messages = [SystemMessage("You answer in one sentence."), HumanMessage("What is deep learning?")]
for chunk in chat.stream(messages):
    if chunk.content:
        print(json.dumps(chunk.content), flush=True)
print(json.dumps({"invoked": chat.invoke(messages).content}))
