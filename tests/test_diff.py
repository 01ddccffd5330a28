"""Differences: a no-op sends nothing, a changed field sends exactly itself."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_body import OTHER, SHA, WANTED, endpoint
from plugin_stack import SPEC

from hfdeploy.catalog import Catalog
from hfdeploy.diff import FIELDS, IMAGE, REVISION, compare, not_as_asked, project
from hfdeploy.diff.fields import put_at, value_at
from hfdeploy.plan import make_plan
from hfdeploy.spec import parse_spec


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


SCALINGS = st.fixed_dictionaries(
    {"minReplica": st.integers(0, 2), "maxReplica": st.integers(2, 4), "scaleToZeroTimeout": st.integers(15, 2880)}
)
WRITTEN = st.none() | st.one_of(
    st.fixed_dictionaries(
        {"min": st.just(0)}, optional={"scale_to_zero_after": st.sampled_from(["15m", "900s", "2h"])}
    ),
    st.fixed_dictionaries({"min": st.sampled_from([1, 2])}),
).map(lambda one: {**one, "max": 2})


@given(WRITTEN, SCALINGS)
def test_whatever_somebody_makes_of_the_replicas_can_be_said(written: Any, scaling: dict[str, Any]) -> None:
    """A stack that reports keeps it, and what no spec can say would stop every other edit."""
    declared = {**SPEC, "autoscaling": written} if written else {k: v for k, v in SPEC.items() if k != "autoscaling"}
    wanted = make_plan(parse_spec(declared), Catalog.snapshot()).body
    live = copy.deepcopy(wanted)
    live["compute"]["scaling"] |= scaling

    found = parse_spec(project(declared, wanted, endpoint(live)))

    said = make_plan(found, Catalog.snapshot()).body["compute"]["scaling"]
    idle = {"scaleToZeroTimeout"} if scaling["minReplica"] else set()
    assert said == {key: value for key, value in scaling.items() if key not in idle}
    assert compare(make_plan(found, Catalog.snapshot()).body, endpoint(live)).items == ()


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
