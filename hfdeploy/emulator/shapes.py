"""The shapes of options that hold more than one value, checked before they are set."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from hfdeploy.emulator.lifecycle import OUTCOMES
from hfdeploy.emulator.records import Json

_RULE = {"outcome", "match", "journey", "times", "seconds"}
_JOURNEYS = {"create", "update", "resume", "wake"}


def check_shapes(values: Mapping[str, Any], durations: set[str]) -> None:
    """Refuse what the emulator would stumble over later; `durations` are the names that the option of that name has.

    Raises:
        ValueError: one sentence that names the option.
    """
    checks: dict[str, Callable[[Json], bool]] = {
        "accounts": lambda value: all(_is_account(entry) for entry in value.values()),
        "outcomes": lambda value: all(_is_rule(rule, durations) for rule in value),
        "containers": lambda value: all(
            isinstance(entry, dict) and not entry.keys() - {"port", "health_route"} for entry in value.values()
        ),
        "durations": lambda value: _are_amounts(value) and not value.keys() - durations,
        "quota": _are_amounts,
        "hardware_status": lambda value: all(isinstance(status, str) for status in value.values()),
        "rate_limit": lambda value: value is None or (_are_amounts(value) and value.keys() == {"requests", "seconds"}),
        "outside_user": lambda value: value.keys() == {"id", "name"},
        "idle_timeout_seconds": lambda value: not isinstance(value, dict),
        "max_replica_bound": lambda value: not isinstance(value, dict),
    }
    shapes = {
        "accounts": '{token: {"user": ..., "organisations": [...], "accepted": [...]}}',
        "outcomes": f"[{{outcome: {' | '.join(OUTCOMES)}, match: {{}}, journey, times, seconds}}]",
        "containers": "{pattern of an image url: {port, health_route}}",
        "durations": f"seconds by name: {', '.join(sorted(durations))}",
        "rate_limit": "{requests, seconds} or null",
        "outside_user": "{id, name}",
    }
    for name, check in checks.items():
        if name in values and not _holds(check, values[name]):
            raise ValueError(f"`{name}` takes {shapes.get(name, 'amounts or null')}, not {json.dumps(values[name])}.")


def _holds(check: Callable[[Json], bool], value: Json) -> bool:
    """Whether a check is passed; a value of a wholly different kind does not."""
    try:
        return check(value)
    except (AttributeError, TypeError):
        return False


def _is_account(entry: Json) -> bool:
    return isinstance(entry["user"], str) and isinstance(entry.get("organisations"), list)


def _is_rule(rule: Json, durations: set[str]) -> bool:
    return (
        not rule.keys() - _RULE
        and rule.get("outcome") in OUTCOMES
        and isinstance(rule.get("match", {}), dict)
        and rule.get("journey", "create") in _JOURNEYS
        and not rule.get("seconds", {}).keys() - durations
    )


def _are_amounts(value: Json) -> bool:
    return all(isinstance(amount, int | float) and amount >= 0 for amount in value.values())
