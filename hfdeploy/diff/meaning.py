"""Whether two specs mean the same, whatever the words: so that a no-op is a no-op, and a review says what changes."""

from collections.abc import Mapping
from typing import Any

from hfdeploy.catalog import Catalog
from hfdeploy.errors import SpecError, UnknownHardware
from hfdeploy.labels import resolve
from hfdeploy.spec import EndpointSpec, meaning_alone, parse_spec
from hfdeploy.wire import Body

Words = Mapping[str, Any]
"""A spec as plain JSON values, by field."""


def changed_fields(old: Words, new: Words) -> list[str]:
    """The spec's fields that mean something else now, sorted.

    A default written out, another way to write a duration and an old label beside the modern spelling mean the same.
    `old` may hold what is live (after a refresh) and so may be no valid spec; then the words themselves are compared.
    `adopt` says how an endpoint became ours and nothing about what it is.
    """
    before, after = both_meanings(old, new)
    return sorted(name for name in (before.keys() | after.keys()) - {"adopt"} if before.get(name) != after.get(name))


def both_meanings(old: Words, new: Words) -> tuple[Words, Words]:
    """Two specs as they can be compared: what they mean, or their words where one of them is no valid spec."""
    before, after = meaning_of(old), meaning_of(new)
    return (old, new) if before is None or after is None else (before, after)


def meaning_of(declared: Words) -> dict[str, Any] | None:
    """A spec with every default in it and its instance in today's words; None where it is no valid spec."""
    try:
        return _meaning(parse_spec(declared))
    except SpecError:
        return None


def replaced(old: Words, new: Words, fields: tuple[str, ...]) -> list[str]:
    """Which of the fields that cannot be updated mean something else; a missing one and a null are the same.

    Each is read by itself, as the state of an endpoint's existence has no whole spec.
    """
    return [name for name in fields if _alone(name, old.get(name)) != _alone(name, new.get(name))]


def is_same_link(asked: Body | None, live: Body | None) -> bool:
    """Whether two private services in the API's words are one.

    What one of them does not show counts as the same: nobody knows whether a reply has all that a request had.
    """
    one, other = asked or {}, live or {}
    both = [key for key in one.keys() & other.keys() if one[key] is not None and other[key] is not None]
    return bool(one) == bool(other) and all(str(one[key]) == str(other[key]) for key in both)


def _alone(name: str, value: object) -> object:
    return meaning_alone(name, value) if value else None


def _meaning(spec: EndpointSpec) -> dict[str, Any]:
    meaning = spec.model_dump(mode="json")
    try:
        found = resolve(spec.instance, cloud=spec.cloud, region=spec.region, catalog=Catalog.snapshot())
    except UnknownHardware:
        return meaning
    return meaning | {"instance": found.hardware.spelling}
