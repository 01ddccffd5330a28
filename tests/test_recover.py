"""recover: a lost state rebuilt by the real command, and what the next real `up` finds."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_line import run, surroundings
from control_plane import Running
from project import IDENTITY, Project
from test_guard import FAST, GUARD, guard_of
from traffic import count, names, writes

pytest_plugins = ["project", "command_line"]

TWENTY = [f"chat-{number:02}" for number in range(20)]


def recover(
    project: Project, *arguments: str, stack: str = "test", code: int = 0, **extra: str
) -> tuple[dict[str, Any], str]:
    """Run the command; the review as JSON, and what was said beside it."""
    env = surroundings(PULUMI_BACKEND_URL=project.environment["PULUMI_BACKEND_URL"], PULUMI_CONFIG_PASSPHRASE="")
    ended = run("recover", "--stack", stack, "--format", "json", *arguments, cwd=project.folder, env={**env, **extra})
    assert ended.returncode == code, ended.stdout + ended.stderr
    return json.loads(ended.stdout or "{}"), ended.stderr


def found(review: dict[str, Any]) -> dict[str, str]:
    """What was found, by the endpoint's name."""
    return {one["endpoint"].partition("/")[2]: one["found"] for one in review["endpoints"]}


def lose_state(project: Project) -> str:
    """A new, empty stack with the same backend path; returns the old owner id."""
    owner = str(guard_of(project)["owner"])
    kept = (project.stacks / "Pulumi.test.yaml").read_text()
    project.pulumi("stack", "rm", "--force", "--yes", "test")
    (project.stacks / "Pulumi.test.yaml").write_text(kept)
    project.pulumi("stack", "init", "test")
    assert project.state() == []
    return owner


def restore_backup(project: Project, backup: str, folder: Path) -> None:
    """Put an older state in place of today's."""
    (folder / "backup.json").write_text(backup)
    project.pulumi("stack", "import", "--file", str(folder / "backup.json"))


def changed(project: Project, *arguments: str) -> dict[str, int]:
    """What the next `up` would do, by the engine's own count."""
    shown = json.loads(project.pulumi("preview", "--json", *arguments).stdout)
    return {kind: number for kind, number in shown["changeSummary"].items() if kind != "same"}


@pytest.mark.fault(20)
def test_the_state_of_twenty_endpoints_is_lost_and_rebuilt(world: Running, project: Project) -> None:
    """Nothing is adopted by accident; after the reviewed import there is nothing to do, and destroy leaves nothing."""
    for name in TWENTY:
        project.spec(name, **FAST)
    project.up()
    before = {name: world.inner(name) for name in TWENTY}
    owner = lose_state(project)
    since = count(world)

    refused = project.up("--continue-on-error", code=1)

    lines = {line.partition("hfdeploy: ")[2] for line in refused.splitlines() if "error: hfdeploy: An endpoint" in line}
    assert len(lines) == 20
    for name in TWENTY:
        assert any(
            line.startswith(f"An endpoint acme/{name} exists already and is not this stack's:")
            and f"`adopt: {world.get(name)['status']['createdAt']}`" in line
            for line in lines
        )
    assert writes(world, since) == []

    since = count(world)
    review, said = recover(project, "--yes")

    assert review["owner"] == owner
    assert found(review) == dict.fromkeys(TWENTY, "matches")
    assert "20 endpoints put back into the state of test" in said
    assert {one["method"] for one in world.requests(since)} == {"GET"}
    assert guard_of(project)["owner"] == owner

    since = count(world)
    assert changed(project) == {}
    again = project.up("--expect-no-changes")
    assert "42 unchanged" in again
    assert writes(world, since) == []
    assert {name: world.inner(name)["config"] for name in TWENTY} == {
        name: inner["config"] for name, inner in before.items()
    }
    assert project.outputs_of("chat-07")["verdict"] == "unverified"
    project.refresh("--preview-only", "--expect-no-changes")

    project.destroy()
    assert names(world) == []


@pytest.mark.fault(20)
def test_a_stack_that_was_never_brought_up_again_is_rebuilt_too(world: Running, project: Project) -> None:
    """Without the refused `up` between, nothing is in the state: neither a guard nor a provider."""
    project.spec("tiny", tags=["team-a"], **FAST)
    project.up()
    state = project.state()
    owner = lose_state(project)
    since = count(world)

    review, _ = recover(project, "--yes")

    assert (review["owner"], found(review)) == (owner, {"tiny": "matches"})
    assert {one["method"] for one in world.requests(since)} == {"GET"}
    project.up("--expect-no-changes")

    def shape(resources: list[dict[str, Any]]) -> list[Any]:
        """What the state format fixes, without times, ids of providers, salts and verdicts."""
        return [
            (
                one["urn"],
                {key: one.get(key) for key in ("id", "parent", "inputs", "dependencies", "additionalSecretOutputs")}
                if "providers" not in one["urn"]
                else None,
                sorted(one.get("outputs") or {}),
            )
            for one in resources
        ]

    assert shape(project.state()) == shape(state)


def test_what_has_to_be_secret_is_encrypted_in_the_rebuilt_state(world: Running, project: Project) -> None:
    """The document goes through a pipe, and the engine encrypts with the stack's own secrets manager."""
    canary = "canary-in-a-spec-0123456789"
    project.spec("tiny", env={"MOTD": canary}, **FAST)
    project.up()
    lose_state(project)

    recover(project, "--yes")

    outputs = project.outputs_of("tiny")
    assert {name for name in outputs if "ciphertext" in str(outputs[name])} == {"remembered", "spec", "declared"}
    shown = json.loads(project.pulumi("stack", "export", "--show-secrets").stdout)["deployment"]["resources"]
    spec = json.loads(shown[-1]["outputs"]["spec"]["plaintext"])
    assert spec["env"] == {"MOTD": canary}


def test_what_differs_is_brought_back_as_it_is_and_shown_by_property(world: Running, project: Project) -> None:
    """A person sees the difference in the review, again in the preview, and it is one update of exactly that."""
    project.spec("tiny", **FAST)
    project.spec("same", **FAST)
    project.up()
    lose_state(project)
    world.mutate("tiny", type="public", compute={"scaling": {"maxReplica": 4}})

    review, _ = recover(project, "--yes")

    assert found(review) == {"same": "matches", "tiny": "differs"}
    (tiny,) = [one for one in review["endpoints"] if one["found"] == "differs"]
    assert tiny["differences"] == [
        'autoscaling: live {"max": 4}, spec not set',
        'security: live "public": anyone may call it, without a token, spec not set',
    ]
    shown = project.pulumi("preview").stdout
    assert "[diff: -autoscaling,security]" in shown
    assert changed(project) == {"update": 1}
    since = count(world)
    project.up()
    [put] = [one["body"] for one in world.requests(since) if one["method"] == "PUT"]
    assert (put["type"], put["compute"]) == ("private", {"scaling": {"maxReplica": 1}})
    assert put.keys() == {"type", "compute", "tags"}


def test_a_spec_that_moved_meanwhile_shows_as_a_replacement(world: Running, project: Project) -> None:
    """Not as an endpoint that is where it is not."""
    project.spec("tiny", **FAST)
    project.up()
    lose_state(project)
    project.spec("tiny", region="eu-west-1", instance="nvidia-a10g x1", **FAST)

    review, _ = recover(project, "--yes")

    (tiny,) = review["endpoints"]
    assert 'region: live "us-east-1", spec "eu-west-1"' in tiny["differences"]
    assert changed(project)["replace"] >= 1
    assert world.get("tiny")["provider"]["region"] == "us-east-1"


def test_secrets_are_sent_again_once(world: Running, project: Project) -> None:
    """Their digests are gone with the state; whether the values are still those is known to nobody."""
    project.spec("tiny", secrets={"API_KEY": {"from_env": "THE_KEY"}}, **FAST)
    project.up(THE_KEY="first-value")
    lose_state(project)

    review, _ = recover(project, "--yes", THE_KEY="first-value")

    assert review["endpoints"][0]["secrets_sent_again"] == ["API_KEY"]
    shown = json.loads(project.pulumi("preview", "--json", THE_KEY="first-value").stdout)
    assert shown["changeSummary"]["update"] == 1
    since = count(world)
    assert "changed secrets: API_KEY" in project.up(THE_KEY="second-value")
    assert [one["body"]["model"] for one in world.requests(since) if one["method"] == "PUT"] == [
        {"secrets": {"API_KEY": "second-value"}}
    ]
    project.up("--expect-no-changes", THE_KEY="second-value")
    kept = project.kept_bytes()
    assert b"first-value" not in kept
    assert b"second-value" not in kept


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
