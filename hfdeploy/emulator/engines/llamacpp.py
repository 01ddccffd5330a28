"""llama.cpp's server: nullable first deltas, `Loading model` on every route while it loads (sections 12.2 to 12.6)."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.responses import HTMLResponse, Response

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines import generation, metrics, openai, plain, question, responses, scores, vllm
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault, dumps
from hfdeploy.emulator.engines.question import SAMPLING, Manners, Question
from hfdeploy.emulator.frames import EventStream, Frame, Framing
from hfdeploy.emulator.text import Ask, Token

_SHAPE = SAMPLING | {"top_k", "min_p", "typical_p", "repeat_penalty", "mirostat", "grammar"}
_KINDS = {"generation": "server_error", "overloaded": "unavailable_error", "validation": "invalid_request_error"}


async def chat(call: Call) -> Response:
    """POST /v1/chat/completions."""
    return await openai.chat(call, DIALECT)


async def completions(call: Call) -> Response:
    """POST /v1/completions."""
    return await openai.completions(call, DIALECT)


async def completion(call: Call) -> Response:
    """POST /completion: the native form; no `[DONE]`, the last frame says `stop`."""
    body = _read(call)
    ask = generation.seeded(call, _native(body))
    if body.flag("stream"):
        fault = Fault(500, generation.OUT_OF_MEMORY, "generation")
        return EventStream(
            _native_frames(call, ask),
            script=call.script,
            framing=Framing(),
            broken=lambda: [Frame(dumps({"error": _error(fault)}))],
        )
    tokens = [token async for token in generation.speak(call, ask)]
    return JSON(_native_reply(call, ask, tokens))


async def models(call: Call) -> Response:
    """GET /v1/models."""
    stamp = {"id": call.served_model, "object": "model", "created": int(time.time()), "owned_by": "llamacpp"}
    return openai.model_list(stamp | {"meta": {"n_ctx_train": _context(call)}})


async def health(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /health."""
    return JSON({"status": "ok"})


async def page(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /: the engine's own chat page, here without the chat."""
    return HTMLResponse("<!doctype html><title>llama.cpp</title><h1>llama.cpp (emulated)</h1>")


async def props(call: Call) -> Response:
    """GET /props."""
    return JSON(
        {
            "total_slots": _slots(call),
            "model_path": "/repository",
            "default_generation_settings": {"n_ctx": _context(call)},
        }
    )


async def slots(call: Call) -> Response:
    """GET /slots."""
    busy = call.replica.in_flight
    return JSON(
        [{"id": place, "n_ctx": _context(call), "is_processing": place < busy} for place in range(_slots(call))]
    )


async def counters(call: Call) -> Response:
    """GET /metrics."""
    return metrics.page(
        call,
        requests="llamacpp:n_decode_total",
        tokens="llamacpp:tokens_predicted_total",
        running="llamacpp:requests_processing",
    )


async def tokenize(call: Call) -> Response:
    """POST /tokenize."""
    return JSON({"tokens": plain.token_ids(_read(call).text("content"))[1:]})


async def detokenize(call: Call) -> Response:
    """POST /detokenize: ids that /tokenize gave."""
    ids = _read(call).content.get("tokens", [])
    return JSON({"content": text.join([number for number in ids if isinstance(number, int)])})


async def apply_template(call: Call) -> Response:
    """POST /apply-template."""
    messages = _read(call).content.get("messages")
    return JSON({"prompt": question.template(messages if isinstance(messages, list) else [])})


async def embeddings(call: Call) -> Response:
    """POST /v1/embeddings, in the mode of that name."""
    _check_mode(call, "embeddings")
    return plain.embeddings(call, _read(call), model=call.served_model)


async def embedding(call: Call) -> Response:
    """POST /embedding: the native form."""
    _check_mode(call, "embeddings")
    inputs = _read(call).texts("content", single=True)
    found = vectors.scripted(vectors.embed(call.serving.repository, call.serving.revision, inputs), call.script)
    return JSON([{"index": index, "embedding": [vector]} for index, vector in enumerate(found)])


async def rerank(call: Call) -> Response:
    """POST /v1/rerank, in the mode of that name."""
    _check_mode(call, "reranking")
    body = _read(call)
    ranked = scores.rank(call, body.text("query"), body.texts("documents"))
    results = [{"index": index, "relevance_score": score} for index, score in ranked]
    return JSON({"model": call.served_model, "object": "list", "results": results})


async def respond(call: Call) -> Response:
    """POST /v1/responses."""
    return await responses.responses(call, DIALECT)


async def messages(call: Call) -> Response:
    """POST /v1/messages."""
    return await responses.messages(call, DIALECT)


async def infill(call: Call) -> Response:
    """POST /infill: what belongs between `input_prefix` and `input_suffix`."""
    body = _read(call)
    prompt = body.text("input_prefix") + body.text("input_suffix")
    ask = generation.seeded(call, _native(Body({**body.content, "prompt": prompt})))
    return JSON(_native_reply(call, ask, [token async for token in generation.speak(call, ask)]))


def _check_mode(call: Call, mode: str) -> None:
    """Raises the Fault of a server that was started for something else."""
    if call.serving.image.get("mode") != mode and f"--{mode}" not in call.serving.args:
        said = f"This server does not support {mode}. Start it with `--{mode}`"
        raise Fault(501, said, "not_supported_error")


def _native(body: Body) -> Ask:
    limit = body.integer("n_predict")
    return Ask(
        prompt=body.text("prompt"),
        limit=limit if limit is not None and limit > 0 else 10**6,
        shape=body.shape(_SHAPE),
        sampled=body.number("temperature") != 0,
        seed=body.whole("seed"),
        stop=body.texts("stop", nullable=True),
        cuts_stop=True,
        ignores_end=body.flag("ignore_eos"),
    )


async def _native_frames(call: Call, ask: Ask) -> AsyncGenerator[Frame, None]:
    said: list[Token] = []
    try:
        async with aclosing(generation.speak(call, ask)) as tokens:
            async for token in tokens:
                said.append(token)
                if token.text and not token.special:
                    yield Frame(dumps({"content": token.text, "stop": False}), is_token=True)
        yield Frame(dumps(_native_reply(call, ask, said) | {"content": ""}))
    except Fault as fault:
        yield Frame(dumps({"error": _error(fault)}))


def _native_reply(call: Call, ask: Ask, tokens: list[Token]) -> dict[str, Any]:
    stop_type = {"length": "limit", "eos_token": "eos", "stop_sequence": "word"}[tokens[-1].finish or "length"]
    return {
        "content": "".join(token.text for token in tokens if not token.special),
        "stop": True,
        "model": call.served_model,
        "tokens_predicted": len(tokens),
        "tokens_evaluated": text.count(ask.prompt),
        "stop_type": stop_type,
        "stopping_word": tokens[-1].stop or "",
    }


def _read(call: Call) -> Body:
    return bodies.read(call.body, None)


def _context(call: Call) -> int:
    return call.setting("ctxSize", ("LLAMA_ARG_CTX_SIZE",), ("--ctx-size", "-c"), 4096)


def _slots(call: Call) -> int:
    return call.setting("nParallel", ("LLAMA_ARG_N_PARALLEL",), ("--parallel", "-np"), 1)


def _check(call: Call, asked: Question) -> None:
    context = _context(call)
    longest = max(text.count(ask.prompt) for ask in asked.asks)
    if longest >= context:
        said = f"the request exceeds the available context size, try increasing it: {longest} of {context} tokens"
        raise Fault(400, said, "exceed_context_size_error")


def _error(fault: Fault) -> dict[str, Any]:
    status = 500 if fault.kind == "generation" else fault.status
    return {"message": fault.message, "type": _KINDS.get(fault.kind, fault.kind), "code": status}


def _fault_reply(call: Call, fault: Fault) -> Response:  # noqa: ARG001  every engine takes the call
    error = _error(fault)
    return JSON({"error": error}, status_code=error["code"])


def _malformed(call: Call, error: BodyError) -> Response:
    return _fault_reply(call, Fault(400, error.message, "invalid_request_error"))


def _loading(call: Call) -> Response:
    return _fault_reply(call, Fault(503, "Loading model", "unavailable_error"))


def _not_found(call: Call) -> Response:
    return _fault_reply(call, Fault(404, "File Not Found", "not_found_error"))


DIALECT = replace(
    vllm.DIALECT,
    manners=Manners(_SHAPE | {"ignore_eos"}, True, True, False, None),
    read=_read,
    context=_context,
    check=_check,
    error_frame=lambda _, fault: dumps({"error": _error(fault)}),
    framing=lambda _: Framing(),
    model=lambda call, asked: asked.model or call.served_model,
    opening={"role": "assistant", "content": None},
    closing={},
    stop_reason=False,
    extra={"system_fingerprint": "b6900-emulated"},
)

ENGINE = Engine(
    name="llama.cpp",
    routes={
        "/": {"GET": page},
        "/v1/chat/completions": {"POST": chat},
        "/v1/completions": {"POST": completions},
        "/v1/embeddings": {"POST": embeddings},
        "/v1/rerank": {"POST": rerank},
        "/v1/responses": {"POST": respond},
        "/v1/messages": {"POST": messages},
        "/v1/models": {"GET": models},
        "/infill": {"POST": infill},
        "/completion": {"POST": completion},
        "/embedding": {"POST": embedding},
        "/tokenize": {"POST": tokenize},
        "/detokenize": {"POST": detokenize},
        "/apply-template": {"POST": apply_template},
        "/health": {"GET": health},
        "/v1/health": {"GET": health},
        "/props": {"GET": props},
        "/slots": {"GET": slots},
        "/metrics": {"GET": counters},
    },
    not_found=_not_found,
    loading=_loading,
    fault=_fault_reply,
    malformed=_malformed,
)
