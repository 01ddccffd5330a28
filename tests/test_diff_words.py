"""Drift is said in the spec's words, and what means the same is no drift."""

import copy
from typing import Any

import pytest
from live_body import OTHER, WANTED, endpoint

from hfdeploy.diff import compare, not_as_asked, project
from hfdeploy.diff.fields import put_at

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
    # With a replica at least there is no idle time, whatever the service still has of one.
    ("compute", "scaling", "minReplica"): {
        "autoscaling": {"min": 1, **{key: DECLARED["autoscaling"][key] for key in ("max", "measure")}}
    },
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
