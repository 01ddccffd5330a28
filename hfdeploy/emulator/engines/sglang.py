"""SGLang: OpenAI routes with flat errors, and a native /generate of its own (sections 12.2 to 12.6)."""

import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines import generation, metrics, openai, plain, vllm
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault, dumps
from hfdeploy.emulator.engines.question import SAMPLING, Manners, Question
from hfdeploy.emulator.frames import DONE, EventStream, Frame
from hfdeploy.emulator.swagger import documented
from hfdeploy.emulator.text import Ask, Token

_NATIVE_LIMIT = 128
_BAD_REQUEST = "BadRequestError"
_SHAPE = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "repetition_penalty"}
)


async def chat(call: Call) -> Response:
    """POST /v1/chat/completions."""
    return await openai.chat(call, DIALECT)


async def completions(call: Call) -> Response:
    """POST /v1/completions."""
    return await openai.completions(call, DIALECT)


async def embeddings(call: Call) -> Response:
    """POST /v1/embeddings."""
    return plain.embeddings(call, _read(call), model=call.served_model)


async def encode(call: Call) -> Response:
    """POST /encode: the native form of embeddings."""
    inputs = _read(call).texts("text", single=True)
    found = vectors.scripted(vectors.embed(call.serving.repository, call.serving.revision, inputs), call.script)
    return JSON(
        [
            {"embedding": vector, "meta_info": {"prompt_tokens": text.count(given)}}
            for vector, given in zip(found, inputs, strict=True)
        ]
    )


async def models(call: Call) -> Response:
    """GET /v1/models."""
    return openai.model_list(_entry(call))


async def model_info(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /get_model_info."""
    return JSON({"model_path": "/repository", "tokenizer_path": "/repository", "is_generation": True})


async def server_info(call: Call) -> Response:
    """GET /get_server_info."""
    return JSON({"model_path": "/repository", "served_model_name": call.served_model, "context_length": _context(call)})


async def health(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /health and its other names: empty."""
    return Response()


async def counters(call: Call) -> Response:
    """GET /metrics."""
    return metrics.page(
        call,
        requests="sglang:num_requests_total",
        tokens="sglang:generation_tokens_total",
        running="sglang:num_running_reqs",
    )


async def tokenize(call: Call) -> Response:
    """POST /tokenize."""
    ids = plain.token_ids(_read(call).text("prompt"))
    return JSON({"tokens": ids, "count": len(ids), "max_model_len": _context(call)})


async def detokenize(call: Call) -> Response:
    """POST /detokenize: ids that /tokenize gave."""
    ids = _read(call).content.get("tokens", [])
    return JSON({"text": text.join([number for number in ids if isinstance(number, int)])})


async def generate(call: Call) -> Response:
    """POST /generate: `text` and `sampling_params`; another body than TGI's route of the same name."""
    body = _read(call)
    ask = generation.seeded(call, _native(body))
    if body.flag("stream"):
        return EventStream(
            _native_frames(call, ask),
            script=call.script,
            framing=DIALECT.framing(call),
            broken=lambda: [_native_error(Fault(500, generation.OUT_OF_MEMORY, "generation")), DONE],
        )
    tokens = [token async for token in generation.speak(call, ask)]
    return JSON(_native_reply(secrets.token_hex(16), ask, tokens))


def _native(body: Body) -> Ask:
    given = body.part("sampling_params", nullable=True) or Body({})
    prompt = body.text("text")
    return Ask(
        prompt=prompt,
        limit=given.whole("max_new_tokens") or _NATIVE_LIMIT,
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


def _entry(call: Call) -> dict[str, Any]:
    name = call.served_model
    stamp = {"id": name, "object": "model", "created": int(time.time()), "owned_by": "sglang", "root": name}
    return stamp | {"max_model_len": _context(call)}


def _read(call: Call) -> Body:
    return bodies.read(call.body, call.headers.get("content-type", ""))


def _context(call: Call) -> int:
    return call.setting(None, (), ("--context-length",), 32768)


def _check(call: Call, asked: Question) -> None:
    model = asked.model or call.served_model
    if model != call.served_model and call.option("sglang_unknown_model") == "refused":
        raise _no_model(model)
    fault = plain.too_long(asked, _context(call), _BAD_REQUEST)
    if fault is not None:
        raise fault


def _no_model(model: str) -> Fault:
    return Fault(404, f"The model '{model}' does not exist", "model_not_found", param="model")


def _error(fault: Fault) -> dict[str, Any]:
    kind = {"generation": "InternalServerError", "model_not_found": "NotFoundError"}.get(fault.kind, fault.kind)
    status = 500 if fault.kind == "generation" else fault.status
    code: str | int = fault.kind if fault.kind == "model_not_found" else status
    return {"object": "error", "message": fault.message, "type": kind, "param": fault.param, "code": code}


def _fault_reply(call: Call, fault: Fault) -> Response:  # noqa: ARG001  every engine takes the call
    return JSON(_error(fault), status_code=500 if fault.kind == "generation" else fault.status)


def _malformed(call: Call, error: BodyError) -> Response:
    said = (
        "Unsupported Media Type: Only 'application/json' is allowed" if error.what == "not_declared" else error.message
    )
    return _fault_reply(call, Fault(400, said, _BAD_REQUEST, param=error.field))


def _not_found(call: Call) -> Response:
    """An unknown path, or a model by a name it does not serve."""
    name = call.path.removeprefix("/v1/models/")
    if call.method != "GET" or name == call.path:
        return JSON({"detail": "Not Found"}, status_code=404)
    return JSON(_entry(call)) if name == call.served_model else _fault_reply(call, _no_model(name))


DIALECT = replace(
    vllm.DIALECT,
    manners=Manners(SAMPLING | {"top_k", "min_p", "repetition_penalty", "ignore_eos"}, True, True, True, 16),
    read=_read,
    context=_context,
    check=_check,
    error_frame=lambda _, fault: dumps({"error": {"message": fault.message}}),
    identify=lambda _: secrets.token_hex(16),
    closing={"role": None, "content": None},
    stop_reason=False,
)

ENGINE = Engine(
    name="SGLang",
    routes=documented(
        "SGLang",
        "/openapi.json",
        {
            "/v1/chat/completions": {"POST": chat},
            "/v1/completions": {"POST": completions},
            "/v1/embeddings": {"POST": embeddings},
            "/v1/models": {"GET": models},
            "/generate": {"POST": generate},
            "/encode": {"POST": encode},
            "/tokenize": {"POST": tokenize},
            "/detokenize": {"POST": detokenize},
            "/invocations": {"POST": chat},
            "/health": {"GET": health},
            "/health_generate": {"GET": health},
            "/ping": {"GET": health},
            "/get_model_info": {"GET": model_info},
            "/get_server_info": {"GET": server_info},
            "/metrics": {"GET": counters},
        },
    ),
    not_found=_not_found,
    loading=lambda _: Response(status_code=503),
    fault=_fault_reply,
    malformed=_malformed,
)
