"""A real `pulumi up`: engine, plugin process and HTTP are real, and what counts is what exists afterwards."""

from typing import Any

import pytest
from control_plane import Running
from project import ENDPOINT, IDENTITY, Project

pytest_plugins = ["project"]


def writes(world: Running, since: int = 0) -> list[tuple[str, str]]:
    """The requests that changed anything, data plane left out."""
    return [
        (request["method"], request["path"])
        for request in world.requests(since)
        if request["method"] != "GET" and not request["path"].startswith("/endpoints/")
    ]


def sent(world: Running, method: str, since: int = 0) -> list[Any]:
    """The bodies of the management requests of one method."""
    return [
        request["body"]
        for request in world.requests(since)
        if request["method"] == method and request["path"].startswith("/v2/endpoint/")
    ]


def count(world: Running) -> int:
    """The number of requests so far."""
    return int(world._script("GET", "/requests?since=1000000000")["count"])


def names(world: Running) -> list[str]:
    """The endpoints that exist."""
    return sorted(item["name"] for item in world._script("GET", "/endpoints")["items"])


@pytest.mark.fault(17)
def test_specs_become_verified_endpoints_and_a_second_up_writes_nothing(world: Running, project: Project) -> None:
    """The promise of the tool, and the promise that running it again costs nothing."""
    project.spec("tiny")
    project.spec("other", autoscaling={"min": 1, "max": 2}, tags=["team-a"])

    project.up()

    assert names(world) == ["other", "tiny"]
    assert writes(world) == [("POST", "/v2/endpoint/acme")] * 2
    for name in ("tiny", "other"):
        outputs = project.outputs_of(name)
        assert outputs["url"] == f"{world.url}/endpoints/acme/{name}"
        assert outputs["openai_base_url"] == f"{world.url}/endpoints/acme/{name}/v1"
        assert (outputs["verdict"], outputs["state"], outputs["tokens"]) == ("passed", "running", 8)
        assert outputs["revision"] == world.get(name)["model"]["revision"]
    owner = project.outputs_of("tiny", IDENTITY)["owner"]
    assert world.get("other")["tags"] == [f"hfd-o-{owner}", "hfd-l-other", "team-a"]

    before = count(world)
    again = project.up("--expect-no-changes")

    assert "6 unchanged" in again
    assert writes(world, before) == []
    # One look at all endpoints, and one question for the branch that both of them were made from.
    asked = sorted(request["path"] for request in world.requests(before))
    assert asked == ["/api/models/HuggingFaceTB/SmolLM2-360M-Instruct", "/v2/endpoint/acme"]


def test_a_changed_field_is_one_update_of_exactly_that_field(world: Running, project: Project) -> None:
    """Everything else of the endpoint stays untouched, secrets and environment included; its tags go along."""
    project.spec("tiny")
    project.up()
    before, tags = count(world), world.get("tiny")["tags"]

    project.spec("tiny", autoscaling={"max": 3})
    shown = project.up()

    assert sent(world, "PUT", before) == [{"compute": {"scaling": {"maxReplica": 3}}, "tags": tags}]
    assert "tiny updated" in shown
    assert "[diff: +autoscaling]" in shown
    # Replica bounds do not change what answers: no prompt was due.
    assert not [one for one in world.requests(before) if one["path"].endswith("/generate_stream")]


def test_a_change_of_what_serves_is_verified_again(world: Running, project: Project) -> None:
    """A new image that answers with nothing would otherwise go unnoticed."""
    project.spec("tiny")
    project.up()
    first = project.outputs_of("tiny")["verified_at"]
    before = count(world)

    project.spec("tiny", env={"LOG_LEVEL": "info"})
    project.up()

    assert [put["model"] for put in sent(world, "PUT", before)] == [{"env": {"LOG_LEVEL": "info"}}]
    assert [one["path"] for one in world.requests(before) if one["path"].endswith("/generate_stream")]
    assert project.outputs_of("tiny")["verified_at"] >= first


@pytest.mark.fault(16, 37)
def test_drift_is_named_by_property_and_undone(world: Running, project: Project) -> None:
    """What somebody clicked shows in `pulumi refresh`, and a plain `pulumi up` puts it right."""
    project.spec("tiny")
    project.up()
    world.mutate("tiny", type="public", compute={"scaling": {"maxReplica": 4}})

    seen = project.refresh("--preview-only", "--expect-no-changes", code=7)
    before = count(world)
    project.up()

    assert "[diff: +autoscaling,security]" in seen
    [put] = sent(world, "PUT", before)
    assert (put["type"], put["compute"], put.keys()) == (
        "private",
        {"scaling": {"maxReplica": 1}},
        {"type", "compute", "tags"},
    )
    assert world.get("tiny")["type"] == "private"
    project.refresh("--preview-only", "--expect-no-changes")


@pytest.mark.fault(18)
@pytest.mark.parametrize("action", ["pause", "scale-to-zero"])
def test_a_sleeping_or_paused_endpoint_is_no_drift_and_is_not_woken(
    world: Running, project: Project, action: str
) -> None:
    """An operational state is somebody's decision, and waking costs money."""
    project.spec("tiny")
    project.up()
    world.act(action, "tiny")
    before = count(world)

    project.up("--expect-no-changes")
    project.refresh("--preview-only", "--expect-no-changes")

    assert writes(world, before) == []
    assert not [one for one in world.requests(before) if one["path"].startswith("/endpoints/")]


@pytest.mark.fault(15)
def test_an_endpoint_deleted_behind_our_back_is_made_again(world: Running, project: Project) -> None:
    """With `refresh: always` a plain `up` notices; it is created, waited for and verified."""
    project.spec("tiny")
    project.up()
    world._script("DELETE", "/endpoints/acme/tiny")
    before = count(world)

    project.up()

    assert writes(world, before) == [("POST", "/v2/endpoint/acme")]
    assert project.outputs_of("tiny")["verdict"] == "passed"
    assert project.outputs_of("tiny")["generation"] == world.get("tiny")["status"]["createdAt"]


@pytest.mark.fault(21)
def test_a_changed_region_replaces_waits_and_verifies(world: Running, project: Project) -> None:
    """A name is unique in its namespace, so the old one goes first; the new one is not just asked for."""
    project.spec("tiny")
    project.up()
    before = count(world)

    project.spec("tiny", region="eu-west-1", instance="nvidia-a10g x1")
    project.up()

    assert [method for method, _ in writes(world, before)] == ["DELETE", "POST"]
    assert world.get("tiny")["provider"]["region"] == "eu-west-1"
    outputs = project.outputs_of("tiny")
    assert (outputs["verdict"], outputs["instance"]) == ("passed", "nvidia-a10g x1")
    assert outputs["generation"] == world.get("tiny")["status"]["createdAt"]


def test_a_failed_verification_fails_the_up_and_a_repaired_spec_heals_it(world: Running, project: Project) -> None:
    """No green over a broken model; the endpoint stays in the state, so that `destroy` can end its bill."""
    project.spec("tiny", verify={"prompt": "Hello", "max_new_tokens": 4, "expect": "^never said$"})
    project.spec("good")

    failed = project.up("--continue-on-error", code=1)

    lines = {line.partition("error: ")[2] for line in failed.splitlines() if "error: hfdeploy: acme/tiny" in line}
    assert len({line.partition("hfdeploy: ")[2] for line in lines}) == 1
    assert "does not answer as it must: the text (" in lines.pop()
    assert "Traceback" not in failed
    assert project.outputs_of("good")["verdict"] == "passed"
    assert project.outputs_of("tiny", IDENTITY)["name"] == "tiny"
    assert not [one for one in project.state() if one["type"] == ENDPOINT and one["urn"].endswith("::tiny")]
    assert world.get("tiny")["status"]["state"] == "paused"

    project.spec("tiny")
    project.up()

    assert project.outputs_of("tiny")["verdict"] == "passed"
    assert world.get("tiny")["status"]["state"] == "running"


@pytest.mark.fault(13)
def test_a_container_that_does_not_start_says_what_it_said(world: Running, project: Project) -> None:
    """State, message and the last log line in one sentence; the failed endpoint is paused, since it may bill."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "broken_image"}])
    project.spec("tiny")

    failed = project.up(code=1)

    assert "acme/tiny is failed. Endpoint failed to start: the container exited with code 1." in failed
    assert "Last log line:" in failed
    assert world.get("tiny")["status"]["state"] == "paused"


def test_destroy_leaves_nothing(world: Running, project: Project) -> None:
    """Neither endpoints that bill nor resources in the state."""
    project.spec("tiny")
    project.spec("other")
    project.up()

    project.destroy()

    assert names(world) == []
    assert project.state() == [] or [one["type"] for one in project.state()] == ["pulumi:pulumi:Stack"]


def test_a_dropped_spec_deletes_its_endpoint_only(world: Running, project: Project) -> None:
    """The others are not touched by it."""
    project.spec("tiny")
    project.spec("other")
    project.up()
    before = count(world)

    project.drop("tiny")
    project.up()

    assert writes(world, before) == [("DELETE", "/v2/endpoint/acme/tiny")]
    assert names(world) == ["other"]


@pytest.mark.fault(5)
def test_a_namesake_that_is_not_ours_is_refused_and_untouched(world: Running, project: Project) -> None:
    """Silent takeover of somebody's production is the worst thing such a tool can do."""
    foreign = world.seed("tiny")
    project.spec("tiny")

    refused = project.up(code=1)

    assert "is not this stack's" in refused
    assert writes(world) == []
    after = world.inner("tiny")
    assert [after[key] for key in ("config", "created", "updated")] == [
        foreign[key] for key in ("config", "created", "updated")
    ]


@pytest.mark.fault(5, 19)
def test_a_copy_with_another_backend_is_another_owner(world: Running, project: Project, another_project: Any) -> None:
    """The owner id is random and lives in the state, so a clone of the repository owns nothing."""
    project.spec("tiny")
    project.up()
    copy = another_project()
    copy.spec("tiny")

    refused = copy.up(code=1)

    assert "is not this stack's" in refused
    project.up("--expect-no-changes")


def test_preview_without_refresh_needs_no_network_and_no_token(project: Project) -> None:
    """A review in CI must not need a secret or the service."""
    project.spec("tiny")
    project.configure(apiUrl="http://127.0.0.1:9", hubUrl="http://127.0.0.1:9", token="")

    shown = project.pulumi("preview", "--refresh=false").stdout

    assert "4 to create" in shown or "+ 4" in shown


def test_all_findings_come_before_anything_is_registered(world: Running, project: Project) -> None:
    """Every mistake of every file in one go, with file and line, and not one request."""
    project.spec("tiny", instance="nvidia-a1000 x1")
    project.spec("other", security="protected", regoin="us-east-1")

    refused = project.up(code=1)

    assert "../specs/other.yaml:" in refused
    assert "did you mean region?" in refused
    assert "no longer offered" in refused
    assert "../specs/tiny.yaml:" in refused
    assert "nvidia-a1000 x1" in refused
    assert world.requests() == []
    assert names(world) == []


@pytest.mark.fault(10)
def test_a_rotated_token_is_used_and_the_old_one_forgotten(world: Running, project: Project) -> None:
    """A refresh would otherwise ask with the token of the last `up`, and lock the stack out once that is revoked."""
    project.spec("tiny")
    project.up()
    project.configure(token="hf_revoked_by_somebody_00000")

    refused = project.up(code=1)
    assert "401" in refused

    project.configure()
    project.pulumi("preview")
    project.up("--expect-no-changes")


@pytest.mark.fault(42)
def test_a_stack_over_its_budget_sends_nothing(world: Running, project: Project) -> None:
    """Before anything is registered, in a preview too; within the budget it goes up."""
    project.spec("tiny")
    project.spec("other", instance="nvidia-a100 x8", autoscaling={"max": 3})
    project.pulumi("config", "set", "--path", "hfdeploy:budget.monthly_ceiling_usd", "500")

    seen = project.pulumi("preview", code=None)
    refused = project.up(code=1)

    assert "With every replica up this stack costs $" in refused
    assert "hfdeploy:budget allows $500.00/month: other $" in refused
    assert seen.returncode != 0
    assert "hfdeploy:budget allows $500.00/month" in seen.stdout + seen.stderr
    assert "Traceback" not in refused
    assert writes(world) == []
    assert names(world) == []

    project.drop("other")
    project.up()
    assert names(world) == ["tiny"]
