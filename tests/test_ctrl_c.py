"""Ctrl-C during the commands that take their time: one line, an exit code for scripts, nothing half done.

Those that work with an engine, and take longer, are in tests/faults/test_commands_interrupted.py.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from command_line import COMMAND, ROOT, talking_to
from control_plane import Running
from test_up import count

pytest_plugins = ["command_line"]

DEMO = "/v2/endpoint/acme/demo"


def started(arguments: Sequence[str], cwd: Path, env: dict[str, str]) -> subprocess.Popen[str]:
    """The command as a terminal starts it."""
    return subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def interrupted(process: subprocess.Popen[str], is_there: Callable[[], bool]) -> tuple[str, str]:
    """Press the keys once the moment has come; what was printed, and what was said beside it."""
    while not is_there():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    output, complaints = process.communicate(timeout=60)
    assert process.returncode == 8, (process.returncode, complaints)
    assert complaints.endswith("error: Interrupted.\n")
    assert "Traceback" not in output + complaints
    return output, complaints


def writes(world: Running, since: int = 0) -> list[str]:
    return [one["method"] for one in world.requests(since) if one["method"] != "GET" and "/v2/" in one["path"]]


MOMENTS = {
    "verify, before the look": (["verify", "demo"], DEMO),
    "verify, while it wakes": (["verify", "demo"], "/endpoints/acme/demo/health"),
    "verify, in the stream": (["verify", "demo", "--format", "json"], "/endpoints/acme/demo/generate_stream"),
    "logs": (["logs", "demo"], "*/logs*"),
    "logs that are followed": (["logs", "demo", "--follow"], "*/logs*"),
    "the catalogue": (["catalog"], "/v2/provider/acme"),
}


@pytest.mark.fault(43)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_command_that_waits_for_the_service_ends(emulator: Running, moment: str) -> None:
    """It answers with silence; nothing is printed that looks like a result, nothing is changed."""
    emulator.started("demo")
    arguments, path = MOMENTS[moment]
    emulator.fault("hang", path=path, times=None)
    since = count(emulator)

    process = started(arguments, ROOT, talking_to(emulator))
    output, _ = interrupted(process, lambda: any("hang" in one["faults"] for one in emulator.requests(since)))

    assert output == ""
    assert writes(emulator, since) == []
    emulator._script("DELETE", "/faults")
    assert emulator.state() == "running"
