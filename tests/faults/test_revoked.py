"""A token that expires, or loses its right, at any request of an update, of a restore and of a destroy.

From that request on every answer is 401 or 403, of the service and of the endpoint. Each case starts from the same
endpoint, put back from memory, in a plugin process of its own, since a process remembers that its token was refused.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from broken_image import BAD, GOOD, bad_engine
from control_plane import Running, running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, outlive_the_listing

LISTED = "/v2/endpoint/acme"
MOST = 40
"""Requests of one operation; a sweep that gets there has not come to its end."""


class Base:
    """An endpoint that is live and in a state, which every case starts from."""

    def __init__(self, world: Running, folder: Path) -> None:
        self.world, self.folder = world, folder
        world._script("POST", "/reset")
        world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])
        with running_plugin(config(world), folder=folder) as plugin:
            self.stack = Stack(plugin)
        self._live = json.dumps(world.app.world.store.dump())

    def refused_from(self, number: int, status: int, work: Callable[[Plugin, Stack], None]) -> tuple[str, list[Any]]:
        """Do the work with every answer from that request on refused: what was said, '' for green, and the log."""
        self.world.app.world.store.load(json.loads(self._live))
        self.world._script("DELETE", "/requests")
        self.world.fault("html", status=status, skip=number, times=None)
        said = ""
        try:
            with running_plugin(config(self.world), folder=self.folder) as plugin:
                work(plugin, self.stack)
        except grpc.RpcError as error:
            said = str(error.details())
        finally:
            log = self.world.requests()
            self.world._script("DELETE", "/faults")
        return said, log

    def writes_in(self, log: list[Any]) -> list[str]:
        """What was sent that changes something."""
        return [one["method"] for one in log if one["method"] != "GET" and one["path"].startswith("/v2/")]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    with running(speed=1000) as world:
        yield Base(world, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def healer(base: Base) -> Iterator[Plugin]:
    """The next run, with a token that is good again."""
    with running_plugin(config(base.world), folder=base.folder) as plugin:
        yield plugin


def update(plugin: Plugin, stack: Stack) -> None:
    plugin.update("endpoint", stack.endpoint, stack.inputs(env={"LOG_LEVEL": "debug"}))


def restore(plugin: Plugin, stack: Stack) -> None:
    plugin.update("endpoint", stack.endpoint, stack.inputs(**bad_engine()))


def destroy(plugin: Plugin, stack: Stack) -> None:
    plugin.delete("endpoint", stack.endpoint)
    plugin.delete("identity", stack.identity)


WORKS: dict[str, tuple[Callable[[Plugin, Stack], None], int, int]] = {
    "update": (update, 0, 10),
    "restore": (restore, 5, 8),
    "destroy": (destroy, 0, 2),
}
"""With the first request worth refusing (before it a restore is an update), and how many there are at least."""


def refused(log: list[Any], status: int) -> list[Any]:
    return [one for one in log if one["status"] == status and one["faults"]]


@pytest.mark.fault(10)
@pytest.mark.parametrize("name", WORKS)
def test_a_token_that_expires_costs_one_more_request_and_loses_nothing(
    base: Base, healer: Plugin, name: str, record_property: Any
) -> None:
    """The message names the token; with a good one, the next run goes on from the id in the state, and makes nothing.

    The endpoint itself knows nothing of what the service refused, so each of the two may be asked once more.
    """
    work, first, least = WORKS[name]
    for number in range(first, MOST):
        said, log = base.refused_from(number, 401, work)
        met = refused(log, 401)
        if not met:
            break
        case = f"request {number}: {[one['path'] for one in met]}: {said}"
        of_the_service = [one for one in met if one["path"].startswith(("/v2/", "/v3/"))]
        assert len(of_the_service) <= 2, case
        assert len(met) <= (4 if name == "restore" else 2), case
        assert "HF_TOKEN" in said or "refused this token twice" in said, case
        assert "hf_emulator_owner" not in said, case
        assert not base.writes_in(log[log.index(met[0]) + 1 :]), case

        before = len(base.world.requests())
        outlive_the_listing()
        healer.update("endpoint", base.stack.endpoint, base.stack.inputs())
        live = base.world.get("tiny")
        assert (live["model"]["image"]["tgi"]["url"], live["status"]["state"]) == (GOOD, "running"), case
        assert live["model"]["env"] == {"LOG_LEVEL": "info"}, case
        assert live["status"]["createdAt"] == base.stack.identity.outs["generation"], case
        assert "POST" not in base.writes_in(base.world.requests()[before:]), case
    assert number - first >= least
    record_property("faults", number - first)


@pytest.mark.fault(11)
@pytest.mark.parametrize("name", WORKS)
def test_a_right_that_is_lost_at_any_step_writes_nothing_more(base: Base, name: str, record_property: Any) -> None:
    """What was accepted before it is all that was written; the message has the status."""
    work, first, least = WORKS[name]
    for number in range(first, MOST):
        said, log = base.refused_from(number, 403, work)
        met = refused(log, 403)
        if not met:
            break
        case = f"request {number}: {[one['method'] + ' ' + one['path'] for one in met]}: {said}"
        assert "403" in said, case
        assert not base.writes_in(log[log.index(met[0]) + 1 :]), case
        assert base.world._script("GET", "/endpoints")["items"], case
    assert number - first >= least
    record_property("faults", number - first)


@pytest.mark.fault(10, 11)
@pytest.mark.parametrize("status", [401, 403])
def test_a_first_rollout_that_loses_its_token_writes_nothing_more(
    base: Base, status: int, tmp_path: Path, record_property: Any
) -> None:
    """Up to the proof: one POST at most, neither paused nor deleted afterwards, and what exists is in the state."""
    for number in range(MOST):
        base.world._script("POST", "/reset")
        base.world.fault("html", status=status, skip=number, times=None)
        since = int(base.world._script("GET", "/requests?since=1000000000")["count"])
        held, said = "", ""
        with running_plugin(config(base.world), folder=tmp_path) as plugin:
            inputs = {**SPEC, "logical_name": "tiny"}
            try:
                inputs["owner"] = plugin.create("guard", {"members": ["tiny"]}).outs["owner"]
                identity = plugin.create("identity", inputs)
                held = identity.id
                plugin.create("endpoint", {**inputs, "generation": identity.outs["generation"]})
            except grpc.RpcError as error:
                said = str(error.details())
        log = base.world.requests(since)
        if not (met := refused(log, status)):
            break
        case = f"request {number}: {[one['method'] + ' ' + one['path'] for one in met]}: {said}"
        assert said, case
        assert not base.writes_in(log[log.index(met[0]) + 1 :]), case
        exists = base.world._script("GET", "/endpoints")["items"]
        assert len(exists) == bool(held), case
        assert (
            len([one for one in log if (one["method"], one["status"]) == ("POST", 200) and one["path"] == LISTED]) <= 1
        )
    assert number >= 10
    record_property("faults", number)
