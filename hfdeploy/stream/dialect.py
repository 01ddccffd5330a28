"""Frames of an event stream, read by the rules of whoever sent them, and counted. Pure.

Only tokens with text count: a role, a null, an empty piece, a special token, a usage chunk or a comment is no sign that
a model generates anything. Text of a reasoning model's thoughts counts, since the model wrote it: with a short limit on
new tokens there may be nothing else.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

DONE: Final = "[DONE]"

_OVERLOADED: Final = frozenset({429, 503, "429", "503"})


class Dialect(StrEnum):
    """Who speaks: TGI's own frames, or one of the two OpenAI routes."""

    TGI = "tgi"
    CHAT = "chat"
    COMPLETIONS = "completions"


@dataclass(frozen=True, slots=True)
class Frame:
    """What one event says."""

    text: str = ""
    """Generated text; '' for everything that does not count."""
    finish_reason: str | None = None
    is_end: bool = False
    usage: int | None = None
    """Tokens by the engine's usage chunk."""
    details: int | None = None
    """Tokens by the details of TGI's last frame."""
    prompt_tokens: int | None = None
    """Tokens of the prompt, by whichever of the two."""
    error: str = ""
    is_overload: bool = False


@dataclass(slots=True)
class Tally:
    """The frames of one answer, added up as they come. Times are seconds, by the caller's clock."""

    text: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    """When each counting frame came."""
    usage: int | None = None
    details: int | None = None
    prompt_tokens: int | None = None
    finish_reason: str | None = None
    ended_at: float | None = None
    error: str = ""
    is_overload: bool = False

    def add(self, frame: Frame, at: float) -> None:
        """Count one frame. The first error and the last finish reason are kept."""
        if frame.text:
            self.text.append(frame.text)
            self.times.append(at)
        if frame.is_end and self.ended_at is None:
            self.ended_at = at
        if frame.error and not self.error:
            self.error, self.is_overload = frame.error, frame.is_overload
        self.finish_reason = frame.finish_reason or self.finish_reason
        self.usage = self.usage if frame.usage is None else frame.usage
        self.details = self.details if frame.details is None else frame.details
        self.prompt_tokens = self.prompt_tokens if frame.prompt_tokens is None else frame.prompt_tokens

    @property
    def counted(self) -> tuple[int, str]:
        """How many tokens, and who counted: the engine where it says so, else the frames.

        An engine that reports tokens and sent no text did not generate anything that counts.
        """
        if not self.times:
            return 0, ""
        if self.usage:
            return self.usage, "usage"
        if self.details:
            return self.details, "details"
        return len(self.times), "frames"


def read_frame(dialect: Dialect, data: str, event: str = "message") -> Frame:
    """Read the data of one event. What is not JSON says nothing, unless the event is called an error."""
    if data.strip() == DONE:
        return Frame(is_end=True)
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return Frame(error=data or "an error event without a text") if event == "error" else Frame()
    if not isinstance(content, dict):
        return Frame()
    if error := read_error(content, is_error=event == "error"):
        return error
    return _tgi(content) if dialect is Dialect.TGI else _openai(content)


def read_error(content: Mapping[str, object], *, is_error: bool = False) -> Frame | None:
    """The error an object reports, in any engine's shape, or None.

    `{"error": text, "error_type": ...}`, `{"error": {"message", "code" | "http_status_code"}}` and, flat,
    `{"object": "error", "message": ...}`.
    """
    error = content.get("error")
    if not error and (is_error or content.get("object") == "error"):
        error = content
    if not error:
        return None
    inner = error if isinstance(error, dict) else {}
    words = inner.get("message") or (error if isinstance(error, str) else json.dumps(error))
    codes = {str(source.get(key)) for source in (inner, content) for key in ("code", "http_status_code", "status")}
    kinds = {str(source.get(key)).lower() for source in (inner, content) for key in ("type", "error_type")}
    is_overload = bool(codes & _OVERLOADED) or "overloaded" in kinds or "overloaded" in str(words).lower()
    return Frame(error=clean(str(words)), is_overload=is_overload)


def clean(text: str) -> str:
    """The text without lone surrogates, which JSON can spell and nothing can write down."""
    return text.encode("utf-8", "replace").decode()


def _tgi(content: Mapping[str, object]) -> Frame:
    token, details = _object(content.get("token")), _object(content.get("details"))
    is_special = token.get("special") is True
    reason = details.get("finish_reason")
    return Frame(
        text="" if is_special else _text(token.get("text")),
        finish_reason=reason if isinstance(reason, str) else None,
        is_end=content.get("generated_text") is not None or bool(reason),
        details=_count(details.get("generated_tokens")),
        prompt_tokens=_count(details.get("input_length")),
    )


def _openai(content: Mapping[str, object]) -> Frame:
    counts = _object(content.get("usage"))
    usage, prompt_tokens = _count(counts.get("completion_tokens")), _count(counts.get("prompt_tokens"))
    choices = content.get("choices")
    if not isinstance(choices, list) or not choices:
        return Frame(usage=usage, prompt_tokens=prompt_tokens)
    choice = _object(choices[0])
    delta = _object(choice.get("delta"))
    pieces = (delta.get("reasoning_content") or delta.get("reasoning"), delta.get("content"), choice.get("text"))
    reason = choice.get("finish_reason")
    return Frame(
        text="".join(_text(piece) for piece in pieces),
        # TGI's completions route says "" until the end.
        finish_reason=reason if isinstance(reason, str) and reason else None,
        is_end=bool(reason),
        usage=usage,
        prompt_tokens=prompt_tokens,
    )


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
