"""LangChain: HuggingFaceEndpoint in a chain. The token goes into a header: the argument for it is dropped."""

import json
import os

from langchain_core.prompts import PromptTemplate
from langchain_huggingface import HuggingFaceEndpoint

llm = HuggingFaceEndpoint(
    endpoint_url=os.environ["ENDPOINT_URL"],
    max_new_tokens=200,
    temperature=0.2,
    timeout=60,
    server_kwargs={"headers": {"Authorization": f"Bearer {os.environ['HF_TOKEN']}"}},
)
chain = PromptTemplate.from_template("What is {thing}?") | llm
for piece in chain.stream({"thing": "deep learning"}):
    print(json.dumps(piece), flush=True)
print(json.dumps({"invoked": llm.invoke("What is deep learning?")}))
