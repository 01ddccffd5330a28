"""The request that is sent to prove an endpoint: one body per route. Pure.

Own keys come last, so that parameters of a spec can shape an answer but never turn the stream off.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hfdeploy.stream.dialect import Dialect
from hfdeploy.stream.route import About, Route, Target
from hfdeploy.stream.task import task_body
from hfdeploy.verdict import Kind

DEFAULT_TEXT: Final = "Once upon a time,"

TEXTS: Final = ("The cat sleeps on the warm stove.", "Prime numbers have no other divisors.")
"""What is embedded and ranked: two texts, so that one vector per input can be told from one vector."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a spec asks to be sent."""

    text: str = DEFAULT_TEXT
    max_new_tokens: int = 64
    parameters: Mapping[str, object] = field(default_factory=dict)
    """As the route spells them; nothing is translated."""

    @property
    def sha256(self) -> str:
        """What outputs may say about the prompt."""
        return hashlib.sha256(self.text.encode("utf-8", "replace")).hexdigest()


@dataclass(frozen=True, slots=True)
class Request:
    """One request to an endpoint, and how its answer is to be read."""

    path: str
    body: bytes
    kind: Kind
    dialect: Dialect | None = None
    """Of a stream."""
    inputs: int = 0
    """Texts sent to be embedded."""
    content_type: str = "application/json"
    needs_text: bool = False
    """An answer without generated text is none."""
    is_guess: bool = False
    """The shape of the body was a guess, so a refusal proves nothing."""


def make_request(target: Target, route: Route, prompt: Prompt, about: About) -> Request:
    """The request of one route.

    Raises:
        ValueError: the route is `auto`, which is a wish and no route.
    """
    model = about.model or target.repository
    match route:
        case Route.GENERATE | Route.CHAT | Route.COMPLETIONS:
            return _stream(route, prompt, model)
        case Route.EMBED:
            return _json("/embed", {"inputs": list(TEXTS)}, Kind.VECTORS)
        case Route.EMBEDDINGS:
            return _json("/v1/embeddings", {"model": model, "input": list(TEXTS)}, Kind.VECTORS)
        case Route.RERANK:
            return _json("/rerank", {"query": "Which animal sleeps?", "texts": list(TEXTS)}, Kind.ANSWER)
        case Route.RANKING:
            body = {"model": model, "query": "Which animal sleeps?", "documents": list(TEXTS)}
            return _json("/v1/rerank", body, Kind.ANSWER)
        case Route.PREDICT:
            return _json("/predict", {"inputs": TEXTS[0]}, Kind.ANSWER)
        case Route.TASK:
            return _task(target.task, prompt)
        case Route.AUTO:
            raise ValueError("auto has to be settled before there can be a request")


def _stream(route: Route, prompt: Prompt, model: str) -> Request:
    if route is Route.GENERATE:
        parameters = {**prompt.parameters, "max_new_tokens": prompt.max_new_tokens, "details": True}
        return _json("/generate_stream", {"inputs": prompt.text, "parameters": parameters}, Kind.STREAM, Dialect.TGI)
    body = {
        **prompt.parameters,
        "model": model,
        "max_tokens": prompt.max_new_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if route is Route.CHAT:
        body["messages"] = [{"role": "user", "content": prompt.text}]
        return _json("/v1/chat/completions", body, Kind.STREAM, Dialect.CHAT)
    return _json("/v1/completions", {**body, "prompt": prompt.text}, Kind.STREAM, Dialect.COMPLETIONS)


def _task(task: str, prompt: Prompt) -> Request:
    body = task_body(task, prompt.text, prompt.max_new_tokens, prompt.parameters)
    kind = Kind.VECTORS if body.inputs else Kind.ANSWER
    return Request(
        "/",
        body.data,
        kind,
        inputs=body.inputs,
        content_type=body.content_type,
        needs_text=body.needs_text,
        is_guess=body.is_guess,
    )


def _json(path: str, body: Mapping[str, object], kind: Kind, dialect: Dialect | None = None) -> Request:
    inputs = len(TEXTS) if kind is Kind.VECTORS else 0
    return Request(path, json.dumps(body).encode(), kind, dialect, inputs)
