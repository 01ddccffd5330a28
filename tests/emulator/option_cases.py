"""What is asked of the emulator with an option at a value: the registry, and what several cases need."""

from collections.abc import Callable
from typing import Any

from control_plane import BODY, Running, merged

EP = "/v2/endpoint/acme/demo"
CASES: dict[tuple[str, Any], Callable[[Running], Any]] = {}
"""What is asked of the emulator with an option at a value; each returns whether it behaves accordingly."""


def case(name: str, *values: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a case for some values of an option; it is given emulator and value, and returns what it found."""

    def register(check: Callable[..., Any]) -> Callable[..., Any]:
        for value in values:
            CASES[name, value] = lambda emulator, value=value: check(emulator, value)
        return check

    return register


def post(emulator: Running, **changes: Any) -> int:
    """Status of a POST."""
    return emulator.post(merged(BODY, changes)).status_code


def hardware(emulator: Running) -> dict[str, dict]:
    vendors = emulator.owner.get("/v2/provider/acme").json()["vendors"]
    return {row["id"]: row for vendor in vendors for region in vendor["regions"] for row in region["computes"]}


def used(emulator: Running) -> int:
    return hardware(emulator)["aws-us-east-1-nvidia-l4-x1"]["quota"]["usedAccelerators"]
