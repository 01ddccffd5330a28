"""A lost state and the command that rebuilds it."""

import json
from typing import Any

from command_line import run, surroundings
from project import Project
from test_guard import guard_of


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


def changed(project: Project, *arguments: str) -> dict[str, int]:
    """What the next `up` would do, by the engine's own count."""
    shown = json.loads(project.pulumi("preview", "--json", *arguments).stdout)
    return {kind: number for kind, number in shown["changeSummary"].items() if kind != "same"}
