"""SGLang's own `POST /generate`: the name of TGI's route with other fields and other frames."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines import generation, vllm
from hfdeploy.emulator.engines.body import Body
from hfdeploy.emulator.engines.call import JSON, Call, Fault, dumps
from hfdeploy.emulator.frames import DONE, EventStream, Frame
from hfdeploy.emulator.text import Ask, Token

_LIMIT = 128
_SHAPE = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty"}
)


async def generate(call: Call) -> Response:
    """POST /generate: `text` and `sampling_params`; another body than TGI's route of the same name."""
    body = bodies.read(call.body, call.headers.get("content-type", ""))
    ask = generation.seeded(call, _native(body))
    if body.flag("stream"):
        return EventStream(
            _native_frames(call, ask),
            script=call.script,
            framing=vllm.DIALECT.framing(call),
            broken=lambda: [_native_error(Fault(500, generation.OUT_OF_MEMORY, "generation")), DONE],
        )
    tokens = [token async for token in generation.speak(call, ask)]
    return JSON(_native_reply(secrets.token_hex(16), ask, tokens))


def _native(body: Body) -> Ask:
    given = body.part("sampling_params", nullable=True) or Body({})
    prompt = body.text("text")
    return Ask(
        prompt=prompt,
        limit=given.whole("max_new_tokens") or _LIMIT,
        shape=given.shape(_SHAPE),
        sampled=given.number("temperature") != 0,
        seed=given.whole("sampling_seed"),
        stop=given.texts("stop", nullable=True, single=True),
        cuts_stop=True,
        ignores_end=given.flag("ignore_eos", nullable=True),
    )


async def _native_frames(call: Call, ask: Ask) -> AsyncGenerator[Frame, None]:
    """Each frame has the whole text so far."""
    request_id = secrets.token_hex(16)
    said: list[Token] = []
    try:
        async with aclosing(generation.speak(call, ask)) as tokens:
            async for token in tokens:
                said.append(token)
                yield Frame(dumps(_native_reply(request_id, ask, said)), is_token=not token.special)
    except Fault as fault:
        yield _native_error(fault)
    yield DONE


def _native_reply(request_id: str, ask: Ask, tokens: list[Token]) -> dict[str, Any]:
    last = tokens[-1]
    finish = None
    if last.finish:
        match last.finish:
            case "length":
                finish = {"type": "length", "length": ask.limit}
            case _:
                finish = {"type": "stop", "matched": last.stop or last.id}
    meta = {
        "id": request_id,
        "finish_reason": finish,
        "prompt_tokens": text.count(ask.prompt),
        "completion_tokens": len(tokens),
    }
    return {"text": "".join(token.text for token in tokens if not token.special), "meta_info": meta}


def _native_error(fault: Fault) -> Frame:
    return Frame(dumps({"error": {"message": fault.message}}))
