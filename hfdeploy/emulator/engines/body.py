"""Reading a JSON body field by field, with a word for what is wrong that each engine phrases its own way."""

import json
from collections.abc import Mapping
from typing import Any


class BodyError(Exception):
    """A body that is no JSON (`not_json`), no JSON by its content type (`not_declared`), or of the wrong shape."""

    def __init__(self, what: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.what = what
        self.message = message
        self.field = field


class Body:
    """A JSON object whose fields are asked for by name and kind; unknown fields are nobody's business."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required when there is no default."""
        value = self.content.get(name, default)
        if name not in self.content and default is None:
            raise BodyError("wrong_shape", f"missing field `{name}`", field=name)
        if not isinstance(value, str):
            raise _wrong(name, value, "a string")
        return value

    def number(self, name: str) -> float | None:
        """A number or null."""
        value = self.content.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _wrong(name, value, "a number")
        return value

    def integer(self, name: str) -> int | None:
        """An integer or null."""
        value = self.content.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
            raise _wrong(name, value, "an integer")
        return value

    def whole(self, name: str) -> int | None:
        """An integer of zero or more, or null."""
        value = self.integer(name)
        if value is not None and value < 0:
            raise _wrong(name, value, "an integer of zero or more")
        return value

    def flag(self, name: str, *, default: bool = False, nullable: bool = False) -> bool:
        """A boolean; null only where the engine takes it."""
        value = self.content.get(name, default)
        if value is None and nullable:
            return default
        if not isinstance(value, bool):
            raise _wrong(name, value, "a boolean")
        return value

    def texts(self, name: str, *, nullable: bool = False, single: bool = False) -> tuple[str, ...]:
        """A list of strings, empty when left out; one string where the engine takes it (`single`)."""
        value = self.content.get(name, [])
        if value is None and nullable:
            return ()
        if isinstance(value, str) and single:
            return (value,)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _wrong(name, value, "a sequence of strings")
        return tuple(value)

    def part(self, name: str, *, nullable: bool = False) -> "Body | None":
        """An object, or None when it is left out."""
        value = self.content.get(name)
        if name not in self.content or (value is None and nullable):
            return None
        if not isinstance(value, dict):
            raise _wrong(name, value, "an object")
        return Body(value)

    def shape(self, names: frozenset[str]) -> tuple[tuple[str, Any], ...]:
        """What was given of these fields, in a fixed order: what a text is made from."""
        given = ((name, self.content[name]) for name in sorted(names) if self.content.get(name) is not None)
        return tuple((name, json.dumps(value, sort_keys=True)) for name, value in given)


def read(body: bytes, content_type: str | None) -> Body:
    """The body as a JSON object.

    Args:
        content_type: the header to insist on; None when the engine does not look at it.

    Raises:
        BodyError: it is not declared as JSON, is none, or is no object.
    """
    if content_type is not None and not _declares_json(content_type):
        raise BodyError("not_declared", "Expected request with `Content-Type: application/json`")
    try:
        content = json.loads(body)
    except ValueError as error:
        raise BodyError("not_json", str(error)) from error
    if not isinstance(content, dict):
        raise BodyError("wrong_shape", f"invalid type: {_kind(content)}, expected an object")
    return Body(content)


def _declares_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))


def _wrong(name: str, value: object, expected: str) -> BodyError:
    return BodyError("wrong_shape", f"{name}: invalid type: {_kind(value)}, expected {expected}", field=name)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean `{str(value).lower()}`"
        case int():
            return f"integer `{value}`"
        case float():
            return f"floating point `{value}`"
        case str():
            return f"string {json.dumps(value)}"
        case list():
            return "sequence"
        case _:
            return "map"
