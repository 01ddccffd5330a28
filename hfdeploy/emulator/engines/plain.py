"""What the OpenAI-only engines share beside their dialects: names, ids, limits, embeddings, token routes."""

import secrets
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.engines.body import Body
from hfdeploy.emulator.engines.call import JSON, Call, Fault
from hfdeploy.emulator.engines.openai import fits
from hfdeploy.emulator.engines.question import Question

FINISH = {"length": "length", "eos_token": "stop", "stop_sequence": "stop"}
"""Finish reasons as OpenAI names them."""


def new_id(prefix: str) -> str:
    """An id nobody had before."""
    return f"{prefix}-{secrets.token_hex(16)}"


def too_long(asked: Question, context: int, kind: str) -> Fault | None:
    """The fault of a question that does not fit, in the words of vLLM."""
    excess = fits(asked, context)
    if excess is None:
        return None
    given, wanted = excess
    where = "messages" if asked.is_chat else "prompt"
    return Fault(
        400,
        f"This model's maximum context length is {context} tokens. However, you requested {given + wanted} tokens "
        f"({given} in the {where}, {wanted} in the completion). Please reduce the length of the {where} or completion.",
        kind,
    )


def embeddings(call: Call, body: Body, *, model: str) -> Response:
    """POST /v1/embeddings: one vector for each input, as numbers or as base64 of little-endian 32-bit floats."""
    inputs = body.texts("input", single=True)
    found = vectors.scripted(vectors.embed(call.serving.repository, call.serving.revision, inputs), call.script)
    is_base64 = body.content.get("encoding_format") == "base64"
    rows: list[dict[str, Any]] = [
        {"object": "embedding", "embedding": vectors.base64_of(vector) if is_base64 else vector, "index": index}
        for index, vector in enumerate(found)
    ]
    tokens = sum(map(text.count, inputs))
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSON({"object": "list", "data": rows, "model": model, "usage": usage})


def token_ids(prompt: str) -> list[int]:
    """The ids of a prompt, the start token included."""
    return [text.START_ID, *map(text.identify, text.split(prompt))]
