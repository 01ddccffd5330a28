"""Pydantic's findings as problems in our words: the one place that knows its error types.

Validators of the spec raise `ValueError` with a whole sentence, which is passed on as it is. What pydantic finds by
itself is named by a type, and each type that the models can raise has its sentence here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hfdeploy.spec.credential import looks_like_token
from hfdeploy.spec.scalar import kind, shown
from hfdeploy.spec.section import nearest

_Sentence = Callable[[Mapping[str, Any], object], str]


def _choice(context: Mapping[str, Any], value: object) -> str:
    names = re.findall(r"'([^']*)'", str(context["expected"]))
    if len(names) == 1:
        return f"can only be {names[0]}; found {shown(value)}"
    return f"is no choice here: found {shown(value)}{nearest(value, names)}"


SENTENCES: Final[Mapping[str, _Sentence]] = {
    "missing": lambda _, __: "is required",
    "tuple_type": lambda _, value: f"must be a list; found {kind(value)}",
    "dict_type": lambda _, value: f"must be a mapping; found {kind(value)}",
    "greater_than_equal": lambda context, value: f"must be at least {shown(context['ge'])}; found {shown(value)}",
    "greater_than": lambda context, value: f"must be above {shown(context['gt'])}; found {shown(value)}",
    "less_than_equal": lambda context, value: f"must be at most {shown(context['le'])}; found {shown(value)}",
    "less_than": lambda context, value: f"must be below {shown(context['lt'])}; found {shown(value)}",
    "too_long": lambda context, _: (
        f"has {context['actual_length']} characters, and {context['max_length']} is the most"
    ),
    "enum": _choice,
    "literal_error": _choice,
    "value_error": lambda context, _: str(context["error"]),
}
"""What each error type says, from its context and the value that was found."""


def objections(error: ValidationError) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path of each finding in the spec's own words, and its sentence."""
    for line in error.errors(include_url=False):
        yield _path(line), SENTENCES[line["type"]](line.get("ctx", {}), line["input"])


def _path(line: ErrorDetails) -> tuple[str, ...]:
    # Pydantic puts `[key]` after a mapping's key when the key itself is what it objects to.
    return tuple(_step(str(step)) for step in line["loc"] if step != "[key]")


def _step(key: str) -> str:
    """A key as a path may show it: a program can have put anything there."""
    return "(key not shown)" if looks_like_token(key) or not key.isprintable() else key
