"""The stand-alone model's table (reliability, 2.5) once more, through the real plugin process.

Every request of a create is met by every fault that leaves its fate unclear; then a plain re-run, then `destroy`.
Ours comes out clean, and A, B and C come out as they are known.
"""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from controls.configurations import AsksNobody
from controls.identities import AdoptsAnything, ConflictIsAnError, RandomSuffix
from reconcile import STOCK, Providers
from sabotage import Change, Injury
from schedule import BASE, NAMES, Schedule
from theatre import Theatre, theatre

KINDS = (
    "killed before",
    "killed after commit",
    "500 after commit",
    "reset after commit",
    "half a body",
    "too slow",
    "429",
)
REQUESTS = range(8)
"""Of a create: the catalogue, the look, the POST, and what follows until it runs."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """One emulator and one plugin process for all of them."""
    with theatre(tmp_path_factory.mktemp("plugin")) as made:
        yield made


def swept(stage: Theatre, providers: Providers, record: Callable[[str, object], None]) -> Counter[str]:
    """How many of the schedules broke each invariant."""
    broken: Counter[str] = Counter()
    for kind in KINDS:
        for at in REQUESTS:
            schedule = Schedule("create", {}, {NAMES[0]: BASE}, (Injury(kind, at),))
            broken.update({one.rule for one in stage.play(schedule, providers).violations})
            record("faults", 1)
    return broken


@pytest.mark.fault(1, 3)
def test_ours_leaves_nothing_behind(stage: Theatre, record_property: Callable[[str, object], None]) -> None:
    """No duplicate, no orphan, nobody stuck."""
    assert swept(stage, STOCK, record_property) == {}


@pytest.mark.fault(1, 3)
def test_a_random_suffix_leaves_orphans(stage: Theatre, record_property: Callable[[str, object], None]) -> None:
    """A: another endpoint at each attempt, and the state knows only the last."""
    broken = swept(stage, Providers(identity=RandomSuffix, endpoint=None), record_property)

    assert broken["I1"] >= 5
    assert broken["O"] >= 5
    record_property("controls", 1)


@pytest.mark.fault(1, 3, 4)
def test_without_a_look_runs_are_stuck(stage: Theatre, record_property: Callable[[str, object], None]) -> None:
    """B: its own half-made endpoint is in the way for ever."""
    assert swept(stage, Providers(identity=ConflictIsAnError), record_property)["S"] >= 4
    record_property("controls", 1)


@pytest.mark.fault(5)
def test_adopting_anything_damages_what_is_others(
    stage: Theatre, record_property: Callable[[str, object], None]
) -> None:
    """C: whoever had the name first loses it; ours leaves it as it is, whatever else goes wrong."""
    for providers, damaged in ((STOCK, 0), (Providers(identity=AdoptsAnything, endpoint=AsksNobody), len(REQUESTS))):
        count = 0
        for at in REQUESTS:
            change = Change("namesake made first", 0, NAMES[0])
            schedule = Schedule("create", {}, {NAMES[0]: BASE}, (Injury("429", at),), change)
            count += "I3" in {one.rule for one in stage.play(schedule, providers).violations}
        assert count == damaged
    record_property("controls", 1)
