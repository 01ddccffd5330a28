"""An update changes what it names and nothing else, whatever the service merges, replaces, lists or forgets.

In this process, against the emulator: every field of the wire model in turn on an endpoint that has something in all of
them, and afterwards the service's own store is compared with what it was, secrets and credentials in the clear.
"""

import copy
from typing import Any

import pytest
from control_plane import OWNER, Running
from drift import DOMAIN
from plugin_stack import puts

from hfdeploy.diff import FIELDS
from hfdeploy.errors import Inconclusive
from hfdeploy.provider import configuration, identity
from hfdeploy.provider.host import Row
from hfdeploy.provider.session import Session

pytest_plugins = ["project"]

ENGINE: dict[str, Any] = {
    "type": "custom",
    "image": "registry.example.org/acme/server:1",
    "port": 8080,
    "health_route": "/health",
    "registry": {"username": "puller", "password": {"from_env": "PULL_PASSWORD"}},
}
SPEC: dict[str, Any] = {
    "name": "tiny",
    "namespace": "acme",
    "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "revision": "main",
    "task": "text-generation",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
    "autoscaling": {"min": 0, "max": 2, "scale_to_zero_after": "15m", "measure": {"hardware_usage": 80}},
    "security": "private",
    "engine": ENGINE,
    "args": ["--trust-remote-code"],
    "command": ["/entrypoint.sh"],
    "env": {"LOG_LEVEL": "info", "WORKERS": "2"},
    "secrets": {"API_KEY": {"from_env": "THE_KEY"}, "OTHER_KEY": {"from_env": "THE_OTHER_KEY"}},
    "tags": ["team-a", "cost-centre-7"],
    "route": {"domain": DOMAIN, "path": "/v1"},
    "private_service": {"account_id": "123456789012", "region": "us-east-1", "shared": False},
    "verify": {"when": "never"},
}
VALUES = {
    "THE_KEY": "first-value-of-the-key",
    "THE_OTHER_KEY": "first-value-of-the-other",
    "PULL_PASSWORD": "first-pull-password",
}
SECRETS = {"API_KEY": "first-value-of-the-key", "OTHER_KEY": "first-value-of-the-other"}


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

OPTIONS: list[dict[str, Any]] = [
    {},
    {"maps_in_put": "merge"},
    {"secrets_in_reply": "keys"},
    {"secrets_in_reply": "keys", "maps_in_put": "merge"},
    {"variant_fields_left_out": "kept"},
    {"tags_survive_update": "no"},
    {"put_private_service": "accepted", "put_name_provider": "refused", "unknown_fields": "refused"},
]


class Stack:
    """One endpoint as the engine would hold it, without the engine: inputs, outputs, and a session per run."""

    def __init__(self, world: Running) -> None:
        instantly = dict.fromkeys(("pending", "initializing", "updating", "private_service"), 0)
        world.set(domain_status="ready", durations=instantly)
        world.owner.post("/v2/network/domain/acme", json={"domain": DOMAIN}).raise_for_status()
        self.world, self.row = world, Told()
        self._opened: list[Session] = []
        self.own = {"owner": "0123456789ab", "logical_name": "tiny"}
        made = identity.ensure({**SPEC, **self.own}, self.session(), self.row)
        self.own["generation"] = made["generation"]
        self.outs = configuration.bring({**SPEC, **self.own}, None, self.session(), self.row)

    def session(self, hub: str | None = None) -> Session:
        """A process of its own."""
        self.close()
        url = self.world.url
        self._opened.append(Session({"hfdeploy:apiUrl": url, "hfdeploy:hubUrl": hub or url, "hfdeploy:token": OWNER}))
        return self._opened[-1]

    def close(self) -> None:
        """End the last process: huggingface_hub has one address, and other tests talk to other ones."""
        while self._opened:
            self._opened.pop().api.__exit__(None, None, None)

    def reasons(self, **changes: Any) -> list[str]:
        return configuration.differences(self.outs, self.inputs(**changes), self.session(), self.row)

    def update(self, **changes: Any) -> None:
        self.outs = configuration.bring(self.inputs(**changes), self.outs, self.session(), self.row)

    def inputs(self, **changes: Any) -> dict[str, Any]:
        return {key: value for key, value in {**SPEC, **changes, **self.own}.items() if value is not None}

    def store(self) -> dict[str, Any]:
        """What the service has, by path; the mark of the secret values has tests of its own."""
        found: dict[str, Any] = {}
        _flatten(self.world.inner("tiny")["config"], "", found)
        found["tags"] = [tag for tag in found["tags"] if tag not in self.marks()]
        return found

    def marks(self) -> list[str]:
        """The tags that tell which secret values were sent."""
        return [tag for tag in self.world.inner("tiny")["config"]["tags"] if tag.startswith(("hfd-s-", "hfd-r-"))]

    def refresh(self) -> None:
        """Read it anew, as the next run does first; whether its branch moved is not asked."""
        found = configuration.read(self.outs, self.session(hub="https://huggingface.co"), self.row)
        assert found is not None
        self.outs = found[0]


class Told(Row):
    """A row that remembers."""

    def __init__(self) -> None:
        super().__init__("urn:pulumi:test::hfdeploy::x::tiny")
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def show(self, text: str) -> None:
        """Progress is of no interest here."""

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


def _flatten(value: Any, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(item, f"{path}.{key}".lstrip("."), found)
    else:
        found[path] = value


@pytest.fixture(autouse=True)
def _values(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def make(world: Running):
    stacks: list[Stack] = []

    def made(**options: Any) -> Stack:
        world.set(**options)
        stacks.append(Stack(world))
        return stacks[-1]

    yield made
    for stack in stacks:
        stack.close()


def test_every_field_has_a_case_here() -> None:
    """The framework follows the engine and is no field of a spec."""
    assert list(ONE_FIELD) == [".".join(one.path) for one in FIELDS if one.path != ("model", "framework")]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("field", ONE_FIELD)
def test_a_changed_field_changes_nothing_else(make, field: str, options: dict[str, Any]) -> None:
    """Secrets, environment, credentials, tags, route and private link are what they were, in the service's store."""
    changes, expected = ONE_FIELD[field]
    stack = make(**options)
    before = stack.store()

    assert stack.reasons(**changes) != []
    stack.update(**changes)

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


def test_every_update_names_the_tags(make, world: Running) -> None:
    """Without the owner's tag nothing could delete it any more, and an update without them may drop it."""
    stack = make(tags_survive_update="no")

    stack.update(env={"LOG_LEVEL": "debug", "WORKERS": "2"})

    tags = ["hfd-o-0123456789ab", "hfd-l-tiny", *SPEC["tags"]]
    assert world.get("tiny")["tags"] == tags
    updates = [request["body"] for request in world.requests() if request["method"] == "PUT"]
    assert updates == [{"model": {"env": {"LOG_LEVEL": "debug", "WORKERS": "2"}}, "tags": tags}]


SECRET_CHANGES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str], list[str]]] = {
    "rotated": ({}, {"THE_KEY": "second-value"}, {**SECRETS, "API_KEY": "second-value"}, ["API_KEY"]),
    "both rotated": (
        {},
        {"THE_KEY": "second-value", "THE_OTHER_KEY": "second-other"},
        {"API_KEY": "second-value", "OTHER_KEY": "second-other"},
        ["API_KEY", "OTHER_KEY"],
    ),
    "added": (
        {"secrets": {**SPEC["secrets"], "THIRD": {"from_env": "THE_THIRD"}}},
        {"THE_THIRD": "third-value"},
        {**SECRETS, "THIRD": "third-value"},
        ["THIRD"],
    ),
    "removed": (
        {"secrets": {"API_KEY": SPEC["secrets"]["API_KEY"]}},
        {},
        {"API_KEY": SECRETS["API_KEY"]},
        ["OTHER_KEY"],
    ),
    "all removed": ({"secrets": None}, {}, {}, ["API_KEY", "OTHER_KEY"]),
    "renamed": (
        {"secrets": {"NEW_NAME": SPEC["secrets"]["API_KEY"], "OTHER_KEY": SPEC["secrets"]["OTHER_KEY"]}},
        {},
        {"NEW_NAME": SECRETS["API_KEY"], "OTHER_KEY": SECRETS["OTHER_KEY"]},
        ["API_KEY", "NEW_NAME"],
    ),
    "emptied": ({}, {"THE_KEY": ""}, {**SECRETS, "API_KEY": ""}, ["API_KEY"]),
}


@pytest.mark.fault(36)
@pytest.mark.parametrize("keys", ["empty", "keys"])
@pytest.mark.parametrize("case", SECRET_CHANGES)
def test_changed_secrets_are_one_update_of_secrets(
    make, world: Running, monkeypatch: pytest.MonkeyPatch, case: str, keys: str
) -> None:
    """The row names those that changed; the update holds all of them, since the service may replace the map."""
    changes, values, expected, names = SECRET_CHANGES[case]
    stack = make(secrets_in_reply=keys)
    before = stack.store()
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    assert "secrets" in stack.reasons(**changes)
    assert stack.row.notes == [f"changed secrets: {', '.join(names)}"]
    stack.update(**changes)

    assert [put["model"] for put in puts(world)] == [{"secrets": expected}]
    assert len(stack.marks()) == bool(expected)
    assert world.inner("tiny")["config"]["model"]["secrets"] == expected
    after = stack.store()
    differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert all(path.startswith("model.secrets") for path in differing)
    assert stack.reasons(**changes) == []


@pytest.mark.fault(36)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_rotated_registry_password_sends_the_whole_image(
    make, world: Running, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Nothing but the password differs afterwards."""
    stack = make(**options)
    before = stack.store()
    monkeypatch.setenv("PULL_PASSWORD", "second-pull-password")

    assert stack.reasons() == ["secrets"]
    assert stack.row.notes == ["changed secrets: registry password"]
    stack.update()

    assert stack.store() == {**before, "model.image.custom.credentials.password": "second-pull-password"}
    assert list(puts(world)[0]["model"]) == ["image"]
    assert stack.reasons() == []


def test_a_source_that_moved_without_changing_its_value_is_no_update(
    make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another variable with the same value: the spec's words differ, and there is nothing to send."""
    stack = make()
    monkeypatch.setenv("MOVED_KEY", VALUES["THE_KEY"])

    stack.update(secrets={**SPEC["secrets"], "API_KEY": {"from_env": "MOVED_KEY"}})

    assert puts(world) == []


@pytest.mark.parametrize("keys", ["empty", "keys"])
def test_a_secret_that_a_merging_service_keeps_is_said_where_it_can_be_seen(make, keys: str) -> None:
    """Where maps are merged and names are not listed nobody can know; where they are listed it is not green."""
    stack = make(maps_in_put="merge", secrets_in_reply=keys)
    changes = {"secrets": {"API_KEY": SPEC["secrets"]["API_KEY"]}}

    if keys == "keys":
        with pytest.raises(Inconclusive, match="still has the secret OTHER_KEY, which the spec no longer names"):
            stack.update(**changes)
    else:
        stack.update(**changes)


def test_an_environment_that_a_merging_service_keeps_is_not_green(make) -> None:
    """A variable that was taken out of the spec still reaches the container."""
    stack = make(maps_in_put="merge")

    with pytest.raises(Inconclusive, match=r"env is \{LOG_LEVEL, WORKERS\} and not \{LOG_LEVEL\}"):
        stack.update(env={"LOG_LEVEL": "info"})


@pytest.mark.parametrize("left_out", ["defaults", "kept"])
def test_a_field_of_the_engine_that_left_the_spec_is_taken_away(make, world: Running, left_out: str) -> None:
    """It looks like a default of the service's, and would stay for ever; where it stays the row says so."""
    stack = make(variant_fields_left_out=left_out)
    engine = {key: value for key, value in ENGINE.items() if key != "health_route"}

    stack.update(engine=engine)

    custom = world.inner("tiny")["config"]["model"]["image"]["custom"]
    assert custom["credentials"]["password"] == "first-pull-password"
    assert ("healthRoute" in custom) is (left_out == "kept")
    told = [line for line in stack.row.warnings if line.startswith("engine.health_route is no longer in the spec")]
    assert len(told) == (left_out == "kept")


def test_a_field_that_left_the_spec_and_cannot_be_taken_away_is_a_warning(make, world: Running) -> None:
    """The spec leaves it to the service, and the service keeps what it was told before."""
    stack = make()
    scaling = copy.deepcopy(SPEC["autoscaling"])
    del scaling["measure"]

    stack.update(autoscaling={**scaling, "max": 3}, route=None)

    assert puts(world) == [{"compute": {"scaling": {"maxReplica": 3}}}]
    assert sorted(line.partition(" is ")[0] for line in stack.row.warnings) == ["autoscaling.measure", "route"]


def test_secrets_that_a_killed_run_sent_do_not_stop_the_next_one(
    make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint says that it has these values: they are proved, and not sent a second time."""
    stack = make()
    before = stack.outs
    monkeypatch.setenv("THE_KEY", "second-value")
    stack.update()
    stack.outs = before  # what a killed run's state holds
    sent = len(puts(world))

    stack.refresh()
    assert "secrets" in stack.reasons()
    stack.update()

    assert len(puts(world)) == sent
    assert world.inner("tiny")["config"]["model"]["secrets"]["API_KEY"] == "second-value"
    assert stack.reasons() == []


@pytest.mark.fault(36)
def test_values_that_a_killed_run_sent_are_taken_back_when_the_old_ones_are_wanted_again(
    make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state has the old digests and the source the old values; only the endpoint knows that it has others."""
    stack = make()
    before = stack.outs
    monkeypatch.setenv("THE_KEY", "second-value")
    stack.update()
    stack.outs = before  # what a killed run's state holds
    monkeypatch.setenv("THE_KEY", VALUES["THE_KEY"])

    stack.refresh()
    assert stack.reasons() == ["secrets"]
    assert stack.row.notes[-1] == "the endpoint has secret values that a run which did not succeed had sent"
    stack.update()

    assert world.inner("tiny")["config"]["model"]["secrets"] == SECRETS
    stack.refresh()
    assert stack.reasons() == []


def test_a_mark_that_somebody_took_off_is_no_reason_for_an_update(
    make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows then, and to send secrets is to start replicas anew."""
    stack = make()
    monkeypatch.setenv("THE_KEY", "second-value")
    stack.update()
    world.mutate("tiny", tags=[tag for tag in world.get("tiny")["tags"] if not tag.startswith("hfd-s-")])

    stack.refresh()

    assert stack.reasons() == []


PLACE_CHANGES: dict[str, dict[str, Any]] = {
    "other account": {"private_service": {**SPEC["private_service"], "account_id": "210987654321"}},
    "taken away": {"private_service": None},
}


@pytest.mark.fault(21)
@pytest.mark.parametrize("case", PLACE_CHANGES)
def test_another_private_link_makes_another_endpoint_with_all_that_the_old_one_had(make, case: str) -> None:
    """The API cannot change it; the one that is made in its place has every secret and credential."""
    stack = make()
    old, changes = stack.store(), PLACE_CHANGES[case]
    identity.remove({**SPEC, **stack.own}, stack.session(), stack.row)
    made = identity.ensure(stack.inputs(**changes), stack.session(), stack.row)
    stack.own["generation"] = made["generation"]
    stack.update(**changes)

    new = stack.store()
    differing = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    assert all(path.startswith("privateService") for path in differing)
    assert differing
