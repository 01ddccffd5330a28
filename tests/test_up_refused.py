"""A real `pulumi up` that must not be green, or sends nothing: broken models, mistakes, others' endpoints."""

from typing import Any

import pytest
from control_plane import Running
from project import ENDPOINT, IDENTITY, Project
from traffic import names, writes

pytest_plugins = ["project"]


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
