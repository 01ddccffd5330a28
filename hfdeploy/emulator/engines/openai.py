"""The OpenAI routes, as each engine speaks them: one way of answering, and a `Dialect` for what differs.

Frames and replies: sections 12.3 and 12.4 of the project's API reference, and clients.md section 8.
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from hfdeploy.emulator import text
from hfdeploy.emulator.engines import generation, question
from hfdeploy.emulator.engines.body import Body
from hfdeploy.emulator.engines.call import JSON, Call, Fault, dumps
from hfdeploy.emulator.engines.question import Manners, Question
from hfdeploy.emulator.frames import DONE, EventStream, Frame, Framing
from hfdeploy.emulator.text import Token

Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between engines on the same routes."""

    manners: Manners
    read: Callable[[Call], Body]
    context: Callable[[Call], int]
    """Tokens of prompt and answer together."""
    check: Callable[[Call, Question], None]
    """Raises the Fault of a question this engine refuses."""
    checks_in_stream: bool
    """Whether a streamed question is refused inside a 200, as TGI does."""
    error_frame: Callable[[Call, Fault], str]
    framing: Callable[[Call], Framing]
    headers: Callable[[Call, Question, int | None], Mapping[str, str]]
    """Of a reply; with the count of tokens when it does not stream."""
    model: Callable[[Call, Question], str]
    """The name that the reply shows."""
    identify: Callable[[str], str]
    """An id from its prefix."""
    finish: Mapping[str, str]
    """Finish reasons in this engine's words."""
    streamed_completion_finish: Mapping[str, str]
    unfinished: str | None
    """`finish_reason` of /v1/completions frames before the last."""
    opening: Content | None
    """The delta of a chat frame before all tokens."""
    role_in_each: bool
    closing: Content | None
    """The delta of a chat frame of its own for the finish reason; None: it rides on the last token."""
    shows_special: bool
    """Whether special tokens show their text on /v1/completions streams."""
    usage_on_last: bool
    """Whether the last /v1/completions frame carries the usage unasked."""
    extra: Content
    """Further keys of every reply and frame."""
    stop_reason: bool
    """Whether choices have vLLM's `stop_reason`."""


async def chat(call: Call, dialect: Dialect) -> Response:
    """POST /v1/chat/completions."""
    return await _answer(call, dialect, question.chat(dialect.read(call), dialect.manners, dialect.context(call)))


async def completions(call: Call, dialect: Dialect) -> Response:
    """POST /v1/completions."""
    return await _answer(call, dialect, question.completion(dialect.read(call), dialect.manners, dialect.context(call)))


def model_list(*entries: Content) -> Response:
    """GET /v1/models."""
    return JSON({"object": "list", "data": list(entries)})


async def _answer(call: Call, dialect: Dialect, asked: Question) -> Response:
    if asked.streams:
        if not dialect.checks_in_stream:
            dialect.check(call, asked)
        return EventStream(
            _Writer(call, dialect, asked).frames(),
            script=call.script,
            framing=dialect.framing(call),
            broken=lambda: _broken(call, dialect, Fault(424, generation.OUT_OF_MEMORY, "generation")),
            headers=dialect.headers(call, asked, None),
        )
    dialect.check(call, asked)
    answers = [[token async for token in generation.speak(call, generation.seeded(call, ask))] for ask in asked.asks]
    writer = _Writer(call, dialect, asked)
    choices = [writer.choice(index, tokens) for index, tokens in enumerate(answers)]
    produced = sum(map(len, answers))
    reply = writer.envelope("chat.completion" if asked.is_chat else "text_completion", choices)
    headers = dialect.headers(call, asked, produced)
    return JSON(reply | {"usage": writer.usage(produced)}, headers=dict(headers))


def _broken(call: Call, dialect: Dialect, fault: Fault) -> Sequence[Frame]:
    return [Frame(dialect.error_frame(call, fault)), DONE]


class _Writer:
    """Writes the frames and replies of one question."""

    def __init__(self, call: Call, dialect: Dialect, asked: Question) -> None:
        self._call = call
        self._dialect = dialect
        self._asked = asked
        self._id = dialect.identify("chatcmpl" if asked.is_chat else "cmpl")
        self._created = int(time.time())

    async def frames(self) -> AsyncGenerator[Frame, None]:
        """All frames of a stream; an error in the middle becomes a frame, as the status is long sent."""
        produced = 0
        try:
            if self._dialect.checks_in_stream:
                self._dialect.check(self._call, self._asked)
            for index, ask in enumerate(self._asked.asks):
                if self._asked.is_chat and self._dialect.opening is not None:
                    yield self._frame(self._chat_choice(index, self._dialect.opening, None))
                async with aclosing(generation.speak(self._call, generation.seeded(self._call, ask))) as tokens:
                    async for token in tokens:
                        produced += 1
                        for frame in self._of(index, token, produced):
                            yield frame
            if self._asked.with_usage:
                yield self._usage_frame(produced)
            yield DONE
        except Fault as fault:
            for frame in _broken(self._call, self._dialect, fault):
                yield frame

    def choice(self, index: int, tokens: Sequence[Token]) -> Content:
        """One choice of a reply that does not stream."""
        said = "".join(token.text for token in tokens if not token.special)
        shared = {"index": index, "logprobs": self._logprobs(tokens), "finish_reason": self._finish(tokens[-1])}
        shared |= self._stop_reason(tokens[-1])
        if self._asked.is_chat:
            return {"message": {"role": "assistant", "content": said}} | shared
        return {"text": said} | shared

    def envelope(self, kind: str, choices: Sequence[Content]) -> Content:
        """What is around the choices."""
        model = self._dialect.model(self._call, self._asked)
        start = {"id": self._id, "object": kind, "created": self._created, "model": model}
        return start | self._dialect.extra | {"choices": list(choices)}

    def usage(self, produced: int) -> Content:
        """Token counts."""
        asked = self._asked.prompt_tokens
        return {"prompt_tokens": asked, "completion_tokens": produced, "total_tokens": asked + produced}

    def _of(self, index: int, token: Token, produced: int) -> Sequence[Frame]:
        if not token.text and not token.finish:
            return []
        if not self._asked.is_chat:
            return [self._completion_frame(index, token, produced)]
        closing = self._dialect.closing
        said = "" if token.special else token.text
        if token.finish is None or closing is None:
            return [self._frame(self._chat_choice(index, {"content": said}, token), is_token=bool(said))]
        last = [self._frame(self._chat_choice(index, {"content": said}, None), is_token=True)] if said else []
        return [*last, self._frame(self._chat_choice(index, closing, token))]

    def _chat_choice(self, index: int, delta: Content, token: Token | None) -> Content:
        role = {"role": "assistant"} if self._dialect.role_in_each else {}
        finish = self._finish(token) if token is not None and token.finish else None
        logprobs = self._logprobs([token]) if token is not None else None
        start = {"index": index, "delta": role | delta, "logprobs": logprobs, "finish_reason": finish}
        return start | (self._stop_reason(token) if token is not None and token.finish else {})

    def _completion_frame(self, index: int, token: Token, produced: int) -> Frame:
        said = "" if token.special and not self._dialect.shows_special else token.text
        finish = self._dialect.unfinished
        if token.finish:
            finish = self._dialect.streamed_completion_finish[token.finish]
        choice = {"index": index, "text": said, "logprobs": None, "finish_reason": finish}
        is_last_of_all = bool(token.finish) and self._dialect.usage_on_last
        usage = {"usage": self.usage(produced)} if is_last_of_all else {}
        return Frame(dumps(self.envelope("text_completion", [choice]) | usage), is_token=not token.special)

    def _frame(self, choice: Content, *, is_token: bool = False) -> Frame:
        unasked = {"usage": None} if self._dialect.role_in_each else {}
        return Frame(dumps(self.envelope("chat.completion.chunk", [choice]) | unasked), is_token=is_token)

    def _usage_frame(self, produced: int) -> Frame:
        kind = "chat.completion.chunk" if self._asked.is_chat else "text_completion"
        return Frame(dumps(self.envelope(kind, []) | {"usage": self.usage(produced)}))

    def _finish(self, token: Token) -> str:
        return self._dialect.finish[token.finish or "length"]

    def _stop_reason(self, token: Token) -> Content:
        return {"stop_reason": token.stop} if self._dialect.stop_reason else {}

    def _logprobs(self, tokens: Sequence[Token]) -> Content | None:
        if not self._asked.with_logprobs:
            return None
        rows = [{"token": token.text, "logprob": token.logprob, "top_logprobs": []} for token in tokens]
        if self._asked.is_chat:
            return {"content": rows}
        return {"tokens": [row["token"] for row in rows], "token_logprobs": [row["logprob"] for row in rows]}


def fits(asked: Question, context: int) -> tuple[int, int] | None:
    """The tokens of the first prompt and of its answer that together exceed the context; None when all fit."""
    for ask in asked.asks:
        given = text.count(ask.prompt)
        if given + ask.limit > context:
            return given, ask.limit
    return None
