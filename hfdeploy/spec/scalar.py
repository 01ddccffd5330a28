"""Single values: how a text of the file becomes a number, a length of time or a name.

The loader hands over every scalar as text, so that `no`, `010`, `12:30` and `1e3` mean what they say; a Pulumi program
hands over Python's own values, which cross protobuf as floats (`1` arrives as `1.0`). Both are typed here. Sentences
show what was found, except where a token could be in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from math import isfinite
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import core_schema

from hfdeploy.spec.credential import looks_like_token

_SHOWN: Final = 60
_DIGITS: Final = 15
"""Whole numbers beyond this lose digits where they cross protobuf as floats."""
_LONGEST: Final = 100_000
"""Linux hands no longer argument or variable to a program (128 KiB), whatever the encoding makes of the last ones."""
_WHOLE: Final = re.compile(r"-?(?:0|[1-9][0-9]*)")
_REAL: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,20})?")
_DURATION: Final = re.compile(r"([1-9][0-9]{0,5})([smh])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours"}
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_BREAKS: Final = re.compile("[\t\n\r\x85\u2028\u2029]")


def kind(value: object) -> str:
    """What sort of value stands there, for sentences that must not show it."""
    match value:
        case None:
            return "nothing"
        case str():
            return "text"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case timedelta():
            return "a length of time"
        case Mapping():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return f"a {type(value).__name__}"


def shown(value: object) -> str:
    """A value as a sentence may show it: short, on one line, and never a token."""
    match value:
        case str() if looks_like_token(value[: 10 * _SHOWN]):
            return "a text that looks like a token"
        case str():
            return repr(value if len(value) <= _SHOWN else value[: _SHOWN - 1] + "…")
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:.15g}"
        case timedelta():
            return duration_text(value)
        case _:
            return kind(value)


def _whole(value: object) -> object:
    match value:
        case str() if _WHOLE.fullmatch(value):
            text = value
        case int() if not isinstance(value, bool):
            text = str(value)
        case float() if value.is_integer():
            text = str(int(value))
        case _:
            raise ValueError(f"must be a whole number such as 3, without leading zeros; found {shown(value)}")
    if len(text.lstrip("-")) > _DIGITS:
        raise ValueError(f"is beyond {_DIGITS} digits; found {shown(value)}")
    return int(text)


def _real(value: object) -> object:
    match value:
        case str() if _REAL.fullmatch(value):
            return float(value)
        case int() | float() if not isinstance(value, bool) and isfinite(value) and abs(value) < 10**_DIGITS:
            return float(value)
        case _:
            raise ValueError(f"must be a plain number such as 1.5; found {shown(value)}")


def _flag(value: object) -> object:
    match value:
        case bool():
            return value
        case "true" | "false":
            return value == "true"
        case _:
            raise ValueError(f"must be true or false; found {shown(value)}")


def _text(value: object) -> object:
    match value:
        case str():
            text = value
        case int() if not isinstance(value, bool):
            text = str(value)
        case _:
            raise ValueError(f"must be text; found {kind(value)}")
    if len(text) > _LONGEST:
        raise ValueError(f"has {len(text)} characters, and {_LONGEST} is the most")
    if control := _CONTROLS.search(text):
        raise ValueError(f"holds the control character U+{ord(control[0]):04X}; take it out")
    return text


def _line(value: str) -> str:
    if not value:
        raise ValueError("is empty; give a value or leave the field out")
    if _BREAKS.search(value):
        raise ValueError("must be one line without tabs")
    if value != value.strip():
        raise ValueError("begins or ends with a blank; take it off")
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise ValueError("is empty; give a value or leave the field out")
    return value


def without_token(value: str) -> str:
    """Refuse a text that holds a credential, without showing it."""
    if looks_like_token(value):
        raise ValueError("looks like a token, and a spec is no place for one: move it to `secrets` as {from_env: NAME}")
    return value


def _duration(value: object) -> object:
    if isinstance(value, timedelta):
        if value.microseconds or value <= timedelta(0):
            raise ValueError("must be a positive length of time in whole seconds")
        return value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value)):
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
    raise ValueError(f"must be a length of time such as 90s, 15m or 2h; found {shown(value)}")


def duration_text(value: timedelta) -> str:
    """A length of time as a spec spells it: 90s, 15m, 2h; the largest unit that leaves nothing over."""
    seconds = int(value.total_seconds())
    for unit, length in (("h", 3600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


@dataclass(frozen=True)
class Shape:
    """Text of one form. The pattern judges, here and in editors; the sentence tells people what is wanted."""

    pattern: str
    wanted: str
    at_most: int = 255

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern)

    def judge(self, value: str) -> str:
        """Give the value back if it has the form.

        Raises:
            ValueError: The sentence, with what was found.
        """
        if len(value) > self.at_most:
            raise ValueError(f"has {len(value)} characters, and {self.at_most} is the most; found {shown(value)}")
        if not self._compiled.fullmatch(value):
            raise ValueError(f"must be {self.wanted}; found {shown(value)}")
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_after_validator_function(self.judge, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^(?:{self.pattern})$", "maxLength": self.at_most}


def between(least: timedelta, most: timedelta, *, step: timedelta) -> AfterValidator:
    """A check that a length of time is within bounds (both allowed) and a multiple of `step`."""

    def judge(value: timedelta) -> timedelta:
        if not least <= value <= most:
            bounds = f"{duration_text(least)} to {duration_text(most)}"
            raise ValueError(f"must be {bounds}; found {duration_text(value)}")
        if value % step:
            raise ValueError(f"must be a multiple of {duration_text(step)}; found {duration_text(value)}")
        return value

    return AfterValidator(judge)


_ANY_SCALAR: Final = {"type": ["string", "number", "boolean"]}
"""For editors: a plain scalar such as 8080 or true is text where text is wanted."""

WHOLE: Final = BeforeValidator(_whole)
REAL: Final = BeforeValidator(_real)
"""Put last: what stands before them in an annotation then judges the number, here and in the JSON Schema."""
Count = Annotated[int, Field(ge=1), WHOLE]
Flag = Annotated[bool, BeforeValidator(_flag)]
Word = Annotated[str, BeforeValidator(_text), AfterValidator(without_token), AfterValidator(_line)]
"""One line of text that editors take for text too; not a token."""
Line = Annotated[Word, WithJsonSchema(_ANY_SCALAR | {"minLength": 1}, mode="validation")]
"""One line of text that may look like a number to an editor; not a token."""
Anything = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(without_token),
    WithJsonSchema(_ANY_SCALAR, mode="validation"),
]
"""Text that may be empty or have several lines; not a token."""
Passage = Annotated[
    str,
    BeforeValidator(_text),
    AfterValidator(_not_blank),
    AfterValidator(without_token),
    WithJsonSchema(_ANY_SCALAR | {"minLength": 1}, mode="validation"),
]
"""Text with something in it, of any number of lines; not a token."""
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": f"^(?:{_DURATION.pattern})$"}, mode="validation"),
]
