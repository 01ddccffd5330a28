"""Drift told apart, in the plugin process: a changed configuration is one named property, all else is none."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, running_plugin
from test_plugin import SPEC, Stack, config, failure, outlive_the_listing, puts

from hfdeploy.diff import FIELDS, put_at

pytest_plugins = ["project"]

DOMAIN = "chat.example.org"
RICH: dict[str, Any] = {
    "route": {"domain": DOMAIN, "path": "/v1"},
    "private_service": {"account_id": "123456789012", "region": "us-east-1", "shared": False},
    "secrets": {"API_KEY": {"from_env": "THE_KEY"}, "OTHER_KEY": {"from_env": "THE_OTHER_KEY"}},
    "verify": {"when": "never"},
}
"""On top of `SPEC`: everything that a PUT of something else could wipe."""

VALUES = {"THE_KEY": "first-value-of-the-key", "THE_OTHER_KEY": "first-value-of-the-other"}

TGI = {"url": "acme/text-generation-inference:3.3.7", "maxInputLength": 1024, "maxTotalTokens": 2048}

BY_HAND: dict[tuple[str, ...], tuple[Any, str]] = {
    ("type",): ("authenticated", "security"),
    ("compute", "accelerator"): ("cpu", "instance"),
    ("compute", "instanceType"): ("nvidia-l4", "instance"),
    ("compute", "instanceSize"): ("x4", "instance"),
    ("compute", "scaling", "minReplica"): (1, "autoscaling"),
    ("compute", "scaling", "maxReplica"): (4, "autoscaling"),
    ("compute", "scaling", "scaleToZeroTimeout"): (60, "autoscaling"),
    ("compute", "scaling", "measure"): ({"pendingRequests": 2.5}, "autoscaling"),
    ("model", "repository"): ("tiiuae/falcon-7b-instruct", "repository"),
    ("model", "framework"): ("custom", "engine"),
    ("model", "revision"): ("e" * 40, "revision"),
    ("model", "task"): ("text2text-generation", "task"),
    ("model", "image"): ({"tgi": {**TGI, "maxInputLength": 77}}, "engine"),
    ("model", "env"): ({"LOG_LEVEL": "hunter2"}, "env"),
    ("model", "command"): (["/other.sh"], "command"),
    ("model", "args"): ([], "args"),
    ("tags",): (["team-b"], "tags"),
    ("route",): ({"path": "/v2"}, "route"),
}
"""What a person may change in the web interface, and the spec's word for it."""


@pytest.fixture(scope="module")
def process(fast_emulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One process for all tests here that do not need one of their own: starting it takes longer than they do."""
    with running_plugin(config(fast_emulator), VALUES, tmp_path_factory.mktemp("program")) as process:
        yield process


@pytest.fixture
def plugin(world: Running, process: Plugin) -> Plugin:
    world.set(domain_status="ready")
    world.owner.post("/v2/network/domain/acme", json={"domain": DOMAIN}).raise_for_status()
    process.engine.lines.clear()
    return process


@pytest.fixture
def own_plugin(world: Running, plugin: Plugin, tmp_path: Path) -> Iterator[Plugin]:
    """A process that has asked nobody anything."""
    with running_plugin(config(world), VALUES, tmp_path) as process:
        yield process


def by_hand(world: Running, path: tuple[str, ...], value: Any) -> str:
    """Alice changes one field; when."""
    body: dict[str, Any] = {}
    if path == ("tags",):
        value = [tag for tag in world.get("tiny")["tags"] if tag.startswith("hfd-")] + value
    put_at(body, path, value)
    if path == ("compute", "accelerator"):
        body["compute"]["instanceType"] = "intel-spr"  # there is no such instance with another accelerator
    world.mutate("tiny", by="alice", **body)
    outlive_the_listing()
    return str(world.get("tiny")["status"]["updatedAt"])


def said(plugin: Plugin) -> list[str]:
    return [line for line in plugin.lines(is_lasting=True) if "changed outside" in line or "did not end" in line]


def kept(world: Running) -> Any:
    """What the service has of the endpoint: its whole configuration, secrets and credentials in the clear."""
    return world.inner("tiny")["config"]


def test_every_mutable_field_is_changed_by_hand_here() -> None:
    """A field added to the table without a case would go untested."""
    assert list(BY_HAND) == [field.path for field in FIELDS]


@pytest.mark.fault(16)
@pytest.mark.parametrize("path", BY_HAND, ids=".".join)
def test_a_field_changed_by_hand_is_one_difference_by_its_name(
    world: Running, plugin: Plugin, path: tuple[str, ...]
) -> None:
    """`pulumi refresh` shows what, who and when, and nothing beside it; the next `up` puts back that and no more."""
    value, word = BY_HAND[path]
    stack = Stack(plugin, **RICH)
    declared, before = stack.inputs(), kept(world)
    when = by_hand(world, path, value)

    stack.refresh()

    found = stack.endpoint.inputs
    assert {name for name in declared.keys() | found.keys() if declared.get(name) != found.get(name)} == {word}
    (line,) = said(plugin)
    assert line.startswith(f"changed outside this stack: {word} is ")
    assert line.endswith(f"(last update by alice at {when})")
    assert "hunter2" not in line
    assert stack.has_changes()

    stack.update()
    assert kept(world) == before
    assert len(puts(world)) == 1
    assert not stack.has_changes()


STATES = ["paused", "scaledToZero", "pending", "initializing", "updating"]


@pytest.mark.fault(16, 18)
@pytest.mark.parametrize("state", STATES)
def test_an_operational_state_is_no_difference(world: Running, plugin: Plugin, state: str) -> None:
    """Asleep, paused, with fewer or more replicas: none of it is configuration."""
    stack = Stack(plugin, **RICH)
    before, since = stack.endpoint, len(world.requests())
    world.mutate("tiny", by="alice", state=state)
    outlive_the_listing()

    stack.refresh()

    assert stack.endpoint.outs == before.outs
    assert stack.endpoint.inputs == before.inputs
    assert said(plugin) == []
    assert not stack.has_changes()
    assert {one["method"] for one in world.requests()[since:]} == {"GET"}
    assert not [one for one in world.requests()[since:] if one["path"].startswith("/endpoints/")]


@pytest.mark.fault(14, 16)
@pytest.mark.parametrize("state", ["failed", "updateFailed"])
def test_an_endpoint_the_service_gave_up_on_is_no_drift_and_not_unchanged(
    world: Running, plugin: Plugin, state: str
) -> None:
    """Its configuration is what it was, and the next `up` must not be green over it."""
    stack = Stack(plugin, **RICH)
    before = stack.endpoint
    world.mutate("tiny", by="alice", state=state)
    outlive_the_listing()

    stack.refresh()

    assert stack.endpoint.inputs == before.inputs
    assert stack.endpoint.outs == {**before.outs, "state": state}
    assert stack.has_changes()


FILLED: list[dict[str, Any]] = [
    {},
    {"scale_to_zero_fill": 60},
    {"default_ports": "absent"},
    {"secrets_in_reply": "keys"},
    {"experimental_features_reply": "filled"},
    {"cache_http_responses_reply": "top_level"},
    {"timestamp_digits": 0},
]


@pytest.mark.fault(17)
@pytest.mark.parametrize("options", FILLED, ids=str)
def test_what_the_service_fills_in_is_no_difference(world: Running, plugin: Plugin, options: dict[str, Any]) -> None:
    """A spec that leaves everything open, whatever the service puts there."""
    world.set(**options)
    open_fields = ("env", "args", "command", "tags", "task", "revision", "autoscaling", "max_model_len", "security")
    stack = Stack(plugin, **dict.fromkeys(open_fields), secrets=RICH["secrets"], verify={"when": "never"})
    before = stack.endpoint
    outlive_the_listing()

    stack.refresh()

    assert (stack.endpoint.outs, stack.endpoint.inputs) == (before.outs, before.inputs)
    assert said(plugin) == []
    assert not stack.has_changes()


@pytest.mark.fault(36)
def test_a_rotated_secret_is_no_drift_and_one_update(world: Running, plugin: Plugin, tmp_path: Path) -> None:
    """A refresh has nothing to show; a preview names the secret, and only its digest changes in the state."""
    stack = Stack(plugin, **RICH)
    declared = stack.endpoint
    rotated = {**VALUES, "THE_KEY": "second-value-of-the-key"}
    with running_plugin(config(world), rotated, tmp_path) as later:
        stack.plugin = later
        stack.refresh()
        assert (stack.endpoint.outs, stack.endpoint.inputs) == (declared.outs, declared.inputs)
        assert said(later) == []

        assert stack.has_changes()
        assert later.lines(is_lasting=True) == ["changed secrets: API_KEY"]
        stack.update()

        assert puts(world) == [
            {"model": {"secrets": {"API_KEY": "second-value-of-the-key", "OTHER_KEY": VALUES["THE_OTHER_KEY"]}}}
        ]
        was, now = declared.outs, stack.endpoint.outs
        assert {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)} <= {
            "remembered",
            "value_marks",
        }
        assert was["remembered"]["digests"]["OTHER_KEY"] == now["remembered"]["digests"]["OTHER_KEY"]
        assert was["remembered"]["digests"]["API_KEY"] != now["remembered"]["digests"]["API_KEY"]
        assert not stack.has_changes()


def test_blanked_credentials_are_no_difference(world: Running, tmp_path: Path) -> None:
    """They come back empty whoever asks."""
    engine = {
        "type": "custom",
        "image": "registry.example.org/acme/server:1",
        "health_route": "/health",
        "registry": {"username": "puller", "password": {"from_env": "PULL"}},
    }
    with running_plugin(config(world), {"PULL": "pull-secret"}, tmp_path) as plugin:
        stack = Stack(plugin, engine=engine, max_model_len=None, verify={"when": "never"})
        before = stack.endpoint
        outlive_the_listing()
        stack.refresh()

        assert world.get("tiny")["model"]["image"]["custom"]["credentials"] == {"username": "", "password": None}
        assert (stack.endpoint.outs, stack.endpoint.inputs) == (before.outs, before.inputs)
        assert not stack.has_changes()


@pytest.mark.fault(36)
def test_a_secret_that_is_missing_changes_nothing_in_a_preview_and_stops_an_up(
    world: Running, plugin: Plugin, tmp_path: Path
) -> None:
    """Whoever previews need not hold the secrets; whoever deploys must, and is told before anything is sent."""
    stack = Stack(plugin, **RICH)
    assert "THE_KEY" not in os.environ
    with running_plugin(config(world), {"THE_OTHER_KEY": VALUES["THE_OTHER_KEY"]}, tmp_path) as later:
        stack.plugin = later
        assert not stack.has_changes()
        assert stack.has_changes(tags=["team-b"])
        with pytest.raises(grpc.RpcError) as caught:
            stack.update(tags=["team-b"])

    assert "API_KEY (environment variable THE_KEY)" in failure(caught)
    assert puts(world) == []


@pytest.mark.fault(37)
@pytest.mark.parametrize(("security", "words"), [("public", "anyone may call it, without a token"), ("authenticated", "anyone with a Hugging Face account may call it")])  # fmt: skip  # noqa: E501
def test_an_endpoint_that_somebody_opened_is_a_warning_in_words(
    world: Running, plugin: Plugin, security: str, words: str
) -> None:
    """The most expensive click of all must not read like a change of a tag."""
    stack = Stack(plugin, **RICH)
    when = by_hand(world, ("type",), security)

    stack.refresh()

    (line,) = [one for one in plugin.engine.lines if "changed outside" in one.message]
    told = f'changed outside this stack: security is "{security}": {words} (last update by alice at {when})'
    assert line.message == told
    assert line.severity == line.DESCRIPTOR.fields_by_name["severity"].enum_type.values_by_name["WARNING"].number


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


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("changes", "leaked"),
    [
        ({"model": {"env": {"LOG_LEVEL": "info", "SOMEBODYS": "hf_" + "q" * 30}}}, "hf_" + "q" * 30),
        ({"model": {"args": ["--trust-remote-code", "--token", "sk-" + "w" * 30]}}, "sk-" + "w" * 30),
    ],
    ids=["env", "args"],
)
def test_a_credential_that_somebody_wrote_into_an_endpoint_is_not_kept(
    world: Running, plugin: Plugin, changes: dict[str, Any], leaked: str
) -> None:
    """It is a change that is named and put back, and its value gets into no state."""
    stack = Stack(plugin)
    world.mutate("tiny", **changes)
    outlive_the_listing()

    stack.refresh()

    kept = json.dumps([stack.endpoint.outs, stack.endpoint.inputs])
    assert leaked not in kept
    assert "(a credential, not shown)" in kept
    assert leaked not in "\n".join(plugin.lines())
    assert stack.has_changes()
