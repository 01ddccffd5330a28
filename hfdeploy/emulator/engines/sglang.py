"""SGLang: OpenAI routes with flat errors, and a native /generate of its own (sections 12.2 to 12.6)."""

import secrets
import time
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines import metrics, openai, plain, responses, scores, sglang_native, vllm
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault, dumps
from hfdeploy.emulator.engines.question import SAMPLING, Manners, Question
from hfdeploy.emulator.swagger import documented

_BAD_REQUEST = "BadRequestError"


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


async def rerank(call: Call) -> Response:
    """POST /v1/rerank: a list, best first."""
    body = _read(call)
    documents = body.texts("documents")
    ranked = scores.rank(call, body.text("query"), documents)
    return JSON([{"score": score, "document": documents[index], "index": index} for index, score in ranked])


async def score(call: Call) -> Response:
    """POST /v1/score: how each item follows from the query."""
    body = _read(call)
    ranked = sorted(scores.rank(call, body.text("query"), body.texts("items", single=True)))
    return JSON({"scores": [[value] for _, value in ranked], "model": call.served_model, "object": "scoring"})


async def classify(call: Call) -> Response:
    """POST /v1/classify: the likelier label of each text."""
    rows = []
    for index, given in enumerate(_read(call).texts("input", single=True)):
        likely, other = scores.classify(call, given)
        probabilities = [likely["score"], other["score"]]
        rows.append({"index": index, "label": likely["label"], "probs": probabilities, "num_classes": 2})
    return JSON({"id": plain.new_id("classify"), "object": "list", "model": call.served_model, "data": rows})


async def respond(call: Call) -> Response:
    """POST /v1/responses, which nests its errors under `error`, as no other route here does."""
    try:
        return await responses.responses(call, DIALECT)
    except BodyError as error:
        nested = _error(Fault(400, error.message, _BAD_REQUEST, param=error.field))
        return JSON({"error": nested}, status_code=400)
    except Fault as fault:
        return JSON({"error": _error(fault)}, status_code=fault.status)


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
            "/v1/rerank": {"POST": rerank},
            "/v1/score": {"POST": score},
            "/v1/classify": {"POST": classify},
            "/v1/responses": {"POST": respond},
            "/v1/models": {"GET": models},
            "/generate": {"POST": sglang_native.generate},
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
        examples={
            "/v1/rerank": {"query": "deep learning", "documents": ["machine learning", "cheese"]},
            "/v1/score": {"query": "deep learning", "items": ["machine learning", "cheese"]},
            "/v1/classify": {"input": ["What is deep learning?"]},
            "/v1/responses": {"input": "What is deep learning?", "max_output_tokens": 20},
            "/tokenize": {"prompt": "What is deep learning?"},
            "/generate": {"text": "What is deep learning?", "sampling_params": {"max_new_tokens": 20}},
            "/invocations": {"messages": [{"role": "user", "content": "What is deep learning?"}], "max_tokens": 20},
        },
    ),
    not_found=_not_found,
    loading=lambda _: Response(status_code=503),
    fault=_fault_reply,
    malformed=_malformed,
)
