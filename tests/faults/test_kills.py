"""SIGKILL before and after every request of a rollout: the next `up` repairs, and `destroy` never ends green too early.

Too long for every test run: `make faults`. See `killing.py` for what one kill point is and what has to hold after it.
`pytest tests/faults/test_kills.py --kill update:plugin:after:7` repeats a single one.
"""

from collections.abc import Iterator

import pytest
from control_plane import running
from killing import OPERATIONS, Point
from wreckage import Scene, sweep

LEAST = {"create": 9, "update": 10, "restore": 15, "replace": 11, "destroy": 3}
"""Requests of each operation, at least: a sweep that ends earlier has lost the run and not come to its end."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each column of the table, or the single point that `--kill` names."""
    asked = metafunc.config.getoption("--kill")
    if "start" not in metafunc.fixturenames:
        return
    if asked:
        operation, victim, moment, number = asked.split(":")
        points = [Point(operation, victim, moment, int(number))]
    else:
        points = [
            Point(operation, victim, moment)
            for operation in OPERATIONS
            for victim in ("engine", "plugin")
            for moment in ("before", "after")
        ]
    metafunc.parametrize("start", points, ids=[str(point).removesuffix(":0") for point in points])


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One stack per worker; what one worker has repaired no other repairs again."""
    known = tmp_path_factory.getbasetemp().parent / "repaired-wrecks"
    known.mkdir(exist_ok=True)
    with running(speed=5000) as world:
        found = Scene(tmp_path_factory.mktemp("scene"), world, known)
        yield found
        found.clear()


@pytest.mark.fault(1, 2)
def test_killed_at_every_request(scene: Scene, start: Point, record_property, request: pytest.FixtureRequest) -> None:
    """One endpoint per spec, tracked, live as specified, proved; destroyed at once, nothing is left, or not green."""
    if request.config.getoption("--kill"):
        assert scene.strike(start), f"the run came to its end before request {start.number}"
        scene.examine(start)
        return
    before = scene.orphans, scene.false_successes, scene.repaired
    kills, wrong = sweep(scene, start)
    record_property("kills", kills)
    record_property("orphans", scene.orphans - before[0])
    record_property("false_successes", scene.false_successes - before[1])
    scene.tell(f"{start}: {kills} kill points, {scene.repaired - before[2]} new kinds of wreck, {len(wrong)} wrong")
    assert not wrong, "\n\n".join(wrong)
    assert kills >= LEAST[start.operation]
