"""recover: what is no clear case is reviewed, refused or continued, by the real command on a real state."""

from pathlib import Path
from typing import Any

import pytest
from control_plane import Running
from lost_state import changed, found, lose_state, recover
from project import IDENTITY, Project
from test_guard import FAST, GUARD, guard_of
from traffic import count, names, writes

pytest_plugins = ["project"]


def restore_backup(project: Project, backup: str, folder: Path) -> None:
    """Put an older state in place of today's."""
    (folder / "backup.json").write_text(backup)
    project.pulumi("stack", "import", "--file", str(folder / "backup.json"))


def test_the_review_names_what_has_no_counterpart_and_touches_none_of_it(world: Running, project: Project) -> None:
    """An endpoint without a spec is not put back: the next `up` would delete it."""
    for name in ("tiny", "dropped", "kept"):
        project.spec(name, **FAST)
    project.up()
    owner = lose_state(project)
    for name in ("dropped", "kept"):
        project.drop(name)
    world.mutate("kept", tags=[*world.get("kept")["tags"], "hfd-keep"])
    project.spec("new", **FAST)
    project.spec("theirs", **FAST)
    world.seed("theirs", tags=["team-b"])

    review, said = recover(project, code=2)

    assert found(review) == {
        "dropped": "no spec",
        "kept": "no spec",
        "new": "absent",
        "theirs": "foreign",
        "tiny": "matches",
    }
    assert "Nobody can be asked without a terminal" in said
    assert project.state() == []

    recover(project, "--yes")
    assert changed(project) == {"create": 4}
    assert guard_of(project)["owner"] == owner
    project.drop("theirs")
    world._script("DELETE", "/endpoints/acme/theirs")
    project.up()
    assert names(world) == ["dropped", "kept", "new", "tiny"]
    refused = project.destroy(code=1)
    assert "1 endpoint of this stack is alive and in no state: acme/dropped (" in refused
    assert names(world) == ["dropped", "kept"]


@pytest.mark.fault(20)
def test_two_owner_ids_have_to_be_told_apart_by_a_person(
    world: Running, project: Project, another_project: Any
) -> None:
    """The namespace has other stacks; with a wrong guess two states would own one endpoint."""
    project.spec("tiny", **FAST)
    project.up()
    other = another_project()
    other.spec("other", **FAST)
    other.up()
    theirs = str(guard_of(other)["owner"])
    owner = lose_state(project)

    _, said = recover(project, "--yes", code=2)
    assert "2 owner ids are found, one for each stack" in said
    assert f"{owner} (1 endpoint: acme/tiny)" in said
    assert f"{theirs} (1 endpoint: acme/other)" in said
    _, said = recover(project, "--yes", "--owner", "0123456789ab", code=2)
    assert "No endpoint carries the owner id 0123456789ab" in said
    assert project.state() == []

    review, _ = recover(project, "--yes", "--owner", owner)
    assert (review["owner"], found(review)) == (owner, {"tiny": "matches"})
    project.up("--expect-no-changes")
    other.up("--expect-no-changes")


@pytest.mark.fault(20)
def test_a_state_in_use_keeps_its_owner_and_is_only_completed(world: Running, project: Project, tmp_path: Path) -> None:
    """An old backup knows two of three endpoints: the third is put back, and another owner is refused."""
    project.spec("a", **FAST)
    project.spec("b", **FAST)
    project.up()
    backup = project.pulumi("stack", "export").stdout
    project.spec("c", **FAST)
    project.up()
    owner = str(guard_of(project)["owner"])
    restore_backup(project, backup, tmp_path)
    since = count(world)

    _, said = recover(project, "--yes", "--owner", "0123456789ab", code=4)
    assert f"The state has the owner id {owner} and 2 endpoints, so it cannot become 0123456789ab" in said
    review, said = recover(project, "--yes")

    assert found(review) == {"a": "tracked", "b": "tracked", "c": "matches"}
    assert "1 endpoint put back" in said
    assert {one["method"] for one in world.requests(since)} == {"GET"}
    assert len([one for one in project.state() if one["type"] == IDENTITY]) == 3
    project.up("--expect-no-changes")
    review, said = recover(project, "--yes")
    assert "There is nothing to put back into the state of test" in said
    project.destroy()
    assert names(world) == []


@pytest.mark.fault(20)
def test_an_old_backup_alone_is_continued_by_the_next_up(world: Running, project: Project, tmp_path: Path) -> None:
    """The guard's owner id is in it: what carries it is ours, nothing is made twice, and what is gone is made again."""
    for name in ("a", "gone"):
        project.spec(name, **FAST)
    project.up()
    backup = project.pulumi("stack", "export").stdout
    project.spec("b", **FAST)
    project.drop("gone")
    project.up()
    restore_backup(project, backup, tmp_path)
    since = count(world)

    shown = project.up()

    assert "continuing with acme/b, which this stack made at" in shown
    assert writes(world, since) == []
    assert names(world) == ["a", "b"]
    project.destroy()
    assert names(world) == []


def test_nothing_tagged_is_nothing_to_recover(world: Running, project: Project) -> None:
    """An empty namespace, or another account's token."""
    project.spec("tiny", **FAST)
    world.seed("tiny")

    _, said = recover(project, "--yes", code=4)

    assert "No endpoint carries an owner id, so there is nothing to recover" in said


def test_a_program_of_ones_own_is_recovered_with_parents_and_options(world: Running, project: Project) -> None:
    """The program's own preview says what is registered, so that it works without a folder of specs, too."""
    program = """import hfdeploy
import pulumi
from test_program import SPEC

class Team(pulumi.ComponentResource):
    def __init__(self, name):
        super().__init__("acme:index:Team", name)
        never = {"when": "never"}
        options = pulumi.ResourceOptions(parent=self, protect=True)
        first = hfdeploy.InferenceEndpoint("first", SPEC, options, verify=never)
        after = pulumi.ResourceOptions(parent=self, depends_on=[first], retain_on_delete=True)
        second = hfdeploy.InferenceEndpoint("second", SPEC, after, verify=never)
        hfdeploy.InferenceEndpoint("third", SPEC, verify=never, tags=[first.model])

Team("team")
"""
    program = program.replace("from test_program import SPEC\n", f"SPEC = {_plain_spec()!r}\n")
    project.program(program)
    project.up()
    owner = lose_state(project)

    review, _ = recover(project, "--yes")

    assert found(review) == {"first": "matches", "second": "matches", "third": "left"}
    assert review["owner"] == owner
    assert changed(project) == {"create": 2}
    since = count(world)
    shown = project.up()
    assert "continuing with acme/third" in shown
    assert writes(world, since) == []
    project.up("--expect-no-changes")
    protected = [one["urn"].rpartition("::")[2] for one in project.state() if one.get("protect")]
    assert protected == ["first", "first"]
    assert guard_of(project)["retained"] == ["second@acme/aws/us-east-1"]


def _plain_spec() -> dict[str, Any]:
    from project import SPEC

    return {key: value for key, value in SPEC.items() if key != "verify"}


def test_a_killed_recover_is_run_again(world: Running, project: Project) -> None:
    """The first of its two steps leaves a guard with an id that nothing carries, which may go."""
    project.spec("tiny", **FAST)
    project.up()
    owner = lose_state(project)
    project.up("--target", f"urn:pulumi:test::hfdeploy::{GUARD}::stack-guard", "--refresh=false")
    assert guard_of(project)["owner"] != owner

    review, _ = recover(project, "--yes")

    assert (review["owner"], guard_of(project)["owner"]) == (owner, owner)
    project.up("--expect-no-changes")


def test_a_mistake_in_the_program_is_said_and_nothing_is_written(project: Project) -> None:
    """A spec that cannot be read would be taken for one that is not there."""
    project.spec("tiny", regoin="us-east-1")

    _, said = recover(project, "--yes", code=1)

    assert "did you mean region?" in said
    assert project.state() == []
