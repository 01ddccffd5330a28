"""The plugin process when it is to stop: its engine cancelled, or is gone, at every kind of moment."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, Resource, running_plugin
from plugin_stack import SPEC, Stack, config, failure

pytest_plugins = ["project", "plugin_stack"]

NAME = "/v2/endpoint/acme/tiny"


def methods(world: Running) -> list[str]:
    return [one["method"] for one in world.requests()]


def begun(world: Running, work: Callable[[], Any], kind: str) -> "Future[Any]":
    """The work in a thread, once a request has met its fault."""
    pool = ThreadPoolExecutor(1)
    pending = pool.submit(work)
    pool.shutdown(wait=False)
    while not any(kind in one["faults"] for one in world.requests()):
        assert not pending.done(), pending.result()
        time.sleep(0.02)
    return pending


@pytest.mark.parametrize("path", [NAME, "/endpoints/acme/tiny/generate_stream"], ids=["look", "stream"])
def test_a_cancel_ends_what_is_under_way(world: Running, plugin: Plugin, path: str) -> None:
    """The engine waits for running operations: without this, half an hour. Nothing more is sent."""
    stack = Stack(plugin)
    world.fault("hang", path=path)
    pending = begun(world, lambda: stack.update(env={"LOG_LEVEL": "debug"}), "hang")
    before = len(world.requests())

    plugin.cancel()

    with pytest.raises(grpc.RpcError) as caught:
        pending.result(timeout=20)
    assert "Interrupted while" in failure(caught)
    assert "un again to continue" in failure(caught)
    assert len(world.requests()) == before


def test_a_cancelled_plugin_still_leaves_when_its_engine_is_killed(world: Running, plugin: Plugin) -> None:
    """CI cancels, and kills the engine ten seconds later."""
    Stack(plugin)
    plugin.cancel()

    plugin.kill_engine()

    assert plugin.process.wait(timeout=60) == 0


def _update(stack: Stack) -> None:
    stack.update(env={"LOG_LEVEL": "debug"})


def _delete(stack: Stack) -> None:
    stack.plugin.delete("identity", stack.identity)


def _create(stack: Stack) -> Resource:
    return stack.plugin.create("identity", {**stack.inputs(generation=None), "name": "tiny2", "logical_name": "tiny2"})


@pytest.mark.parametrize(
    ("work", "path", "method"),
    [(_update, NAME, "PUT"), (_delete, NAME, "DELETE"), (_create, "/v2/endpoint/acme/tiny2", "POST")],
    ids=["PUT", "DELETE", "POST"],
)
def test_what_was_about_to_be_sent_is_not_sent_without_an_engine(
    world: Running, plugin: Plugin, work: Callable[[Stack], Any], path: str, method: str
) -> None:
    """It looked, the answer took its time, and meanwhile the engine was killed: nobody would write down what came."""
    stack = Stack(plugin)
    before = methods(world).count(method)
    world.fault("slow", method="GET", path=path, seconds=6.0)
    pending = begun(world, lambda: work(stack), "slow")

    plugin.kill_engine()

    assert isinstance(pending.exception(timeout=60), grpc.RpcError)
    assert plugin.process.wait(timeout=60) == 0
    assert methods(world).count(method) == before


def test_a_stream_ends_with_the_engine(world: Running, plugin: Plugin) -> None:
    """No second try, and no second prompt, for nobody."""
    stack = Stack(plugin)
    world.fault("hang", path="/endpoints/acme/tiny/generate_stream", times=None)
    pending = begun(world, lambda: stack.update(env={"LOG_LEVEL": "debug"}), "hang")
    before = len(world.requests())

    plugin.kill_engine()

    assert isinstance(pending.exception(timeout=60), grpc.RpcError)
    assert plugin.process.wait(timeout=60) == 0
    assert len(world.requests()) == before


def await_a_listing(world: Running, waiting: "Future[Any]") -> None:
    """Until a rollout asks for the namespace for the second time: it waits for its replicas then."""
    while len([one for one in world.requests() if one["path"] == "/v2/endpoint/acme"]) < 2:
        assert not waiting.done(), waiting.result()
        time.sleep(0.05)


@contextmanager
def waiting_rollout(world: Running, plugin: Plugin) -> "Iterator[tuple[dict[str, Any], Any, Future[Any]]]":
    """The inputs of an endpoint, what its identity is, and its first rollout, which waits for replicas."""
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"}
    identity = plugin.create("identity", inputs)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(plugin.create, "endpoint", {**inputs, "generation": identity.outs["generation"]})
        await_a_listing(world, waiting)
        yield inputs, identity, waiting


@pytest.mark.fault(43)
def test_a_plugin_whose_engine_was_killed_sends_nothing_more(world: Running, tmp_path: Path) -> None:
    """It outlives its engine; what it did then nobody would record."""
    world.set(durations={"pending": 200 * 8.0})
    with running_plugin(config(world), folder=tmp_path) as plugin:
        with waiting_rollout(world, plugin) as (inputs, _identity, waiting):
            plugin.kill_engine()
            with pytest.raises(grpc.RpcError) as caught:
                waiting.result(timeout=20)
            before = len(world.requests())
            with pytest.raises(grpc.RpcError):
                plugin.create("identity", {**inputs, "name": "later", "logical_name": "later"})
        assert plugin.process.wait(timeout=30) == 0

    assert "nterrupted" in failure(caught) or "stop" in failure(caught)
    assert len(world.requests()) == before


@pytest.mark.fault(43)
def test_a_terminated_plugin_leaves_what_the_next_run_continues(world: Running, tmp_path: Path) -> None:
    """SIGTERM in the middle of a rollout: the endpoint exists, and the next run brings it live."""
    world.set(durations={"pending": 200 * 5.0})
    with (
        running_plugin(config(world), folder=tmp_path) as plugin,
        waiting_rollout(world, plugin) as (inputs, identity, waiting),
    ):
        os.kill(plugin.process.pid, signal.SIGTERM)
        with pytest.raises(grpc.RpcError):
            waiting.result(timeout=20)

    with running_plugin(config(world), folder=tmp_path) as plugin:
        again = plugin.create("identity", inputs)
        brought = plugin.create("endpoint", {**inputs, "generation": again.outs["generation"]})

    assert again.outs == identity.outs
    assert brought.outs["verdict"] == "passed"
