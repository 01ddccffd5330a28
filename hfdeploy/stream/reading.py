"""Reading one answer under three deadlines, none of which a ping, an empty frame or a drip of bytes can reset."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import mktime_tz, parsedate_tz
from itertools import pairwise
from typing import Final

import httpx2

from hfdeploy import redact
from hfdeploy.stream.answer import read_answer
from hfdeploy.stream.conversation import Conversation, Head, Late, Lost
from hfdeploy.stream.dialect import Dialect, Tally, clean, read_frame
from hfdeploy.stream.prompt import Request
from hfdeploy.verdict import Deadline, Kind, Sample

_SHOWN: Final = 512
"""Characters of a body that is no answer: enough to tell its cause, too few to fill a log."""

_REFUSAL_BYTES: Final = 16_384
_REFUSAL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long one request may take, in seconds on the monotonic clock, and how much it may send."""

    first_token: float = 60.0
    """From sending the request; reset by nothing but a token with text."""
    stall: float = 15.0
    """Between two tokens with text."""
    total: float = 180.0
    after_end: float = 1.0
    """From a proper end: how long the usage chunk, an error or the end of the connection is waited for."""
    byte_cap: int = 1 << 20


USUAL: Final = Deadlines()


class _Capped(Exception):
    """More came than anybody wants to read."""


def silent(_text: str) -> None:
    """For callers that show nothing."""


def events(pieces: Iterable[bytes]) -> Iterator[httpx2.ServerSentEvent]:
    """The events of a byte stream, however it is cut into pieces.

    httpx2 parses: comments, CRLF, `data:` without a space, characters cut in half. An event that is not closed by an
    empty line is no event.
    """
    request = httpx2.Request("POST", "https://localhost/")  # only named in error messages
    response = httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=pieces, request=request)
    yield from httpx2.EventSource(response, max_event_size=None)


class Reading:
    """One answer being read: the tally moves the deadlines, the deadlines end the reading."""

    def __init__(
        self, talk: Conversation, request: Request, deadlines: Deadlines, on_text: Callable[[str], None] = silent
    ) -> None:
        self._talk, self._request, self._deadlines, self._on_text = talk, request, deadlines, on_text
        self._tally = Tally()
        self._closing: float | None = None
        """When a proper end or an error came: nothing more is needed, little is waited for."""
        self._at = talk.began
        self._received = 0
        self._end = talk.began + deadlines.total
        self._sample = Sample(kind=request.kind, route=request.path, is_guess=request.is_guess)

    def read(self) -> Sample:
        """Everything that can be known of this try.

        Raises:
            errors.Cancelled, conversation.Stranger: the try has no outcome.
        """
        try:
            head = self._talk.head(self._limit()[0])
            self._note(status=head.status, content_type=_media_type(head), retry_after=_retry_after(head))
            self._body(head)
        except Late:
            self._late()
        except Lost as problem:
            self._note(transport=str(problem))
        except _Capped:
            self._note(is_capped=True)
        self._note(received=self._received, duration=time.monotonic() - self._talk.began)
        return self._sample

    def _note(self, **measured: object) -> None:
        self._sample = replace(self._sample, **measured)  # type: ignore[arg-type]

    def _body(self, head: Head) -> None:
        is_stream = self._request.kind is Kind.STREAM
        if head.status != 200 or (is_stream and self._sample.content_type != "text/event-stream"):
            self._refusal()
        elif is_stream:
            self._stream(self._request.dialect or Dialect.CHAT)
        else:
            self._document()

    def _limit(self) -> tuple[float, Deadline, float]:
        """Until when the next bytes may come, and which deadline that is, of how many seconds."""
        clocks = self._deadlines
        total = (self._end, Deadline.TOTAL, clocks.total)
        if self._request.kind is not Kind.STREAM:
            return total
        if self._tally.times:
            return min(total, (self._tally.times[-1] + clocks.stall, Deadline.STALL, clocks.stall))
        return min(total, (self._talk.began + clocks.first_token, Deadline.FIRST_TOKEN, clocks.first_token))

    def _late(self) -> None:
        """After an end or an error, silence is no news."""
        if self._closing is None:
            _, deadline, after = self._limit()
            self._note(deadline=deadline, deadline_after=after)

    def _pieces(self) -> Iterator[bytes]:
        while True:
            until = self._limit()[0] if self._closing is None else self._closing + self._deadlines.after_end
            piece = self._talk.piece(min(until, self._end))
            if piece is None:
                return
            self._at = piece.at
            self._received += len(piece.data)
            if self._received > self._deadlines.byte_cap:
                raise _Capped
            yield piece.data

    def _stream(self, dialect: Dialect) -> None:
        try:
            for event in events(self._pieces()):
                frame = read_frame(dialect, event.data, event.event)
                self._tally.add(frame, self._at)
                if frame.is_end or frame.error:
                    self._closing = self._closing or self._at
                if frame.text:
                    self._on_text(frame.text)
        finally:
            self._count()

    def _count(self) -> None:
        tally, began = self._tally, self._talk.began
        tokens, counted_by = tally.counted
        self._note(
            text="".join(tally.text),
            tokens=tokens,
            counted_by=counted_by,
            prompt_tokens=tally.prompt_tokens,
            ttft=tally.times[0] - began if tally.times else None,
            gaps=tuple(later - earlier for earlier, later in pairwise(tally.times)),
            finish_reason=tally.finish_reason,
            has_ended=tally.ended_at is not None,
            error=tally.error,
            is_overload=tally.is_overload,
        )

    def _document(self) -> None:
        body = b"".join(self._pieces())
        if self._sample.content_type != "application/json":
            self._note(has_ended=True, has_content=bool(body), reply=_shown(body))
            return
        content = read_answer(body, inputs=self._request.inputs)
        self._note(
            has_ended=True,
            text=content.text,
            has_content=content.has_content and (bool(content.text) or not self._request.needs_text),
            error=content.error,
            is_overload=content.is_overload,
            vectors=content.vectors,
            reply="" if content.is_whole else _shown(body),
        )

    def _refusal(self) -> None:
        """The beginning of a body that is no answer, for as long as it is worth waiting for; the status decides."""
        body = b""
        until = min(time.monotonic() + _REFUSAL_SECONDS, self._end)
        try:
            while len(body) < _REFUSAL_BYTES and (piece := self._talk.piece(until)):
                body += piece.data
        except (Late, Lost):
            pass
        self._received = len(body)
        content = read_answer(body)
        self._note(reply=_shown(body), error=content.error, is_overload=content.is_overload)


def _shown(body: bytes) -> str:
    """The beginning of a body. Cut after it was scrubbed: half of a secret is not known for one."""
    return redact.known.scrub(clean(body.decode("utf-8", "replace")))[:_SHOWN]


def _media_type(head: Head) -> str:
    return head.headers.get("content-type", "").partition(";")[0].strip().lower()


def _retry_after(head: Head) -> float | None:
    """Seconds to wait, from a number or a date; None for neither."""
    text = head.headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        date = parsedate_tz(text)
        return max(0.0, mktime_tz(date) - time.time()) if date else None
    except (ValueError, OverflowError):
        return None  # a day that no calendar has
