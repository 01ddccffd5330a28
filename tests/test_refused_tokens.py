"""A token that is refused in the middle of a run, or that never had the right: little is sent, and nothing is lost."""

import re
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import STRANGER, Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure, outlive_the_listing

pytest_plugins = ["project"]

MOST = 12
"""Management requests of a first rollout; a number beyond the last one ends the sweep."""


def refuse_from(world: Running, number: int, status: int) -> None:
    """From the management request of that number on, every answer is a refusal."""
    world.fault("html", path="/v2/*", skip=number, times=None, status=status)


def managed(world: Running, since: int) -> list[dict[str, Any]]:
    return [one for one in world.requests()[since:] if one["path"].startswith("/v2/")]


def bring(plugin: Plugin) -> tuple[str, list[str]]:
    """A guard, an identity and a rollout, as far as they come: the id that the state would hold, and the errors."""
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny", "verify": {"when": "never"}}
    try:
        identity = plugin.create("identity", inputs)
    except grpc.RpcError as error:
        return "", [str(error.details())]
    try:
        plugin.create("endpoint", {**inputs, "generation": identity.outs["generation"]})
    except grpc.RpcError as error:
        return identity.id, [str(error.details())]
    return identity.id, []


@pytest.mark.fault(10)
def test_a_token_that_expires_at_any_request_costs_at_most_one_more(
    world: Running, tmp_path: Path, record_property
) -> None:
    """For every request of a first rollout; what exists is in the state, and the message names the variable."""
    swept = 0
    for number in range(MOST):
        world._script("POST", "/reset")
        refuse_from(world, number, 401)
        since = len(world.requests())
        with running_plugin(config(world), folder=tmp_path) as plugin:
            held, problems = bring(plugin)
        seen = managed(world, since)
        refused = [one for one in seen if one["status"] == 401]
        assert len(refused) <= 2, f"request {number}: {[one['path'] for one in refused]}"
        if not problems:
            break
        swept += 1
        assert re.search(r"HF_TOKEN|refused this token twice", problems[0])
        assert "hf_emulator_owner" not in problems[0]
        exists = [item["name"] for item in world._script("GET", "/endpoints")["items"]]
        posted = [one for one in seen if one["method"] == "POST" and one["status"] == 200]
        assert len(exists) == len(posted)
        assert bool(held) is bool(exists), f"request {number}"
    assert swept >= 4
    record_property("faults", swept)


@pytest.mark.fault(11)
@pytest.mark.parametrize("who", ["without the role", "wrong namespace"])
def test_a_token_without_the_right_writes_nothing(world: Running, tmp_path: Path, who: str) -> None:
    """The first request is a read, and it says so."""
    settings = {**config(world), **({"hfdeploy:token": STRANGER} if who == "wrong namespace" else {})}
    if who == "without the role":
        refuse_from(world, 0, 403)

    with running_plugin(settings, folder=tmp_path) as plugin:
        _, (problem,) = bring(plugin)

    assert "403" in problem
    assert {one["method"] for one in managed(world, 0)} == {"GET"}
    assert world._script("GET", "/endpoints")["items"] == []


@pytest.mark.fault(11)
@pytest.mark.parametrize("step", ["update", "read", "delete"])
def test_a_right_that_was_taken_away_writes_nothing(world: Running, tmp_path: Path, step: str) -> None:
    """Each of them looks before it writes."""
    with running_plugin(config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin, verify={"when": "never"})
        before, since = world.inner("tiny")["config"], len(world.requests())
        refuse_from(world, 0, 403)
        steps = {
            "update": lambda: stack.update(env={"LOG_LEVEL": "debug"}),
            "read": lambda: plugin.read("identity", stack.identity),
            "delete": lambda: plugin.delete("identity", stack.identity),
        }
        if step == "read":
            outlive_the_listing()
        with pytest.raises(grpc.RpcError) as caught:
            steps[step]()

    assert "403" in failure(caught)
    assert {one["method"] for one in managed(world, since)} == {"GET"}
    assert world.inner("tiny")["config"] == before
