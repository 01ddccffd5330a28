"""An OpenAI-shaped request, read: what to write, how many times, and how to hand it over."""

from dataclasses import dataclass, replace
from typing import Any

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import structured
from hfdeploy.emulator.engines.body import Body, BodyError
from hfdeploy.emulator.text import Ask

SAMPLING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "response_format", "tools"}
)
"""The sampling parameters that every engine reads on its OpenAI routes."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request for a chat completion or a completion."""

    asks: tuple[Ask, ...]
    """One for each choice of the answer."""
    is_chat: bool
    streams: bool
    with_usage: bool
    with_logprobs: bool
    model: str | None
    """The name as it was asked for."""

    @property
    def prompt_tokens(self) -> int:
        """Tokens of all different prompts."""
        return sum(text.count(prompt) for prompt in dict.fromkeys(ask.prompt for ask in self.asks))


@dataclass(frozen=True, slots=True)
class Manners:
    """What one engine reads of a request and what it does with stop sequences."""

    sampling: frozenset[str]
    cuts_stop: bool
    takes_single_stop: bool
    takes_n: bool
    completion_limit: int | None
    """Default of `max_tokens` on /v1/completions; None: whatever fits."""


def chat(body: Body, manners: Manners, context: int) -> Question:
    """Read a chat request.

    Raises:
        BodyError: of the wrong shape.
    """
    messages = body.content.get("messages")
    if "messages" not in body.content:
        raise BodyError("wrong_shape", "missing field `messages`", field="messages")
    if not isinstance(messages, list):
        raise BodyError("wrong_shape", "messages: expected a sequence", field="messages")
    limit = body.whole("max_completion_tokens") or body.whole("max_tokens")
    return _question(body, manners, (template(messages),), limit, context, is_chat=True)


def completion(body: Body, manners: Manners, context: int) -> Question:
    """Read a completion request.

    Raises:
        BodyError: of the wrong shape.
    """
    if "prompt" not in body.content:
        raise BodyError("wrong_shape", "missing field `prompt`", field="prompt")
    limit = body.whole("max_tokens") or manners.completion_limit
    return _question(body, manners, body.texts("prompt", single=True), limit, context, is_chat=False)


def template(messages: list[Any]) -> str:
    """The prompt that a chat becomes; a template of the emulator's own.

    Raises:
        BodyError: a message without a role, or with content that is no text.
    """
    turns = []
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BodyError("wrong_shape", f"messages[{place}]: missing field `role`", field="messages")
        turns.append(f"<|{message['role']}|>\n{_content(message.get('content'), place)}\n")
    return "".join(turns) + "<|assistant|>\n"


def _content(content: object, place: int) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    raise BodyError("wrong_shape", f"messages[{place}]: content is no text", field="messages")


def _question(
    body: Body, manners: Manners, prompts: tuple[str, ...], limit: int | None, context: int, *, is_chat: bool
) -> Question:
    temperature = body.number("temperature")
    for name in ("top_p", "frequency_penalty", "presence_penalty"):
        body.number(name)
    ask = Ask(
        prompt="",
        limit=0,
        shape=body.shape(manners.sampling),
        sampled=temperature != 0,
        seed=body.whole("seed"),
        stop=body.texts("stop", nullable=True, single=manners.takes_single_stop),
        cuts_stop=manners.cuts_stop,
        ignores_end=body.flag("ignore_eos", nullable=True) if "ignore_eos" in manners.sampling else False,
        forced=structured.forced_text(body.content.get("response_format")),
    )
    copies = (body.whole("n") or 1) if manners.takes_n else 1
    options = body.part("stream_options", nullable=True)
    return Question(
        asks=tuple(
            replace(_copy(ask, number), prompt=prompt, limit=limit or max(context - text.count(prompt), 1))
            for prompt in prompts
            for number in range(copies)
        ),
        is_chat=is_chat,
        streams=body.flag("stream", nullable=True),
        with_usage=options is not None and options.flag("include_usage"),
        with_logprobs=bool(body.content.get("logprobs")),
        model=body.text("model") if body.content.get("model") is not None else None,
    )


def _copy(ask: Ask, number: int) -> Ask:
    """The n-th choice of one question says something else."""
    return ask if number == 0 else replace(ask, shape=(*ask.shape, ("choice", number)))
