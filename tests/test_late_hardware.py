"""Hardware that is refused for a while and then granted: the wait for it is no evidence against what starts then."""

import pytest
from control_plane import Running
from project import SPEED
from rollouts import BAD, GOOD, INSTANTLY, WORSE, Make, Stack, tgi

pytest_plugins = ["project", "rollouts"]

NOT_TO_BE_HAD = {"aws-us-east-1-nvidia-t4-x1": "not_available"}
LIMIT = {"rollout": {"timeout": "5m"}}
GRANTED_S, START_S = 270, 120
"""Of the five minutes thirty seconds are left when the hardware is granted, and the start takes longer."""


def withhold(stack: Stack) -> None:
    """The hardware is not to be had from now on, and is after a while; time passes for the service, too."""
    world, until = stack.world, stack.clock.elapsed + GRANTED_S
    world.set(hardware_status=NOT_TO_BE_HAD, durations={**INSTANTLY, "updating": START_S * SPEED})

    def go_on(seconds: float) -> None:
        world.advance(seconds)
        if stack.clock.elapsed >= until:
            world.set(hardware_status={})

    stack.clock.goes_on = go_on


@pytest.mark.fault(12, 13)
def test_an_update_that_waited_for_hardware_has_all_its_time_to_start(make: Make) -> None:
    """It is not put back, and not refused from then on, because somebody else had the hardware."""
    stack = make()
    withhold(stack)

    stack.bring(**tgi(WORSE), **LIMIT)

    assert (stack.image, stack.images_sent[-1]) == (WORSE, WORSE)
    assert stack.tags("hfd-bad-") == []
    # Longer than the limit, and not twice; the service's clock goes on by itself, too, so no second is certain.
    assert 300 < stack.clock.elapsed < 2 * 300


@pytest.mark.fault(13, 14)
def test_what_is_put_back_has_all_its_time_to_start(make: Make, world: Running) -> None:
    """The restore waits for hardware like any update, and then for the start."""
    stack = make()
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    stack.row.hands = {"putting the previous": lambda: withhold(stack)}

    said = stack.fail(**tgi(BAD), **LIMIT)

    assert "The previous configuration was put back and serves again" in said
    assert (stack.image, world.state("tiny")) == (GOOD, "running")
