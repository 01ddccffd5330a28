"""emulate, env, engine: what runs on this machine."""

import os
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from command_line import COMMAND, ROOT, run, succeed, surroundings

from hfdeploy import engine

pytest_plugins = ["command_line"]


@contextmanager
def emulating(*arguments: str):
    """A real `hfdeploy emulate` on a free port: its ready line, its address and its process."""
    process = subprocess.Popen(
        [*COMMAND, "emulate", "--port", "0", *arguments],
        cwd=ROOT,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert "ready on" in line, process.communicate(timeout=10)
        yield line, line.split()[3].rstrip(",;."), process
    finally:
        process.kill()
        process.communicate()


def test_an_emulator_says_when_it_is_ready_and_what_it_is(tmp_path) -> None:
    """`make up` waits for it, and must not take another server for it."""
    options = tmp_path / "options.json"
    options.write_text('{"rate_limit": {"requests": 7, "seconds": 60}}')

    with emulating("--speed", "50", "--data", str(tmp_path / "data"), "--options", str(options)) as (
        line,
        url,
        process,
    ):
        said = httpx2.get(f"{url}/_emulator").json()
        chosen = httpx2.get(f"{url}/_emulator/options").json()

        assert url.startswith("http://127.0.0.1:")
        assert "50 times faster" in line
        assert (said["pid"], said["speed"], Path(said["data"])) == (process.pid, 50, tmp_path / "data")
        assert chosen["rate_limit"] == {"requests": 7, "seconds": 60}


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_an_emulator_ends_cleanly(ending) -> None:
    """`make down`, or Ctrl-C in its terminal."""
    with emulating() as (_, _, process):
        process.send_signal(ending)
        _, complaints = process.communicate(timeout=30)

        assert (process.returncode, complaints) == (0, "")


def test_a_taken_port_is_said_in_a_sentence() -> None:
    """8300 may be anybody's."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("emulate", "--port", str(port))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert str(port) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_its_extra_the_emulator_says_what_to_install(tmp_path) -> None:
    """hfdeploy in CI needs no web server."""
    (tmp_path / "fastapi.py").write_text("raise ModuleNotFoundError('No module named fastapi', name='fastapi')\n")

    ended = run("emulate", "--port", "0", env=surroundings(PYTHONPATH=str(tmp_path)))

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: The emulator needs fastapi: pip install 'hfdeploy[emulator]'.\n"


def test_the_engine_that_is_here_is_found_and_not_fetched_again() -> None:
    """Each `make up` asks for it."""
    found = engine.find(os.environ)
    assert found is not None

    ended = run("engine", "install")

    assert (ended.returncode, ended.stdout) == (0, f"{found.folder}\n")
    assert found.version in ended.stderr
    assert succeed("engine", "path") == ended.stdout


def test_env_lets_a_shell_run_pulumi_by_hand(tmp_path) -> None:
    """`eval "$(hfdeploy env)"` after `make up`: the same engine, interpreter and state."""
    (tmp_path / "stacks").mkdir()
    said = succeed("env", cwd=tmp_path)

    told = subprocess.run(
        ["/bin/sh", "-c", 'eval "$SAID"; echo "$PULUMI_BACKEND_URL|${PULUMI_CONFIG_PASSPHRASE-unset}"; pulumi version'],
        env=surroundings(SAID=said),
        capture_output=True,
        text=True,
        check=True,
    )

    backend, version = told.stdout.splitlines()
    assert backend == f"{(tmp_path / '.state' / 'pulumi').as_uri()}|"
    assert version.startswith("v3.")


@pytest.mark.parametrize(("chosen", "kept"), [("s3://states", True), ("", False)])
def test_env_of_another_stack_keeps_the_backend_that_somebody_chose(tmp_path, chosen, kept) -> None:
    """A team's states are in a bucket; a checkout's own are in its folder."""
    (tmp_path / ".state" / "pulumi").mkdir(parents=True)

    said = succeed("env", "--stack", "prod", cwd=tmp_path, env=surroundings(PULUMI_BACKEND_URL=chosen))

    assert ("PULUMI_BACKEND_URL" not in said) == kept
    assert "PULUMI_CONFIG_PASSPHRASE" not in said
