"""The bodies of POST and PUT as the API parses them: which fields there are, of what kind, what may be null."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hfdeploy.emulator.records import Json
from hfdeploy.emulator.refusals import Refused, invalid, unparsable

Body = dict[str, Any]


def _is_text(value: Json) -> bool:
    return isinstance(value, str)


def _is_int(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Json) -> bool:
    return _is_int(value) or isinstance(value, float)


def _is_bool(value: Json) -> bool:
    return isinstance(value, bool)


def _is_texts(value: Json) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _is_text_map(value: Json) -> bool:
    return isinstance(value, dict) and all(isinstance(item, str) for item in value.values())


def _is_map(value: Json) -> bool:
    return isinstance(value, dict)


def _is_measure(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and len(value) == 1
        and not value.keys() - {"hardwareUsage", "pendingRequests"}
        and all(item is None or _is_number(item) for item in value.values())
    )


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value must be, and the word for it in a refusal."""

    word: str
    accepts: Callable[[Any], bool]


TEXT = Kind("a string", _is_text)
INT = Kind("an integer", _is_int)
NUMBER = Kind("a number", _is_number)
BOOL = Kind("a boolean", _is_bool)
TEXTS = Kind("a list of strings", _is_texts)
TEXT_MAP = Kind("a map of strings", _is_text_map)
MAP = Kind("a map", _is_map)
MEASURE = Kind("`hardwareUsage` or `pendingRequests`", _is_measure)


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a body."""

    kind: Kind
    required: bool = False
    """On create; nothing is required in a PUT."""
    nullable: bool = False
    null_status: int = 400
    """How a null is refused: null maps gave 422 (huggingface_hub #2490)."""


SECTIONS: Mapping[str, Mapping[str, Field]] = {
    "": {
        "name": Field(TEXT, required=True),
        "type": Field(TEXT, required=True),
        "provider": Field(MAP, required=True),
        "compute": Field(MAP, required=True),
        "model": Field(MAP, required=True),
        "tags": Field(TEXTS),
        "route": Field(MAP),
        "privateService": Field(MAP),
        "network": Field(MAP),
        "notifications": Field(MAP),
        "experimentalFeatures": Field(MAP),
        "cacheHttpResponses": Field(BOOL),
        "customRouter": Field(MAP),
    },
    "provider": {"vendor": Field(TEXT, required=True), "region": Field(TEXT, required=True)},
    "compute": {
        "id": Field(TEXT, nullable=True),
        "accelerator": Field(TEXT, required=True),
        "instanceType": Field(TEXT, required=True),
        "instanceSize": Field(TEXT, required=True),
        "scaling": Field(MAP, required=True),
    },
    "compute.scaling": {
        "minReplica": Field(INT, required=True),
        "maxReplica": Field(INT, required=True),
        "scaleToZeroTimeout": Field(INT, nullable=True),
        "measure": Field(MEASURE, nullable=True),
        "metric": Field(TEXT, nullable=True),
        "threshold": Field(NUMBER, nullable=True),
    },
    "model": {
        "repository": Field(TEXT, required=True),
        "framework": Field(TEXT, required=True),
        "image": Field(MAP, required=True),
        "revision": Field(TEXT, nullable=True),
        "task": Field(TEXT),
        "env": Field(TEXT_MAP, null_status=422),
        "secrets": Field(TEXT_MAP, null_status=422),
        "command": Field(TEXTS),
        "args": Field(TEXTS),
        "fromCatalog": Field(BOOL),
    },
    "route": {"domain": Field(TEXT, nullable=True), "path": Field(TEXT, nullable=True)},
    "privateService": {
        "accountId": Field(TEXT, required=True),
        "region": Field(TEXT),
        "shared": Field(BOOL, nullable=True),
    },
    "customRouter": {"tag": Field(TEXT, nullable=True), "env": Field(TEXT_MAP), "port": Field(INT)},
}
"""Section 3 of the reference. What is inside `network`, `notifications` and `experimentalFeatures` is not known."""


def parse_body(body: Json, *, creating: bool, unknown_fields: str) -> Body:
    """The known fields of a body, deeply copied; `model.image` is left as it is.

    Raises:
        Refused: a missing field (on create), a wrong kind, a null, or by option an unknown field.
    """
    if not isinstance(body, dict):
        raise unparsable("", "expected a map")
    return _parse_section("", body, creating=creating, unknown_fields=unknown_fields)


def _parse_section(path: str, values: Body, *, creating: bool, unknown_fields: str) -> Body:
    fields = SECTIONS[path]
    if creating:
        for name, field in fields.items():
            if field.required and name not in values:
                raise invalid(path, f"missing field {name}")
    parsed: Body = {}
    for name, value in values.items():
        where = f"{path}.{name}" if path else name
        if name not in fields:
            if unknown_fields == "refused":
                raise unparsable(path, f"unknown field `{name}`")
            continue
        _check(where, value, fields[name])
        if where in SECTIONS:
            whole = creating or where == "privateService"
            parsed[name] = _parse_section(where, value, creating=whole, unknown_fields=unknown_fields)
        else:
            parsed[name] = value
    return parsed


def _check(path: str, value: Json, field: Field) -> None:
    if value is None:
        if field.nullable:
            return
        if field.null_status == 422:
            raise Refused("UNPROCESSABLE_ENTITY", f"{path}: invalid type: null, expected {field.kind.word}")
        raise unparsable(path, "expected value")
    if not field.kind.accepts(value):
        raise unparsable(path, f"expected {field.kind.word}")
