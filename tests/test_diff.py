"""Differences: a no-op sends nothing, a changed field sends exactly itself, drift is said in the spec's words."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.diff import FIELDS, IMAGE, REVISION, compare, not_as_asked, project
from hfdeploy.diff.fields import put_at, value_at
from hfdeploy.wire import Endpoint, parse_endpoint

SHA = "1" * 40

WANTED: dict[str, Any] = {
    "name": "chat",
    "type": "private",
    "provider": {"vendor": "aws", "region": "us-east-1"},
    "compute": {
        "accelerator": "gpu",
        "instanceType": "nvidia-a10g",
        "instanceSize": "x1",
        "scaling": {"minReplica": 0, "maxReplica": 2, "scaleToZeroTimeout": 15, "measure": {"hardwareUsage": 80}},
    },
    "model": {
        "repository": "acme/chat",
        "framework": "pytorch",
        "revision": SHA,
        "task": "text-generation",
        "image": {"vLLM": {"url": "vllm/vllm-openai:v0.11.0", "tensorParallelSize": 1}},
        "env": {"A": "1"},
        "command": ["serve"],
        "args": ["--max-model-len", "8192"],
    },
    "tags": ["team-a"],
    "route": {"domain": "chat.example.org", "path": "/"},
}

OTHER: dict[tuple[str, ...], Any] = {
    ("type",): "public",
    ("compute", "accelerator"): "cpu",
    ("compute", "instanceType"): "nvidia-l4",
    ("compute", "instanceSize"): "x4",
    ("compute", "scaling", "minReplica"): 1,
    ("compute", "scaling", "maxReplica"): 4,
    ("compute", "scaling", "scaleToZeroTimeout"): 60,
    ("compute", "scaling", "measure"): {"pendingRequests": 1.5},
    ("model", "repository"): "acme/other",
    ("model", "framework"): "custom",
    ("model", "revision"): "2" * 40,
    ("model", "task"): "feature-extraction",
    ("model", "image"): {"vLLM": {"url": "vllm/vllm-openai:v0.12.0", "tensorParallelSize": 1}},
    ("model", "env"): {"A": "2"},
    ("model", "command"): ["other"],
    ("model", "args"): [],
    ("tags",): ["team-b"],
    ("route",): {"domain": "chat.example.org", "path": "/v2"},
}


OTHER_ENGINES = [
    ("tgi", "tgi"),
    ("sGLang", "sglang"),
    ("llamacpp", "llamacpp"),
    ("tei", "tei"),
    ("custom", "custom"),
    ("tgiNeuron", "tgi_neuron"),
    ("vLLMNeuron", "vllm_neuron"),
]
"""The API's name of an engine and ours."""


def endpoint(body: dict[str, Any], **status: Any) -> Endpoint:
    """A live endpoint that was made from `body`, with everything that the server fills in."""
    live = copy.deepcopy(body)
    for variant in live["model"]["image"].values():
        variant |= {"port": 8000, "healthRoute": "/health"}
    live["model"]["secrets"] = {}
    live["tags"] = ["hfd-o-0123456789ab", "hfd-l-chat", *live["tags"]]
    live["experimentalFeatures"] = live["notifications"] = {}
    live["healthRoute"] = "/health"
    live["compute"]["id"] = "aws-us-east-1-nvidia-a10g-x1"
    live["compute"]["scaling"]["metric"] = "hardwareUsage"
    live["status"] = {"state": "running", "createdAt": "2026-11-01T09:00:00.000Z", "readyReplica": 1, **status}
    return parse_endpoint(live)


def test_every_mutable_field_has_a_row_in_these_tests() -> None:
    """A field added to the table without a case here would go untested."""
    assert {field.path for field in FIELDS} == set(OTHER)


@pytest.mark.fault(17)
def test_what_the_server_fills_in_is_no_difference() -> None:
    """Otherwise every run would be a change."""
    changes = compare(WANTED, endpoint(WANTED))

    assert (changes.items, changes.body) == ((), {})


@pytest.mark.fault(16)
@pytest.mark.parametrize("path", OTHER, ids=".".join)
def test_a_changed_field_sends_exactly_itself(path: tuple[str, ...]) -> None:
    """A PUT merges, so whatever else it holds could undo what somebody else set."""
    wanted = copy.deepcopy(WANTED)
    put_at(wanted, path, OTHER[path])

    changes = compare(wanted, endpoint(WANTED))

    expected: dict[str, Any] = {}
    value = OTHER[path]
    put_at(expected, path, ["hfd-o-0123456789ab", "hfd-l-chat", *value] if path == ("tags",) else value)
    if path == ("model", "repository"):
        put_at(expected, ("model", "revision"), SHA)
    assert changes.body == expected
    assert len(changes.items) == 1


@pytest.mark.parametrize(
    ("path", "filled"),
    [
        (("compute", "scaling", "scaleToZeroTimeout"), 15),
        (("compute", "scaling", "measure"), {"hardwareUsage": None}),
        (("model", "revision"), SHA),
        (("model", "task"), "text-generation"),
        (("model", "framework"), "pytorch"),
        (("route",), {"domain": "x.example.org"}),
        (("route",), None),
        (("model", "env"), {}),
        (("model", "command"), []),
        (("model", "args"), []),
        (("tags",), []),
    ],
    ids=lambda part: ".".join(part) if isinstance(part, tuple) else None,
)
def test_a_field_that_the_spec_leaves_open_is_the_servers(path: tuple[str, ...], filled: Any) -> None:
    """Server defaults are not drift."""
    wanted, live = copy.deepcopy(WANTED), copy.deepcopy(WANTED)
    put_at(wanted, path, None)
    put_at(live, path, filled)

    assert compare(wanted, endpoint(live)).items == ()


@pytest.mark.parametrize("name", ["env", "args", "command"])
def test_what_somebody_added_is_cleared_by_an_empty_value(name: str) -> None:
    """Null is refused or ignored by the API; an empty list or map clears."""
    wanted = copy.deepcopy(WANTED)
    del wanted["model"][name]

    assert compare(wanted, endpoint(WANTED)).body == {"model": {name: {} if name == "env" else []}}


def test_an_image_is_sent_whole() -> None:
    """The union is one value: a part of it would lose the rest."""
    wanted = copy.deepcopy(WANTED)
    wanted["model"]["image"]["vLLM"]["tensorParallelSize"] = 2

    body = compare(wanted, endpoint(WANTED)).body

    assert body == {"model": {"image": {"vLLM": {"url": "vllm/vllm-openai:v0.11.0", "tensorParallelSize": 2}}}}


def test_blanked_credentials_are_no_difference_and_can_be_resent() -> None:
    """They come back empty; echoing them would overwrite the real ones."""
    wanted = copy.deepcopy(WANTED)
    wanted["model"]["image"] = {"custom": {"url": "acme/server:1", "credentials": {"username": "u"}}}
    live = copy.deepcopy(wanted)
    live["model"]["image"]["custom"]["credentials"] = {"username": "", "password": None}

    assert compare(wanted, endpoint(live)).items == ()
    assert list(compare(wanted, endpoint(live), resend=[IMAGE]).body["model"]) == ["image"]


def test_blanked_credentials_are_no_drift_beside_a_real_one() -> None:
    """They would look as if somebody had taken the password away."""
    wanted, live = copy.deepcopy(WANTED), copy.deepcopy(WANTED)
    wanted["model"]["image"] = {"custom": {"url": "acme/server:1", "credentials": {"username": "u"}}}
    live["model"]["image"] = {"custom": {"url": "acme/server:2", "credentials": {"username": "", "password": None}}}
    declared = {"engine": {"type": "custom", "image": "acme/server:1", "registry": {"username": "u"}}}

    assert project(declared, wanted, endpoint(live)) == {
        "engine": {"type": "custom", "image": "acme/server:2", "registry": {"username": "u"}}
    }


def test_a_moved_repository_takes_its_revision_along() -> None:
    """A PUT merges: the old repository's commit would be looked for in the new one."""
    wanted = copy.deepcopy(WANTED)
    wanted["model"] |= {"repository": "acme/other", "revision": None}

    assert compare(wanted, endpoint(WANTED), resend=[REVISION]).body == {
        "model": {"repository": "acme/other", "revision": None}
    }


def test_a_server_that_went_back_to_the_old_configuration_is_not_as_asked() -> None:
    """The false success of other tools: running again, but with the old image."""
    wanted = copy.deepcopy(WANTED)
    wanted["model"]["image"]["vLLM"]["url"] = "vllm/vllm-openai:v0.12.0"

    assert not_as_asked(wanted, endpoint(WANTED)) == [
        "engine is 'vLLM with url vllm/vllm-openai:v0.11.0' and not 'vLLM with url vllm/vllm-openai:v0.12.0'"
    ]
    assert not_as_asked(WANTED, endpoint(WANTED)) == []


def test_env_values_are_not_shown() -> None:
    """They are no secrets by contract, and often are in fact."""
    live = copy.deepcopy(WANTED)
    live["model"]["env"] = {"A": "hunter2"}

    assert "hunter2" not in str(compare(WANTED, endpoint(live)).items[0])


DECLARED = {
    "name": "chat",
    "repository": "acme/chat",
    "revision": "main",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "GPU [medium] · 1x Nvidia A10G",
    "autoscaling": {"max": 2, "scale_to_zero_after": "900s", "measure": {"hardware_usage": 80}},
    "engine": {"type": "vllm"},
    "env": {"A": "1"},
    "command": ["serve"],
    "max_model_len": 8192,
    "tags": ["team-a"],
}

SHOWN: dict[tuple[str, ...], dict[str, Any]] = {
    ("type",): {"security": "public"},
    ("compute", "accelerator"): {"instance": "nvidia-a10g x1"},
    ("compute", "instanceType"): {"instance": "nvidia-l4 x1"},
    ("compute", "instanceSize"): {"instance": "nvidia-a10g x4"},
    ("compute", "scaling", "minReplica"): {"autoscaling": {**DECLARED["autoscaling"], "min": 1}},
    ("compute", "scaling", "maxReplica"): {"autoscaling": {**DECLARED["autoscaling"], "max": 4}},
    ("compute", "scaling", "scaleToZeroTimeout"): {
        "autoscaling": {**DECLARED["autoscaling"], "scale_to_zero_after": "60m"}
    },
    ("compute", "scaling", "measure"): {
        "autoscaling": {**DECLARED["autoscaling"], "measure": {"pending_requests": 1.5}}
    },
    ("model", "repository"): {"repository": "acme/other"},
    ("model", "framework"): {"engine": {"type": "vllm", "framework": "custom"}},
    ("model", "revision"): {"revision": "2" * 40},
    ("model", "task"): {"task": "feature-extraction"},
    ("model", "image"): {"engine": {"type": "vllm", "image": "vllm/vllm-openai:v0.12.0"}},
    ("model", "env"): {"env": {"A": "2"}},
    ("model", "command"): {"command": ["other"]},
    ("model", "args"): {"args": []},
    ("tags",): {"tags": ["team-b"]},
    ("route",): {"route": {"domain": "chat.example.org", "path": "/v2"}},
}


@pytest.mark.fault(16)
@pytest.mark.parametrize("path", OTHER, ids=".".join)
def test_drift_is_said_by_the_property_that_drifted(path: tuple[str, ...]) -> None:
    """Somebody who reads `pulumi refresh` must see what a person changed, and nothing else."""
    live = copy.deepcopy(WANTED)
    put_at(live, path, OTHER[path])

    assert project(DECLARED, WANTED, endpoint(live)) == {**DECLARED, **SHOWN[path]}


def test_what_means_the_same_stays_as_it_was_written() -> None:
    """An old label, a branch and another way to write a duration are no drift."""
    assert project(DECLARED, WANTED, endpoint(WANTED)) == DECLARED


@pytest.mark.parametrize(("key", "engine"), [*OTHER_ENGINES, ("hfServe", "hfServe")], ids=lambda name: name)
def test_another_engine_is_shown_as_an_engine(key: str, engine: str) -> None:
    """The union's key is what changed; in the spec's words, so that it can be copied there."""
    live = copy.deepcopy(WANTED)
    live["model"]["image"] = {key: {"url": "acme/server:3"}}

    assert project(DECLARED, WANTED, endpoint(live))["engine"] == {"type": engine, "image": "acme/server:3"}


def test_the_services_own_engine_is_shown_without_an_image() -> None:
    """It has none to show."""
    live = copy.deepcopy(WANTED)
    live["model"]["image"] = {"huggingface": {}}

    assert project(DECLARED, WANTED, endpoint(live))["engine"] == {"type": "huggingface"}


def test_a_part_of_a_route_that_the_spec_leaves_open_is_the_servers() -> None:
    """A path that the service fills in would be sent back for ever."""
    wanted = copy.deepcopy(WANTED)
    wanted["route"] = {"domain": "chat.example.org"}

    assert compare(wanted, endpoint(WANTED)).items == ()
    wanted["route"] = {"domain": "other.example.org"}
    assert compare(wanted, endpoint(WANTED)).body == {"route": {"domain": "other.example.org"}}


def test_a_route_that_was_taken_away_is_given_back_whole() -> None:
    """Callers lose an endpoint whose address is gone."""
    live = copy.deepcopy(WANTED)
    del live["route"]

    assert compare(WANTED, endpoint(live)).body == {"route": WANTED["route"]}


def test_a_server_with_another_engine_is_told_by_the_engines_names() -> None:
    """Fields of two different variants cannot be set against each other."""
    live = copy.deepcopy(WANTED)
    live["model"]["image"] = {"tgi": {"url": "acme/tgi:3"}}

    assert not_as_asked(WANTED, endpoint(live)) == ["engine is 'tgi' and not 'vLLM'"]


def test_what_is_not_served_needs_no_new_proof() -> None:
    """More replicas and other tags answer as before; another image may not."""
    live = copy.deepcopy(WANTED)
    live["tags"], live["type"], live["compute"]["scaling"]["maxReplica"] = ["x"], "public", 9
    changes = compare(WANTED, endpoint(live))

    assert (changes.is_served, changes.names) == (False, ("security", "autoscaling.max", "tags"))
    assert not_as_asked(WANTED, endpoint(live))[0] == "security is 'public' and not 'private'"
    assert [str(change) for change in changes.items] == [
        "security: 'public' -> 'private'",
        "autoscaling.max: 9 -> 2",
        "tags: ['x'] -> ['team-a']",
    ]


def test_one_served_change_among_others_needs_a_new_proof() -> None:
    """Otherwise another tag in the same run would let a new image through unproved."""
    live = copy.deepcopy(WANTED)
    live["tags"], live["model"]["env"] = ["x"], {"A": "2"}

    assert compare(WANTED, endpoint(live)).is_served


def test_what_answers_a_prompt_is_served() -> None:
    """The whole of it, since what is missing here is never proved."""
    served = {field.path[-1] for field in FIELDS if field.is_served}

    compute = {"accelerator", "instanceType", "instanceSize"}
    assert served == compute | {"repository", "framework", "revision", "task", "image", "env", "command", "args"}


def test_a_moved_instance_is_one_name_and_is_served() -> None:
    """Three fields of the API are one of the spec."""
    wanted = copy.deepcopy(WANTED)
    wanted["compute"] |= {"accelerator": "cpu", "instanceType": "intel-spr", "instanceSize": "x4"}
    changes = compare(wanted, endpoint(WANTED))

    assert (changes.is_served, changes.names) == (True, ("instance",))
    assert changes.body == {"compute": {"accelerator": "cpu", "instanceType": "intel-spr", "instanceSize": "x4"}}


@pytest.mark.fault(18)
@pytest.mark.parametrize("state", ["paused", "scaledToZero", "running"])
def test_an_operational_state_is_no_drift_unless_the_spec_names_one(state: str) -> None:
    """A person's pause is left alone."""
    live = endpoint(WANTED, state=state)

    assert project(DECLARED, WANTED, live) == DECLARED
    shown = project({**DECLARED, "state": "running"}, WANTED, live)
    assert shown["state"] == ("paused" if state == "paused" else "running")


@pytest.mark.fault(17)
@given(st.sets(st.sampled_from(sorted(OTHER))))
def test_a_put_of_the_differences_removes_them_all(paths: set[tuple[str, ...]]) -> None:
    """The law of a reconciler: after applying the plan, planning finds nothing."""
    drifted = copy.deepcopy(WANTED)
    for path in paths:
        put_at(drifted, path, OTHER[path])
    changes = compare(WANTED, endpoint(drifted))

    for path in OTHER:
        if value_at(changes.body, path) is not None:
            put_at(drifted, path, value_at(WANTED, path))

    assert compare(WANTED, endpoint(drifted)).items == ()
    assert {change.field.path for change in changes.items} == paths
