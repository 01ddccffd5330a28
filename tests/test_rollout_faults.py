"""Rollouts that get stuck or fail: what is said, what is sent, and what is left, in the plugin process."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from broken_image import BAD, GOOD, bad_engine, create_failing, fail_update, image
from control_plane import OWNER, Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, failure, puts
from replies import endpoint_reply
from speaker import Speaker, http

from hfdeploy.rollout.causes import likely_causes
from hfdeploy.wire import State

pytest_plugins = ["project", "plugin_stack"]


def changed(world: Running, since: int = 0) -> list[str]:
    """What was sent that changes anything: method, and the action's name where it is one."""
    return [
        one["method"] + ("" if one["path"].endswith(("/acme", "/tiny")) else f" {one['path'].rpartition('/')[2]}")
        for one in world.requests(since)
        if one["method"] != "GET" and one["path"].startswith("/v2/endpoint/")
    ]


def number(world: Running) -> int:
    return int(world._script("GET", "/requests?since=1000000000")["count"])


@pytest.mark.fault(12)
@pytest.mark.parametrize("stuck", ["pending", "initializing"])
@pytest.mark.parametrize(
    ("policy", "then"), [("pause", ["POST pause"]), ("keep", []), ("delete", {"initializing": ["DELETE"]})]
)
def test_a_start_that_gets_stuck_is_paused_once_or_as_the_spec_says(
    world: Running, plugin: Plugin, stuck: str, policy: str, then: Any
) -> None:
    """State, message and replica counts are said; without hardware nothing is deleted."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": f"stuck_{stuck}"}])

    said = create_failing(plugin, rollout={"timeout": "3s", "on_create_failure": policy})

    message = {"pending": "Endpoint waiting to be scheduled", "initializing": "Endpoint is initializing"}[stuck]
    assert f"acme/tiny was still {stuck} after " in said
    assert f" s (rollout.timeout), 0 of 1 replicas ready: {message}" in said
    expected = then if isinstance(then, list) else then.get(stuck, ["POST pause"])
    assert [one for one in changed(world) if one != "PUT"] == ["POST", *expected]


@pytest.mark.parametrize(
    ("lacking", "instance", "instead"),
    [("quota", "nvidia-l4 x1", "nvidia-a10g x1"), ("stock", "nvidia-h100 x1", "nvidia-a100 x1")],
)
def test_what_could_be_had_is_said_where_hardware_is_refused(
    world: Running, plugin: Plugin, lacking: str, instance: str, instead: str
) -> None:
    """Nobody should have to look for the way out; and no hardware is no fault of the configuration."""
    stack = Stack(plugin)
    world.set(quota={"nvidia-l4": 0})
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", {**stack.inputs(generation=None), "name": "other", "instance": instance})

    said = fail_update(stack, instance=instance, rollout={"timeout": "3s"})

    for told in (failure(caught), said):
        assert f"the service has no {lacking} for {instance} in aws us-east-1" in told
        assert f"As much memory could be had as {instead} in aws us-east-1 at $" in told
    assert world.get("tiny")["compute"]["instanceType"] == "nvidia-t4"


@pytest.mark.fault(12)
def test_an_update_that_gets_no_hardware_is_left_alone(world: Running, plugin: Plugin) -> None:
    """No evidence against it: nothing is written after its PUT, and the state keeps the endpoint."""
    world.set(state_after_put="pending")
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "stuck_pending"}])
    since = number(world)

    said = fail_update(stack, **bad_engine() | {"rollout": {"timeout": "3s"}})

    assert "was still pending after" in said
    assert "which proves nothing" in said
    assert changed(world, since) == ["PUT"]
    assert image(world) == BAD


@pytest.mark.fault(12)
def test_an_update_that_never_finishes_is_put_back(world: Running, plugin: Plugin) -> None:
    """It had its hardware: that is evidence, and the previous configuration serves again."""
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "stuck_initializing"}])

    said = fail_update(stack, **bad_engine() | {"rollout": {"timeout": "8s"}})

    assert "was still updating after " in said
    assert "put back and serves again" in said
    assert [put["model"]["image"]["tgi"]["url"] for put in puts(world)] == [BAD, GOOD]
    assert (image(world), world.state("tiny")) == (GOOD, "running")


LOG = "2026-11-21T00:00:00Z torch.cuda.OutOfMemoryError: CUDA out of memory"


@pytest.mark.fault(13)
@pytest.mark.parametrize("reason", ["the container exited with code 1", None])
@pytest.mark.parametrize("log", [LOG, None])
def test_a_failure_is_never_blank(tmp_path: Path, reason: str | None, log: str | None) -> None:
    """State, message, the log's last line and the likely cause, whichever of them there is."""
    reply = endpoint_reply(state="failed")
    reply["status"] |= {"message": "", "readyReplica": 0} | ({"errorMessage": reason} if reason else {})
    reply["tags"] = ["hfd-o-0123456789ab", "hfd-l-tiny"]
    paused = {**reply, "status": {**reply["status"], "state": "paused"}}
    place = "/v2/endpoint/acme/tiny"
    with Speaker() as service:
        service.on(place, http(200, reply))
        service.on("/v2/endpoint/acme?limit=100", http(200, {"items": [reply]}))
        service.on(f"{place}/pause", http(200, paused))
        for path in (f"{place.replace('v2', 'v3')}/logs?tail=50", f"{place}/logs?tail=50"):
            service.on(path, http(404, {"error": "Not Found"}))
        if log is not None:
            service.on(f"{place}/logs?tail=50", http(200, f"one line before\n{log}\n", "text/plain"))
        settings = {"hfdeploy:apiUrl": service.url, "hfdeploy:hubUrl": service.url, "hfdeploy:token": OWNER}
        inputs = {"owner": "0123456789ab", "logical_name": "tiny", "generation": reply["status"]["createdAt"]}
        with running_plugin(settings, folder=tmp_path) as plugin, pytest.raises(grpc.RpcError) as caught:
            plugin.create("endpoint", {**SPEC, **inputs})

    said = failure(caught)
    assert "acme/tiny is failed. " in said
    assert (reason or "The service gave no reason") in said
    assert ("CUDA out of memory" if log else "Its log could not be read.") in said
    assert ("Its log points to too little memory" if log else "Usual causes: too little memory") in said
    assert "It was paused" in said
    assert "\n" not in said.strip()


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("state", "line", "cause"),
    [
        (State.FAILED, "", "an image, a command or an argument"),
        (State.INITIALIZING, "", "another port than engine.port, another health route"),
        (State.UPDATING, "waiting for nothing", "another port than engine.port, another health route"),
        (State.FAILED, "ValueError: Out of Memory", "points to too little memory"),
        (State.FAILED, "403 Client Error: this repo is gated", "may not read"),
        (State.FAILED, "exec format error", "does not exist for this hardware"),
        (State.FAILED, "error: unrecognized arguments: --max-modl-len", "an argument that this engine does not know"),
    ],
)
def test_the_likely_cause_is_named(state: State, line: str, cause: str) -> None:
    """The first thing that people would look for."""
    assert cause in likely_causes(state, [line])


@pytest.mark.fault(14)
def test_an_update_that_failed_names_its_fields_and_a_changed_spec_converges(world: Running, plugin: Plugin) -> None:
    """updateFailed: put back and proved, the same refused without a PUT, another tried; never a replacement."""
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])
    since = number(world)

    said = fail_update(stack, **bad_engine())

    assert "acme/tiny is updateFailed." in said
    assert "What was sent: engine." in said
    assert "put back and serves again" in said
    assert image(world) == GOOD
    before = len(puts(world))
    assert "was not sent again" in fail_update(stack, **bad_engine())
    assert len(puts(world)) == before

    other = "acme/text-generation-inference:3.3.8"
    stack.update(engine={**SPEC["engine"], "image": other})

    assert (image(world), stack.endpoint.outs["verdict"]) == (other, "passed")
    assert {one.split()[0] for one in changed(world, since)} == {"PUT"}
    assert world.get("tiny")["status"]["createdAt"] == stack.identity.outs["generation"]


@pytest.mark.fault(14)
def test_a_held_failure_is_left_as_it_is(world: Running, plugin: Plugin) -> None:
    """One PUT, and the line that goes back."""
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])

    said = fail_update(stack, **bad_engine() | {"rollout": {"timeout": "20s", "on_update_failure": "hold"}})

    assert "What was sent: engine." in said
    assert "left as it is (rollout.on_update_failure: hold)" in said
    assert (len(puts(world)), world.state("tiny")) == (1, "updateFailed")


@pytest.mark.fault(27)
def test_waking_says_what_it_costs(world: Running, plugin: Plugin) -> None:
    """A proof of a sleeping endpoint is paid for: start, prompt and idle time of one replica."""
    stack = Stack(plugin)
    world.act("scale-to-zero", "tiny")

    stack.update(env={"LOG_LEVEL": "debug"})

    (said,) = (line for line in plugin.lines(is_lasting=True) if "waking acme/tiny to verify it" in line)
    assert "which costs about $0.21 if its start takes 10 minutes" in said
    assert stack.endpoint.outs["verdict"] == "passed"
