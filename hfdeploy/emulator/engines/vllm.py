"""vLLM: OpenAI routes only, and exactly one name for its model (sections 12.2 to 12.6 of the API reference)."""

import time
from http import HTTPStatus

from starlette.responses import Response

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines import metrics, openai, plain
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault, dumps
from hfdeploy.emulator.engines.openai import Content, Dialect
from hfdeploy.emulator.engines.question import SAMPLING, Manners, Question
from hfdeploy.emulator.frames import Framing
from hfdeploy.emulator.swagger import documented

_EXTRAS = frozenset({"top_k", "min_p", "repetition_penalty", "ignore_eos", "guided_json", "guided_regex"})
_TYPES = {"generation": "InternalServerError", "overloaded": "RateLimitError", "validation": "BadRequestError"}
_BAD_REQUEST = "BadRequestError"


async def chat(call: Call) -> Response:
    """POST /v1/chat/completions."""
    return await openai.chat(call, DIALECT)


async def completions(call: Call) -> Response:
    """POST /v1/completions."""
    return await openai.completions(call, DIALECT)


async def models(call: Call) -> Response:
    """GET /v1/models: the repository id and the longest context."""
    return openai.model_list(
        {
            "id": call.served_model,
            "object": "model",
            "created": int(time.time()),
            "owned_by": "vllm",
            "root": "/repository",
            "parent": None,
            "max_model_len": _context(call),
            "permission": [],
        }
    )


async def health(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /health: empty."""
    return Response()


async def counters(call: Call) -> Response:
    """GET /metrics."""
    return metrics.page(
        call,
        requests="vllm:request_success_total",
        tokens="vllm:generation_tokens_total",
        running="vllm:num_requests_running",
    )


async def version(call: Call) -> Response:
    """GET /version."""
    tag = str(call.serving.image.get("url", "")).rpartition(":")[2]
    return JSON({"version": tag.removeprefix("v") or "0.11.0"})


async def embeddings(call: Call) -> Response:
    """POST /v1/embeddings."""
    body = _read(call)
    _check_model(call, body.text("model", call.served_model))
    return plain.embeddings(call, body, model=call.served_model)


async def tokenize(call: Call) -> Response:
    """POST /tokenize."""
    ids = plain.token_ids(_read(call).text("prompt"))
    return JSON({"count": len(ids), "max_model_len": _context(call), "tokens": ids, "token_strs": None})


async def detokenize(call: Call) -> Response:
    """POST /detokenize: ids that /tokenize gave."""
    ids = _read(call).content.get("tokens", [])
    return JSON({"prompt": text.join([number for number in ids if isinstance(number, int)])})


def _read(call: Call) -> Body:
    return bodies.read(call.body, call.headers.get("content-type", ""))


def _context(call: Call) -> int:
    return call.setting(None, ("MAX_MODEL_LEN",), ("--max-model-len", "--max_model_len"), 32768)


def _check(call: Call, asked: Question) -> None:
    _check_model(call, asked.model or call.served_model)
    fault = plain.too_long(asked, _context(call), _BAD_REQUEST)
    if fault is not None:
        raise fault
    for ask in asked.asks:
        _check_ranges(dict(ask.shape))


def _check_model(call: Call, model: str) -> None:
    if model != call.served_model:
        raise Fault(404, f"The model `{model}` does not exist.", "NotFoundError", param="model")


def _check_ranges(given: dict[str, str]) -> None:
    temperature, top_p = float(given.get("temperature", 1)), float(given.get("top_p", 1))
    if temperature < 0:
        raise Fault(400, f"temperature must be non-negative, got {temperature}.", _BAD_REQUEST, param="temperature")
    if not 0 < top_p <= 1:
        raise Fault(400, f"top_p must be in (0, 1], got {top_p}.", _BAD_REQUEST, param="top_p")


def _error(fault: Fault) -> Content:
    kind = _TYPES.get(fault.kind, fault.kind if fault.kind.endswith("Error") else HTTPStatus(fault.status).phrase)
    status = 500 if fault.kind == "generation" else fault.status
    said = f"EngineCore encountered an issue: {fault.message}" if fault.kind == "generation" else fault.message
    return {"message": said, "type": kind, "param": fault.param, "code": status}


def _fault_reply(call: Call, fault: Fault) -> Response:
    error = _error(fault)
    flat = call.option("vllm_error_form") == "flat"
    return JSON({"object": "error", **error} if flat else {"error": error}, status_code=error["code"])


def _malformed(call: Call, error: BodyError) -> Response:
    return _fault_reply(call, Fault(400, error.message, "Bad Request", param=error.field))


def _loading(call: Call) -> Response | None:
    return Response(status_code=503) if call.option("vllm_while_loading") == "503" else None


def _framing(call: Call) -> Framing:
    is_kept_alive = call.option("openai_keep_alive") == "comments"
    return Framing(keep_alive_s=call.option("keep_alive_interval_s") or None if is_kept_alive else None)


DIALECT = Dialect(
    manners=Manners(SAMPLING | _EXTRAS, cuts_stop=True, takes_single_stop=True, takes_n=True, completion_limit=16),
    read=_read,
    context=_context,
    check=_check,
    checks_in_stream=False,
    error_frame=lambda _, fault: dumps({"error": _error(fault)}),
    framing=_framing,
    headers=lambda _call, _asked, _generated: {},
    model=lambda call, _: call.served_model,
    identify=plain.new_id,
    finish=plain.FINISH,
    streamed_completion_finish=plain.FINISH,
    unfinished=None,
    opening={"role": "assistant", "content": ""},
    role_in_each=False,
    closing=None,
    shows_special=False,
    usage_on_last=False,
    extra={},
    stop_reason=True,
)

ENGINE = Engine(
    name="vLLM",
    routes=documented(
        "vLLM API server",
        "/openapi.json",
        {
            "/v1/chat/completions": {"POST": chat},
            "/v1/completions": {"POST": completions},
            "/v1/embeddings": {"POST": embeddings},
            "/v1/models": {"GET": models},
            "/health": {"GET": health},
            "/ping": {"GET": health, "POST": health},
            "/version": {"GET": version},
            "/metrics": {"GET": counters},
            "/tokenize": {"POST": tokenize},
            "/detokenize": {"POST": detokenize},
        },
        examples={"/tokenize": {"prompt": "What is deep learning?"}},
    ),
    not_found=lambda _: JSON({"detail": "Not Found"}, status_code=404),
    loading=_loading,
    fault=_fault_reply,
    malformed=_malformed,
)
