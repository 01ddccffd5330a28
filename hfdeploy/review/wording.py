"""What changes about an endpoint, property by property, in words that a reviewer understands."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hfdeploy.diff import both_meanings
from hfdeploy.spec import Security

CALLERS: Final[Mapping[str, str]] = {
    Security.PRIVATE.value: "who has a token of its namespace",
    Security.AUTHENTICATED.value: "anyone with a Hugging Face account",
    Security.PUBLIC.value: "anyone, without a token",
}
"""Who can call an endpoint of each security level."""

_MOST: Final = 80
"""Characters of a value that are shown."""

_BY_NAME: Final = frozenset({"secrets", "env"})
"""Maps of which only the names are shown: the values of `env` may be private, too."""

_NOT_SHOWN: Final = frozenset({"registry"})
"""Sections of an engine that say where a password comes from."""


def changed_words(before: Mapping[str, Any], after: Mapping[str, Any], fields: Sequence[str]) -> Iterator[str]:
    """`autoscaling.max: 1 -> 3`, for each of these fields of a spec, with the defaults that were left out filled in."""
    old, new = both_meanings(before, after)
    for name in fields:
        if name == "security":
            yield _security(old.get(name), new.get(name))
        else:
            yield from _leaves(name, old.get(name), new.get(name))


def _security(old: object, new: object) -> str:
    told = [f"{value} ({CALLERS[str(value)]})" if value in CALLERS else _shown(value) for value in (old, new)]
    return f"security: {told[0]} -> {told[1]}"


def _leaves(path: str, old: object, new: object) -> Iterator[str]:
    """Every part of a value that differs; maps are opened, lists are shown whole."""
    if old == new:
        return
    last = path.rpartition(".")[2]
    if last in _NOT_SHOWN:
        yield f"{path}: {_what_happened(old, new)}"
    elif last in _BY_NAME:
        olds, news = (value if isinstance(value, Mapping) else {} for value in (old, new))
        for name in sorted(olds.keys() | news.keys()):
            if olds.get(name) != news.get(name):
                yield f"{path}.{name}: {_what_happened(olds.get(name), news.get(name))}"
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for name in sorted(old.keys() | new.keys()):
            yield from _leaves(f"{path}.{name}", old.get(name), new.get(name))
    else:
        yield f"{path}: {_shown(old)} -> {_shown(new)}"


def _what_happened(old: object, new: object) -> str:
    if old is None:
        return "added"
    return "removed" if new is None else "changed"


def _shown(value: object) -> str:
    if value is None:
        return "not set"
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _MOST else f"{text[: _MOST - 1]}…"
