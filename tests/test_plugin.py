"""The providers in the stock plugin process, over gRPC: the same serialiser and thread pool as under the engine."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import OWNER, Running
from plugin_process import UNKNOWN, Plugin, Resource, running_plugin
from pulumi.dynamic.dynamic import serialize_provider

from hfdeploy.provider import EndpointProvider, GuardProvider, IdentityProvider

pytest_plugins = ["project"]

SPEC: dict[str, Any] = {
    "name": "tiny",
    "namespace": "acme",
    "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "revision": "main",
    "task": "text-generation",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "GPU [small] · 1x Nvidia T4",
    "autoscaling": {"min": 0, "max": 2, "scale_to_zero_after": "900s", "measure": {"hardware_usage": 80}},
    "security": "private",
    "engine": {"type": "tgi", "image": "acme/text-generation-inference:3.3.7", "max_input_length": 1024},
    "max_model_len": 2048,
    "args": ["--trust-remote-code"],
    "command": ["/entrypoint.sh"],
    "env": {"LOG_LEVEL": "info"},
    "tags": ["team-a"],
    "verify": {"max_new_tokens": 4},
}
"""Every field of the wire model is set, so that each can be changed."""


def config(world: Running) -> dict[str, str]:
    return {"hfdeploy:apiUrl": world.url, "hfdeploy:hubUrl": world.url, "hfdeploy:token": OWNER}


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    with running_plugin(config(world), folder=tmp_path) as process:
        yield process


class Stack:
    """What the engine would hold: a guard, an identity and the endpoint on it."""

    def __init__(self, plugin: Plugin, **changes: Any) -> None:
        self.plugin = plugin
        self.guard = plugin.create("guard", {"members": ["tiny"]})
        self.spec = {**SPEC, **changes}
        self.identity = plugin.create("identity", self.inputs(generation=None))
        self.endpoint = plugin.create("endpoint", self.inputs())

    def inputs(self, **changes: Any) -> dict[str, Any]:
        identity = getattr(self, "identity", None)
        generation = identity.outs["generation"] if identity else None
        fields = {**self.spec, "owner": self.guard.outs["owner"], "logical_name": "tiny", "generation": generation}
        return {key: value for key, value in {**fields, **changes}.items() if value is not None}

    def has_changes(self, **changes: Any) -> bool:
        return self.plugin.has_changes("endpoint", self.endpoint, self.inputs(**changes))

    def update(self, **changes: Any) -> None:
        self.endpoint = self.plugin.update("endpoint", self.endpoint, self.inputs(**changes))

    def refresh(self) -> None:
        self.endpoint = self.plugin.read("endpoint", self.endpoint)


def outlive_the_listing() -> None:
    """One listing answers all reads of a refresh; it is at most a second old."""
    time.sleep(1.1)


def puts(world: Running) -> list[Any]:
    """The updates, without tags that repeat what was sent before: every update names all of them.

    The mark of secret values counts as part of these.
    """
    known: dict[str, list[str]] = {}
    bodies = []
    for request in world.requests():
        body = request["body"]
        if request["method"] not in {"POST", "PUT"} or not isinstance(body, dict) or "tags" not in body:
            bodies += [body] if request["method"] == "PUT" else []
            continue
        name = body.get("name") or request["path"].rpartition("/")[2]
        tags = [tag for tag in body["tags"] if not tag.startswith("hfd-s-")]
        if request["method"] == "PUT":
            bodies.append({key: value for key, value in body.items() if key != "tags" or known.get(name) != tags})
        known[name] = tags
    return bodies


def failure(caught: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return str(caught.value.details())


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


CHANGES: dict[str, tuple[dict[str, Any], Any]] = {
    "security": ({"security": "authenticated"}, {"type": "authenticated"}),
    "instance": ({"instance": "nvidia-l4 x1"}, {"compute": {"instanceType": "nvidia-l4"}}),
    "instance size": ({"instance": "nvidia-t4 x4"}, {"compute": {"instanceSize": "x4"}}),
    "instance kind": (
        {"instance": "intel-spr x1"},
        {"compute": {"accelerator": "cpu", "instanceType": "intel-spr"}},
    ),
    "autoscaling.min": (
        {"autoscaling": {"min": 1, "max": 2, "measure": {"hardware_usage": 80}}},
        {"compute": {"scaling": {"minReplica": 1}}},
    ),
    "autoscaling.max": (
        {"autoscaling": {**SPEC["autoscaling"], "max": 3}},
        {"compute": {"scaling": {"maxReplica": 3}}},
    ),
    "autoscaling.scale_to_zero_after": (
        {"autoscaling": {**SPEC["autoscaling"], "scale_to_zero_after": "1h"}},
        {"compute": {"scaling": {"scaleToZeroTimeout": 60}}},
    ),
    "autoscaling.measure": (
        {"autoscaling": {**SPEC["autoscaling"], "measure": {"pending_requests": 2.5}}},
        {"compute": {"scaling": {"measure": {"pendingRequests": 2.5}}}},
    ),
    "repository": (
        {"repository": "tiiuae/falcon-7b-instruct"},
        {"model": {"repository": "tiiuae/falcon-7b-instruct", "revision": "main"}},
    ),
    "revision": ({"revision": "2" * 40}, {"model": {"revision": "2" * 40}}),
    "task": ({"task": "text2text-generation"}, {"model": {"task": "text2text-generation"}}),
    "engine": (
        {"engine": {**SPEC["engine"], "max_input_length": 512}},
        {
            "model": {
                "image": {
                    "tgi": {
                        "url": "acme/text-generation-inference:3.3.7",
                        "maxInputLength": 512,
                        "maxTotalTokens": 2048,
                    }
                }
            }
        },
    ),
    "env": ({"env": {"LOG_LEVEL": "debug"}}, {"model": {"env": {"LOG_LEVEL": "debug"}}}),
    "env cleared": ({"env": None}, {"model": {"env": {}}}),
    "args": ({"args": []}, {"model": {"args": []}}),
    "command": ({"command": None}, {"model": {"command": []}}),
    "tags": ({"tags": ["team-b"]}, {"tags": ["hfd-o-OWNER", "hfd-l-tiny", "team-b"]}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_field_sends_exactly_that_field(world: Running, plugin: Plugin, name: str) -> None:
    """The law of the no-op, its other half: a PUT merges, and whatever else it held could undo somebody's work."""
    changes, expected = CHANGES[name]
    stack = Stack(plugin)

    assert stack.has_changes(**changes)
    stack.update(**changes)

    text = json.dumps(expected).replace("OWNER", stack.guard.outs["owner"])
    assert puts(world) == [json.loads(text)]
    assert not stack.has_changes(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"instance": "nvidia-t4 x1"},
        {"instance": {"type": "nvidia-t4", "size": "x1"}},
        {"autoscaling": {"max": 2.0, "scale_to_zero_after": "15m", "measure": {"hardware_usage": 80.0}}},
        {"version": 1},
        {"verify": {"max_new_tokens": 4, "when": "changed"}},
        {"rollout": {"timeout": "30m"}},
    ],
    ids=str,
)
def test_the_same_meaning_in_other_words_is_no_change(world: Running, plugin: Plugin, changes: dict[str, Any]) -> None:
    """Tidying a spec must not touch production."""
    stack = Stack(plugin)

    assert not stack.has_changes(**changes)
    stack.update(**changes)

    assert puts(world) == []


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
    from control_plane import running

    data = tmp_path / "data"
    with running(data_dir=data, speed=200) as world, running_plugin(config(world), folder=tmp_path) as plugin:
        stack = Stack(plugin)
    with running(data_dir=data, speed=200) as world, running_plugin(config(world), folder=tmp_path) as plugin:
        stack.plugin = plugin
        before = stack.endpoint.outs
        stack.refresh()

        assert stack.endpoint.outs["spec"] == before["spec"]
        assert not stack.has_changes()


@pytest.mark.fault(39)
def test_a_branch_is_resolved_once_and_kept(world: Running, plugin: Plugin) -> None:
    """A push to `main` must not change what production serves."""
    stack = Stack(plugin)
    kept = stack.endpoint.outs["revision"]
    world._script("POST", "/hub", {"repository": SPEC["repository"], "branch": "main", "commit": "f" * 40})

    stack.update(env={"LOG_LEVEL": "debug"})

    assert world.get("tiny")["model"]["revision"] == kept
    assert stack.endpoint.outs["revision"] == kept


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


@pytest.mark.fault(34, 36)
def test_secrets_are_sent_and_remembered_only_as_digests(world: Running, tmp_path: Path) -> None:
    """Values never reach the state; a rotated one is an update that the row names."""
    sources = {"API_KEY": {"from_env": "THE_KEY"}, "OTHER": {"from_config": "other"}}
    settings = {**config(world), "hfdeploy:other": "from-the-config"}
    with running_plugin(settings, {"THE_KEY": "first-value"}, tmp_path) as plugin:
        stack = Stack(plugin, secrets=sources)
        assert world.inner("tiny")["config"]["model"]["secrets"] == {
            "API_KEY": "first-value",
            "OTHER": "from-the-config",
        }
        assert puts(world) == []
        assert not stack.has_changes()
        kept = json.dumps([stack.endpoint.outs, stack.identity.outs])
        assert "first-value" not in kept
        assert "from-the-config" not in kept

    with running_plugin(settings, {"THE_KEY": "second-value"}, tmp_path) as plugin:
        stack.plugin = plugin
        assert stack.has_changes()
        assert any("API_KEY" in line and "OTHER" not in line for line in plugin.lines(is_lasting=True))
        stack.update()
        assert puts(world) == [{"model": {"secrets": {"API_KEY": "second-value", "OTHER": "from-the-config"}}}]
        assert not stack.has_changes()


def test_a_missing_secret_stops_everything_before_a_request(world: Running, plugin: Plugin) -> None:
    """A half-configured container would start, fail, and bill."""
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"}

    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", {**inputs, "secrets": {"API_KEY": {"from_env": "NO_SUCH_VARIABLE"}}})

    assert "API_KEY (environment variable NO_SUCH_VARIABLE)" in failure(caught)
    assert [request for request in world.requests() if request["method"] != "GET"] == []


def test_another_fields_update_wipes_no_secret(world: Running, tmp_path: Path) -> None:
    """Other tools lost secrets, environment and credentials that way."""
    sources = {"API_KEY": {"from_env": "THE_KEY"}}
    with running_plugin(config(world), {"THE_KEY": "value-of-the-key"}, tmp_path) as plugin:
        stack = Stack(plugin, secrets=sources)
        stack.update(tags=["team-b"])

    assert world.inner("tiny")["config"]["model"]["secrets"] == {"API_KEY": "value-of-the-key"}
    assert world.inner("tiny")["config"]["model"]["env"] == {"LOG_LEVEL": "info"}


def test_registry_credentials_survive_an_update_of_the_image(world: Running, tmp_path: Path) -> None:
    """They come back blanked; what is read must never be echoed."""
    engine = {
        "type": "custom",
        "image": "registry.example.org/acme/server:1",
        "health_route": "/health",
        "registry": {"username": "puller", "password": {"from_env": "REGISTRY_PASSWORD"}},
    }
    with running_plugin(config(world), {"REGISTRY_PASSWORD": "pull-secret"}, tmp_path) as plugin:
        stack = Stack(plugin, engine=engine, max_model_len=None, verify={"when": "never"})
        assert not stack.has_changes()
        stack.update(engine={**engine, "image": "registry.example.org/acme/server:2"})

    image = world.inner("tiny")["config"]["model"]["image"]["custom"]
    assert image["url"].endswith(":2")
    assert image["credentials"] == {"username": "puller", "password": "pull-secret"}


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


@pytest.mark.fault(15)
def test_reading_what_is_gone_gives_the_empty_id(world: Running, plugin: Plugin) -> None:
    """Anything else would crash the refresh, or keep a dead resource in the state."""
    stack = Stack(plugin)
    world._script("DELETE", "/endpoints/acme/tiny")
    outlive_the_listing()

    assert plugin.read("identity", stack.identity).id == ""
    assert plugin.read("endpoint", stack.endpoint).id == ""


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


@pytest.mark.fault(43)
def test_a_plugin_whose_engine_was_killed_sends_nothing_more(world: Running, tmp_path: Path) -> None:
    """It outlives its engine; what it did then nobody would record."""
    world.set(durations={"pending": 200 * 8.0})
    with running_plugin(config(world), folder=tmp_path) as plugin:
        guard = plugin.create("guard", {"members": ["tiny"]})
        inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"}
        identity = plugin.create("identity", inputs)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(plugin.create, "endpoint", {**inputs, "generation": identity.outs["generation"]})
            while len([one for one in world.requests() if one["path"] == "/v2/endpoint/acme"]) < 2:
                time.sleep(0.05)
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
    with running_plugin(config(world), folder=tmp_path) as plugin:
        guard = plugin.create("guard", {"members": ["tiny"]})
        inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"}
        identity = plugin.create("identity", inputs)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(plugin.create, "endpoint", {**inputs, "generation": identity.outs["generation"]})
            while len([one for one in world.requests() if one["path"] == "/v2/endpoint/acme"]) < 2:
                time.sleep(0.05)
            os.kill(plugin.process.pid, signal.SIGTERM)
            with pytest.raises(grpc.RpcError):
                waiting.result(timeout=20)

    with running_plugin(config(world), folder=tmp_path) as plugin:
        again = plugin.create("identity", inputs)
        brought = plugin.create("endpoint", {**inputs, "generation": again.outs["generation"]})

    assert again.outs == identity.outs
    assert brought.outs["verdict"] == "passed"


def test_an_update_that_a_killed_run_sent_is_still_verified(world: Running, plugin: Plugin) -> None:
    """The refresh finds live what the spec wants; without a memory of what was proved that would be a green lie."""
    stack = Stack(plugin)
    world.mutate("tiny", model={"env": {"LOG_LEVEL": "debug"}})
    outlive_the_listing()
    stack.refresh()
    since = len(world.requests())

    assert stack.has_changes(env={"LOG_LEVEL": "debug"})
    stack.update(env={"LOG_LEVEL": "debug"})

    assert puts(world) == []
    assert [one for one in world.requests()[since:] if one["path"].endswith("/generate_stream")]
    assert not stack.has_changes(env={"LOG_LEVEL": "debug"})


def test_a_change_of_a_paused_endpoint_stays_a_change_until_it_is_proved(world: Running, plugin: Plugin) -> None:
    """A person's pause is left alone, and nothing that was never verified counts as brought live."""
    stack = Stack(plugin)
    world.act("pause", "tiny")

    stack.update(env={"LOG_LEVEL": "debug"})

    assert puts(world) == [{"model": {"env": {"LOG_LEVEL": "debug"}}}]
    assert world.state("tiny") == "paused"
    assert any("is paused" in line and "nothing was verified" in line for line in plugin.lines(is_lasting=True))
    assert stack.has_changes(env={"LOG_LEVEL": "debug"})

    world.act("resume", "tiny")
    stack.update(env={"LOG_LEVEL": "debug"})
    assert stack.endpoint.outs["verdict"] == "passed"
    assert not stack.has_changes(env={"LOG_LEVEL": "debug"})


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
