"""`InferenceEndpoint` in anybody's Pulumi program: options, Outputs, dependants, and the Automation API."""

import os
from pathlib import Path
from typing import Any

import pulumi
import pytest
from control_plane import Running
from project import ENDPOINT, IDENTITY, PROGRAM, Project
from pulumi import automation
from traffic import count, names, sent, writes

import hfdeploy

pytest_plugins = ["project"]

TINY = """
import pulumi
import hfdeploy

SPEC = dict(
    repository="HuggingFaceTB/SmolLM2-360M-Instruct", task="text-generation", cloud="aws", region="us-east-1",
    instance="nvidia-t4 x1", engine={"type": "tgi"}, max_model_len=2048, verify={"max_new_tokens": 4},
)
"""


def test_a_dependant_starts_after_the_verdict(world: Running, project: Project) -> None:
    """An application deployed against an endpoint that does not answer yet would fail its own start."""
    project.program(
        TINY
        + """
first = hfdeploy.InferenceEndpoint("first", SPEC)
hfdeploy.InferenceEndpoint("by-order", SPEC, pulumi.ResourceOptions(depends_on=[first]))
hfdeploy.InferenceEndpoint("by-output", SPEC, env={"UPSTREAM": first.openai_base_url})
pulumi.export("url", first.url)
"""
    )

    project.up()

    log = [(one["method"], one["path"], (one.get("body") or {}).get("name")) for one in world.requests()]
    proved = next(i for i, one in enumerate(log) if one[1].startswith("/endpoints/acme/first/generate_stream"))
    asked = {one[2]: i for i, one in enumerate(log) if one[0] == "POST" and one[1] == "/v2/endpoint/acme"}
    assert asked["first"] < proved < min(asked["by-order"], asked["by-output"])
    assert world.inner("by-output")["config"]["model"]["env"] == {"UPSTREAM": f"{world.url}/endpoints/acme/first/v1"}
    assert project.pulumi("stack", "output", "url").stdout.strip() == f"{world.url}/endpoints/acme/first"


def test_a_dependant_does_not_start_when_the_verdict_is_bad(world: Running, project: Project) -> None:
    """Nothing may be built on a broken model."""
    project.program(
        TINY
        + """
first = hfdeploy.InferenceEndpoint("first", {**SPEC, "verify": {"max_new_tokens": 4, "expect": "^never said$"}})
hfdeploy.InferenceEndpoint("after", SPEC, pulumi.ResourceOptions(depends_on=[first]))
"""
    )

    project.up("--continue-on-error", code=1)

    assert names(world) == ["first"]


def test_ignored_changes_are_left_to_whoever_makes_them(world: Running, project: Project) -> None:
    """Replica bounds under somebody's autoscaler, in the names of the spec."""
    options = 'pulumi.ResourceOptions(ignore_changes=["autoscaling"])'
    project.program(TINY + f'hfdeploy.InferenceEndpoint("tiny", SPEC, {options}, autoscaling={{"max": 2}})\n')
    project.up()
    world.mutate("tiny", compute={"scaling": {"maxReplica": 5}})
    before = count(world)

    project.program(TINY + f'hfdeploy.InferenceEndpoint("tiny", SPEC, {options}, autoscaling={{"max": 3}})\n')
    project.up()

    assert writes(world, before) == []
    assert world.get("tiny")["compute"]["scaling"]["maxReplica"] == 5


def test_a_protected_endpoint_survives_destroy(world: Running, project: Project) -> None:
    """The option reaches the identity, which is what a delete would delete."""
    project.program(TINY + 'hfdeploy.InferenceEndpoint("tiny", SPEC, pulumi.ResourceOptions(protect=True))\n')
    project.up()

    refused = project.destroy(code=None)

    assert "protected" in refused
    assert names(world) == ["tiny"]
    assert project.outputs_of("tiny", IDENTITY)["name"] == "tiny"


def test_a_retained_endpoint_stays_when_its_resource_goes(world: Running, project: Project) -> None:
    """Handing an endpoint over to another stack must not stop it."""
    project.program(TINY + 'hfdeploy.InferenceEndpoint("tiny", SPEC, pulumi.ResourceOptions(retain_on_delete=True))\n')
    project.up()

    project.program(TINY)
    project.up()

    assert names(world) == ["tiny"]
    assert [one for one in project.state() if one["type"] in {ENDPOINT, IDENTITY}] == []


@pytest.mark.fault(21)
def test_a_renamed_resource_with_an_alias_is_the_same_endpoint(world: Running, project: Project) -> None:
    """Renaming a variable must not replace production."""
    project.program(TINY + 'hfdeploy.InferenceEndpoint("old", SPEC, name="tiny")\n')
    project.up()
    before = count(world)

    options = 'pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old")])'
    project.program(TINY + f'hfdeploy.InferenceEndpoint("new", SPEC, {options}, name="tiny")\n')
    project.up()

    assert writes(world, before) == []
    assert project.outputs_of("new")["url"] == f"{world.url}/endpoints/acme/tiny"
    project.up("--expect-no-changes")


def test_a_wrong_field_fails_the_check_without_a_request(world: Running, project: Project) -> None:
    """The second line, for programs that do not use `deploy`: one sentence that names the field."""
    project.program(TINY + 'hfdeploy.InferenceEndpoint("tiny", SPEC, regoin="eu-west-1", region="us-east-1")\n')

    refused = project.up(code=1)

    assert "did you mean region?" in refused
    assert writes(world) == []


def test_a_stack_of_the_automation_api_goes_through_its_whole_life(
    world: Running, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Platforms embed Pulumi; an inline program needs importable providers and its own guard per stack."""
    monkeypatch.chdir(project.folder)
    wanted: dict[str, Any] = {"autoscaling": {"max": 1}}

    def program() -> None:
        endpoint = hfdeploy.InferenceEndpoint(
            "tiny",
            repository="HuggingFaceTB/SmolLM2-360M-Instruct",
            cloud="aws",
            region="us-east-1",
            instance="nvidia-t4 x1",
            engine={"type": "tgi"},
            verify={"max_new_tokens": 4},
            **wanted,
        )
        pulumi.export("verdict", endpoint.verdict)

    stack = _inline_stack(project, program, world)
    first = stack.up()
    assert first.outputs["verdict"].value == "passed"
    assert stack.up().summary.resource_changes == {"same": 4}

    before = count(world)
    wanted["autoscaling"] = {"max": 2}
    assert (stack.up().summary.resource_changes or {})["update"] == 1
    assert [put["compute"] for put in sent(world, "PUT", before)] == [{"scaling": {"maxReplica": 2}}]

    stack.destroy()
    assert names(world) == []


def _inline_stack(project: Project, program: Any, world: Running) -> automation.Stack:
    variables = {key: value for key, value in project.environment.items() if key.startswith("PULUMI_")}
    binary = project.environment["PATH"].split(os.pathsep)[1]
    stack = automation.create_or_select_stack(
        "inline",
        project_name="embedded",
        program=program,
        opts=automation.LocalWorkspaceOptions(
            env_vars={**variables, "PATH": project.environment["PATH"]},
            work_dir=str(project.folder),
            pulumi_command=automation.PulumiCommand(root=str(Path(binary).parent)),
            project_settings=automation.ProjectSettings(
                "embedded", "python", backend=automation.ProjectBackend((project.folder / "state").as_uri())
            ),
        ),
    )
    for key, value in {"namespace": "acme", "apiUrl": world.url, "hubUrl": world.url}.items():
        stack.set_config(f"hfdeploy:{key}", automation.ConfigValue(value))
    stack.set_config("hfdeploy:token", automation.ConfigValue("hf_emulator_owner", secret=True))
    return stack


NAMED = {
    "its own program": TINY + 'hfdeploy.InferenceEndpoint("tiny", SPEC, namespace="acme", verify={"when": "never"})\n',
    "deploy": PROGRAM,
}


@pytest.mark.parametrize("program", NAMED.values(), ids=NAMED)
def test_a_namespace_in_the_spec_alone_is_enough(world: Running, project: Project, program: str) -> None:
    """What refuses an endpoint for want of one says itself that it may be there."""
    project.forget("namespace")
    project.spec("tiny", namespace="acme", verify={"when": "never"})
    project.program(program)

    project.up()

    assert names(world) == ["tiny"]
    project.destroy()
    assert names(world) == []
    project.spec("tiny")
    project.program(program.replace('namespace="acme", ', ""))
    assert "No namespace is known" in project.up(code=1)


def test_a_missing_secret_stops_an_up_before_anything_is_sent(world: Running, project: Project) -> None:
    """In a preview it is unknown; in an `up` it is an error, and the other endpoints are not half deployed."""
    project.spec("tiny", secrets={"API_KEY": {"from_env": "NOT_SET_ANYWHERE"}, "B": {"from_config": "notThere"}})
    project.spec("other")

    refused = project.up(code=1)
    project.pulumi("preview", "--refresh=false")

    assert "tiny.yaml:" in refused
    assert ": secrets.API_KEY: the environment variable NOT_SET_ANYWHERE is not set" in refused
    assert ": secrets.B: the stack's config notThere is not set" in refused
    assert "Traceback" not in refused
    assert writes(world) == []


@pytest.mark.fault(34, 36)
def test_a_secret_of_the_stack_reaches_the_container_and_not_the_state(world: Running, project: Project) -> None:
    """Encrypted config is the usual place; canaries show that the state and its backups do not hold it in clear."""
    project.spec(
        "tiny", secrets={"API_KEY": {"from_env": "THE_KEY"}, "B": {"from_config": "inner"}}, env={"PLAIN": "shown"}
    )
    project.pulumi("config", "set", "--secret", "inner", "canary-of-config")

    project.up(THE_KEY="canary-of-environment")
    again = project.up("--expect-no-changes", THE_KEY="canary-of-environment")

    assert world.inner("tiny")["config"]["model"]["secrets"] == {
        "API_KEY": "canary-of-environment",
        "B": "canary-of-config",
    }
    kept = project.kept_bytes()
    assert b"canary-of" not in kept
    assert b"shown" in kept
    assert "canary" not in again

    changed = project.up(THE_KEY="another-canary")
    assert "changed secrets: API_KEY" in changed
    assert world.inner("tiny")["config"]["model"]["secrets"]["API_KEY"] == "another-canary"


@pytest.mark.fault(34)
def test_a_secret_output_of_another_resource_is_encrypted_in_the_state(world: Running, project: Project) -> None:
    """The input is; what repeats it among the outputs has to be, too."""
    project.pulumi("config", "set", "--secret", "inner", "canary-of-an-output")
    project.program(
        TINY + 'hfdeploy.InferenceEndpoint("tiny", SPEC, env={"A": pulumi.Config().require_secret("inner")})\n'
    )

    project.up()

    assert world.inner("tiny")["config"]["model"]["env"] == {"A": "canary-of-an-output"}
    assert b"canary-of-an-output" not in project.kept_bytes()
    project.up("--expect-no-changes")
