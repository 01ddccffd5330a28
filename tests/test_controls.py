"""Each protection taken out in turn shows the harm that it prevents, and with all of them in place there is none."""

from collections.abc import Callable, Iterator

import pytest
from controls.campaign import CONTROLS, GUARDLESS, Control
from invariants import endpoints
from reconcile import STOCK, Stack
from schedule import BASE
from theatre import Theatre, theatre


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """One emulator and one plugin process for all of them."""
    with theatre(tmp_path_factory.mktemp("plugin")) as made:
        yield made


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.protection)
@pytest.mark.fault(1, 2, 3, 5, 10, 14)
def test_a_protection_taken_out_shows_its_harm(
    stage: Theatre, control: Control, record_property: Callable[[str, object], None]
) -> None:
    """A control that shows no harm means that the invariants see nothing."""
    sound = stage.play(control.schedule)
    without = stage.play(control.schedule, control.providers)

    assert [str(one) for one in sound.violations] == []
    assert control.rules <= {one.rule for one in without.violations}, [str(one) for one in without.violations]
    record_property("controls", 1)


def test_without_the_guard_a_wrong_glob_deletes_production(
    stage: Theatre, record_property: Callable[[str, object], None]
) -> None:
    """Five endpoints, and a run that finds one spec."""
    specs = {f"serves-{number}": BASE for number in range(5)}
    left = {}
    for providers in (STOCK, GUARDLESS):
        stage.world._script("POST", "/reset")
        stack = Stack(stage.host, providers)
        assert stack.up(specs).is_green
        run = stack.up({"serves-0": BASE})
        left[providers] = (run.is_green, len(endpoints(stage.world)))

    assert left == {STOCK: (False, 5), GUARDLESS: (True, 1)}
    record_property("controls", 1)
