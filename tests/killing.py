"""A process killed in the middle of a rollout, and what has to be true after it.

One kill point is: an operation (`update`), a victim (the engine or the plugin process), a request by its number, and
whether that request hangs undone (`before`) or is carried out and never answered (`after`). The stack is brought up
once; state file and emulator are put back from memory for each point. What a kill leaves behind (state file and
endpoints, without times and random names) is repaired once per kind of wreck: equal wrecks are repaired equally.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from control_plane import Running
from project import Project

MOST_REQUESTS = 60
"""Of one run. A sweep that gets there has not come to the end of the run, and fails."""

GOOD, BAD = "acme/text-generation-inference:3.3.7", "acme/broken-inference:1"
BYSTANDERS = {"by-hand": [], "theirs": ["hfd-o-0123456789ab", "hfd-l-theirs"]}
"""Endpoints that are none of ours: one without tags, one of another stack."""

_NOTES = ".hfdeploy"

AWAKE = {"scaling": {"minReplica": 1, "maxReplica": 1}}
"""They are compared an hour later, and must not have fallen asleep."""

_PACKAGES = """#!{python}
import os, sys
if sys.argv[1:4] == ["-m", "pip", "list"]:
    print("[]")
else:
    os.execv({python!r}, [{python!r}, *sys.argv[1:]])
"""
"""The interpreter, but for the engine's question which packages are installed: a second per run, of no interest."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A scripted rollout. `spec` changes the spec of the base, `down` destroys instead; `fails` is put back."""

    name: str
    is_new: bool = False
    spec: tuple[tuple[str, Any], ...] = ()
    down: bool = False
    fails: bool = False


OPERATIONS = {
    one.name: one
    for one in (
        Operation("create", is_new=True),
        Operation("update", spec=(("env", {"ROUND": "2"}),)),
        Operation("restore", spec=(("engine", {"type": "tgi", "image": BAD}),), fails=True),
        Operation("replace", spec=(("region", "eu-west-1"), ("instance", "nvidia-a10g x1"))),
        Operation("destroy", down=True),
    )
}


@dataclass(frozen=True, slots=True)
class Point:
    """Where something is killed; `str()` is what `--kill` takes."""

    operation: str
    victim: str
    moment: str
    number: int = 0

    def __str__(self) -> str:
        return f"{self.operation}:{self.victim}:{self.moment}:{self.number}"


@dataclass(frozen=True, slots=True)
class Wreck:
    """What there was at one moment: the backend's files, what lies beside the program, and the emulator's endpoints."""

    state: Path
    world: str


class Stage:
    """A stack on an emulator, brought to a base and killed from there, again and again."""

    def __init__(self, folder: Path, world: Running) -> None:
        self.world, self.folder = world, folder
        self.project = Project(folder / "project", world.url)
        wrapper = folder / "python"
        wrapper.write_text(_PACKAGES.format(python=sys.executable))
        wrapper.chmod(0o755)
        self.project.environment["PULUMI_PYTHON_CMD"] = str(wrapper)
        world._script("POST", "/reset")
        for name, tags in BYSTANDERS.items():
            world.seed(name, tags=tags, compute=AWAKE)
        self._empty = self.keep("empty")
        self.write()
        self.project.up()
        self._live = self.keep("live")

    @property
    def _notes(self) -> Path:
        """What hfdeploy keeps beside the program."""
        return self.project.stacks / _NOTES

    def write(self, **changes: Any) -> None:
        """The spec of the base, with changes; the base is put back for an hour, and must not be asleep by then."""
        base = {"engine": {"type": "tgi", "image": GOOD}, "autoscaling": {"min": 1, "max": 1}}
        self.project.spec("tiny", **{**base, **changes})

    def keep(self, name: str) -> Wreck:
        """Remember state and endpoints as they are."""
        copy = self.folder / name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.project.folder / "state", copy)
        if self._notes.exists():
            shutil.copytree(self._notes, copy / _NOTES)
        return Wreck(copy, json.dumps(self.world.app.world.store.dump()))

    def put_back(self, wreck: Wreck) -> None:
        """Make state and endpoints what they were; nothing of ours may be running."""
        shutil.rmtree(self.project.folder / "state")
        shutil.copytree(wreck.state, self.project.folder / "state", ignore=shutil.ignore_patterns(_NOTES))
        shutil.rmtree(self._notes, ignore_errors=True)
        if (wreck.state / _NOTES).exists():
            shutil.copytree(wreck.state / _NOTES, self._notes)
        self.world.app.world.store.load(json.loads(wreck.world))

    def set_out(self, operation: Operation) -> None:
        """Put back what the operation starts from, and write the spec that it brings."""
        self.put_back(self._empty if operation.is_new else self._live)
        self.write(**dict(operation.spec))
        if operation.fails:
            self.world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
        self.world._script("DELETE", "/requests")

    def strike(self, point: Point) -> bool:
        """Start the operation from its base and kill; False when the run came to its end before that request."""
        operation = OPERATIONS[point.operation]
        self.set_out(operation)
        self.world.fault("hang", skip=point.number, times=1, commit=point.moment == "after")
        engine = self._start("destroy" if operation.down else "up")
        try:
            if not self._await_request(engine, point):
                return False
            for pid in self.processes("pulumi.dynamic") if point.victim == "plugin" else [engine.pid]:
                with suppress(ProcessLookupError):  # it ended meanwhile
                    os.kill(pid, signal.SIGKILL)
            engine.wait(timeout=120)
            return True
        finally:
            self.world._script("DELETE", "/faults")
            if engine.poll() is None:
                engine.kill()
                engine.wait()

    def _start(self, verb: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self.project._engine.pulumi), verb, "--yes", "--skip-preview", "--non-interactive"],
            cwd=self.project.stacks,
            env=self.project.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _await_request(self, engine: subprocess.Popen[bytes], point: Point) -> bool:
        while self.world.app.world.faults.listing()[0]["times"]:
            if engine.poll() is not None:
                return False
            time.sleep(0.02)
        path = self.world.requests()[-1]["path"]
        # What is carried out is carried out by now; a stream takes its time.
        time.sleep(0.5 if point.moment == "after" and "generate" in path else 0.1)
        return True

    def processes(self, word: str = "") -> list[int]:
        """Processes of this project that are alive: all of them have its backend in their environment."""
        mark = f"PULUMI_BACKEND_URL={self.project.environment['PULUMI_BACKEND_URL']}".encode()
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and mark in (process / "environ").read_bytes().split(b"\0"):
                    command = (process / "cmdline").read_bytes()
                    if word.encode() in command and b"sh" not in command.split(b"\0")[0][-2:]:
                        found.append(int(process.name))
            except OSError:
                continue  # it ended meanwhile
        return found

    def clear(self) -> None:
        """End what a killed engine left running."""
        for pid in self.processes():
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)


def names(world: Running) -> list[str]:
    """The endpoints that exist."""
    return sorted(item["name"] for item in world._script("GET", "/endpoints")["items"])
