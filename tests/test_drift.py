"""`hfdeploy:drift` on the real engine: what somebody changed by hand is put back, reported, or stops the run."""

import pytest
from control_plane import Running
from project import Project
from traffic import count, sent, writes

pytest_plugins = ["project"]


def click(world: Running) -> str:
    """Somebody changes the endpoint in the web interface; when."""
    world.mutate("tiny", by="alice", compute={"scaling": {"maxReplica": 4}})
    return str(world.get("tiny")["status"]["updatedAt"])


def brought(project: Project, mode: str) -> None:
    project.configure(drift=mode)
    project.spec("tiny", verify={"when": "never"})
    project.up()


@pytest.mark.fault(16)
def test_a_stack_that_blocks_stops_and_names_the_change(world: Running, project: Project) -> None:
    """Production is not put back over somebody's head: property, value, who and when, and the way out."""
    brought(project, "block")
    when = click(world)
    before = count(world)

    gate = project.refresh("--preview-only", "--expect-no-changes", code=7)
    assert "[diff: +autoscaling]" in gate
    assert f'changed outside this stack: autoscaling is {{"max": 4}} (last update by alice at {when})' in gate
    seen = project.pulumi("preview", code=None)
    refused = project.up(code=1)

    sentence = (
        f'hfdeploy:drift is block: autoscaling is {{"max": 4}} (last update by alice at {when}). Nothing was sent.'
    )
    assert sentence in refused
    assert seen.returncode != 0
    assert sentence in seen.stdout + seen.stderr
    assert "Traceback" not in refused
    assert writes(world, before) == []

    project.refresh()
    assert sentence in project.up("--refresh=false", code=1)
    assert writes(world, before) == []

    project.up(HFDEPLOY_DRIFT="revert")
    assert [put["compute"] for put in sent(world, "PUT", before)] == [{"scaling": {"maxReplica": 1}}]
    project.up("--expect-no-changes")


def test_a_change_that_was_written_into_the_spec_is_agreed_to(world: Running, project: Project) -> None:
    """The usual way out, and nothing is sent for it."""
    brought(project, "block")
    click(world)
    before = count(world)

    project.spec("tiny", verify={"when": "never"}, autoscaling={"max": 4})
    project.up()

    assert writes(world, before) == []
    project.up("--expect-no-changes")


@pytest.mark.fault(16, 18)
def test_a_stack_that_blocks_takes_changes_of_the_spec_and_pauses(world: Running, project: Project) -> None:
    """Neither an edit of the spec nor an operational state is drift."""
    brought(project, "block")
    before = count(world)
    project.spec("tiny", verify={"when": "never"}, autoscaling={"max": 2})
    project.up()
    world.act("scale-to-zero", "tiny")
    project.up("--expect-no-changes")

    assert [put["compute"] for put in sent(world, "PUT", before)] == [{"scaling": {"maxReplica": 2}}]


@pytest.mark.fault(16)
def test_a_stack_that_reports_keeps_the_change_beside_its_own(world: Running, project: Project) -> None:
    """Every run says what it found, and an update of something else leaves it alone."""
    brought(project, "report")
    when = click(world)
    before = count(world)

    said = project.up("--expect-no-changes")
    project.spec("tiny", verify={"when": "never"}, tags=["team-a"])
    project.up()

    sentence = f'hfdeploy:drift is report: autoscaling is {{"max": 4}} (last update by alice at {when})'
    assert f"left as it was found, since {sentence}" in said
    (put,) = sent(world, "PUT", before)
    assert list(put) == ["tags"]
    assert world.get("tiny")["compute"]["scaling"]["maxReplica"] == 4

    project.spec("tiny", verify={"when": "never"}, tags=["team-a"], autoscaling={"max": 2})
    project.up()
    assert world.get("tiny")["compute"]["scaling"]["maxReplica"] == 2
