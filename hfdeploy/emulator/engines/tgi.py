"""Text Generation Inference 3.3: sections 12.2 to 12.5 of the project's API reference, and clients.md section 8."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import generation, metrics, openai, question, tgi_rules, tgi_wire
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.engines.call import JSON, Call, Engine, Fault, dumps
from hfdeploy.emulator.engines.tgi_openai import dialect_of
from hfdeploy.emulator.engines.tgi_rules import Limits, Parameters
from hfdeploy.emulator.frames import EventStream, Frame
from hfdeploy.emulator.swagger import documented
from hfdeploy.emulator.text import Ask, Token

_SUFFIX = "Suffix is not supported and can be achieved by preprocessing the prompt."


async def root(call: Call) -> Response:
    """POST /: a list of one answer, or a stream when the body asks for it."""
    body = tgi_wire.read(call)
    prompt, given = body.text("inputs"), tgi_rules.read_parameters(body)
    if given.return_full_text is None:
        given = replace(given, return_full_text=call.option("tgi_root_return_full_text"))
    if body.flag("stream"):
        return _stream(call, prompt, given)
    return await _reply(call, prompt, given, as_list=True)


async def generate(call: Call) -> Response:
    """POST /generate: one object."""
    body = tgi_wire.read(call)
    return await _reply(call, body.text("inputs"), tgi_rules.read_parameters(body), as_list=False)


async def generate_stream(call: Call) -> Response:
    """POST /generate_stream: always events; a `stream` field is ignored."""
    body = tgi_wire.read(call)
    return _stream(call, body.text("inputs"), tgi_rules.read_parameters(body))


async def vertex(call: Call) -> Response:
    """POST /vertex: a list of native requests, answered by a list of texts."""
    tgi_wire.limit_callers(call)
    instances = tgi_wire.read(call).content.get("instances")
    if not isinstance(instances, list) or not all(isinstance(instance, dict) for instance in instances):
        raise BodyError("wrong_shape", "missing field `instances`", field="instances")
    said = []
    for body in map(Body, instances):
        prompt, given = body.text("inputs"), tgi_rules.read_parameters(body)
        ask = generation.seeded(call, tgi_rules.judge(prompt, given, Limits.of(call), streams=False))
        said.append(_said(prompt, given, [token async for token in generation.speak(call, ask)]))
    return JSON({"predictions": said})


async def chat(call: Call) -> Response:
    """POST /v1/chat/completions; `logit_bias` is a list here, not OpenAI's map."""
    bias = tgi_wire.read(call).content.get("logit_bias")
    if bias is not None and not isinstance(bias, list):
        raise BodyError("wrong_shape", "logit_bias: invalid type: map, expected a sequence", field="logit_bias")
    return await openai.chat(call, dialect_of(call))


async def completions(call: Call) -> Response:
    """POST /v1/completions, which takes no suffix."""
    if tgi_wire.read(call).content.get("suffix") is not None:
        raise Fault(422, _SUFFIX, "suffix not supported")
    return await openai.completions(call, dialect_of(call))


async def invocations(call: Call) -> Response:
    """POST /invocations: whatever the body looks like."""
    content = tgi_wire.read(call).content
    if "messages" in content:
        return await chat(call)
    return await (completions(call) if "prompt" in content else root(call))


async def models(call: Call) -> Response:
    """GET /v1/models."""
    name = call.served_model
    return openai.model_list({"id": name, "object": "model", "created": 0, "owned_by": name})


async def info(call: Call) -> Response:
    """GET /info."""
    limits = Limits.of(call)
    sha = call.serving.revision if call.option("tgi_model_sha") == "commit" else None
    return JSON(
        {
            "model_id": call.served_model,
            "model_sha": sha,
            "model_pipeline_tag": None,
            "max_concurrent_requests": call.setting(None, ("MAX_CONCURRENT_REQUESTS",), (), 128),
            "max_best_of": tgi_rules.MAX_BEST_OF,
            "max_stop_sequences": tgi_rules.MAX_STOPS,
            "max_input_tokens": limits.input,
            "max_total_tokens": limits.total,
            "validation_workers": 2,
            "max_client_batch_size": 4,
            "router": "text-generation-router",
            "version": ".".join(map(str, tgi_wire.version(call))),
            "sha": None,
            "docker_label": None,
        }
    )


async def health(call: Call) -> Response:  # noqa: ARG001  a handler
    """GET /health and its other names: empty."""
    return Response()


async def counters(call: Call) -> Response:
    """GET /metrics."""
    return metrics.page(
        call, requests="tgi_request_count", tokens="tgi_request_generated_tokens_sum", running="tgi_batch_current_size"
    )


async def tokenize(call: Call) -> Response:
    """POST /tokenize."""
    return JSON(_tokenized(tgi_wire.read(call).text("inputs")))


async def chat_tokenize(call: Call) -> Response:
    """POST /chat_tokenize: the prompt that a chat becomes, and its tokens."""
    messages = tgi_wire.read(call).content.get("messages")
    prompt = question.template(messages if isinstance(messages, list) else [])
    return JSON({"tokenize_response": _tokenized(prompt), "templated_text": prompt})


def _loading(call: Call) -> Response:
    return tgi_wire.fault_reply(call, Fault(503, "unhealthy", "healthcheck"))


def _tokenized(prompt: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"id": text.START_ID, "text": "", "start": 0, "stop": 0}]
    place = 0
    for piece in text.split(prompt):
        rows.append({"id": text.identify(piece), "text": piece, "start": place, "stop": place + len(piece)})
        place += len(piece)
    return rows


async def _reply(call: Call, prompt: str, given: Parameters, *, as_list: bool) -> Response:
    tgi_wire.limit_callers(call)
    ask = generation.seeded(call, tgi_rules.judge(prompt, given, Limits.of(call), streams=False))
    asks = [ask, *(replace(ask, shape=(*ask.shape, ("best", number))) for number in range(1, given.best_of))]
    answers = [(each, [token async for token in generation.speak(call, each)]) for each in asks]
    tokens = answers[0][1]
    answer: dict[str, Any] = {"generated_text": _said(prompt, given, tokens)}
    if given.details or given.decoder_input_details:
        answer["details"] = _details(given, ask, tokens)
        others = [
            {"generated_text": _said(prompt, given, other), **_details(given, each, other)}
            for each, other in answers[1:]
        ]
        if others:
            answer["details"]["best_of_sequences"] = others
    headers = tgi_wire.timings(call, prompt, text.count(ask.prompt), len(tokens))
    return JSON([answer] if as_list else answer, headers=dict(headers))


def _stream(call: Call, prompt: str, given: Parameters) -> Response:
    return EventStream(
        _frames(call, prompt, given),
        script=call.script,
        framing=tgi_wire.framing(call),
        broken=lambda: [_error(Fault(424, generation.OUT_OF_MEMORY, "generation"))],
        headers=tgi_wire.stream_headers(prompt),
    )


async def _frames(call: Call, prompt: str, given: Parameters) -> AsyncGenerator[Frame, None]:
    """One frame a token; the last has the whole text, and there is no other end mark."""
    said: list[Token] = []
    try:
        tgi_wire.limit_callers(call)
        ask = generation.seeded(call, tgi_rules.judge(prompt, given, Limits.of(call), streams=True))
        async with aclosing(generation.speak(call, ask)) as tokens:
            async for token in tokens:
                said.append(token)
                yield _frame(len(said), token, prompt, given, ask, said)
    except Fault as fault:
        yield _error(fault)


def _frame(index: int, token: Token, prompt: str, given: Parameters, ask: Ask, said: Sequence[Token]) -> Frame:
    top = {"top_tokens": [_token(token)] * given.top_n_tokens} if given.top_n_tokens else {}
    details = None
    if token.finish and given.details:
        details = {
            "finish_reason": token.finish,
            "generated_tokens": index,
            "seed": ask.seed if ask.sampled else None,
            "input_length": text.count(ask.prompt),
        }
    content = {
        "index": index,
        "token": _token(token),
        **top,
        "generated_text": _said(prompt, given, said) if token.finish else None,
        "details": details,
    }
    return Frame(dumps(content), is_token=not token.special)


def _error(fault: Fault) -> Frame:
    return Frame(dumps({"error": tgi_wire.message(fault), "error_type": fault.kind}))


def _token(token: Token) -> dict[str, Any]:
    return {"id": token.id, "text": token.text, "logprob": token.logprob, "special": token.special}


def _said(prompt: str, given: Parameters, tokens: Sequence[Token]) -> str:
    said = "".join(token.text for token in tokens if not token.special)
    return prompt + said if given.return_full_text else said


def _details(given: Parameters, ask: Ask, tokens: Sequence[Token]) -> dict[str, Any]:
    prefill = [{"id": text.identify(piece), "text": piece, "logprob": None} for piece in text.split(ask.prompt)]
    details: dict[str, Any] = {
        "finish_reason": tokens[-1].finish,
        "generated_tokens": len(tokens),
        "seed": ask.seed if ask.sampled else None,
        "prefill": prefill if given.decoder_input_details else [],
        "tokens": [_token(token) for token in tokens],
    }
    if given.top_n_tokens:
        details["top_tokens"] = [[_token(token)] * given.top_n_tokens for token in tokens]
    return details


ENGINE = Engine(
    name="TGI",
    routes=documented(
        "Text Generation Inference",
        "/api-doc/openapi.json",
        {
            "/": {"GET": health, "POST": root},
            "/generate": {"POST": generate},
            "/generate_stream": {"POST": generate_stream},
            "/v1/chat/completions": {"POST": chat},
            "/v1/completions": {"POST": completions},
            "/v1/models": {"GET": models},
            "/info": {"GET": info},
            "/health": {"GET": health},
            "/ping": {"GET": health},
            "/metrics": {"GET": counters},
            "/tokenize": {"POST": tokenize},
            "/chat_tokenize": {"POST": chat_tokenize},
            "/invocations": {"POST": invocations},
            "/vertex": {"POST": vertex},
        },
    ),
    not_found=lambda call: Response(status_code=404),  # noqa: ARG005  named as in the protocol
    loading=_loading,
    fault=tgi_wire.fault_reply,
    malformed=tgi_wire.malformed,
)
