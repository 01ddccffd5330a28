"""An update changes what it names and nothing else, whatever the service merges, replaces, lists or forgets.

In this process, against the emulator: every field of the wire model in turn on an endpoint that has something in all of
them, and afterwards the service's own store is compared with what it was, secrets and credentials in the clear.
"""

import copy
from typing import Any

import pytest
from control_plane import Running
from full_endpoint import DOMAIN, ENGINE, OPTIONS, SPEC, Make
from plugin_stack import puts

from hfdeploy.diff import FIELDS
from hfdeploy.errors import Inconclusive
from hfdeploy.provider import identity

pytest_plugins = ["project", "full_endpoint"]


def scaled(**changes: Any) -> dict[str, Any]:
    return {"autoscaling": {**SPEC["autoscaling"], **changes}}


ONE_FIELD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "type": ({"security": "authenticated"}, {"type": "authenticated"}),
    "compute.accelerator": (
        {"instance": "intel-spr x1"},
        {"compute.accelerator": "cpu", "compute.instanceType": "intel-spr"},
    ),
    "compute.instanceType": ({"instance": "nvidia-l4 x1"}, {"compute.instanceType": "nvidia-l4"}),
    "compute.instanceSize": ({"instance": "nvidia-t4 x4"}, {"compute.instanceSize": "x4"}),
    "compute.scaling.minReplica": (
        {"autoscaling": {"min": 1, "max": 2, "measure": {"hardware_usage": 80}}},
        {"compute.scaling.minReplica": 1},
    ),
    "compute.scaling.maxReplica": (scaled(max=3), {"compute.scaling.maxReplica": 3}),
    "compute.scaling.scaleToZeroTimeout": (
        scaled(scale_to_zero_after="1h"),
        {"compute.scaling.scaleToZeroTimeout": 60},
    ),
    "compute.scaling.measure": (
        scaled(measure={"pending_requests": 2.5}),
        {
            "compute.scaling.measure.hardwareUsage": None,
            "compute.scaling.measure.pendingRequests": 2.5,
            "compute.scaling.metric": "pendingRequests",
        },
    ),
    "model.repository": (
        {"repository": "tiiuae/falcon-7b-instruct"},
        {"model.repository": "tiiuae/falcon-7b-instruct", "model.revision": ...},
    ),
    "model.revision": ({"revision": "2" * 40}, {"model.revision": "2" * 40}),
    "model.task": ({"task": "text2text-generation"}, {"model.task": "text2text-generation"}),
    "model.image": (
        {"engine": {**ENGINE, "image": "registry.example.org/acme/server:2"}},
        {"model.image.custom.url": "registry.example.org/acme/server:2"},
    ),
    "model.env": ({"env": {"LOG_LEVEL": "debug", "WORKERS": "2"}}, {"model.env.LOG_LEVEL": "debug"}),
    "model.command": ({"command": ["/other.sh"]}, {"model.command": ["/other.sh"]}),
    "model.args": ({"args": []}, {"model.args": []}),
    "tags": ({"tags": ["team-a"]}, {"tags": ...}),
    "route": ({"route": {"domain": DOMAIN, "path": "/v2"}}, {"route.path": "/v2"}),
}
"""A change of the spec, and what of the service's store it may change: by path, `...` for a value judged elsewhere."""


def test_every_field_has_a_case_here() -> None:
    """The framework follows the engine and is no field of a spec."""
    assert list(ONE_FIELD) == [".".join(one.path) for one in FIELDS if one.path != ("model", "framework")]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("field", ONE_FIELD)
def test_a_changed_field_changes_nothing_else(make_full: Make, field: str, options: dict[str, Any]) -> None:
    """Secrets, environment, credentials, tags, route and private link are what they were, in the service's store."""
    changes, expected = ONE_FIELD[field]
    stack = make_full(**options)
    before = stack.store()

    assert stack.reasons(**changes) != []
    stack.bring(**changes)

    after = stack.store()
    differing = {path: after.get(path) for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert differing.keys() == expected.keys()
    assert all(value is ... or differing[path] == value for path, value in expected.items())
    owner = ["hfd-o-0123456789ab", "hfd-l-tiny"]
    assert after["tags"] == [*owner, *changes.get("tags", SPEC["tags"])]
    assert after["model.image.custom.credentials.password"] == "first-pull-password"
    assert after["model.secrets.API_KEY"] == "first-value-of-the-key"
    assert stack.reasons(**changes) == []
    assert stack.row.warnings == []


def test_every_update_names_the_tags(make_full: Make, world: Running) -> None:
    """Without the owner's tag nothing could delete it any more, and an update without them may drop it."""
    stack = make_full(tags_survive_update="no")

    stack.bring(env={"LOG_LEVEL": "debug", "WORKERS": "2"})

    tags = ["hfd-o-0123456789ab", "hfd-l-tiny", *SPEC["tags"]]
    assert world.get("tiny")["tags"] == tags
    updates = [request["body"] for request in world.requests() if request["method"] == "PUT"]
    assert updates == [{"model": {"env": {"LOG_LEVEL": "debug", "WORKERS": "2"}}, "tags": tags}]


def test_an_environment_that_a_merging_service_keeps_is_not_green(make_full: Make) -> None:
    """A variable that was taken out of the spec still reaches the container."""
    stack = make_full(maps_in_put="merge")

    with pytest.raises(Inconclusive, match=r"env is \{LOG_LEVEL, WORKERS\} and not \{LOG_LEVEL\}"):
        stack.bring(env={"LOG_LEVEL": "info"})


@pytest.mark.parametrize("left_out", ["defaults", "kept"])
def test_a_field_of_the_engine_that_left_the_spec_is_taken_away(make_full: Make, world: Running, left_out: str) -> None:
    """It looks like a default of the service's, and would stay for ever; where it stays the row says so."""
    stack = make_full(variant_fields_left_out=left_out)
    engine = {key: value for key, value in ENGINE.items() if key != "health_route"}

    stack.bring(engine=engine)

    custom = world.inner("tiny")["config"]["model"]["image"]["custom"]
    assert custom["credentials"]["password"] == "first-pull-password"
    assert ("healthRoute" in custom) is (left_out == "kept")
    told = [line for line in stack.row.warnings if line.startswith("engine.health_route is no longer in the spec")]
    assert len(told) == (left_out == "kept")


def test_a_field_that_left_the_spec_and_cannot_be_taken_away_is_a_warning(make_full: Make, world: Running) -> None:
    """The spec leaves it to the service, and the service keeps what it was told before."""
    stack = make_full()
    scaling = copy.deepcopy(SPEC["autoscaling"])
    del scaling["measure"]

    stack.bring(autoscaling={**scaling, "max": 3}, route=None)

    assert puts(world) == [{"compute": {"scaling": {"maxReplica": 3}}}]
    assert sorted(line.partition(" is ")[0] for line in stack.row.warnings) == ["autoscaling.measure", "route"]


PLACE_CHANGES: dict[str, dict[str, Any]] = {
    "other account": {"private_service": {**SPEC["private_service"], "account_id": "210987654321"}},
    "taken away": {"private_service": None},
}


@pytest.mark.fault(21)
@pytest.mark.parametrize("case", PLACE_CHANGES)
def test_another_private_link_makes_another_endpoint_with_all_that_the_old_one_had(make_full: Make, case: str) -> None:
    """The API cannot change it; the one that is made in its place has every secret and credential."""
    stack = make_full()
    old, changes = stack.store(), PLACE_CHANGES[case]
    identity.remove({**SPEC, **stack.own}, stack.session(), stack.row)
    made = identity.ensure(stack.inputs(**changes), stack.session(), stack.row)
    stack.own["generation"] = made["generation"]
    stack.bring(**changes)

    new = stack.store()
    differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    assert all(path.startswith("privateService") for path in differing)
    assert differing
