"""The promises under everything that nobody could verify about the service: each pair of values in some row."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import unknowns
from theatre import Theatre, theatre

ROWS = unknowns.covering_rows()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """One emulator and one plugin process of a worker."""
    with theatre(tmp_path_factory.mktemp("plugin")) as made:
        yield made


@pytest.mark.fault(6, 14, 16, 17, 18, 22)
def test_the_rows_hold_every_pair(record_property: Callable[[str, object], None]) -> None:
    """Of every option with named values, and of the amounts that matter."""
    assert unknowns.pairs_in(ROWS) == unknowns.all_pairs()
    record_property("option_pairs", unknowns.pairs_in(ROWS))


@pytest.mark.fault(14, 16, 18)
@pytest.mark.parametrize("one", unknowns.CONCESSIONS, ids=lambda one: f"{one.option}={one.value}")
def test_what_is_conceded_does_fall(stage: Theatre, one: unknowns.Concession) -> None:
    """A promise that the docs give away although it holds would be a wrong word about the service too."""
    fallen = {promise for promise, _ in unknowns.Rollout(stage, {one.option: one.value}, is_plain=True).broken()}

    assert one.promise in fallen
    assert "nothing leaks" not in fallen
    assert unknowns.STEPS[-1] not in fallen


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
@pytest.mark.fault(6, 14, 16, 17, 18, 22)
def test_a_rollout_keeps_its_promises(
    stage: Theatre, row: dict[str, Any], record_property: Callable[[str, object], None]
) -> None:
    """From the first rollout to destroy; what may fall, and under which value, is said in docs/unknowns.md."""
    unforeseen = [
        f"{promise}: {violation}"
        for promise, violation in unknowns.Rollout(stage, row).broken()
        if promise not in unknowns.conceded(row)
    ]

    assert unforeseen == [], row
