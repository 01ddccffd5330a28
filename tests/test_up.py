"""A real `pulumi up`: engine, plugin process and HTTP are real, and what counts is what exists afterwards."""

import pytest
from control_plane import Running
from project import IDENTITY, Project
from traffic import count, names, sent, writes

pytest_plugins = ["project"]


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
