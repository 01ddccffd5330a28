"""Text Embeddings Inference: embeddings, ranks and labels (sections 12.2 to 12.6 of the API reference)."""

import re
from typing import Any

from starlette.responses import PlainTextResponse, Response

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.engines import body as bodies
from hfdeploy.emulator.engines import metrics, plain, scores
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault
from hfdeploy.emulator.swagger import documented
from hfdeploy.emulator.vectors import Vector

_MAX_BATCH = 32
_REFUSED_WITH_422_SINCE = (1, 9, 0)
_VERSION_TAG = re.compile(r":(?:[a-z0-9]+-)?v?(\d+)\.(\d+)(?:\.(\d+))?")
_TYPES = {"validation": "Validation", "generation": "Backend", "overloaded": "Overloaded", "unhealthy": "Unhealthy"}
_OPENAI_PATHS = frozenset({"/embeddings", "/v1/embeddings"})
_DEFAULT_VERSION = (1, 9, 0)


async def root(call: Call) -> Response:
    """POST /: what the model is for."""
    match _kind(call):
        case "reranker":
            return await rerank(call)
        case "classifier":
            return await predict(call)
        case _:
            return await embed(call)


async def embed(call: Call) -> Response:
    """POST /embed: always a list of vectors, for one string too."""
    body, inputs = _inputs(call)
    return JSON(_vectors(call, inputs, is_normalised=body.flag("normalize", default=True)))


async def embed_all(call: Call) -> Response:
    """POST /embed_all: one vector for each token."""
    _, inputs = _inputs(call)
    return JSON([_vectors(call, tuple(text.split(given)) or ("",)) for given in inputs])


async def embed_sparse(call: Call) -> Response:
    """POST /embed_sparse: weights of token ids."""
    _, inputs = _inputs(call)
    rows = [sorted({text.identify(piece): len(piece) / 10 for piece in text.split(given)}.items()) for given in inputs]
    return JSON([[{"index": number, "value": weight} for number, weight in row] for row in rows])


async def embeddings(call: Call) -> Response:
    """POST /v1/embeddings: any `model`; the reply says /repository."""
    body = _read(call)
    _check_kind(call, "embedder")
    _check_batch(call, len(body.texts("input", single=True)))
    return plain.embeddings(call, body, model="/repository")


async def rerank(call: Call) -> Response:
    """POST /rerank: best first."""
    body = _read(call)
    query, texts = body.text("query"), body.texts("texts")
    _check_kind(call, "reranker")
    _check_batch(call, len(texts))
    wanted, *others = _vectors(call, (query, *texts))
    ranks: list[dict[str, Any]] = [
        {"index": index, "score": vectors.cosine(wanted, other)} for index, other in enumerate(others)
    ]
    if body.flag("return_text"):
        ranks = [{**rank, "text": texts[int(rank["index"])]} for rank in ranks]
    return JSON(sorted(ranks, key=lambda rank: -rank["score"]))


async def similarity(call: Call) -> Response:
    """POST /similarity: one number for each sentence."""
    inputs = _read(call).part("inputs") or Body({})
    source, sentences = inputs.text("source_sentence"), inputs.texts("sentences")
    _check_kind(call, "embedder")
    _check_batch(call, len(sentences))
    wanted, *others = _vectors(call, (source, *sentences))
    return JSON([vectors.cosine(wanted, other) for other in others])


async def predict(call: Call) -> Response:
    """POST /predict: labels with scores, for one string, a pair, or a batch of them."""
    given = _read(call).content.get("inputs")
    _check_kind(call, "classifier")
    if isinstance(given, list) and given and isinstance(given[0], list):
        _check_batch(call, len(given))
        return JSON([_labels(call, each) for each in given])
    return JSON(_labels(call, given))


async def tokenize(call: Call) -> Response:
    """POST /tokenize."""
    _, inputs = _inputs(call)
    return JSON([_tokenized(given) for given in inputs])


async def decode(call: Call) -> Response:
    """POST /decode: ids that /tokenize gave."""
    ids = _read(call).content.get("ids", [])
    rows = ids if ids and isinstance(ids[0], list) else [ids]
    return JSON([text.join(row) for row in rows])


async def info(call: Call) -> Response:
    """GET /info."""
    kind = _kind(call)
    pooling = {"embedding": {"pooling": call.serving.image.get("pooling") or "mean"}}
    labels = {
        "id2label": dict(enumerate(scores.LABELS)),
        "label2id": {label: place for place, label in enumerate(scores.LABELS)},
    }
    return JSON(
        {
            "model_id": call.served_model,
            "model_sha": call.serving.revision,
            "model_dtype": "float32",
            "model_type": pooling if kind == "embedder" else {kind: labels},
            "max_concurrent_requests": call.setting("maxConcurrentRequests", ("MAX_CONCURRENT_REQUESTS",), (), 512),
            "max_input_length": 512,
            "max_batch_tokens": call.setting("maxBatchTokens", ("MAX_BATCH_TOKENS",), ("--max-batch-tokens",), 16384),
            "max_batch_requests": None,
            "max_client_batch_size": _batch_limit(call),
            "auto_truncate": True,
            "tokenization_workers": 4,
            "version": ".".join(map(str, _version(call))),
            "sha": None,
            "docker_label": None,
        }
    )


async def health(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /health: empty."""
    return Response()


async def counters(call: Call) -> Response:
    """GET /metrics."""
    return metrics.page(call, requests="te_request_count", tokens="te_request_tokens", running="te_queue_size")


def _read(call: Call) -> Body:
    return bodies.read(call.body, call.headers.get("content-type", ""))


def _inputs(call: Call) -> tuple[Body, tuple[str, ...]]:
    body = _read(call)
    if "inputs" not in body.content:
        raise BodyError("wrong_shape", "missing field `inputs`", field="inputs")
    inputs = body.texts("inputs", single=True)
    _check_kind(call, "embedder")
    _check_batch(call, len(inputs))
    return body, inputs


def _vectors(call: Call, texts: tuple[str, ...], *, is_normalised: bool = True) -> list[Vector]:
    serving = call.serving
    found = vectors.embed(serving.repository, serving.revision, texts, is_normalised=is_normalised)
    return vectors.scripted(found, call.script)


def _labels(call: Call, given: object) -> list[dict[str, Any]]:
    return scores.classify(call, " ".join(given) if isinstance(given, list) else str(given))


def _tokenized(given: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"id": text.START_ID, "text": "<s>", "special": True, "start": None, "stop": None}]
    place = 0
    for piece in text.split(given):
        stop = place + len(piece)
        rows.append({"id": text.identify(piece), "text": piece, "special": False, "start": place, "stop": stop})
        place = stop
    return rows


def _kind(call: Call) -> str:
    """What the model is for, from the endpoint's task."""
    match call.serving.task:
        case "text-ranking" | "sentence-ranking":
            return "reranker"
        case "text-classification":
            return "classifier"
        case _:
            return "embedder"


def _check_kind(call: Call, wanted: str) -> None:
    if _kind(call) != wanted:
        article = "an" if wanted == "embedder" else "a"
        name = {"embedder": "embedding", "reranker": "re-ranker", "classifier": "classifier"}[wanted]
        raise Fault(424, f"model is not {article} {name} model", "generation")


def _batch_limit(call: Call) -> int:
    return call.setting(None, ("MAX_CLIENT_BATCH_SIZE",), ("--max-client-batch-size",), _MAX_BATCH)


def _check_batch(call: Call, size: int) -> None:
    if size == 0:
        raise Fault(400, "`inputs` cannot be empty", "Empty")
    limit = _batch_limit(call)
    if size > limit:
        raise Fault(_refused(call), f"batch size {size} > maximum allowed batch size {limit}", "validation")


def _version(call: Call) -> tuple[int, int, int]:
    found = _VERSION_TAG.search(str(call.serving.image.get("url", "")))
    if found is None:
        return _DEFAULT_VERSION
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


def _refused(call: Call) -> int:
    """The status of invalid input."""
    chosen = call.option("tei_validation_status")
    if chosen != "by_image":
        return int(chosen)
    return 422 if _version(call) >= _REFUSED_WITH_422_SINCE else 413


def _fault_reply(call: Call, fault: Fault) -> Response:
    kind = _TYPES.get(fault.kind, fault.kind)
    if call.path in _OPENAI_PATHS:
        return JSON({"message": fault.message, "code": fault.status, "type": kind}, status_code=fault.status)
    return JSON({"error": fault.message, "error_type": kind}, status_code=fault.status)


def _malformed(call: Call, error: BodyError) -> Response:  # noqa: ARG001  every engine takes the call
    status = {"not_declared": 415, "not_json": 400}.get(error.what, 422)
    return PlainTextResponse(f"Failed to read the JSON body: {error.message}", status_code=status)


ENGINE = Engine(
    name="TEI",
    routes=documented(
        "Text Embeddings Inference",
        "/api-doc/openapi.json",
        {
            "/": {"POST": root},
            "/embed": {"POST": embed},
            "/embed_all": {"POST": embed_all},
            "/embed_sparse": {"POST": embed_sparse},
            "/embeddings": {"POST": embeddings},
            "/v1/embeddings": {"POST": embeddings},
            "/predict": {"POST": predict},
            "/rerank": {"POST": rerank},
            "/similarity": {"POST": similarity},
            "/tokenize": {"POST": tokenize},
            "/decode": {"POST": decode},
            "/info": {"GET": info},
            "/health": {"GET": health},
            "/ping": {"GET": health},
            "/metrics": {"GET": counters},
        },
    ),
    not_found=lambda _: Response(status_code=404),
    loading=lambda call: _fault_reply(call, Fault(503, "unhealthy", "unhealthy")),
    fault=_fault_reply,
    malformed=_malformed,
)
