"""An examination by `hfdeploy doctor`: the real command, its findings, and the stacks and services that it looks at."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from command_line import run, surroundings
from control_plane import Running, running
from project import SPEED, Project
from speaker import Speaker, http

NOBODY = 2**22 - 1
"""A process number that no process has."""


class Findings:
    """What one run of the command found."""

    def __init__(self, ended: subprocess.CompletedProcess[str]) -> None:
        self.code, self.said = ended.returncode, ended.stdout + ended.stderr
        assert ended.stdout, ended.stderr
        self.report: dict[str, Any] = json.loads(ended.stdout)

    def of(self, check: str) -> dict[str, Any]:
        """The weightiest finding of one check."""
        order = ["blocking", "warning", "unchecked", "ok"]
        found = [one for one in self.report["findings"] if one["check"] == check]
        return min(found, key=lambda one: order.index(one["level"]))

    def level(self, check: str) -> str:
        return str(self.of(check)["level"])


def doctor(folder: Path, *arguments: str, **environ: str) -> Findings:
    """The command in a folder, with the empty passphrase and nothing else in the environment."""
    env = surroundings(PULUMI_CONFIG_PASSPHRASE="") | environ
    return Findings(run("doctor", "--format", "json", *arguments, cwd=folder, env=env))


def on(project: Project, *arguments: str, **environ: str) -> Findings:
    """The command on the stack `test` of a project."""
    backend = project.environment["PULUMI_BACKEND_URL"]
    # As `hfdeploy env` has it: the Python of the stack program first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ours = {"PULUMI_BACKEND_URL": backend, "PATH": path}
    return doctor(project.folder, "--stack", "test", *arguments, **ours | environ)


def unwound_emulator() -> Iterator[Running]:
    """An emulator whose clock nobody winds."""
    with running(speed=SPEED) as emulator:
        yield emulator


def emptied(own_emulator: Running) -> Running:
    own_emulator._script("POST", "/reset")
    return own_emulator


def live_project(clean: Running, tmp_path: Path) -> Project:
    """A stack with one endpoint."""
    project = Project(tmp_path / "checkout", clean.url)
    project.spec("tiny", verify={"when": "never"})
    project.up()
    return project


def bare_project(clean: Running, tmp_path: Path) -> Project:
    """A stack that was made and never brought up, with a spec."""
    project = Project(tmp_path / "checkout", clean.url)
    project.spec("tiny")
    return project


def speaking_service() -> Iterator[Speaker]:
    with Speaker() as service:
        service.on("/v2/provider", http(401, {"error": "Missing token"}))
        service.on("/v2/endpoint/acme?limit=1", http(200, {"items": []}))
        service.on("/api/whoami-v2", http(404, b""))
        yield service
