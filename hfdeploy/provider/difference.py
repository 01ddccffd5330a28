"""Whether two sets of inputs mean the same, so that a no-op is a no-op."""

from collections.abc import Mapping
from typing import Any

from hfdeploy.catalog import Catalog
from hfdeploy.errors import SpecError, UnknownHardware
from hfdeploy.labels import resolve
from hfdeploy.provider.props import Props
from hfdeploy.spec import EndpointSpec, parse_spec


def changed_fields(old: Props, new: Props) -> list[str]:
    """The spec's fields that mean something else now, sorted.

    A default written out, another way to write a duration and an old label beside the modern spelling mean the same.
    `old` may hold what is live (after a refresh) and so may be no valid spec; then the words themselves are compared.
    `adopt` says how an endpoint became ours and nothing about what it is.
    """
    before, after = meaning_of(old), meaning_of(new)
    if before is None or after is None:
        before, after = old, new
    return sorted(name for name in (before.keys() | after.keys()) - {"adopt"} if before.get(name) != after.get(name))


def meaning_of(declared: Props) -> dict[str, Any] | None:
    """A spec with every default in it and its instance in today's words; None where it is no valid spec."""
    try:
        return _meaning(parse_spec(declared))
    except SpecError:
        return None


def _meaning(spec: EndpointSpec) -> dict[str, Any]:
    meaning = spec.model_dump(mode="json")
    try:
        found = resolve(spec.instance, cloud=spec.cloud, region=spec.region, catalog=Catalog.snapshot())
    except UnknownHardware:
        return meaning
    return meaning | {"instance": found.hardware.spelling}


def replaced(old: Mapping[str, Any], new: Mapping[str, Any], fields: tuple[str, ...]) -> list[str]:
    """Which of the fields that cannot be updated differ; a missing one and a null are the same."""
    return [name for name in fields if (old.get(name) or None) != (new.get(name) or None)]
