"""What an HTTP status other than 200 proves."""

from typing import Final

from hfdeploy.verdict.judgement import Judgement, Reason, failed, inconclusive

SHOWN: Final = 160
"""How many characters of a server's own words go into a sentence."""


def refusal(status: int, reply: str) -> Judgement | None:
    """What an HTTP status other than 200 proves, or None for 200.

    Proxy and engine answers share this table: `reply` tells a paused endpoint from a bad request.
    """
    words = quote(reply)
    match status:
        case 200:
            return None
        case 401:
            return inconclusive(Reason.AUTH, f"the token was not accepted (401){words}; is HF_TOKEN set and valid?")
        case 403:
            return inconclusive(
                Reason.AUTH, f"the token may not call this endpoint, or the model is gated (403){words}"
            )
        case 400 if is_paused(reply):
            return inconclusive(Reason.PAUSED, "the endpoint is paused (400); resume it first")
        case 404:
            return failed(
                Reason.NOT_FOUND, f"the engine has no such route for this task, or no such model (404){words}"
            )
        case 429:
            return inconclusive(Reason.OVERLOADED, f"the endpoint has too much to do (429){words}")
        case 503:
            return inconclusive(Reason.SERVER_ERROR, f"no replica answers yet, or none is free (503){words}")
    return _by_class(status, words)


def is_paused(reply: str) -> bool:
    """Whether the text of a 400 comes from the proxy of a paused endpoint (today's wording and that of 2024)."""
    return "endpoint is paused" in reply or "Bad Request: Invalid state" in reply


def quote(words: str) -> str:
    """A server's own words as the tail of a sentence, on one line and cut; '' for none."""
    line = " ".join("".join(c if c.isprintable() else " " for c in words).split())
    if not line:
        return ""
    return f': "{line[:SHOWN]}…"' if len(line) > SHOWN else f': "{line}"'


def _by_class(status: int, words: str) -> Judgement:
    if status in {408, 425} or status >= 500:
        return inconclusive(Reason.SERVER_ERROR, f"the server could not answer ({status}){words}")
    if status >= 400:
        return failed(Reason.REFUSED, f"the request was refused ({status}){words}")
    if status >= 300:
        sentence = f"the endpoint answered with a redirect ({status}), which is not followed"
        return inconclusive(Reason.REDIRECTED, sentence)
    return inconclusive(Reason.UNEXPECTED_STATUS, f"the answer has status {status} instead of 200{words}")
