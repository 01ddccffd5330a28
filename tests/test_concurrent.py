"""Two runs at once: one endpoint, one owner, and whoever comes second continues or explains."""

import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, Resource, running_plugin
from plugin_stack import SPEC, config
from project import IDENTITY, Project
from test_guard import FAST, guard_of
from traffic import names, writes

pytest_plugins = ["project"]

PAIRS = 40
ONE = {**SPEC, "autoscaling": {"max": 1}}
"""Forty of them are below the quota."""
MINE, THEIRS = "0123456789ab", "ba9876543210"


def race(world: Running, folder: Path, owners: tuple[str, str]) -> list[tuple[str, list[Resource | str]]]:
    """Forty names, each asked for by two plugin processes at the same moment; what either got, or was told.

    Answers to looks are late, so that both have looked before either asks.
    """
    world.fault("slow", method="GET", path="/v2/endpoint/acme/*", seconds=0.2, times=100_000)
    with ExitStack() as running, ThreadPoolExecutor(2) as pool:
        both = [running.enter_context(running_plugin(config(world), folder=folder)) for _ in owners]
        outcomes = []
        for number in range(PAIRS):
            start, name = threading.Barrier(2), f"pair-{number}"
            asked = [pool.submit(bring, plugin, name, owner, start) for plugin, owner in zip(both, owners, strict=True)]
            outcomes.append((name, [one.result() for one in asked]))
    return outcomes


def bring(plugin: Plugin, name: str, owner: str, start: threading.Barrier) -> Resource | str:
    """What one run does for one endpoint until it exists."""
    start.wait()
    try:
        return plugin.create("identity", {**ONE, "name": name, "owner": owner, "logical_name": name})
    except grpc.RpcError as error:
        return str(error.details())


@pytest.mark.fault(19)
def test_two_runs_of_one_owner_make_one_endpoint(world: Running, tmp_path: Path) -> None:
    """40 of 40: both runs are green, and hold the same endpoint."""
    outcomes = race(world, tmp_path, (MINE, MINE))

    assert names(world) == sorted(name for name, _ in outcomes)
    for name, pair in outcomes:
        generation = world.get(name)["status"]["createdAt"]
        assert [isinstance(one, Resource) and one.outs["generation"] for one in pair] == [generation] * 2
    # Both had looked before either asked: the second POST was answered with 409, and nothing was made by it.
    posts = [
        request
        for request in world.requests()
        if request["method"] == "POST" and request["path"] == "/v2/endpoint/acme"
    ]
    assert len(posts) > PAIRS


@pytest.mark.fault(19)
def test_two_runs_of_two_owners_leave_exactly_one_owner(world: Running, tmp_path: Path) -> None:
    """40 of 40: one run has it, and the other is told whose it is; nothing was changed for it."""
    outcomes = race(world, tmp_path, (MINE, THEIRS))

    assert names(world) == sorted(name for name, _ in outcomes)
    for name, pair in outcomes:
        (made,) = [one for one in pair if isinstance(one, Resource)]
        (told,) = [one for one in pair if isinstance(one, str)]
        assert world.get(name)["tags"] == [f"hfd-o-{made.outs['owner']}", f"hfd-l-{name}", "team-a"]
        assert f"An endpoint acme/{name} exists already and is not this stack's" in told
    assert {method for method, _ in writes(world)} == {"POST"}


def start_up(project: Project) -> subprocess.Popen[str]:
    """`pulumi up` in the background."""
    return subprocess.Popen(
        [str(project._engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
        cwd=project.stacks,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.fault(19)
def test_two_copies_of_one_state_make_one_endpoint(
    world: Running, project: Project, another_project: Callable[..., Project], tmp_path: Path
) -> None:
    """On the engine: a restored backup elsewhere is the same owner, and no lock keeps the two apart."""
    project.spec("first", **FAST)
    project.up()
    copy = another_project()
    (tmp_path / "state.json").write_text(project.pulumi("stack", "export").stdout)
    # The salt of the secrets belongs to the stack's file.
    (copy.stacks / "Pulumi.test.yaml").write_text((project.stacks / "Pulumi.test.yaml").read_text())
    copy.pulumi("stack", "import", "--file", str(tmp_path / "state.json"))
    both = (project, copy)
    for one in both:
        one.spec("first", **FAST)
        one.spec("tiny", **FAST)

    runs = [start_up(one) for one in both]
    said = [run.communicate(timeout=300)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0], said
    assert names(world) == ["first", "tiny"]
    assert guard_of(project)["owner"] == guard_of(copy)["owner"]
    generation = world.get("tiny")["status"]["createdAt"]
    assert [one.outputs_of("tiny", IDENTITY)["generation"] for one in both] == [generation] * 2


@pytest.mark.fault(19)
def test_two_stacks_that_want_one_name(world: Running, project: Project, another_project: Any) -> None:
    """On the engine: one has it and is green, the other is red and says whose it is."""
    both = (project, another_project())
    for one in both:
        one.spec("tiny", **FAST)

    runs = [start_up(one) for one in both]
    said = [run.communicate(timeout=300)[0] for run in runs]

    assert sorted(run.returncode for run in runs) == [0, 1], said
    (red,) = [text for run, text in zip(runs, said, strict=True) if run.returncode]
    assert "An endpoint acme/tiny exists already and is not this stack's" in red
    (green,) = [one for one, run in zip(both, runs, strict=True) if not run.returncode]
    assert f"hfd-o-{guard_of(green)['owner']}" in world.get("tiny")["tags"]
    assert names(world) == ["tiny"]
    green.destroy()
    assert names(world) == []


@pytest.mark.fault(19)
def test_a_second_run_of_one_state_is_turned_away(world: Running, project: Project) -> None:
    """On the engine: the lock; the first run is not disturbed."""
    project.spec("tiny", **FAST)
    world.set(durations={"pending": 200 * 6.0})
    first = start_up(project)
    while not writes(world) and first.poll() is None:
        threading.Event().wait(0.05)

    refused = project.up(code=None)
    said, _ = first.communicate(timeout=300)

    assert "the stack is currently locked" in refused
    assert first.returncode == 0, said
    assert writes(world) == [("POST", "/v2/endpoint/acme")]
