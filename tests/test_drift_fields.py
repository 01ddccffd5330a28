"""Drift told apart, in the plugin process: a changed configuration is one named property, all else is none."""

from typing import Any

import pytest
from control_plane import Running
from drift import RICH, kept, quiet_plugin, said, shared_process
from plugin_process import Plugin
from plugin_stack import Stack, outlive_the_listing, puts

from hfdeploy.diff import FIELDS, put_at

pytest_plugins = ["project"]

process = pytest.fixture(shared_process, scope="module")
plugin = pytest.fixture(quiet_plugin)

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
