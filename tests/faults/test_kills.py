"""SIGKILL at every request of a rollout: the next `up` repairs, and there is one endpoint per spec, tracked and live.

Too long for every test run: `make faults`. The engine and, separately, the plugin process are killed before (the
request hangs unanswered and undone) and after (it is carried out, its answer never comes) each management request.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from control_plane import Running
from project import Project
from test_up import names, writes

pytest_plugins = ["project"]

MOST_REQUESTS = 12
"""Of the management API in a create and an update; a number beyond the last one ends the sweep of that victim."""


def plugins_of(project: Project) -> list[int]:
    """The plugin processes of this project: their working directory is its program."""
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes()
            is_ours = (process / "cwd").resolve() == project.stacks.resolve()
        except OSError:
            continue
        if is_ours and b"pulumi.dynamic" in command and b"python" in command.split(b"\0")[0]:
            found.append(int(process.name))
    return found


def start_up(project: Project) -> subprocess.Popen[bytes]:
    """`pulumi up` in the background."""
    return subprocess.Popen(
        [str(project._engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=project.stacks,
        env=project.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def kill_at(project: Project, world: Running, number: int, victim: str, *, is_carried_out: bool) -> bool:
    """Kill the victim while management request `number` of this run hangs; False when the run ended before it."""
    since = int(world._script("GET", "/requests?since=1000000000")["count"])
    world.fault("hang", path="/v2/endpoint/*", skip=number, times=1, commit=is_carried_out)
    run = start_up(project)
    try:
        while run.poll() is None:
            seen = [one for one in world.requests(since) if one["path"].startswith("/v2/endpoint/")]
            if len(seen) > number:
                break
            time.sleep(0.05)
        else:
            return False
        for pid in plugins_of(project) if victim == "plugin" else [run.pid]:
            os.kill(pid, signal.SIGKILL)
        run.wait(timeout=120)
        return True
    finally:
        world._script("DELETE", "/faults")
        if run.poll() is None:
            run.kill()
            run.wait()


def repair(project: Project) -> None:
    """What the Makefile does after a crash: break the dead engine's lock, and run again."""
    project.pulumi("cancel", "--yes", code=None)
    project.up()


@pytest.fixture(params=["engine", "plugin"])
def victim(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[False, True], ids=["before", "after"])
def is_carried_out(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def swept(world: Running, project: Project) -> Iterator[list[int]]:
    """The requests at which something was killed; a sweep that killed nothing proves nothing."""
    killed: list[int] = []
    yield killed
    assert len(killed) >= 3


def test_a_create_killed_anywhere_is_repaired(
    world: Running, project: Project, victim: str, is_carried_out: bool, swept: list[int]
) -> None:
    """Never two endpoints, never one that the state does not know."""
    project.spec("tiny")
    for number in range(MOST_REQUESTS):
        if not kill_at(project, world, number, victim, is_carried_out=is_carried_out):
            break
        swept.append(number)
        repair(project)
        assert names(world) == ["tiny"]
        assert project.outputs_of("tiny")["verdict"] == "passed"
        assert project.outputs_of("tiny")["generation"] == world.get("tiny")["status"]["createdAt"]
        project.up("--expect-no-changes")
        project.destroy()
        assert names(world) == []


def test_an_update_killed_anywhere_is_repaired_and_verified(
    world: Running, project: Project, victim: str, is_carried_out: bool, swept: list[int]
) -> None:
    """What a killed run sent is live, as specified, and proved; nothing is sent that is there already."""
    project.spec("tiny")
    project.up()
    for number in range(MOST_REQUESTS):
        project.spec("tiny", env={"ROUND": str(number)})
        if not kill_at(project, world, number, victim, is_carried_out=is_carried_out):
            break
        swept.append(number)
        proofs = len([one for one in world.requests() if one["path"].endswith("/generate_stream")])
        repair(project)
        assert world.get("tiny")["model"]["env"] == {"ROUND": str(number)}
        assert world.get("tiny")["model"]["env"]["ROUND"] == str(number)
        after = len([one for one in world.requests() if one["path"].endswith("/generate_stream")])
        assert after > proofs or number >= 3
        assert [method for method, _ in writes(world)].count("POST") == 1
