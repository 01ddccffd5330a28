"""What `make up` and `make down` do, and in which order they ask hfdeploy and Pulumi."""

import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import httpx2
import pytest
from checkout import ROOT, costly_checkout, free_port, lock, run, stand_in_command

from tools import emulator

command = pytest.fixture(stand_in_command)
port = pytest.fixture(free_port)
checkout = pytest.fixture(costly_checkout)

HFDEPLOY = """
case "$1" in
  emulate) shift; exec {python} {stand_in} "$@" ;;
  *) echo "hfdeploy $*"; exit ${{HFDEPLOY_ENDS_WITH:-0}} ;;
esac
"""


@pytest.fixture
def programs(tmp_path, command) -> dict[str, str]:
    """An environment whose Python has a `hfdeploy` beside it that prints what it was asked, and a stand-in emulator."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(Path(sys.executable).resolve())
    (folder / "hfdeploy").write_text("#!/bin/sh" + HFDEPLOY.format(python=command[0], stand_in=command[1]))
    (folder / "hfdeploy").chmod(0o755)
    packages = sysconfig.get_path("purelib")
    return dict(os.environ) | {"PYTHONPATH": f"{ROOT}:{packages}", "PYTHON_OF_TEST": str(folder / "python")}


def make(checkout: Path, programs: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same as `run`, with those programs."""
    return subprocess.run(
        [programs["PYTHON_OF_TEST"], "-m", "tools.stack", *arguments],
        cwd=checkout,
        env=programs,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_up_brings_the_specs_live_and_down_leaves_nothing_behind(tmp_path, port) -> None:
    """The first two commands of the README, with everything real but the service."""
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    (tmp_path / "specs").mkdir()
    shutil.copy(ROOT / "specs" / "smollm.yaml", tmp_path / "specs")
    config = tmp_path / "stacks" / "Pulumi.local.yaml"
    before = config.read_text()

    try:
        first = run(tmp_path, "up", "--port", str(port))
        after_first = writes(port)
        second = run(tmp_path, "up")
        after_second = writes(port)
    finally:
        down = run(tmp_path, "down")

    assert (first.returncode, second.returncode, down.returncode) == (0, 0, 0), first.stderr + second.stderr
    assert f"The emulator is on http://127.0.0.1:{port}" in first.stderr
    assert "run 100 times faster" in first.stderr
    for said in (first.stdout, second.stdout):
        assert "smollm  passed  running" in said
        assert f"http://127.0.0.1:{port}/endpoints/acme/smollm" in said
        assert "first token after" in said
    assert re.search(r"^  answer +\S", first.stdout, re.MULTILINE)
    assert "before this run" in second.stdout
    assert after_first[0].startswith("POST ")
    assert after_second == after_first
    assert emulator.ask(port) is None
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["specs", "stacks"]
    assert not (tmp_path / "stacks" / ".hfdeploy").exists()
    assert config.read_text() == before


def writes(port: int) -> list[str]:
    """What the emulator was asked to change, endpoints' own traffic left out."""
    log = httpx2.get(f"http://127.0.0.1:{port}/_emulator/requests", trust_env=False).json()["requests"]
    return [
        f"{request['method']} {request['path']}"
        for request in log
        if request["method"] != "GET" and request["path"].startswith("/v2/")
    ]


def test_a_failed_up_still_prints_the_summary_and_ends_with_pulumis_code(checkout, programs, port) -> None:
    """What is live matters most when something went wrong; a lock of the last crash is no obstacle."""
    (checkout / "stacks" / "__main__.py").write_text("raise SystemExit('no')\n")
    try:
        first = make(checkout, programs, "up", "--port", str(port))
        left = lock(checkout, 2**22 - 1, socket.gethostname(), stack="local")
        second = make(checkout, programs, "up")
    finally:
        down = make(checkout, programs, "down")

    assert "hfdeploy status --stack local --since" in first.stdout
    assert "Removing the lock of an engine that was killed" in second.stderr
    assert not left.exists()
    assert (first.returncode, second.returncode, down.returncode) == (1, 1, 0)


def test_a_stack_that_costs_money_shows_its_plan_first(checkout, programs) -> None:
    """A plan that fails (no token, over the ceiling) ends it before Pulumi is asked anything."""
    programs["HFDEPLOY_ENDS_WITH"] = "3"

    ended = make(checkout, programs, "up", "--stack", "prod", "--yes")

    assert (ended.returncode, ended.stdout) == (3, "hfdeploy plan --stack prod\n")
    assert not (checkout / ".state").exists()
