"""A few kills of many (`make faults` has all): engine or plugin end where it hurts, and the next `up` repairs."""

from collections.abc import Iterator

import pytest
from control_plane import running
from killing import Point
from wreckage import Scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One stack for all kills of this module."""
    folder = tmp_path_factory.mktemp("scene")
    (folder / "known").mkdir()
    with running(speed=5000) as world:
        found = Scene(folder, world, folder / "known")
        yield found
        found.clear()


@pytest.mark.fault(1, 2)
@pytest.mark.parametrize(
    "point",
    [
        Point("create", "engine", "after", 2),
        Point("update", "plugin", "after", 4),
        Point("destroy", "engine", "after", 2),
    ],
    ids=str,
)
def test_killed_where_it_hurts(scene: Scene, point: Point) -> None:
    """After the POST, the PUT and the DELETE: carried out, and nobody heard of it."""
    assert scene.strike(point)
    scene.examine(point)
