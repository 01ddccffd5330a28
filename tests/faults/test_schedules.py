"""Hundreds of courses of events: two faults and somebody else's change at the same time, drawn from a seed."""

from collections.abc import Callable, Iterator

import pytest
from schedule import draw
from theatre import Theatre, theatre

SEEDS = range(500)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """One emulator and one plugin process of a worker."""
    with theatre(tmp_path_factory.mktemp("plugin")) as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.fault(1, 3, 4, 5, 7, 8, 9, 10, 13, 14, 15, 16, 22, 23)
def test_every_promise_holds_after_a_plain_run_again(
    stage: Theatre, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """And after `destroy`; `python tests/schedule.py SEED` shows one of them request by request."""
    schedule = draw(seed)

    verdict = stage.play(schedule)

    rules = [one.rule for one in verdict.violations]
    record_property("schedules", 1)
    record_property("faults", len(verdict.hits))
    record_property("kills", sum(words.startswith("killed") for _number, words, _was in verdict.hits))
    record_property("orphans", rules.count("O") + rules.count("I2"))
    record_property("false_successes", rules.count("G"))
    record_property("leaked_canaries", rules.count("I4"))
    told = [f"seed {seed}: {schedule}", *map(str, verdict.runs), *map(str, verdict.violations)]
    assert not verdict.violations, "\n".join([*told, f"replay: python tests/schedule.py {seed}"])
