"""One endpoint and never two, nobody else's and never a lost one: creates and deletes while the service misbehaves."""

import json
from pathlib import Path
from threading import Barrier
from typing import Any

import grpc
import pytest
from control_plane import OWNER, Running
from existence import OURS, UNCLEAR, UNSEEN, blind_posts, bring, existing, in_parallel, of, seen, wanted
from plugin_process import Plugin, running_plugin
from plugin_stack import Stack, config, failure, puts
from replies import endpoint_reply
from speaker import Speaker, http

pytest_plugins = ["project", "plugin_stack"]

MANY = [f"team-{number:03}" for number in range(100)]


@pytest.fixture
def world(world: Running) -> Running:
    """With a namespace for each case."""
    member = {"user": "founder", "organisations": ["acme", *MANY], "accepted": []}
    world.set(accounts={OWNER: member})
    return world


def as_it_is(world: Running, namespace: str) -> tuple[str, Any]:
    """All that the service and its memory say of it, secrets included."""
    return json.dumps(seen(world, namespace)), world.inner("tiny", namespace)["config"]


@pytest.mark.fault(3)
def test_a_post_of_unknown_fate_is_settled_by_looking(world: Running, plugin: Plugin, record_property: Any) -> None:
    """Seven kinds, at the POST: one endpoint, in the first run, and no second POST without a look."""
    cases = dict(zip(UNCLEAR, MANY, strict=False))
    for kind, namespace in cases.items():
        world.fault(method="POST", path=f"/v2/endpoint/{namespace}", **UNCLEAR[kind])

    ended = in_parallel([lambda namespace=one: bring(plugin, wanted(namespace)) for one in cases.values()])

    record_property("faults", len(cases))
    for (kind, namespace), (identity, runs) in zip(cases.items(), ended, strict=True):
        assert len(existing(world, namespace)) == 1, kind
        assert identity.outs["generation"] == seen(world, namespace)["status"]["createdAt"], kind
        assert runs == 1, kind
        assert blind_posts(world, namespace) == 0, kind
        is_made = UNCLEAR[kind].get("commit") or UNCLEAR[kind]["kind"] == "half_body"
        assert len(of(world, namespace, "POST")) == (1 if is_made else 2), kind


@pytest.mark.fault(4)
@pytest.mark.parametrize("met", ["by the look", "by the 409"])
def test_our_own_namesake_is_adopted_and_brought_up_to_date(world: Running, plugin: Plugin, met: str) -> None:
    """What a killed run left is continued: one update, no second create, and a line that says so."""
    world.seed("tiny", tags=[f"hfd-o-{OURS}", "hfd-l-tiny", "team-a"])
    if met == "by the 409":
        world.fault("not_an_object", method="GET", path="/v2/endpoint/acme/tiny", status=404)

    identity, _ = bring(plugin, wanted())

    posts = of(world, "acme", "POST")
    assert [one["status"] for one in posts] == ([409] if met == "by the 409" else [])
    assert len(puts(world)) == 1
    assert identity.outs["generation"] == world.get("tiny")["status"]["createdAt"]
    assert world.get("tiny")["compute"]["instanceType"] == "nvidia-t4"
    assert any("continuing with acme/tiny, which this stack made at" in line for line in plugin.lines(is_lasting=True))


FOREIGN = {
    "no tag": ["team-b"],
    "another owner": ["hfd-o-ba9876543210", "hfd-l-tiny"],
    "two owners": [f"hfd-o-{OURS}", "hfd-o-ba9876543210", "hfd-l-tiny"],
    "a longer owner": [f"hfd-o-{OURS}0", "hfd-l-tiny"],
    "a shorter owner": [f"hfd-o-{OURS[:-1]}", "hfd-l-tiny"],
    "an owner in capitals": [f"hfd-o-{OURS.upper()}", "hfd-l-tiny"],
    "only the logical name": ["hfd-l-tiny"],
    "kept": ["hfd-keep"],
}


@pytest.mark.fault(5, 6)
@pytest.mark.parametrize("met", ["by the look", "by the 409"])
def test_a_foreign_namesake_stays_as_it_is_to_the_byte(
    world: Running, plugin: Plugin, met: str, record_property: Any
) -> None:
    """Refused with its name, its creator, its date and three ways out; nothing is written."""
    cases = dict(zip(FOREIGN, MANY, strict=False))
    before = {}
    for kind, namespace in cases.items():
        world.seed("tiny", namespace, tags=FOREIGN[kind])
        before[kind] = as_it_is(world, namespace)
        if met == "by the 409":
            world.fault("not_an_object", method="GET", path=f"/v2/endpoint/{namespace}/tiny", status=404)

    for kind, namespace in cases.items():
        with pytest.raises(grpc.RpcError) as caught:
            plugin.create("identity", wanted(namespace))
        said = failure(caught)
        live = seen(world, namespace)["status"]
        for part in (f"{namespace}/tiny", live["createdBy"]["name"], live["createdAt"], "another name", "delete that"):
            assert part in said, (kind, part)
        assert f"`adopt: {live['createdAt']}`" in said
        assert as_it_is(world, namespace) == before[kind]
        assert [one["status"] for one in of(world, namespace, "POST", "PUT", "DELETE")] == (
            [409] if met == "by the 409" else []
        )
    record_property("faults", len(cases))


@pytest.mark.fault(6)
def test_an_endpoint_that_lost_its_tag_at_birth_is_neither_adopted_nor_deleted(tmp_path: Path) -> None:
    """A service that drops tags: one warning, the state knows it, and nothing that could be somebody's is touched."""
    bare = {**endpoint_reply(), "tags": []}
    with Speaker() as service:
        service.on("/v2/endpoint/acme/tiny", http(404, {"error": "Not Found"}), http(200, bare))
        service.on("/v2/endpoint/acme", http(200, bare))
        settings = {"hfdeploy:apiUrl": service.url, "hfdeploy:hubUrl": service.url, "hfdeploy:token": OWNER}
        with running_plugin(settings, folder=tmp_path) as plugin:
            made = plugin.create("identity", wanted())
            warned = [line for line in plugin.lines(is_lasting=True) if "did not keep the owner tag" in line]
            with pytest.raises(grpc.RpcError) as adopted:
                plugin.create("identity", wanted())
            with pytest.raises(grpc.RpcError) as deleted:
                plugin.delete("identity", made)
        methods = [one.method for one in service.heard]

    assert made.outs["generation"] == bare["status"]["createdAt"]
    assert len(warned) == 1
    assert "is not this stack's" in failure(adopted)
    assert "was not deleted: it does not carry this stack's owner tag" in failure(deleted)
    assert (methods.count("POST"), methods.count("DELETE"), methods.count("PUT")) == (1, 0, 0)


@pytest.mark.fault(6)
def test_an_update_does_not_lose_the_tags(world: Running, plugin: Plugin) -> None:
    """A service that drops what an update does not name: every update names them, and deleting stays possible."""
    world.set(tags_survive_update="no")
    stack = Stack(plugin, **UNSEEN, tags=None)
    before = world.get("tiny")["tags"]

    stack.update(env={"LOG_LEVEL": "debug"})

    assert world.get("tiny")["tags"] == before
    assert [line for line in plugin.lines(is_lasting=True) if "did not keep" in line] == []
    plugin.delete("identity", stack.identity)
    assert [one["status"] for one in of(world, "acme", "DELETE")] == [200]


@pytest.mark.fault(6)
def test_a_forged_tag_opens_nothing(world: Running, plugin: Plugin) -> None:
    """Another owner's tag in place of ours: no update and no delete, and the endpoint as it was."""
    stack = Stack(plugin, **UNSEEN)
    world.mutate("tiny", tags=["hfd-o-ba9876543210", "hfd-l-tiny"])
    before = as_it_is(world, "acme")

    with pytest.raises(grpc.RpcError, match="lost the tags"):
        stack.update(env={"LOG_LEVEL": "debug"})
    with pytest.raises(grpc.RpcError, match="was not deleted"):
        plugin.delete("identity", stack.identity)

    assert as_it_is(world, "acme") == before
    assert of(world, "acme", "PUT", "DELETE") == []


def raced(plugins: list[Plugin], given: list[dict[str, Any]]) -> list[str]:
    """Two runs that start together; what each ended with, empty for success."""
    start = Barrier(len(plugins))

    def run(plugin: Plugin, inputs: dict[str, Any]) -> str:
        start.wait()
        try:
            bring(plugin, inputs, runs=1)
        except grpc.RpcError as error:
            return str(error.details())
        return ""

    return in_parallel([lambda one=one, two=two: run(one, two) for one, two in zip(plugins, given, strict=True)])


@pytest.mark.fault(19)
def test_forty_pairs_of_runs_make_forty_endpoints(
    world: Running, plugin: Plugin, tmp_path: Path, record_property: Any
) -> None:
    """A pipeline that was started twice: one endpoint each, and both runs are green or say why."""
    with running_plugin(config(world), folder=tmp_path) as other:
        ended = in_parallel([lambda one=one: raced([plugin, other], [wanted(one)] * 2) for one in MANY[:40]])

    assert [len(existing(world, namespace)) for namespace in MANY[:40]] == [1] * 40
    posted = [sorted(post["status"] for post in of(world, one, "POST")) for one in MANY[:40]]
    assert [one for one in posted if one not in ([200], [200, 409])] == []
    assert [one for one in MANY[:40] if of(world, one, "DELETE")] == []
    assert [pair for pair in ended if pair.count("") == 0] == []
    assert [said for pair in ended for said in pair if said and not said.startswith("hfdeploy: ")] == []
    record_property("faults", 40)


@pytest.mark.fault(19)
def test_forty_pairs_of_owners_have_one_owner_each(
    world: Running, plugin: Plugin, tmp_path: Path, record_property: Any
) -> None:
    """Two stacks that want one name: exactly one gets it, and the other is told whose it is."""
    owners = [OURS, "ba9876543210"]
    with running_plugin(config(world), folder=tmp_path) as other:
        ended = in_parallel(
            [lambda one=one: raced([plugin, other], [wanted(one, owner) for owner in owners]) for one in MANY[:40]]
        )

    for namespace, pair in zip(MANY, ended, strict=False):
        assert len(existing(world, namespace)) == 1
        found = [owner for owner in owners if f"hfd-o-{owner}" in seen(world, namespace)["tags"]]
        assert found == [owners[pair.index("")]]
        (refused,) = (said for said in pair if said)
        assert "is not this stack's" in refused
        assert of(world, namespace, "DELETE") == []
    record_property("faults", 40)


@pytest.mark.fault(22)
def test_a_delete_during_an_update_waits_until_it_is_free(world: Running, plugin: Plugin) -> None:
    """409 says busy: it is asked again, and what is gone is gone."""
    stack = Stack(plugin, **UNSEEN)
    world.fault("not_an_object", method="DELETE", path="/v2/endpoint/acme/tiny", status=409, times=2)

    plugin.delete("identity", stack.identity)
    plugin.delete("identity", stack.identity)

    assert [one["status"] for one in of(world, "acme", "DELETE")] == [409, 409, 200]
    assert existing(world, "acme") == []


@pytest.mark.fault(22)
def test_deleting_what_somebody_deleted_is_success(world: Running, plugin: Plugin) -> None:
    """Nobody has to mend a state by hand because an endpoint is gone already."""
    stack = Stack(plugin, **UNSEEN)
    world._script("DELETE", "/endpoints/acme/tiny")

    plugin.delete("identity", stack.identity)

    assert of(world, "acme", "DELETE") == []
