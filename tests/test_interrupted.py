"""Ctrl-C, a polite stop, CI's cancel and machine loss, on the real engine in a process group of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from control_plane import Running
from project import ENDPOINT, IDENTITY, SPEED, Project

pytest_plugins = ["project"]

SAID = "hfdeploy: Interrupted while waiting; run again to continue."
LONG = {"pending": SPEED * 600}
"""A start that nobody waits for."""


def started(project: Project, *arguments: str) -> subprocess.Popen[str]:
    """`pulumi up` as a terminal and a CI start it: leader of the group that signals are sent to."""
    return subprocess.Popen(
        [str(project._engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive", *arguments],
        cwd=project.stacks,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def is_waiting(world: Running) -> bool:
    return len([one for one in world.requests() if (one["method"], one["path"]) == ("GET", "/v2/endpoint/acme")]) > 1


def is_streaming(world: Running) -> bool:
    return any(one["path"].endswith("/generate_stream") for one in world.requests())


def until(world: Running, holds: Callable[[Running], bool], run: subprocess.Popen[str]) -> None:
    while not holds(world):
        assert run.poll() is None, run.communicate()[0]
        time.sleep(0.05)


def processes(project: Project) -> list[int]:
    """All that the run has started, plugins in groups of their own included: its backend is in their environment."""
    mark = f"PULUMI_BACKEND_URL={project.environment['PULUMI_BACKEND_URL']}".encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def end(project: Project) -> None:
    """Nothing of the run is left on the machine."""
    for pid in processes(project):
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.kill(pid, signal.SIGKILL)


def require_healed(world: Running, project: Project) -> None:
    """The next `up` needs nothing but the lock to be removed, where one stayed."""
    if list((project.folder / "state/.pulumi/locks").rglob("*.json")):
        project.pulumi("cancel", "--yes")
    world.set(durations={"pending": 1.0})
    world._script("DELETE", "/faults")
    world.advance(120000)
    project.up()
    assert [item["name"] for item in world._script("GET", "/endpoints")["items"]] == ["tiny"]
    assert project.outputs_of("tiny")["verdict"] == "passed"
    assert project.outputs_of("tiny")["generation"] == world.get("tiny")["status"]["createdAt"]
    project.up("--expect-no-changes")


@pytest.mark.fault(43)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda one: one.name)
def test_one_signal_ends_the_wait_and_the_next_run_continues(
    world: Running, project: Project, number: signal.Signals
) -> None:
    """The engine would wait for the rollout's half hour; the row says what to do, and the state is whole."""
    project.spec("tiny")
    world.set(durations=LONG)
    run = started(project)
    until(world, is_waiting, run)

    os.killpg(run.pid, number)
    shown, _ = run.communicate(timeout=60)

    assert run.returncode != 0
    assert SAID in shown
    assert "Traceback" not in shown
    kinds = [one["type"] for one in project.state()]
    assert IDENTITY in kinds
    assert ENDPOINT not in kinds
    assert world.state("tiny") == "pending"
    require_healed(world, project)


@pytest.mark.fault(43)
def test_ctrl_c_during_the_proof_is_no_verdict(world: Running, project: Project) -> None:
    """Nothing is paused, put back or called failed because somebody pressed a key."""
    project.spec("tiny")
    world.fault("hang", path="/endpoints/acme/tiny/generate_stream", times=None)
    run = started(project)
    until(world, is_streaming, run)

    os.killpg(run.pid, signal.SIGINT)
    shown, _ = run.communicate(timeout=60)

    assert "Interrupted while an endpoint was being asked; run again to continue." in shown
    assert world.state("tiny") == "running"
    require_healed(world, project)


@pytest.mark.fault(43)
def test_ctrl_c_twice_loses_nothing(world: Running, project: Project) -> None:
    """The second one ends the engine at once; what it no longer wrote down is adopted."""
    project.spec("tiny")
    world.fault("hang", method="POST", path="/v2/endpoint/acme", commit=True)
    run = started(project)
    until(world, lambda emulator: any(one["method"] == "POST" for one in emulator.requests()), run)

    os.killpg(run.pid, signal.SIGINT)
    time.sleep(0.3)  # two strokes of a person; at once they would be one signal
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=60)

    assert run.returncode != 0
    end(project)
    require_healed(world, project)


@pytest.mark.fault(1)
def test_a_machine_that_is_lost_loses_nothing(world: Running, project: Project) -> None:
    """Engine, language host and plugins end at once, in the middle of the wait."""
    project.spec("tiny")
    world.set(durations=LONG)
    run = started(project)
    until(world, is_waiting, run)

    end(project)
    run.communicate(timeout=60)

    require_healed(world, project)
