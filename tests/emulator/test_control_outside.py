"""Mutation from outside between calls: what drift tests need."""

import pytest
from control_plane import BODY


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ({"compute": {"scaling": {"maxReplica": 5}}}, lambda e: e["compute"]["scaling"]["maxReplica"] == 5),
        ({"type": "public"}, lambda e: e["type"] == "public"),
        ({"tags": ["drift"]}, lambda e: e["tags"] == ["drift"]),
        ({"model": {"image": {"tgi": {"url": "x/tgi:9"}}}}, lambda e: e["model"]["image"]["tgi"]["url"] == "x/tgi:9"),
        ({"model": {"env": {"A": "2"}}}, lambda e: e["model"]["env"] == {"A": "2"}),
        ({"state": "paused"}, lambda e: e["status"]["state"] == "paused"),
        ({"state": "scaledToZero"}, lambda e: e["status"]["state"] == "scaledToZero"),
        ({"state": "failed"}, lambda e: e["status"]["state"] == "failed"),
    ],
    ids=["scaling", "type", "tags", "image", "env", "pause", "sleep", "fail"],
)
def test_mutation_from_outside_between_calls(emulator, change, read) -> None:
    """At once, without an update that shows, and by somebody else."""
    before = emulator.started()
    emulator.mutate(**change)
    after = emulator.get()

    assert read(after)
    assert not read(before)
    assert after["status"]["updatedBy"]["name"] == "somebody"


def test_who_changed_it_may_be_said(emulator) -> None:
    """By option, and per change."""
    emulator.set(outside_user={"id": "0" * 24, "name": "ghost"})
    emulator.seed()
    emulator.mutate(tags=["a"])
    first = emulator.get()["status"]["updatedBy"]
    emulator.mutate(tags=["b"], by="colleague")

    assert first == {"id": "0" * 24, "name": "ghost"}
    assert emulator.get()["status"]["updatedBy"]["name"] == "colleague"


def test_an_outside_change_may_be_rolled_out(emulator) -> None:
    """Somebody pressed the button in the web interface a moment ago."""
    emulator.started()
    emulator.mutate(model={"image": {"tgi": {"url": "x/tgi:9"}}}, rollout=True)

    assert emulator.state() == "updating"


def test_deletion_from_outside(emulator) -> None:
    """Behind our back."""
    emulator.seed()
    emulator.anonymous.delete("/_emulator/endpoints/acme/demo")

    assert emulator.owner.get("/v2/endpoint/acme/demo").status_code == 404


def test_seeding_an_old_endpoint(emulator) -> None:
    """With an age, another creator, and things that can no longer be made."""
    emulator.seed(
        "old",
        type="protected",
        createdAt="2023-05-01T12:00:00Z",
        createdBy="pioneer",
        state="paused",
        model={"env": {"A": "1"}, "secrets": {"K": "v"}},
        tags=["legacy"],
    )
    found = emulator.get("old")

    assert (found["type"], found["tags"], found["status"]["state"]) == ("protected", ["legacy"], "paused")
    assert (found["status"]["createdAt"], found["status"]["createdBy"]["name"]) == (
        "2023-05-01T12:00:00.000Z",
        "pioneer",
    )
    assert (found["model"]["env"], found["model"]["secrets"]) == ({"A": "1"}, {})


def test_the_inner_state_shows_secrets_cost_and_what_is_to_come(emulator) -> None:
    """What no client may see."""
    emulator.create(model={"secrets": {"K": "s3cret"}})
    inner = emulator.inner()

    assert inner["config"]["model"]["secrets"] == {"K": "s3cret"}
    assert [stage["state"] for stage in inner["upcoming"]] == ["initializing", "running"]
    assert inner["state"] == "pending"
    assert inner["object"]["model"]["secrets"] == {}


def test_an_outcome_scripted_for_one_endpoint(emulator) -> None:
    """Its journeys from then on, and none of its neighbours'."""
    emulator.started("one")
    emulator.started("other")
    emulator.mutate("one", outcome="broken_image")
    for name in ("one", "other"):
        emulator.put({"model": {"env": {"A": "1"}}}, name)
    emulator.advance(100)
    failed = emulator.state("one")
    emulator.mutate("one", outcome=None)
    emulator.put({"model": {"env": {"A": "2"}}}, "one")
    emulator.advance(100)

    assert (failed, emulator.state("other"), emulator.state("one")) == ("updateFailed", "running", "running")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"state": "asleep"}, "scaledToZero"),
        ({"outcome": "bad"}, "broken_image"),
        ({"behaviour": {"steam": 1}}, "stream"),
    ],
    ids=["state", "outcome", "behaviour"],
)
def test_misspelt_scripting_is_refused_with_what_there_is(emulator, body, word) -> None:
    """A test that scripts nothing cannot fail."""
    emulator.seed()
    refused = emulator.anonymous.patch("/_emulator/endpoints/acme/demo", json=body)

    assert refused.status_code == 400
    assert word in refused.json()["error"]


def test_seeding_twice_is_refused(emulator) -> None:
    """It would silently replace an endpoint."""
    emulator.seed()

    assert emulator.anonymous.post("/_emulator/endpoints/acme/demo", json={}).status_code == 400


def test_scripted_failures_serve_as_real_ones(emulator) -> None:
    """`updateFailed` from outside goes on serving."""
    emulator.seed()
    emulator.mutate(state="updateFailed")

    assert emulator.owner.get("/endpoints/acme/demo/health").status_code == 200
    assert emulator.get()["status"]["errorMessage"]


def test_reset_empties_the_world(emulator) -> None:
    """Tests share a server and nothing else."""
    emulator.create()
    emulator.set(delete_status=204)
    emulator.fault("bad_gateway", times=None)
    emulator.anonymous.post("/_emulator/reset")

    assert emulator.owner.get("/v2/endpoint/acme").json()["items"] == []
    assert emulator.anonymous.get("/_emulator/options").json()["delete_status"] == 200
    assert [request["method"] for request in emulator.requests()] == ["GET"]


def test_a_put_after_an_outside_change_keeps_it(emulator) -> None:
    """Merge, not replacement: what others changed stays unless it is named."""
    emulator.started()
    emulator.mutate(tags=["theirs"])

    assert emulator.put({"compute": {"scaling": {"maxReplica": 2}}}).json()["tags"] == ["theirs"]
    assert emulator.put({"type": BODY["type"]}).json()["tags"] == ["theirs"]
