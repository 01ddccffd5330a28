"""PUT EP: partial, all or nothing; and what a PUT cannot change."""

import pytest
from control_plane import BODY

CUSTOM = {"custom": {"url": "x/app:1", "port": 8080, "credentials": {"username": "bot", "password": "s3cret"}}}


def test_put_merges(emulator) -> None:
    """Only what is sent changes."""
    before = emulator.started(tags=["kept"], model={"env": {"A": "1"}})
    after = emulator.put({"compute": {"scaling": {"maxReplica": 3}}}).json()

    before["compute"]["scaling"]["maxReplica"] = 3
    assert {key: after[key] for key in after if key != "status"} == {
        key: before[key] for key in before if key != "status"
    }


def test_an_empty_put_changes_no_field(emulator, api) -> None:
    """The SDK sends `{}` when nothing is given."""
    before = emulator.started()
    api.update_inference_endpoint("demo", namespace="acme")
    after = emulator.get()

    assert emulator.requests()[-2]["body"] == {}
    assert {key: after[key] for key in after if key != "status"} == {
        key: before[key] for key in before if key != "status"
    }


def test_whole_union_image(emulator) -> None:
    """A variant that is sent replaces the one before, fields and all."""
    emulator.started(model={"image": {"tgi": {"url": "x/tgi:1", "maxInputLength": 100}}})
    same = emulator.put({"model": {"image": {"tgi": {"url": "x/tgi:2"}}}}).json()
    other = emulator.put({"model": {"image": {"vLLM": {"url": "x/vllm:1"}}}}).json()

    assert "maxInputLength" not in same["model"]["image"]["tgi"]
    assert list(other["model"]["image"]) == ["vLLM"]


def test_list_replacement(emulator) -> None:
    """Never appended; an empty list clears: huggingface_hub #4628."""
    emulator.started(model={"args": ["--a"], "command": ["run"]})
    replaced = emulator.put({"model": {"args": ["--b"]}}).json()["model"]
    cleared = emulator.put({"model": {"args": [], "command": []}}).json()["model"]

    assert (replaced["args"], replaced["command"]) == (["--b"], ["run"])
    assert (cleared["args"], cleared["command"]) == ([], [])


def test_name_and_provider_in_a_put_are_ignored(emulator) -> None:
    """One provider loses a changed region this way, without an error."""
    emulator.started()
    after = emulator.put({"name": "other", "provider": {"vendor": "gcp", "region": "us-east4"}}).json()

    assert (after["name"], after["provider"]) == ("demo", BODY["provider"])


@pytest.mark.parametrize(
    "body",
    [
        {"tags": ["new"], "model": {"task": None}},
        {"tags": ["new"], "compute": {"instanceType": "nvidia-none"}},
        {"tags": ["new"], "compute": {"scaling": {"scaleToZeroTimeout": 5}}},
        {"tags": ["new"], "model": {"image": {"vLLM": {}}}},
        {"tags": ["new"], "type": "protected"},
        {"tags": ["new"], "model": {"secrets": None}},
    ],
    ids=["task", "hardware", "timeout", "image", "type", "secrets"],
)
def test_refused_put_leaves_the_object_unchanged(emulator, body) -> None:
    """All or nothing, the state and `updatedAt` included."""
    before = emulator.started()
    refused = emulator.put(body)

    assert refused.status_code in {400, 422}
    assert emulator.get() == before


def test_revision_null_re_resolves(emulator) -> None:
    """The way back to the latest commit; the SDK cannot send it."""
    repository = BODY["model"]["repository"]
    emulator.started()
    emulator.anonymous.post("/_emulator/hub", json={"repository": repository, "commit": "c" * 40})
    untouched = emulator.put({"tags": ["x"]}).json()["model"]["revision"]
    latest = emulator.put({"model": {"revision": None}}).json()["model"]["revision"]

    assert untouched != "c" * 40
    assert latest == "c" * 40


def test_another_repository_gets_its_own_latest_commit(emulator) -> None:
    """The old commit is of no use there."""
    before = emulator.started()["model"]["revision"]
    after = emulator.put({"model": {"repository": "Qwen/Qwen2.5-7B-Instruct"}}).json()["model"]

    assert after["revision"] != before


def test_secrets_never_returned(emulator) -> None:
    """Not on create, not later, not in a list; the emulator itself keeps them."""
    created = emulator.create(model={"secrets": {"KEY": "s3cret"}})
    listed = emulator.owner.get("/v2/endpoint/acme")

    assert created["model"]["secrets"] == {}
    assert "s3cret" not in listed.text
    assert emulator.inner()["config"]["model"]["secrets"] == {"KEY": "s3cret"}


def test_registry_credentials_redacted(emulator) -> None:
    """The shape was recorded."""
    created = emulator.create(model={"image": CUSTOM})

    assert created["model"]["image"]["custom"]["credentials"] == {"username": "", "password": None}


def test_echoing_a_redacted_image_back_really_loses_the_credentials(emulator) -> None:
    """The SDK refuses to; a naive client finds out when the image is pulled next."""
    echoed = emulator.started(model={"image": CUSTOM})["model"]["image"]
    emulator.put({"model": {"image": echoed}})

    assert emulator.inner()["config"]["model"]["image"]["custom"]["credentials"] == {"username": "", "password": None}


def test_an_update_without_an_image_keeps_the_credentials(emulator) -> None:
    """huggingface_hub #2301, #2306: updates have lost images before."""
    emulator.started(model={"image": CUSTOM})
    emulator.put({"compute": {"scaling": {"maxReplica": 2}}})

    assert emulator.inner()["config"]["model"]["image"] == CUSTOM


def test_a_route_is_merged_and_a_router_removed_by_an_empty_map(emulator) -> None:
    """`customRouter: {}` is the way to take it away."""
    emulator.owner.post("/v2/network/domain/acme", json={"domain": "llm.acme.example"})
    emulator.started(route={"path": "/chat"}, customRouter={"tag": "v1"})
    with_domain = emulator.put({"route": {"domain": "llm.acme.example"}}).json()
    without = emulator.put({"customRouter": {}}).json()

    assert with_domain["route"] == {"path": "/chat", "domain": "llm.acme.example"}
    assert with_domain["customRouter"] == {"tag": "v1", "port": 3000}
    assert "customRouter" not in without


@pytest.mark.parametrize(
    ("sent", "measure"),
    [({"threshold": 70}, {"hardwareUsage": 70}), ({"metric": "pendingRequests"}, {"pendingRequests": None})],
    ids=["threshold", "metric"],
)
def test_the_deprecated_words_of_scaling_work_alone(emulator, sent, measure) -> None:
    """They replace the measure that is there."""
    emulator.started()

    assert emulator.put({"compute": {"scaling": sent}}).json()["compute"]["scaling"]["measure"] == measure


def test_updated_by_and_updated_at_tell_who_and_when(emulator) -> None:
    """Drift is explained by them."""
    created = emulator.started()["status"]
    emulator.advance(60)
    updated = emulator.put({"tags": ["x"]}).json()["status"]

    assert (created["createdBy"]["name"], updated["updatedBy"]["name"]) == ("founder", "founder")
    assert updated["updatedAt"] > created["updatedAt"]
    assert updated["createdAt"] == created["createdAt"]


@pytest.mark.parametrize("action", ["pause", "scale-to-zero", "resume"])
def test_every_action_tells_who_and_when_too(emulator, action) -> None:
    """A pause by a person is told from our own."""
    emulator.seed(state="paused" if action == "resume" else "running")
    before = emulator.get()["status"]
    emulator.advance(60)
    after = emulator.act(action).json()["status"]

    assert (before["updatedBy"]["name"], after["updatedBy"]["name"]) == ("somebody", "founder")
    assert after["updatedAt"] > before["updatedAt"]


def test_put_on_an_absent_endpoint_is_404(emulator) -> None:
    """Never an upsert."""
    assert emulator.put({"tags": []}).status_code == 404
