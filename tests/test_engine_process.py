"""The engine as a process: run with our Python, ended with all it started, and the lock that a kill leaves."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from patience import soon
from stand_ins import script

from hfdeploy import engine
from hfdeploy.engine import process
from hfdeploy.errors import EngineError


def test_a_program_that_does_not_end_is_ended_with_all_it_started(tmp_path) -> None:
    """The vendor's installer starts curl; a build starts compilers."""
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    started = script(tmp_path / "slow", f"sleep 600 > {held} & echo started > {held}; wait")

    with pytest.raises(EngineError, match=r"slow did not end within 1 s and was stopped\."):
        process.run([started], environment={"PATH": os.environ["PATH"]}, timeout=1)

    assert os.read(reader, 100) == b"started\n"
    assert soon(lambda: has_no_writer(reader))
    os.close(reader)


def test_a_program_that_is_not_there_is_named() -> None:
    """`No such file` alone says nothing."""
    with pytest.raises(EngineError, match=r"/nowhere/pulumi could not be started: No such file or directory\."):
        process.run(["/nowhere/pulumi"], environment={}, timeout=5)


def test_the_variables_put_this_python_before_every_other(tmp_path) -> None:
    """The built language host starts whichever python is first on PATH."""
    variables = engine.environment(
        engine.Engine(Path("/usr/bin"), "3.259.0"),
        python=tmp_path / "python",
        path="/bin:/usr/bin:/sbin",
        passphrase="",
    )

    assert variables["PATH"] == f"{tmp_path}:/usr/bin:/bin:/sbin"
    assert variables["PULUMI_PYTHON_CMD"] == f"{tmp_path}/python"
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert "PULUMI_BACKEND_URL" not in variables


def test_the_exports_survive_a_shell(tmp_path) -> None:
    """A folder may be called `it's mine`."""
    folder = tmp_path / "it's mine"
    variables = engine.environment(
        engine.Engine(folder / "bin", "3.259.0"),
        python=folder / "python3",
        path="/usr/bin:/bin",
        backend=engine.local_backend(folder),
        passphrase="",
    )

    shown = subprocess.run(
        ["/bin/sh", "-c", f'{engine.exports(variables)}printf "%s\\n" "$PATH" "$PULUMI_BACKEND_URL"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.splitlines() == [variables["PATH"], variables["PULUMI_BACKEND_URL"]]
    assert variables["PULUMI_BACKEND_URL"].endswith("/it%27s%20mine/.state/pulumi")


HERE = engine.Lock(pid=4711, hostname="here", username="me", since="2026-08-21T10:00:00Z")


@pytest.mark.parametrize(
    ("lock", "alive", "stale"),
    [
        pytest.param(HERE, False, True, id="dead process of this host"),
        pytest.param(HERE, True, False, id="living process of this host"),
        pytest.param(engine.Lock(4711, "there", "me", "x"), False, False, id="another host"),
        pytest.param(None, False, False, id="unreadable"),
    ],
)
def test_a_lock_is_stale_only_when_its_process_is_known_to_be_gone(lock, alive, stale) -> None:
    """Two engines on one state lose endpoints; a colleague's lock is not ours to break."""
    assert engine.is_stale(lock, hostname="here", is_alive=lambda _pid: alive) is stale


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1, "hostname": "h"}', "null"])
def test_a_lock_that_was_half_written_is_nobodys_to_break(tmp_path, text) -> None:
    """SIGKILL may come in the middle of a write."""
    folder = tmp_path / ".pulumi/locks/organization/hfdeploy/local"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(text)
    (folder / "x.json.attrs").write_text("{}")

    assert engine.read_locks(tmp_path, "hfdeploy", "local") == [None]


def test_only_a_working_process_is_alive() -> None:
    """In many containers nobody waits for a killed engine, and its number stays taken."""
    with subprocess.Popen(["sleep", "600"]) as child:
        assert engine.is_alive(child.pid)
        child.kill()
        if sys.platform == "linux":
            assert soon(lambda: not engine.is_alive(child.pid))
    assert not engine.is_alive(child.pid)


def test_no_folder_is_no_lock(tmp_path) -> None:
    """The first `make up` of a checkout has no state at all."""
    assert engine.read_locks(tmp_path, "hfdeploy", "local") == []


PROGRAM = """
import os, pathlib, time
pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}")
time.sleep(600)
"""


@pytest.mark.fault(1)
def test_a_killed_engine_leaves_a_lock_that_is_recognised_and_can_be_removed(tmp_path) -> None:
    """After a crash `make up` has to work again without anybody reading about locks."""
    (tmp_path / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "state").mkdir()
    found = engine.find(os.environ)
    assert found is not None
    variables = os.environ | engine.environment(
        found,
        python=Path(sys.executable),
        path=os.environ["PATH"],
        backend=(tmp_path / "state").as_uri(),
        passphrase="",
    )
    pulumi = [found.pulumi, "--cwd", tmp_path, "--non-interactive"]
    subprocess.run([*pulumi, "stack", "init", "local"], env=variables, check=True, capture_output=True)

    pids = tmp_path / "pids"
    running = subprocess.Popen(
        [*pulumi, "up", "--yes", "--skip-preview", "--stack", "local"],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert soon(lambda: pids.exists() and pids.read_text())
        (held,) = engine.read_locks(tmp_path / "state", "hfdeploy", "local")
        assert held is not None
        assert held.pid == running.pid
        assert not engine.is_stale(held, hostname=os.uname().nodename, is_alive=engine.is_alive)
    finally:
        running.kill()
        running.wait()
        for pid in pids.read_text().split():
            with contextlib.suppress(ProcessLookupError):  # it ended with its parent
                os.kill(int(pid), signal.SIGKILL)

    (left,) = engine.read_locks(tmp_path / "state", "hfdeploy", "local")
    assert engine.is_stale(left, hostname=os.uname().nodename, is_alive=engine.is_alive)
    subprocess.run([*pulumi, "cancel", "--yes", "--stack", "local"], env=variables, check=True, capture_output=True)
    assert engine.read_locks(tmp_path / "state", "hfdeploy", "local") == []


def has_no_writer(reader: int) -> bool:
    """Whether every process that could write to the other end is gone."""
    try:
        return os.read(reader, 1) == b""
    except BlockingIOError:
        return False
