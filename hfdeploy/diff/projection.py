"""The live configuration in the spec's words, so that drift is shown by the property that a person wrote."""

import copy
from collections.abc import Mapping
from typing import Final

from pydantic.alias_generators import to_snake

from hfdeploy.diff.changes import Change, compare
from hfdeploy.plan import ENGINE_KEYS
from hfdeploy.wire import REDACTED, Body, Endpoint, Json, State

_ENGINES: Final = {key: engine for engine, key in ENGINE_KEYS.items()}

_FEWEST: Final = ("compute", "scaling", "minReplica")

Declared = dict[str, Json]
"""A spec as plain JSON values: what a resource has as inputs."""


def project(declared: Mapping[str, Json], wanted: Body, live: Endpoint) -> Declared:
    """Say what is live in the words of `declared`.

    Whatever means the same stays exactly as it was written (an old label, a branch name, a default left out), so that
    only a real difference differs. `wanted` is the request body that `declared` stands for.
    """
    shown: Declared = copy.deepcopy(dict(declared))
    changes = compare(wanted, live).items
    for change in changes:
        _say(shown, change, live)
    if any(change.field.path == _FEWEST for change in changes):
        _say_idle_time(shown, live)
    if shown.get("state") == "running" and live.status.state is State.PAUSED:
        shown["state"] = "paused"
    return shown


def _say(shown: Declared, change: Change, live: Endpoint) -> None:
    compute = live.compute
    match change.field.path:
        case ("type",):
            shown["security"] = live.type
        case ("compute", "accelerator" | "instanceType" | "instanceSize"):
            shown["instance"] = f"{compute.instance_type} {compute.instance_size}"
        case ("compute", "scaling", *_):
            _section(shown, "autoscaling")[change.field.spec.partition(".")[2]] = _scaling_value(change)
        case ("model", "image"):
            shown["engine"] = _engine(shown.get("engine"), change)
        case ("model", "framework"):
            _section(shown, "engine")["framework"] = change.live
        case ("tags",) | ("route",) | ("model", _):
            shown[change.field.spec] = change.live
        case path:
            raise AssertionError(f"no words for {'.'.join(path)}")


def _say_idle_time(shown: Declared, live: Endpoint) -> None:
    """A spec has one only with min 0, and the service keeps one whatever the fewest replicas are."""
    scaling, section = live.compute.scaling, _section(shown, "autoscaling")
    section.pop("scale_to_zero_after", None)
    if scaling.min_replica == 0 and scaling.scale_to_zero_timeout is not None:
        section["scale_to_zero_after"] = f"{scaling.scale_to_zero_timeout}m"


def _section(shown: Declared, name: str) -> Declared:
    section = shown.get(name)
    shown[name] = section = dict(section) if isinstance(section, Mapping) else {}
    return section


def _scaling_value(change: Change) -> Json:
    if change.field.path[-1] == "scaleToZeroTimeout":
        return None if change.live is None else f"{change.live}m"
    if change.field.path[-1] == "measure" and isinstance(change.live, dict):
        return {to_snake(key): value for key, value in change.live.items()}
    return change.live


def _engine(declared: Json, change: Change) -> Json:
    """The engine section: fields that are as asked for stay as written, the others show the live value."""
    live: Mapping[str, Mapping[str, Json]] = change.live if isinstance(change.live, dict) else {}
    key = next(iter(live), "")
    if key not in change.wanted or not isinstance(declared, Mapping):
        url = live.get(key, {}).get("url")
        return {"type": _ENGINES.get(key, key), **({"image": url} if url else {})}
    shown = dict(declared)
    for name, value in change.wanted[key].items():
        if name not in REDACTED and live[key].get(name) != value:
            shown["image" if name == "url" else to_snake(name)] = live[key].get(name)
    return shown
