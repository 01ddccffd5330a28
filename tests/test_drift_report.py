"""A stack that reports drift keeps what a person changed: whatever else is edited, and whatever it was."""

from typing import Any

import pytest
from control_plane import Running
from rollouts import Make

pytest_plugins = ["project", "rollouts"]

SLEEPY: dict[str, Any] = {"autoscaling": {"min": 0, "max": 2, "scale_to_zero_after": "30m"}}
AWAKE: dict[str, Any] = {"autoscaling": {"min": 1, "max": 2}}
CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "kept awake": (SLEEPY, {"minReplica": 1}, '{"min": 1, "max": 2}'),
    "kept awake, and slower to sleep": (SLEEPY, {"minReplica": 1, "scaleToZeroTimeout": 60}, '{"min": 1, "max": 2}'),
    "let sleep": (
        AWAKE,
        {"minReplica": 0, "scaleToZeroTimeout": 60},
        '{"min": 0, "max": 2, "scale_to_zero_after": "60m"}',
    ),
    "slower to sleep": (SLEEPY, {"scaleToZeroTimeout": 60}, '{"min": 0, "max": 2, "scale_to_zero_after": "60m"}'),
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("case", CHANGES)
def test_replicas_that_somebody_chose_stay_beside_another_edit(
    make: Make, world: Running, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PUT merges, so the idle time stays on an endpoint that may not sleep, where no spec has one."""
    spec, by_hand, told = CHANGES[case]
    monkeypatch.setenv("HFDEPLOY_DRIFT", "report")
    stack = make(**spec, verify={"when": "never"})
    world.mutate("tiny", by="alice", compute={"scaling": by_hand})
    scaling = world.get("tiny")["compute"]["scaling"]

    stack.refresh()
    stack.spec["tags"] = ["team-b"]
    assert stack.reasons() == ["tags"]
    stack.bring()

    left = [warning for warning in stack.row.warnings if warning.startswith("left as it was found")]
    assert f"autoscaling is {told} (last update by alice" in left[0]
    assert stack.tags("team-") == ["team-b"]
    assert world.get("tiny")["compute"]["scaling"] == scaling

    monkeypatch.setenv("HFDEPLOY_DRIFT", "revert")
    stack.refresh()
    assert stack.reasons() == ["autoscaling"]
    stack.bring()
    assert world.get("tiny")["compute"]["scaling"]["minReplica"] == spec["autoscaling"]["min"]
