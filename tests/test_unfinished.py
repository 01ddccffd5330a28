"""A killed run's update and a person's change look alike; one is nobody's decision, and the other stops production.

Plugin processes are killed in the middle of an update; what comes after is a process of its own, as the next run is.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure, outlive_the_listing, puts

pytest_plugins = ["project"]

OLD, SENT, NEXT = ({"LOG_LEVEL": level} for level in ("info", "debug", "trace"))
QUIET = {"verify": {"when": "never"}}

Next = Callable[[Path], Plugin]


def stack_config(world: Running, mode: str = "block") -> dict[str, str]:
    return {**config(world), "hfdeploy:drift": mode}


def made(world: Running, folder: Path) -> Stack:
    with running_plugin(stack_config(world), folder=folder) as plugin:
        return Stack(plugin, **QUIET)


def kill_in_update(world: Running, folder: Path, stack: Stack, *, is_answered: bool, **changes: Any) -> None:
    """An update is carried out; its process is killed before it knows, or while it waits for the replicas."""
    since = len(world.requests())
    if is_answered:
        world.set(durations={"updating": 200 * 300.0})
    else:
        world.fault("hang", method="PUT", commit=True)
    with running_plugin(stack_config(world), folder=folder) as doomed, ThreadPoolExecutor(1) as pool:
        stack.plugin = doomed
        waiting = pool.submit(stack.update, **changes)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not _is_time(world.requests()[since:], is_answered=is_answered):
            time.sleep(0.05)
        doomed.process.kill()
        with pytest.raises(grpc.RpcError):
            waiting.result(timeout=30)
    assert world.inner("tiny")["config"]["model"]["env"] == SENT
    if is_answered:
        world.set(durations={"updating": 60.0})
        world.mutate("tiny", state="running", by="founder")
    outlive_the_listing()


def _is_time(requests: list[dict[str, Any]], *, is_answered: bool) -> bool:
    methods = [one["method"] for one in requests]
    return "PUT" in methods and (not is_answered or "GET" in methods[methods.index("PUT") + 1 :])


def refuse(stack: Stack, **changes: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        stack.update(**changes)
    return failure(caught)


@pytest.mark.fault(1, 16)
@pytest.mark.parametrize("is_answered", [False, True], ids=["answer lost", "waiting"])
@pytest.mark.parametrize("wanted", [OLD, SENT, NEXT], ids=["taken back", "the same", "changed again"])
def test_a_killed_update_is_no_persons_change(
    world: Running, tmp_path: Path, wanted: dict[str, str], is_answered: bool
) -> None:
    """A stack that blocks goes on by itself, whatever the spec says by then."""
    stack = made(world, tmp_path)
    kill_in_update(world, tmp_path, stack, is_answered=is_answered, env=SENT)
    before = len(puts(world))

    with running_plugin(stack_config(world), folder=tmp_path) as plugin:
        stack.plugin = plugin
        stack.refresh()
        (line,) = [line for line in plugin.lines(is_lasting=True) if "outside" in line or "did not end" in line]
        assert line.startswith("sent by a run of this stack that did not end: env is {LOG_LEVEL} (last update by ")
        assert stack.has_changes(env=wanted)
        stack.update(env=wanted)
        assert not stack.has_changes(env=wanted)

    expected = [] if wanted == SENT else [{"model": {"env": wanted}}]
    assert puts(world)[before:] == expected
    assert world.inner("tiny")["config"]["model"]["env"] == wanted


@pytest.mark.fault(16)
def test_without_the_note_a_killed_update_stops_the_run(world: Running, tmp_path: Path) -> None:
    """On another machine nobody can tell, and nothing is put back on a guess."""
    stack = made(world, tmp_path)
    kill_in_update(world, tmp_path, stack, is_answered=False, env=SENT)
    before = len(puts(world))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    with running_plugin(stack_config(world), folder=elsewhere) as plugin:
        stack.plugin = plugin
        stack.refresh()
        assert "hfdeploy:drift is block: env is {LOG_LEVEL}" in refuse(stack, env=NEXT)

    assert len(puts(world)) == before


HANDS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "the same field": ({"model": {"env": {"LOG_LEVEL": "error"}}}, "env is {LOG_LEVEL}", False),
    "the same field, after the answer": ({"model": {"env": {"LOG_LEVEL": "error"}}}, "env is {LOG_LEVEL}", True),
    "another field": ({"compute": {"scaling": {"maxReplica": 4}}}, '"max": 4', False),
    "another field, after the answer": ({"compute": {"scaling": {"maxReplica": 4}}}, '"max": 4', True),
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("case", HANDS)
def test_a_person_who_came_after_a_killed_update_is_not_overruled(world: Running, tmp_path: Path, case: str) -> None:
    """The note explains what was sent and nothing else."""
    change, words, is_answered = HANDS[case]
    stack = made(world, tmp_path)
    kill_in_update(world, tmp_path, stack, is_answered=is_answered, env=SENT)
    world.mutate("tiny", by="alice", **change)
    before, when = len(puts(world)), world.get("tiny")["status"]["updatedAt"]

    with running_plugin(stack_config(world), folder=tmp_path) as plugin:
        stack.plugin = plugin
        stack.refresh()
        refused = refuse(stack, env=NEXT)

    assert words in refused
    assert f"(last update by alice at {when})" in refused
    assert ("env is" in refused) is ("env" in words)
    assert len(puts(world)) == before


@pytest.mark.fault(16)
def test_what_was_sent_long_ago_explains_nothing(world: Running, tmp_path: Path) -> None:
    """A person may well go back to a value that this stack once had."""
    with running_plugin(stack_config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin, **QUIET)
        stack.update(env=SENT)
        stack.update(env=NEXT)
        world.mutate("tiny", by="alice", model={"env": SENT})
        outlive_the_listing()
        stack.refresh()

        assert "env is {LOG_LEVEL} (last update by alice" in refuse(stack, env=OLD)


def test_what_was_refused_explains_nothing(world: Running, tmp_path: Path) -> None:
    """It never was live."""
    with running_plugin(stack_config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin, **QUIET)
        world.set(put_while_moving="refused")
        world.mutate("tiny", state="updating")
        assert "cannot be updated" in refuse(stack, env=SENT)
        world.mutate("tiny", by="alice", state="running", model={"env": SENT})
        outlive_the_listing()
        stack.refresh()

        assert "env is {LOG_LEVEL} (last update by alice" in refuse(stack, env=NEXT)


@pytest.mark.fault(16)
@pytest.mark.parametrize("mode", ["block", "report"])
def test_a_change_that_no_refresh_saw_is_seen(world: Running, tmp_path: Path, mode: str) -> None:
    """`--refresh=false`, or somebody quicker than the run: the update itself looks first."""
    with running_plugin(stack_config(world, mode), folder=tmp_path) as plugin:
        stack = Stack(plugin, **QUIET)
        world.mutate("tiny", by="alice", compute={"scaling": {"maxReplica": 4}})
        changed = {**SPEC["autoscaling"], "scale_to_zero_after": "1h"}
        if mode == "block":
            assert '"max": 4' in refuse(stack, autoscaling=changed)
            assert puts(world) == []
        else:
            stack.update(env=SENT)
            assert puts(world) == [{"model": {"env": SENT}}]


def test_a_stack_that_reports_does_not_keep_what_a_killed_run_left(world: Running, tmp_path: Path) -> None:
    """It is nobody's wish."""
    stack = made(world, tmp_path)
    kill_in_update(world, tmp_path, stack, is_answered=False, env=SENT)

    with running_plugin(stack_config(world, "report"), folder=tmp_path) as plugin:
        stack.plugin = plugin
        stack.refresh()
        stack.update(env=OLD)

    assert world.inner("tiny")["config"]["model"]["env"] == OLD


def test_the_note_holds_no_value(world: Running, tmp_path: Path) -> None:
    """Environment values may be private; digests of them are enough."""
    with running_plugin(stack_config(world), folder=tmp_path) as plugin:
        Stack(plugin, **QUIET).update(env={"LOG_LEVEL": "canary-of-the-environment"})

    (note,) = (tmp_path / ".hfdeploy" / "unfinished").rglob("*.json")
    assert "canary" not in note.read_text()
    assert '"env"' in note.read_text()
    assert note.stat().st_mode & 0o077 == 0
