"""The emulator that `make up` keeps in the background, recognised by what it says of itself.

Every decision here comes from asking the port (`hfdeploy.doctor.stand_in`), never from a process number in a file.
"""

import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from hfdeploy.doctor.stand_in import DEFAULT_PORT, Emulator, ask, note_of
from hfdeploy.engine import is_alive
from hfdeploy.errors import EngineError, UsageError
from hfdeploy.wait import SystemClock, poll

START_TIMEOUT = 60.0
STOP_TIMEOUT = 20.0

__all__ = ["DEFAULT_PORT", "Emulator", "ask", "ensure", "log", "running", "stop"]

T = TypeVar("T")


def running(data: Path) -> Emulator | None:
    """The emulator of the folder `data`, found through the port that was noted when it started."""
    note = note_of(data)
    if not note.exists():
        return None
    try:
        found = ask(int(note.read_text("utf-8")))
    except UsageError:
        return None  # ours is gone and its port was given to somebody else
    return found if found and found.data == data else None


def ensure(data: Path, *, port: int | None, speed: float, command: Sequence[str]) -> Emulator:
    """The emulator of the folder `data`, started with `command` unless it runs already.

    Raises:
        UsageError: the port is somebody else's, or ours runs on another one.
        EngineError: it did not start; the message ends with what it wrote.
    """
    ours = running(data)
    if ours:
        if port not in {None, ours.port}:
            raise UsageError(f"The emulator already runs on port {ours.port}. To move it: `make down` first.")
        return ours
    port = port or DEFAULT_PORT
    other = ask(port)
    if other and other.data != data:
        raise UsageError(
            f"Port {port} has an emulator that keeps its data in {other.data}. Stop that one, or choose another port: "
            "`make up EMULATOR_PORT=8400`."
        )
    note_of(data).parent.mkdir(parents=True, exist_ok=True)
    note_of(data).write_text(f"{port}\n", "utf-8")
    return other or _start([*command, "--port", str(port), "--speed", f"{speed:g}", "--data", str(data)], data, port)


def stop(emulator: Emulator) -> None:
    """End the emulator and wait for it: it writes to its folder until it is gone. What it kept there stays.

    Raises:
        EngineError: it did not end in time.
    """
    os.kill(emulator.pid, signal.SIGTERM)
    if not _soon(lambda: not is_alive(emulator.pid) or None, STOP_TIMEOUT):
        raise EngineError(f"The emulator, process {emulator.pid}, did not end within {STOP_TIMEOUT:.0f} s.")
    note_of(emulator.data).unlink(missing_ok=True)


def log(data: Path) -> Path:
    """Where the emulator of `data` writes."""
    return data.with_suffix(".log")


def _start(command: Sequence[str], data: Path, port: int) -> Emulator:
    """Start it as nobody's child, in a session of its own: Ctrl-C in `make up` reaches Pulumi and not the emulator."""
    with log(data).open("ab") as output:
        shell = subprocess.run(  # noqa: S603 - our own command, as arguments
            ["/bin/sh", "-c", '"$0" "$@" </dev/null >&2 & echo $!', *command],
            stdout=subprocess.PIPE,
            stderr=output,
            start_new_session=True,
            check=True,
        )
    pid = int(shell.stdout)

    def answer() -> Emulator | None:
        if not is_alive(pid):
            raise EngineError(f"The emulator ended at once: {_last_words(data)}")
        return ask(port)

    started = _soon(answer, START_TIMEOUT)
    if started is None:
        os.kill(pid, signal.SIGKILL)
        raise EngineError(f"The emulator did not answer within {START_TIMEOUT:.0f} s: {_last_words(data)}")
    return started


def _soon(check: Callable[[], T | None], seconds: float) -> T | None:
    clock = SystemClock()
    return poll(check, deadline=clock.now() + seconds, clock=clock, every=0.1)


def _last_words(data: Path) -> str:
    return "\n".join(log(data).read_text("utf-8", "replace").splitlines()[-12:]) or "it wrote nothing"
