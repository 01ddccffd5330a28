"""The engine: found on PATH or in the cache, and refused where it is too old or lacks a part."""

from pathlib import Path

import pytest
from stand_ins import an_engine, bare_world, script

from hfdeploy import engine
from hfdeploy.errors import EngineError

world = pytest.fixture(bare_world)


def test_an_engine_on_path_is_used(world) -> None:
    """Whoever has Pulumi already downloads nothing."""
    folder = an_engine(Path(world["PATH"]), "v3.300.1")

    assert engine.find(world) == engine.Engine(folder, "3.300.1")


def test_an_engine_of_which_only_the_cli_is_linked_onto_path_is_used_from_its_own_folder(world, tmp_path) -> None:
    """Package managers link single programs; the language host is beside the original."""
    folder = an_engine(tmp_path / "cellar", "v3.300.1")
    (Path(world["PATH"]) / "pulumi").symlink_to(folder / "pulumi")

    assert engine.find(world) == engine.Engine(folder, "3.300.1")


@pytest.mark.parametrize("version", ["v3.215.9", "v2.300.0", "v3.99.0"])
def test_an_engine_that_is_too_old_is_passed_over_for_the_cached_one(world, version) -> None:
    """An old engine runs, and then drift shows without the property that drifted."""
    an_engine(Path(world["PATH"]), version)
    cached = an_engine(Path(world["HOME"]) / ".pulumi" / "versions" / "3.259.0-hfdeploy.1" / "bin", "v3.259.0")

    assert engine.find(world) == engine.Engine(cached, "3.259.0")


@pytest.mark.parametrize("part", engine.PARTS)
def test_an_engine_without_one_of_its_parts_is_no_engine(world, part) -> None:
    """It would fail in the middle of the first `pulumi up`."""
    an_engine(Path(world["PATH"]), "v3.300.1", without=part)

    assert engine.find(world) is None


def test_the_first_usable_version_is_the_minimum(world) -> None:
    """The boundary is part of the promise in the README."""
    an_engine(Path(world["PATH"]), "v3.216.0")

    assert engine.find(world) is not None


def test_the_newest_cached_engine_comes_first_and_one_that_does_not_run_is_passed_over(world) -> None:
    """A home may hold many, and programs of another machine."""
    versions = Path(world["HOME"]) / ".pulumi" / "versions"
    for name in ("3.250.0", "3.259.0-hfdeploy.1", "3.260.0"):
        an_engine(versions / name / "bin", f"v{name}")
    (versions / ".building-x" / "bin").mkdir(parents=True)
    script(versions / "3.260.0" / "bin" / "pulumi", "exit 126")

    assert engine.find(world) == engine.Engine(versions / "3.259.0-hfdeploy.1" / "bin", "3.259.0-hfdeploy.1")


def test_something_else_called_pulumi_is_not_taken_for_one(world) -> None:
    """A wrapper that prints a sentence has no version to rely on."""
    an_engine(Path(world["PATH"]), "please log in")

    assert engine.find(world) is None


def test_when_nothing_works_the_error_lists_what_was_tried(world) -> None:
    """Somebody behind a proxy has to know which of four things to repair."""
    an_engine(Path(world["PATH"]), "v3.1.0")
    steps: list[str] = []

    with pytest.raises(EngineError) as failure:
        engine.install(world, steps.append)

    message = str(failure.value)
    assert "is v3.1.0, older than 3.216.0" in message
    assert "The vendor's installer: python" in message
    assert "the vendor's download site cannot be reached" in message
    assert "The build from Go modules: " in message
    assert [step.split(" ")[0] for step in steps[:2]] == ["No", "The"]
    assert list((Path(world["HOME"]) / ".pulumi" / "versions").iterdir()) == []
