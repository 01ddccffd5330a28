"""recover: a lost state rebuilt by the real command, and what the next real `up` finds."""

import json
from typing import Any

import pytest
from control_plane import Running
from lost_state import changed, found, lose_state, recover
from project import Project
from test_guard import FAST, guard_of
from traffic import count, names, writes

pytest_plugins = ["project"]

TWENTY = [f"chat-{number:02}" for number in range(20)]


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
