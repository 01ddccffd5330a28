"""The object in replies: keys, timestamps, address."""

import re

import pytest
from control_plane import BODY, merged
from huggingface_hub import InferenceEndpoint

REQUIRED = {
    "name",
    "type",
    "provider",
    "compute",
    "model",
    "status",
    "tags",
    "experimentalFeatures",
    "healthRoute",
    "notifications",
}
STATUS = {
    "state",
    "message",
    "readyReplica",
    "targetReplica",
    "private",
    "createdAt",
    "createdBy",
    "updatedAt",
    "updatedBy",
}


@pytest.mark.parametrize(
    "state", ["pending", "initializing", "running", "updating", "updateFailed", "failed", "paused", "scaledToZero"]
)
def test_reply_has_every_required_key(emulator, state) -> None:
    """The SDK raises KeyError without them, in whatever state."""
    emulator.seed(state=state)
    found = emulator.get()

    assert found.keys() == REQUIRED
    assert found["status"].keys() >= STATUS
    assert found["model"].keys() >= {"repository", "framework", "image", "revision", "task", "env", "secrets"}
    assert InferenceEndpoint.from_raw(found, namespace="acme").status == state


@pytest.mark.parametrize(("digits", "fraction"), [(3, r"\.\d{3}"), (9, r"\.\d{9}"), (0, "")])
def test_z_timestamps_with_milliseconds_and_with_nanoseconds(emulator, digits, fraction) -> None:
    """Both were recorded; the SDK parses them all."""
    emulator.set(timestamp_digits=digits)
    status = emulator.create()["status"]

    for key in ("createdAt", "updatedAt"):
        assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d{fraction}Z", status[key])
    assert emulator.api.get_inference_endpoint("demo", namespace="acme").created_at.tzinfo is not None


def test_no_url_while_pending(emulator) -> None:
    """And one that stays, from `initializing` on."""
    seen = [emulator.create()["status"].get("url")]
    for seconds in (30, 200):
        emulator.advance(seconds)
        seen.append(emulator.get()["status"].get("url"))
    emulator.put({"tags": ["x"]})
    seen.append(emulator.get()["status"].get("url"))

    url = f"{emulator.url}/endpoints/acme/demo"
    assert seen == [None, url, url, url]


def test_the_url_names_the_host_the_caller_used(emulator) -> None:
    """Whoever comes by another name must be able to go on by it."""
    emulator.seed()
    found = emulator.owner.get("/v2/endpoint/acme/demo", headers={"Host": "emulator.example:80"}).json()

    assert found["status"]["url"] == "http://emulator.example:80/endpoints/acme/demo"


def test_replica_counts_follow_the_state(emulator) -> None:
    """`readyReplica` and `targetReplica`."""
    seen = []
    emulator.create(compute={"scaling": {"minReplica": 2, "maxReplica": 3}})
    for seconds in (0, 400):
        emulator.advance(seconds)
        status = emulator.get()["status"]
        seen.append((status["readyReplica"], status["targetReplica"]))
    paused = emulator.act("pause").json()["status"]
    seen.append((paused["readyReplica"], paused["targetReplica"]))

    assert seen == [(0, 2), (2, 2), (0, 0)]


def test_error_message_only_after_a_failure(emulator) -> None:
    """It is optional."""
    emulator.set(outcomes=[{"outcome": "broken_image", "match": {"name": "bad"}}])
    emulator.started("good")
    emulator.started("bad")

    assert "errorMessage" not in emulator.get("good")["status"]
    assert "container exited" in emulator.get("bad")["status"]["errorMessage"]


def test_private_link_shows_its_service_name_some_minutes_later(emulator) -> None:
    """Null at first."""
    created = emulator.create(privateService={"accountId": "123456789012", "region": "eu-west-1"})
    emulator.advance(300)
    found = emulator.get()
    services = emulator.owner.get("/v2/network/private-service/acme").json()

    assert created["status"]["private"] is None
    assert found["status"]["private"]["serviceName"].startswith("com.amazonaws.vpce.eu-west-1.")
    assert (services[0]["status"]["stage"], services[0]["accountId"]) == ("ready", "123456789012")


def test_created_at_of_a_namesake_is_another(emulator) -> None:
    """Clients take it for the generation of an endpoint."""
    stamps = set()
    for _ in range(5):
        stamps.add(emulator.create()["status"]["createdAt"])
        emulator.owner.delete("/v2/endpoint/acme/demo")

    assert len(stamps) == 5


def test_last_used_at_tells_of_the_last_authorised_request(emulator) -> None:
    """Null, or absent, before."""
    before = emulator.started()["status"]
    emulator.anonymous.get("/endpoints/acme/demo/health")
    refused = emulator.get()["status"]
    emulator.owner.get("/endpoints/acme/demo/health")
    after = emulator.get()["status"]

    assert [status.get("lastUsedAt") is None for status in (before, refused, after)] == [True, True, False]


def test_bodies_are_merged_by_the_tests_as_by_nobody_else() -> None:
    """The tests' own helper takes keys out with an ellipsis."""
    assert merged(BODY, {"name": ...}).keys() == BODY.keys() - {"name"}
