"""How an endpoint misbehaves, as data: what tests and `/_emulator/endpoints/...` may script for its replicas.

| key | value | what callers meet |
|---|---|---|
| `stream` | one of `STREAMS` | see there; on a request that does not stream, its nearest equivalent |
| `status` | an HTTP status | that status on every computing request (POST) |
| `times` | a count | the script holds for so many computing requests, then all is well |
| `only` | a string | the script holds only while it is part of the served repository, revision or image address |
| `split` | true | bodies leave in pieces of five bytes: in the middle of JSON and of UTF-8 characters |
| `crlf` | true | event streams end their lines with CR LF |
| `fails_above_tokens` | a count | generation dies on a prompt of more tokens |
| `fails_at_concurrency` | a count | everything under way dies with the request that makes this many |
| `text` | a string | the answer, whatever was asked |
| `gibberish` | true | tokens that are no words |
| `nan_vectors`, `zero_vectors` | true | embeddings of NaN (null in JSON, as serialisers have it), or of zeros |
| `wrong_dimensions` | true | the last vector of an answer is one number short; a single one has another length |
| `served_model` | a string | the name the engine serves the model under, instead of the repository |

Counting starts anew whenever the script changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

STREAMS: Mapping[str, str] = {
    "error_event": "an error frame after two tokens, with status 200; a plain error where nothing streams",
    "cut": "three tokens, then a clean end of the body without any end mark",
    "reset": "three tokens, then the connection is dropped in the middle of the body",
    "empty": "a proper end and not one character of text",
    "html": "an HTML page with status 200",
    "json_error_200": "a JSON error object with status 200 and its own content type",
    "stall_before_first": "headers, then silence",
    "stall_after_first": "one token, then silence",
    "keepalive_forever": "comment lines for ever and no token",
    "drip": "one token after another at `drip_interval_ms`, for ever",
    "wrong_content_type": "the right frames labelled text/plain",
    "done_only": "nothing but `data: [DONE]`",
    "garbage_utf8": "one good token, then a frame that is not UTF-8, then the rest",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A script, checked. The default is an endpoint that does everything right."""

    stream: str | None = None
    status: int | None = None
    times: int | None = None
    only: str | None = None
    split: bool = False
    crlf: bool = False
    fails_above_tokens: int | None = None
    fails_at_concurrency: int | None = None
    text: str | None = None
    gibberish: bool = False
    nan_vectors: bool = False
    zero_vectors: bool = False
    wrong_dimensions: bool = False
    served_model: str | None = None


_KINDS: Mapping[str, type] = {
    "stream": str,
    "status": int,
    "times": int,
    "only": str,
    "split": bool,
    "crlf": bool,
    "fails_above_tokens": int,
    "fails_at_concurrency": int,
    "text": str,
    "gibberish": bool,
    "nan_vectors": bool,
    "zero_vectors": bool,
    "wrong_dimensions": bool,
    "served_model": str,
}


def parse(script: Mapping[str, Any]) -> Behaviour:
    """The script as a value.

    Raises:
        ValueError: an unknown key, a value of the wrong kind, or a number out of range; one sentence that says which.
    """
    for key, value in script.items():
        _check(key, value)
    return Behaviour(**script)


def _check(key: str, value: object) -> None:
    if key not in _KINDS:
        raise ValueError(f"`{key}` is no scripted behaviour; there are {', '.join(_KINDS)}.")
    kind = _KINDS[key]
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"`{key}` takes a value of type {kind.__name__}, not {value!r}.")
    if key == "stream" and value not in STREAMS:
        raise ValueError(f"`stream` knows no {value!r}; there are {', '.join(STREAMS)}.")
    if key == "status" and value not in range(400, 600):
        raise ValueError(f"`status` is an HTTP error from 400 to 599, not {value}.")
    if isinstance(value, int) and kind is int and value < 1:
        raise ValueError(f"`{key}` counts from 1, not {value}.")
