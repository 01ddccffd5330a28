"""Pages of a list, with opaque cursors that stay good while items come and go."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any

from hfdeploy.emulator.refusals import Refused

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
"""A client has used 100; the service's bound is not known."""


def page(keys: Sequence[str], query: dict[str, str], *, swapped: bool = False) -> tuple[slice, dict[str, Any]]:
    """Which part of a sorted list a query asks for, and the cursors that go with it.

    `keys` are the items' own places in the order, ascending; `swapped` names the cursors the other way round.

    Raises:
        Refused: 400 for a limit or cursor that is none.
    """
    limit = _limit(query.get("limit"))
    start = 0
    if "cursor" in query:
        direction, key = _decode(query["cursor"])
        if direction == "after":
            start = sum(one <= key for one in keys)
        else:
            start = max(0, sum(one < key for one in keys) - limit)
    end = min(start + limit, len(keys))
    onward, back = ("prevCursor", "nextCursor") if swapped else ("nextCursor", "prevCursor")
    cursors: dict[str, Any] = {}
    if end < len(keys):
        cursors[onward] = _encode("after", keys[end - 1])
    if start > 0:
        cursors[back] = _encode("before", keys[start])
    return slice(start, end), cursors


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not text.isdigit() or not 1 <= int(text) <= MAX_LIMIT:
        raise Refused("BAD_REQUEST", f"limit must be between 1 and {MAX_LIMIT}, got {text!r}")
    return int(text)


def _encode(direction: str, key: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([direction, key]).encode()).decode()


def _decode(cursor: str) -> tuple[str, str]:
    try:
        direction, key = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, TypeError) as error:
        raise Refused("BAD_REQUEST", f"invalid cursor {cursor!r}") from error
    return direction, key
