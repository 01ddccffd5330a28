"""A refresh in the stock plugin process: what is drift, what is none, and what is gone."""

from pathlib import Path

import pytest
from control_plane import Running, running
from plugin_process import Plugin, running_plugin
from plugin_stack import Stack, config, outlive_the_listing, puts

pytest_plugins = ["project", "plugin_stack"]


@pytest.mark.fault(17)
def test_what_the_server_fills_in_is_no_drift(world: Running, tmp_path: Path) -> None:
    """A spec that leaves everything open: defaults, commit, task, port, health route are the service's to fill."""
    least = ("env", "args", "command", "tags", "task", "revision", "autoscaling", "max_model_len", "security")
    with running_plugin(config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin, **dict.fromkeys(least))
        before = stack.endpoint.outs

        stack.refresh()

        assert stack.endpoint.outs == before
        assert not stack.has_changes()
        stack.update()
        assert puts(world) == []
        assert len(world.get("tiny")["model"]["revision"]) == 40


@pytest.mark.fault(18)
@pytest.mark.parametrize("action", ["scale-to-zero", "pause"])
def test_a_refresh_sees_no_drift_in_an_operational_state(world: Running, plugin: Plugin, action: str) -> None:
    """Asleep and paused are no configuration, and nothing wakes it."""
    stack = Stack(plugin)
    before = stack.endpoint.outs
    world.act(action, "tiny")
    outlive_the_listing()

    stack.refresh()

    assert stack.endpoint.outs == before
    assert not stack.has_changes()


def test_a_restarted_service_is_no_drift(tmp_path: Path) -> None:
    """Addresses and times survive; nothing of ours depends on the process that answers."""
    data = tmp_path / "data"
    with running(data_dir=data, speed=200) as world, running_plugin(config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin)
    with running(data_dir=data, speed=200) as world, running_plugin(config(world), folder=tmp_path) as plugin:
        stack.plugin = plugin
        before = stack.endpoint.outs
        stack.refresh()

        assert stack.endpoint.outs["spec"] == before["spec"]
        assert not stack.has_changes()


@pytest.mark.fault(16)
def test_a_commit_that_somebody_moved_is_put_back(world: Running, plugin: Plugin) -> None:
    """Drift of the served commit is drift of the most important field."""
    stack = Stack(plugin)
    kept = stack.endpoint.outs["revision"]
    world.mutate("tiny", model={"revision": "e" * 40})
    outlive_the_listing()

    stack.refresh()
    assert stack.endpoint.outs["spec"]["revision"] == "e" * 40
    assert stack.has_changes()
    stack.update()

    assert puts(world) == [{"model": {"revision": kept}}]


@pytest.mark.fault(15)
def test_reading_what_is_gone_gives_the_empty_id(world: Running, plugin: Plugin) -> None:
    """Anything else would crash the refresh, or keep a dead resource in the state."""
    stack = Stack(plugin)
    world._script("DELETE", "/endpoints/acme/tiny")
    outlive_the_listing()

    assert plugin.read("identity", stack.identity).id == ""
    assert plugin.read("endpoint", stack.endpoint).id == ""


@pytest.mark.fault(18)
def test_a_spec_that_says_running_ends_a_persons_pause(world: Running, plugin: Plugin) -> None:
    """`state: running` is the one wish that overrules it."""
    stack = Stack(plugin, state="running")
    world.act("pause", "tiny")
    outlive_the_listing()
    stack.refresh()

    assert stack.has_changes()
    stack.update()

    assert world.state("tiny") == "running"
