"""What one try measured: values only, so that judging needs no socket and no clock."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SHORTEST_SPAN: Final = 0.05
"""Seconds between first and last token below which a speed cannot be told from the way's own."""


class Deadline(StrEnum):
    """The three clocks of one request. None of them is reset by a ping, a comment or an empty frame."""

    FIRST_TOKEN = "first_token"  # noqa: S105  a word of the model's, not a credential
    STALL = "stall"
    TOTAL = "total"


class Kind(StrEnum):
    """What an answer has to be."""

    STREAM = "stream"
    VECTORS = "vectors"
    ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Vectors:
    """What came back for an embedding request."""

    asked: int
    count: int
    lengths: tuple[int, ...]
    """The distinct lengths, ascending: exactly one when all is well."""
    is_finite: bool
    zeros: int
    """How many vectors are all zeros."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Everything measured in one try. Times are seconds on the monotonic clock, counted from sending the request."""

    kind: Kind = Kind.STREAM
    route: str = ""
    """The path that was asked, `/generate_stream` for example."""
    status: int | None = None
    """HTTP status; None when no answer came."""
    content_type: str = ""
    """Media type in lower case, without parameters."""
    text: str = ""
    tokens: int = 0
    counted_by: str = ""
    """`usage` (the engine's usage chunk), `details` (TGI's last frame), `frames` (counted here), '' without tokens."""
    prompt_tokens: int | None = None
    """Of the prompt, by the engine's own count; None where it does not say."""
    ttft: float | None = None
    gaps: tuple[float, ...] = ()
    """Between one counting frame and the next."""
    duration: float = 0.0
    finish_reason: str | None = None
    has_ended: bool = False
    """Whether the answer came to a proper end, which a cut connection does not show by itself."""
    error: str = ""
    """The engine's words in an error frame (or an error object answered with 200)."""
    is_overload: bool = False
    """Whether that error says that the engine has too much to do."""
    deadline: Deadline | None = None
    deadline_after: float = 0.0
    """How long the deadline that was hit is."""
    received: int = 0
    """Bytes of the body."""
    is_capped: bool = False
    """Whether reading stopped at the byte cap."""
    transport: str = ""
    """What happened to the connection, when something did."""
    reply: str = ""
    """The beginning of a body that is no event stream; never shown whole."""
    retry_after: float | None = None
    """Seconds the server asks to wait."""
    vectors: Vectors | None = None
    has_content: bool = False
    """Whether an answer that is neither stream nor vectors holds anything."""
    is_guess: bool = False
    """Whether the request itself was a guess (an unknown task): its refusal then proves nothing."""

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens per second after the first one.

        Of an answer that came in one piece (buffered on the way, or very short) from sending the request: the speed
        of a buffer being emptied says nothing about a model.
        """
        if not self.tokens or self.ttft is None:
            return None
        span = math.fsum(self.gaps)
        if span >= SHORTEST_SPAN and self.tokens > 1:
            return (self.tokens - 1) / span
        whole = self.ttft + span
        return self.tokens / whole if whole > 0 else None
