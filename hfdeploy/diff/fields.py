"""The mutable fields of an endpoint, one row each; the merge rules of the API's PUT are met here and nowhere else.

Sources of the rules: the update schema and the traps listed with it (a PUT merges, the image is one value, lists
and maps replace, what the server fills in is not a difference).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hfdeploy.owner import user_tags
from hfdeploy.wire import REDACTED, Body, Endpoint, Json

Path = tuple[str, ...]

REPLACES: Final = ("namespace", "name", "cloud", "region", "private_service")
"""Spec fields that the API cannot update: changing one deletes the endpoint and makes another."""


def _same(wanted: Json, live: Json) -> bool:
    return bool(wanted == live)


def _same_or_unset(wanted: Json, live: Json) -> bool:
    """A field that the spec leaves open is the server's to fill."""
    return wanted is None or bool(wanted == live)


def _same_parts_or_unset(wanted: Json, live: Json) -> bool:
    """So is a part of a value that the spec leaves open."""
    asked = wanted or {}
    return all((live or {}).get(name) == value for name, value in asked.items())


def _same_or_empty(wanted: Json, live: Json) -> bool:
    """Absent, null and empty are one value to the API."""
    return bool((wanted or None) == (live or None))


def _same_variant(wanted: Json, live: Json) -> bool:
    """One image union: the same engine, and every field that is asked for; the rest are server defaults.

    Registry credentials come back blanked, so they never count as a difference here; the digest in the state does.
    """
    if not isinstance(live, dict) or list(wanted) != list(live):
        return False
    key = next(iter(wanted))
    return all(live[key].get(name) == value for name, value in wanted[key].items() if name not in REDACTED)


@dataclass(frozen=True, slots=True)
class Field:
    """One mutable field.

    `path` is where it sits in a request body, `spec` the name people know it by. `is_served` tells whether a change
    of it changes what answers a prompt: such a change is waited for and verified.
    """

    path: Path
    spec: str
    is_served: bool
    is_same: Callable[[Json, Json], bool] = _same


FIELDS: Final = (
    Field(("type",), "security", is_served=False),
    Field(("compute", "accelerator"), "instance", is_served=True),
    Field(("compute", "instanceType"), "instance", is_served=True),
    Field(("compute", "instanceSize"), "instance", is_served=True),
    Field(("compute", "scaling", "minReplica"), "autoscaling.min", is_served=False),
    Field(("compute", "scaling", "maxReplica"), "autoscaling.max", is_served=False),
    Field(
        ("compute", "scaling", "scaleToZeroTimeout"),
        "autoscaling.scale_to_zero_after",
        is_served=False,
        is_same=_same_or_unset,
    ),
    Field(("compute", "scaling", "measure"), "autoscaling.measure", is_served=False, is_same=_same_or_unset),
    Field(("model", "repository"), "repository", is_served=True),
    Field(("model", "framework"), "engine.framework", is_served=True, is_same=_same_or_unset),
    Field(("model", "revision"), "revision", is_served=True, is_same=_same_or_unset),
    Field(("model", "task"), "task", is_served=True, is_same=_same_or_unset),
    Field(("model", "image"), "engine", is_served=True, is_same=_same_variant),
    Field(("model", "env"), "env", is_served=True, is_same=_same_or_empty),
    Field(("model", "command"), "command", is_served=True, is_same=_same_or_empty),
    Field(("model", "args"), "args", is_served=True, is_same=_same_or_empty),
    Field(("tags",), "tags", is_served=False, is_same=_same_or_empty),
    Field(("route",), "route", is_served=False, is_same=_same_parts_or_unset),
)


def value_at(body: Body, path: Path) -> Json:
    """The value at a path of a body, None where any part is missing."""
    value: Json = body
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    return value


def put_at(body: Body, path: Path, value: Json) -> None:
    """Set a value at a path of a body, making the objects on the way."""
    for key in path[:-1]:
        body = body.setdefault(key, {})
    body[path[-1]] = value


def serves_otherwise(one: Body, other: Body) -> bool:
    """Whether two request bodies differ in anything that changes what answers a prompt."""
    return any(field.is_served and value_at(one, field.path) != value_at(other, field.path) for field in FIELDS)


def observed(endpoint: Endpoint) -> Body:
    """A live endpoint as a body of the same shape as a request; tags are the user's only."""
    compute, model = endpoint.compute, endpoint.model
    return {
        "type": endpoint.type,
        "compute": {
            "accelerator": compute.accelerator,
            "instanceType": compute.instance_type,
            "instanceSize": compute.instance_size,
            "scaling": {
                "minReplica": compute.scaling.min_replica,
                "maxReplica": compute.scaling.max_replica,
                "scaleToZeroTimeout": compute.scaling.scale_to_zero_timeout,
                "measure": compute.scaling.measure,
            },
        },
        "model": {
            "repository": model.repository,
            "framework": model.framework,
            "revision": model.revision,
            "task": model.task,
            "image": model.image,
            "env": model.env,
            "command": model.command,
            "args": model.args,
        },
        "tags": user_tags(endpoint.tags),
        "route": endpoint.route,
    }
