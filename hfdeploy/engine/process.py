"""One way to start a program here: bounded in time, its output kept, nothing of it left running."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from hfdeploy.errors import EngineError

LINES_SHOWN = 12
"""How much of a failed program's output goes into the message; the last lines hold the reason."""

_GRACE: Final = 5.0
"""Seconds that a program has to end by itself, once it was asked to."""


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    timeout: float,
    folder: Path | None = None,
    text: str | None = None,
) -> str:
    """Run `command` to its end and return what it wrote to standard output.

    `timeout` is in seconds, `text` what it reads from standard input (nothing, if left out). The program gets a session
    of its own, so that at the deadline (or at Ctrl-C) what it started ends with it: the vendor's installer runs curl,
    `go` runs compilers.

    Raises:
        EngineError: it could not be started, failed, or did not end in time.
    """
    name = Path(command[0]).name
    try:
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise EngineError(f"{command[0]} could not be started: {error.strerror}.") from None
    try:
        output, complaints = process.communicate(text, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{name} did not end within {timeout:.0f} s and was stopped.") from None
    finally:
        _end(process)
    if process.returncode != 0:
        raise EngineError(f"{name} ended with {process.returncode}: {_tail(complaints or output)}")
    return output


def _end(process: subprocess.Popen[str]) -> None:
    """End whatever is left of the process's session; a no-op after a normal end.

    Asked first: an engine that is killed leaves the lock of its stack behind, and no later run could begin.
    """
    if process.poll() is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_GRACE)
    finally:  # also at a second Ctrl-C
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _tail(text: str) -> str:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-LINES_SHOWN:]) or "it printed nothing"
