"""A branch that moved on the Hub is a warning and no drift, and a Hub in trouble is neither."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import Running
from drift import RICH, VALUES, quiet_plugin, shared_process
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, puts

pytest_plugins = ["project"]

process = pytest.fixture(shared_process, scope="module")
plugin = pytest.fixture(quiet_plugin)


@pytest.fixture
def own_plugin(world: Running, plugin: Plugin, tmp_path: Path) -> Iterator[Plugin]:
    """A process that has asked nobody anything."""
    with running_plugin(config(world), VALUES, tmp_path) as process:
        yield process


HUB = f"/api/models/{SPEC['repository']}"


def moved(plugin: Plugin) -> list[str]:
    return [line for line in plugin.lines(is_lasting=True) if "has moved to" in line]


def push(world: Running, commit: str = "f" * 40) -> None:
    """Somebody pushes to the model's `main`."""
    world._script("POST", "/hub", {"repository": SPEC["repository"], "branch": "main", "commit": commit})


@pytest.mark.fault(39)
@pytest.mark.parametrize("revision", ["main", None])
def test_a_branch_that_moved_is_one_warning(world: Running, own_plugin: Plugin, revision: str | None) -> None:
    """The commit of the creation is kept; whoever wants the newer one is told its name."""
    stack = Stack(own_plugin, **RICH, revision=revision)
    commit = stack.endpoint.outs["revision"]
    stack.refresh()
    assert moved(own_plugin) == []
    push(world)

    with running_plugin(config(world), VALUES) as later:
        stack.plugin = later
        before, since = stack.endpoint, len(world.requests())
        stack.refresh()
        (line,) = moved(later)
        stack.refresh()
        assert not stack.has_changes()

    assert line == (
        f"{revision or 'the default branch'} of {SPEC['repository']} has moved to {'f' * 40} since it was resolved; "
        f"the endpoint keeps {commit}. To serve the newer commit, write it into the spec as `revision`."
    )
    asked = [one["path"] for one in world.requests()[since:] if one["path"].startswith("/api/")]
    assert asked == [HUB + (f"/revision/{revision}" if revision else "")]
    assert (stack.endpoint.outs, stack.endpoint.inputs) == (before.outs, before.inputs)
    assert puts(world) == []


def test_the_hub_is_not_asked_about_a_pinned_commit(world: Running, own_plugin: Plugin) -> None:
    """It cannot move."""
    stack = Stack(own_plugin, **RICH, revision="1" * 40)

    stack.refresh()

    assert [one["path"] for one in world.requests() if one["path"].startswith("/api/")] == []


@pytest.mark.parametrize("kind", ["hang", "unavailable", "html", "reset"])
def test_a_hub_in_trouble_fails_no_refresh(world: Running, own_plugin: Plugin, kind: str) -> None:
    """It decides nothing, so nothing waits for it or ends because of it."""
    stack = Stack(own_plugin, **RICH)
    push(world)
    world.fault(kind, path="/api/*", times=None)

    stack.refresh()

    assert moved(own_plugin) == []
    assert stack.endpoint.id == "acme/tiny"
    assert not stack.has_changes()
