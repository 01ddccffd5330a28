"""docs/ci: the files parse, their commands exist, and a deployment that is cancelled in CI's way heals."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from command_line import ROOT, surroundings
from control_plane import Running
from project import Project
from traffic import names

from hfdeploy import cli, engine

pytest_plugins = ["project", "command_line"]

FOLDER = ROOT / "docs" / "ci"
GITHUB: dict[str, Any] = yaml.safe_load((FOLDER / "github.yml").read_text("utf-8"))
GITLAB: dict[str, Any] = yaml.safe_load((FOLDER / "gitlab.yml").read_text("utf-8"))
NOT_JOBS = {"default", "variables", "workflow"}

AFTER_INT, AFTER_TERM = 7.5, 2.5
"""Seconds that GitHub waits after each signal of a cancel."""


def scripts() -> Iterator[tuple[str, str]]:
    """Every script of both files, with its place."""
    for job, body in GITHUB["jobs"].items():
        for step in body["steps"]:
            if "run" in step:
                yield f"github {job} {step['name']}", step["run"]
    for job, body in GITLAB.items():
        if job not in NOT_JOBS:
            for part in ("script", "after_script"):
                if part in body:
                    yield f"gitlab {job} {part}", "\n".join(body[part])


def commands(program: str) -> Iterator[tuple[str, list[str]]]:
    """Each call of a program in the scripts, those inside `$(...)` included, as words."""
    for place, script in scripts():
        for line in script.splitlines():
            for text in [*re.findall(r"\$\(([^)]*)\)", line), re.sub(r"\$\([^)]*\)", "", line)]:
                words = shlex.split(text.strip(), comments=True)
                words = words[1:] if words[:1] == ["exec"] else words
                if words[:1] == [program]:
                    end = next((at for at, word in enumerate(words) if word.startswith(">")), len(words))
                    yield place, words[1:end]


def step(job: str, name: str) -> str:
    """The script of one step of the workflow of GitHub."""
    return next(str(one["run"]) for one in GITHUB["jobs"][job]["steps"] if one.get("name") == name)


def test_every_command_of_hfdeploy_exists_with_its_options() -> None:
    """A renamed option would be found by somebody's production pipeline."""
    root = typer.main.get_command(cli.app)
    found = list(commands("hfdeploy"))

    for place, words in found:
        command, rest = root, words
        while rest and rest[0] in getattr(command, "commands", {}):
            command, rest = command.commands[rest[0]], rest[1:]  # type: ignore[attr-defined]
        assert command is not root, f"{place}: hfdeploy {words}"
        command.make_context(words[0], list(rest))  # raises for an option or an argument that is not there

    assert {words[0] for _, words in found} == {"plan", "engine", "env", "doctor"}


def test_every_command_of_pulumi_exists_with_its_options() -> None:
    """By the engine's own help."""
    here = engine.find(os.environ)
    assert here is not None
    found = list(commands("pulumi"))

    for place, words in found:
        options = [word.partition("=")[0] for word in words if word.startswith("--")]
        names = [word for word in words if re.fullmatch("[a-z]+", word)]
        told = subprocess.run([here.pulumi, *names, "--help"], capture_output=True, text=True, check=True).stdout
        assert [option for option in options if f"{option} " not in told and f"{option}[" not in told] == [], place

    assert sorted({words[0] for _, words in found}) == ["preview", "stack", "up"]


@pytest.mark.parametrize(("place", "script"), list(scripts()), ids=[place for place, _ in scripts()])
def test_every_script_is_one_for_bash(place: str, script: str) -> None:
    """A quote too few fails the job after the merge."""
    subprocess.run(["bash", "-n", "-c", script], check=True)


def test_a_deployment_is_never_cancelled_by_a_newer_one() -> None:
    """One per stack, and the next waits; a preview may be dropped."""
    deploy, plan = GITHUB["jobs"]["deploy"], GITHUB["jobs"]["plan"]

    assert deploy["concurrency"] == {"group": "endpoints-up-prod", "cancel-in-progress": False}
    assert plan["concurrency"]["cancel-in-progress"] is True
    assert GITHUB["env"]["STACK"] in deploy["concurrency"]["group"]
    assert (GITLAB["deploy"]["interruptible"], GITLAB["deploy"]["resource_group"]) == (False, "endpoints-up-prod")


def test_nothing_is_written_where_a_pull_request_shows_it_but_the_plan() -> None:
    """A container decides what its log says; no job may comment, and nothing but the plan leaves the log."""
    assert GITHUB["permissions"] == {"contents": "read"}
    assert all("permissions" not in job for job in GITHUB["jobs"].values())
    told = [line for _, script in scripts() for line in script.splitlines() if ">" in line]
    assert told
    assert all(line.startswith("hfdeploy plan ") for line in told)
    assert not [words for _, words in commands("hfdeploy") if words[0] in {"logs", "verify", "status"}]


def test_a_pull_requests_program_gets_no_token() -> None:
    """Whoever opens one decides what it does."""
    assert "HF_TOKEN" not in json.dumps([GITHUB["env"], GITHUB["jobs"]["plan"]])
    assert "HF_TOKEN" not in json.dumps(GITLAB)
    previews = [one for one in GITHUB["jobs"]["plan"]["steps"] if "secrets." in json.dumps(one)]
    assert all("head.repo.full_name == github.repository" in one["if"] for one in previews)


def test_no_commit_of_an_action_is_invented() -> None:
    """Versions, with a word about pinning them: a made-up commit would be trusted."""
    used = [one["uses"] for job in GITHUB["jobs"].values() for one in job["steps"] if "uses" in one]

    assert [one for one in used if not re.fullmatch(r"actions/[a-z-]+@v\d+", one)] == []
    assert "Pin each to the commit that you have reviewed" in (FOLDER / "github.yml").read_text("utf-8")


@pytest.mark.fault(1)
def test_a_cancelled_deployment_is_healed_by_the_next_one(world: Running, project: Project) -> None:
    """INT, TERM, KILL while an endpoint is being made; then the steps again, by themselves."""
    project.spec("tiny", verify={"when": "never"})
    environment = surroundings() | {
        "STACK": "test",
        "PULUMI_BACKEND_URL": project.environment["PULUMI_BACKEND_URL"],
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }

    def start(name: str) -> subprocess.Popen[str]:
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step("deploy", name)]
        return subprocess.Popen(
            shell, cwd=project.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    world.fault("hang", path="/v2/endpoint/*", skip=1, times=1, commit=True)
    up = start("Up")
    try:
        deadline = time.monotonic() + 400
        while names(world) != ["tiny"]:
            assert up.poll() is None, up.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for sent, patience in ((signal.SIGINT, AFTER_INT), (signal.SIGTERM, AFTER_TERM)):
            up.send_signal(sent)
            try:
                up.wait(patience)
            except subprocess.TimeoutExpired:
                continue  # what a runner loses patience with gets its next signal
            break
    finally:
        up.kill()
        up.communicate()
    world._script("DELETE", "/faults")

    cleared = start("Clear up")
    assert cleared.communicate(timeout=400)[0].count("failed  ") == 0
    assert cleared.returncode == 0
    for name in ("Doctor", "Up"):
        again = start(name)
        said, _ = again.communicate(timeout=400)
        assert again.returncode == 0, said

    assert names(world) == ["tiny"]
    assert project.outputs_of("tiny")["state"] == "running"
