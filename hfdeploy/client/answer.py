"""What came back, before anybody has judged it: refused, lost on the way, or not to be read.

The three are what retries are decided by; only afterwards do they become the errors of `hfdeploy.errors`. A body is
data from outside: it is cut, scrubbed and freed of control characters before it becomes part of a sentence.
"""

import json
import re
from datetime import datetime
from typing import Final

import httpx2

from hfdeploy import errors, redact, wire
from hfdeploy.transport import Untrusted
from hfdeploy.wait import pause_wanted

LONGEST: Final = 256
"""Characters of a body that are kept."""

_PAGE: Final = 16_384
"""Characters of an HTML page in which its sentence has to be."""

_REQUEST_IDS: Final = ("x-request-id", "x-amzn-trace-id", "x-amz-cf-id")
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)


class Trouble(Exception):
    """A request without a usable answer, on its way to becoming one of our errors."""

    retry_after: float = 0.0
    """Seconds before which the service does not want to be asked again."""


class Refused(Trouble):
    """An answer other than 2xx. `is_final` marks a 401 after which nothing more is sent."""

    is_final = False

    def __init__(self, status: int, text: str, request_id: str = "", retry_after: float = 0.0) -> None:
        super().__init__(status, text)
        self.status, self.text, self.request_id, self.retry_after = status, text, request_id, retry_after

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed later; 501 says that it never will."""
        return self.status in {408, 425, 429} or (self.status >= 500 and self.status != 501)


class Lost(Trouble):
    """No whole answer. `was_sent` is False only where the service cannot have seen a byte of the request."""

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.reason, self.was_sent = reason, was_sent


class Strange(Trouble):
    """Who answers cannot be proved to be the service; it has seen nothing, and is not asked again."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unreadable(Trouble):
    """A 2xx whose body is not what it should be. Nothing of the transport failed, so asking again is no cure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refusal(response: httpx2.Response, now: datetime) -> Refused:
    """What an answer other than 2xx says; `now` is what a date in `Retry-After` counts from."""
    headers = response.headers
    return Refused(
        response.status_code,
        _redirect(response) or cut(_said(response.content)) or "no body",
        next((_cleaned(redact.known.scrub(headers[name]))[:80] for name in _REQUEST_IDS if name in headers), ""),
        pause_wanted(headers, now),
    )


def loss(failure: httpx2.TransportError) -> Lost | Strange:
    """A failure of the network, with whether the service can have seen the request."""
    if isinstance(failure, Untrusted):
        return Strange(cut(str(failure)))
    unseen = isinstance(failure, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError)
    reason = cut(str(failure)) or "no reason given"
    return Lost(f"{type(failure).__name__}: {reason}", was_sent=not unseen)


def as_error(request: str, trouble: Trouble) -> errors.HfdeployError:
    """The error that a person is shown, for a request that nothing further is tried for."""
    match trouble:
        case Refused():
            return _refused(f"{request} (request {trouble.request_id})" if trouble.request_id else request, trouble)
        case Lost():
            return errors.Unreachable(f"{request} got no whole answer: {trouble.reason}.")
        case Strange():
            return errors.Untrusted(
                f"{request} was not sent: who answers cannot be proved to be the service ({trouble.reason}). Check the"
                " address, the clock, and whether a proxy opens the connection."
            )
        case Unreadable():
            return errors.Unreachable(f"{request} was answered with something unreadable: {trouble.reason}.")
    return errors.Unreachable(f"{request} got no usable answer.")


def as_unclear(request: str, trouble: Trouble) -> errors.UnclearOutcome:
    """The error for a change that was sent, about which nobody knows whether it was made."""
    met = str(as_error(request, trouble)).rstrip(".")
    return errors.UnclearOutcome(f"{met}. Whether it was done is unknown: look before repeating.")


def may_have_happened(trouble: Trouble) -> bool:
    """Whether the service can have done what it was asked and failed to say so."""
    match trouble:
        case Refused():
            return trouble.is_passing and trouble.status != 429
        case Lost():
            return trouble.was_sent
        case Strange():
            return False
    return True


def cut(text: str) -> str:
    """Fit for a sentence: one line, no secrets, no control characters, at most 256 characters."""
    line = _cleaned(redact.known.scrub(text))
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _refused(request: str, refused: Refused) -> errors.HfdeployError:
    status, text = refused.status, refused.text
    match status:
        case 401:
            return errors.AuthError(
                f"{request} answered 401: the service does not accept this token ({text}). Check HF_TOKEN, or the"
                " stack's hfdeploy:token; it needs the right inference.endpoints.write."
            )
        case 403:
            return errors.AuthError(f"{request} answered 403: {text}")
        case 404:
            return errors.NotFound(request, status, text)
        case 409 if is_about_quota(text):
            return errors.QuotaExceeded(request, status, text)
        case 400 if "not available yet" in text.lower():
            return errors.CapacityMissing(request, status, text)
    if refused.is_passing:
        asked = f" and asked for a pause of {refused.retry_after:.0f} s" if refused.retry_after else ""
        return errors.Unreachable(f"{request} answered {status}{asked}: {text}")
    return errors.ApiError(request, status, text)


def is_about_quota(text: str) -> bool:
    """What tells the two kinds of 409 apart: the one about quota says so."""
    return "quota exceeded" in text.lower()


def conflict(request: str, text: str, holder: wire.Endpoint | None) -> errors.ApiError:
    """409 that is not about quota is about the name, if there is one of that name."""
    if holder is None:
        return errors.ApiError(request, 409, text)
    made = f"there is one, made {holder.generation} by {holder.status.created_by.name or 'somebody'}"
    return errors.NameTaken(request, 409, cut(f"{made} ({text})"))


def _redirect(response: httpx2.Response) -> str:
    if not response.has_redirect_location:
        return ""
    try:
        host = httpx2.URL(response.headers["location"]).host
    except httpx2.InvalidURL:
        host = ""
    return cut(f"a redirect to {host or 'elsewhere'}, which is not followed")


def _said(body: bytes) -> str:
    """The service's own sentence, from any of the shapes in which it or a proxy before it says one."""
    text = redact.known.scrub(body.decode("utf-8", errors="replace"))
    try:
        return _sentence(json.loads(text)) or text
    except (ValueError, RecursionError):
        # Cut because a page of nothing but opened tags takes the square of its length.
        return _TAGS.sub(" ", text[:_PAGE]) if text.lstrip().startswith("<") else text


def _sentence(said: object) -> str:
    match said:
        case str():
            return said
        case {"error": error, **_others} if error:
            return _sentence(error)
        case {"message": message, **_others}:
            return _sentence(message)
        case [*parts]:
            return "; ".join(filter(None, map(_sentence, parts)))
    return ""


def _cleaned(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
