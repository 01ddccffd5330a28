"""The real `hfdeploy` in a process of its own, on a pipe or on a terminal, and an emulator for it to talk to.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control_plane import OWNER, Running, running

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-m", "hfdeploy.cli"]
SPEED = 200.0

SPEC = """\
name: demo
repository: HuggingFaceTB/SmolLM2-360M-Instruct
task: text-generation
cloud: aws
region: us-east-1
instance: nvidia-l4 x1
engine: { type: tgi, image: "ghcr.io/huggingface/text-generation-inference:3.3.7" }
"""
"""What `Running.create` makes, as a spec."""


def demo_in(parent: Path) -> Path:
    """A new folder `specs` with that spec in it."""
    folder = parent / "specs"
    folder.mkdir()
    (folder / "demo.yaml").write_text(SPEC)
    return folder


def surroundings(**extra: str) -> dict[str, str]:
    """The environment of the tests without what is about the service, an engine's backend or colours."""
    about = ("HF_", "HFDEPLOY_", "PULUMI_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(about)}
    return {**plain, "HF_HOME": "/nonexistent", **extra}


def talking_to(emulator: Running, **extra: str) -> dict[str, str]:
    """The environment of somebody who works with an emulator and no stack."""
    return surroundings(HFDEPLOY_API_URL=emulator.url, HF_TOKEN=OWNER, HFDEPLOY_NAMESPACE="acme", **extra)


def run(
    *arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end on pipes, with nobody to ask."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd,
        env=surroundings() if env is None else env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def succeed(*arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """What a command prints that has to end with 0."""
    ended = run(*arguments, cwd=cwd, env=env)
    assert ended.returncode == 0, f"{ended.returncode}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


def tell(*arguments: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> Any:
    """The JSON that a command prints."""
    return json.loads(succeed(*arguments, "--format", "json", cwd=cwd, env=env))


def on_terminal(*arguments: str, columns: int = 100, cwd: Path = ROOT, env: dict[str, str] | None = None) -> str:
    """Everything a terminal of that width receives, escape sequences included."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=(surroundings() if env is None else env) | {"TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    received = b""
    while True:
        try:
            piece = os.read(mine, 65536)
        except OSError:  # the other end of a terminal is gone
            break
        if not piece:
            break
        received += piece
    os.close(mine)
    assert process.wait(timeout=60) == 0
    return received.decode()


@pytest.fixture(scope="session")
def quick_emulator() -> Iterator[Running]:
    """One emulator for all tests of a worker; deployments take less than a second."""
    with running(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture
def emulator(quick_emulator: Running) -> Running:
    """The emulator with nothing in it."""
    quick_emulator._script("POST", "/reset")
    return quick_emulator
