"""The providers in the stock plugin process, over gRPC: the same serialiser and thread pool as under the engine."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from control_plane import OWNER, Running
from plugin_process import UNKNOWN, Plugin, Resource, running_plugin
from plugin_stack import SPEC, Stack, config, failure
from pulumi.dynamic.dynamic import serialize_provider

from hfdeploy.provider import EndpointProvider, GuardProvider, IdentityProvider

pytest_plugins = ["project", "plugin_stack"]


@pytest.mark.fault(34, 41)
@pytest.mark.parametrize("provider", [GuardProvider, IdentityProvider, EndpointProvider])
def test_a_provider_pickles_to_its_path_alone(provider: type) -> None:
    """It is in every state file for ever; by value it would change with each edit and could hold a token."""
    decorated = provider()
    decorated.token = "hf_secret"

    assert serialize_provider(decorated) == serialize_provider(provider())
    assert len(serialize_provider(decorated)) < 100


@pytest.mark.fault(45)
def test_a_create_returns_before_the_endpoint_runs(world: Running, plugin: Plugin) -> None:
    """What may fail or wait must not run in the create that the engine forgets on failure."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "stuck_pending"}])
    guard = plugin.create("guard", {"members": ["tiny"]})

    created = plugin.create("identity", {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"})

    assert created.id == "acme/tiny"
    assert world.state("tiny") == "pending"
    assert created.outs["generation"] == world.get("tiny")["status"]["createdAt"]


@pytest.mark.fault(4)
def test_a_second_create_continues_what_the_first_one_made(world: Running, plugin: Plugin) -> None:
    """A killed run leaves an endpoint that the state does not know; the next one adopts it by its tags."""
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"}
    first = plugin.create("identity", inputs)

    second = plugin.create("identity", inputs)

    assert second.outs == first.outs
    assert [request["method"] for request in world.requests() if request["path"] == "/v2/endpoint/acme"] == ["POST"]


@pytest.mark.fault(4)
def test_ours_under_another_logical_name_is_refused_with_the_advice(world: Running, plugin: Plugin) -> None:
    """Two resources for one endpoint would fight over it."""
    stack = Stack(plugin)

    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", {**stack.inputs(), "logical_name": "renamed"})

    assert "under the logical name 'tiny' and not 'renamed'" in failure(caught)
    assert "aliases" in failure(caught)


@pytest.mark.fault(6)
def test_a_stripped_tag_or_a_recreated_namesake_is_never_deleted(world: Running, plugin: Plugin) -> None:
    """Deleting needs our tag and the creation time of the state."""
    stack = Stack(plugin)
    world.mutate("tiny", tags=["team-a"])
    with pytest.raises(grpc.RpcError) as caught:
        plugin.delete("identity", stack.identity)
    assert "was not deleted: it does not carry this stack's owner tag" in failure(caught)

    world._script("DELETE", "/endpoints/acme/tiny")
    world.seed("tiny")
    plugin.delete("identity", stack.identity)

    assert world.get("tiny")["name"] == "tiny"
    assert [request for request in world.requests() if request["method"] == "DELETE"] == []


@pytest.mark.fault(22)
def test_deleting_twice_is_success(world: Running, plugin: Plugin) -> None:
    """A killed destroy is run again."""
    stack = Stack(plugin)

    plugin.delete("endpoint", stack.endpoint)
    assert world.get("tiny")["name"] == "tiny"
    plugin.delete("identity", stack.identity)
    plugin.delete("identity", stack.identity)

    assert world._script("GET", "/endpoints")["items"] == []


@pytest.mark.fault(35)
def test_an_error_is_one_line_without_a_token(world: Running, tmp_path: Path) -> None:
    """It goes to the terminal and to CI logs as it is."""
    refused = {**config(world), "hfdeploy:token": "hf_this_is_refused_by_the_service_00"}
    with running_plugin(refused, folder=tmp_path) as plugin, pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", {**SPEC, "owner": "0123456789ab", "logical_name": "tiny"})

    message = failure(caught).strip()
    assert message.startswith("hfdeploy: ")
    assert "401" in message
    assert "\n" not in message
    assert "hf_this_is" not in message


@pytest.mark.fault(35)
def test_check_names_no_property_whose_value_must_not_be_printed(plugin: Plugin) -> None:
    """A check failure prints the value of the property it names."""
    news = {**SPEC, "env": {"bad key": "hunter2"}, "instance": 7, "secrets": {"K": "plain-secret"}}

    _, failures = plugin.check("identity", news)

    named = {line.partition(":")[0] for line in failures}
    assert named <= {"name", "instance"}
    assert "hunter2" not in str(failures)
    assert "plain-secret" not in str(failures)


def test_values_not_known_yet_pass_through_check_and_mean_a_change(plugin: Plugin) -> None:
    """In a preview an Output of another resource is not known; it must be neither judged nor formatted."""
    stack = Stack(plugin)

    inputs, failures = plugin.check("identity", {**SPEC, "repository": UNKNOWN})

    assert failures == []
    assert inputs["repository"] == UNKNOWN
    assert stack.has_changes(repository=UNKNOWN)


@pytest.mark.fault(45)
def test_two_hundred_creates_wait_side_by_side(world: Running, plugin: Plugin) -> None:
    """The stock pool has four threads: ten slow rollouts would otherwise queue, and checks behind them."""
    world.set(durations={"pending": 200 * 3.0})
    guard = plugin.create("guard", {"members": []})
    owner = guard.outs["owner"]

    def bring(number: int) -> Resource:
        name = f"tiny-{number}"
        inputs = {**SPEC, "name": name, "owner": owner, "logical_name": name, "verify": {"when": "never"}}
        identity = plugin.create("identity", inputs)
        return plugin.create("endpoint", {**inputs, "generation": identity.outs["generation"]})

    with ThreadPoolExecutor(12) as pool:
        pending = [pool.submit(bring, number) for number in range(12)]
        deadline = time.monotonic() + 20
        while len(world._script("GET", "/endpoints")["items"]) < 12 and time.monotonic() < deadline:
            time.sleep(0.05)
        # All twelve were asked for while not one of them runs: with four threads only four could have been.
        states = [world.state(f"tiny-{number}") for number in range(12)]
        assert [one.result().outs["state"] for one in pending] == ["running"] * 12

    assert set(states) <= {"pending", "initializing"}


def test_the_row_shows_states_while_waiting_and_the_text_as_it_streams(world: Running, plugin: Plugin) -> None:
    """Ten silent minutes make people press Ctrl-C."""
    world.set(durations={"pending": 200 * 1.5})
    Stack(plugin)

    shown = [line for line in plugin.engine.lines if line.ephemeral]
    assert {line.urn.rpartition("::")[2] for line in shown} == {"tiny"}
    assert any(line.message.startswith("pending: Endpoint waiting to be scheduled (0/1 ready") for line in shown)
    assert any(line.message.startswith("» ") for line in shown)
    assert not [line for line in plugin.engine.lines if not line.ephemeral]


def test_every_try_of_a_request_is_a_debug_line_on_its_row(world: Running, plugin: Plugin) -> None:
    """`pulumi up --debug` shows what was asked, how often and why again; without it nothing of this is seen."""
    stack = Stack(plugin, verify={"when": "never"})
    plugin.engine.lines.clear()
    world.fault("unavailable", method="PUT")

    stack.update(env={"LOG_LEVEL": "debug"})

    lines = [line.message for line in plugin.engine.debug if line.urn.endswith("::tiny")]
    tries = [line for line in lines if line.startswith("PUT /v2/endpoint/acme/tiny: ")]
    assert [line.partition(" in ")[0].partition(",")[0] for line in tries] == [
        "PUT /v2/endpoint/acme/tiny: try 1",
        "PUT /v2/endpoint/acme/tiny: asking again",
        "PUT /v2/endpoint/acme/tiny: try 2",
    ]
    assert not [line for line in plugin.lines() if ": try " in line]
    assert OWNER not in str(plugin.engine.debug)
