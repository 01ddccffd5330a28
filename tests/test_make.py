"""What `make` runs: the background emulator, the questions before money is spent, and the rule that all tests run."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
from pathlib import Path

import httpx2
import pytest

from hfdeploy.errors import EngineError, UsageError
from tools import emulator, stack

ROOT = Path(__file__).parents[1]

STAND_IN = """
import argparse, http.server, json, os, pathlib, signal, sys
options = argparse.ArgumentParser()
for name in ("--port", "--speed", "--data"):
    options.add_argument(name)
said = options.parse_args()
if said.speed == "13":
    sys.exit("thirteen brings bad luck")
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        identity = {"name": "hfdeploy-emulator", "pid": os.getpid(), "data": said.data, "speed": float(said.speed)}
        self.send_response(200 if self.path == "/_emulator" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(identity).encode())
    def log_message(self, *_): pass
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
http.server.HTTPServer(("127.0.0.1", int(said.port)), Handler).serve_forever()
"""


@pytest.fixture
def command(tmp_path) -> list[str]:
    """A server that answers `GET /_emulator` and nothing else: what the code under test needs to know of one."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    return [sys.executable, str(tmp_path / "stand_in.py")]


@pytest.fixture
def port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextlib.contextmanager
def stranger(port: int = 0):
    """Somebody else's server, which speaks another protocol. Yields its port."""
    with socket.create_server(("127.0.0.1", port)) as listening:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    caller, _ = listening.accept()
                    with caller:
                        caller.sendall(b"220 mail\r\n")

        speaking = threading.Thread(target=answer)
        speaking.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        speaking.join()


@pytest.fixture
def data(tmp_path):
    """An emulator's folder; whatever still runs for it is ended."""
    folder = tmp_path / ".state" / "emulator"
    yield folder
    running = emulator.running(folder)
    if running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, signal.SIGKILL)


def test_a_second_run_reuses_the_emulator_of_the_first(data, port, command) -> None:
    """Its endpoints are still there, and no second process fights for the port."""
    first = emulator.ensure(data, port=port, speed=100, command=command)
    second = emulator.ensure(data, port=None, speed=100, command=command)

    assert second == first
    assert (first.port, first.data, first.speed) == (port, data, 100)


def test_a_stopped_emulator_leaves_its_port_free(data, port, command) -> None:
    """`make down` and `make up` follow each other at once."""
    emulator.stop(emulator.ensure(data, port=port, speed=100, command=command))

    assert emulator.running(data) is None
    socket.create_server(("127.0.0.1", port)).close()


def test_a_port_that_something_else_has_is_an_error_that_names_the_way_out(data, command) -> None:
    """Otherwise the stack would talk to whatever answers there."""
    with stranger() as taken, pytest.raises(UsageError, match=rf"Port {taken} is taken .*EMULATOR_PORT="):
        emulator.ensure(data, port=taken, speed=100, command=command)

    assert not data.parent.exists()


def test_the_emulator_of_another_checkout_is_left_alone(data, port, command, tmp_path) -> None:
    """Its endpoints belong to somebody else's stack of the same name."""
    other = emulator.ensure(tmp_path / "other" / "emulator", port=port, speed=100, command=command)
    try:
        with pytest.raises(
            UsageError, match=rf"Port {port} has an emulator that keeps its data in {tmp_path}/other/emulator"
        ):
            emulator.ensure(data, port=port, speed=100, command=command)

        assert emulator.ask(port) == other
    finally:
        emulator.stop(other)


def test_a_running_emulator_is_not_moved_behind_its_stacks_back(data, port, command) -> None:
    """Every URL in the state names the port."""
    emulator.ensure(data, port=port, speed=100, command=command)

    with pytest.raises(UsageError, match=rf"already runs on port {port}"):
        emulator.ensure(data, port=port + 1, speed=100, command=command)


def test_a_port_note_of_a_dead_emulator_is_forgotten(data, port, command) -> None:
    """After a reboot the file is there and the process is not; its port may be anybody's."""
    data.parent.mkdir(parents=True)
    data.with_suffix(".port").write_text(f"{port}\n")

    assert emulator.running(data) is None
    with stranger(port):
        assert emulator.running(data) is None
    assert emulator.ensure(data, port=port, speed=100, command=command).port == port


def test_an_emulator_that_does_not_start_says_why(data, port, command) -> None:
    """It runs in the background: nobody would see its words."""
    with pytest.raises(EngineError, match="ended at once: thirteen brings bad luck"):
        emulator.ensure(data, port=port, speed=13, command=command)


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder that looks like a checkout, with a stack that costs money."""
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (folder / "Pulumi.local.yaml").write_text("config:\n  hfdeploy:apiUrl: http://127.0.0.1:8300 # here\n")
    (folder / "Pulumi.prod.yaml").write_text("config:\n  hfdeploy:namespace: acme\n")
    return tmp_path


def run(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What the Makefile runs, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "tools.stack", *arguments],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("namespace", ["<your-namespace>", "your-namespace", "YOUR_ORG", "''"])
def test_a_placeholder_namespace_is_refused(checkout, namespace) -> None:
    """Somebody's name may be called that, and would be billed."""
    (checkout / "stacks" / "Pulumi.prod.yaml").write_text(f"config:\n  hfdeploy:namespace: {namespace}\n")

    ended = run(checkout, "up", "--stack", "prod", "--yes")

    assert ended.returncode == 2
    assert "is a placeholder" in ended.stderr
    assert "Pulumi.prod.yaml" in ended.stderr
    assert not (checkout / ".state").exists()


@pytest.mark.parametrize("action", ["up", "down"])
def test_without_a_terminal_and_without_a_yes_nothing_is_billed_or_deleted(checkout, action) -> None:
    """A forgotten cron job must not order accelerators."""
    ended = run(checkout, action, "--stack", "prod")

    assert ended.returncode == 2
    assert "YES=1" in ended.stderr
    assert not (checkout / ".state").exists()


def test_an_unknown_stack_names_the_known_ones(checkout) -> None:
    """`STACK=production` would otherwise make a new and empty stack."""
    ended = run(checkout, "up", "--stack", "production")

    assert ended.returncode == 2
    assert "There is no stack 'production'" in ended.stderr
    assert "Known: local, prod." in ended.stderr


def test_taking_down_what_is_not_up_is_no_error(checkout) -> None:
    """`make down` twice, or before the first `make up`."""
    ended = run(checkout, "down")

    assert (ended.returncode, ended.stderr) == (0, "")


def test_the_real_service_never_sees_the_local_stack_and_the_other_way_round(checkout) -> None:
    """A token in the environment is for the real service, a state of one's own stays where it is."""
    surroundings = os.environ | {"HF_TOKEN": "hf_real", "PULUMI_BACKEND_URL": "s3://states", "HF_ENDPOINT": "https://x"}

    local = stack.open_checkout(checkout, "local", surroundings).variables
    prod = stack.open_checkout(checkout, "prod", surroundings).variables

    assert "HF_TOKEN" not in local
    assert "HF_ENDPOINT" not in local
    assert local["PULUMI_BACKEND_URL"] == (checkout / ".state" / "pulumi").as_uri()
    assert local["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert (prod["HF_TOKEN"], prod["PULUMI_BACKEND_URL"]) == ("hf_real", "s3://states")


def lock(checkout: Path, pid: int, host: str, stack: str = "prod") -> Path:
    """A lock as the engine writes it."""
    folder = checkout / ".state" / "pulumi" / ".pulumi" / "locks" / "organization" / "hfdeploy" / stack
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{host}.json"
    file.write_text(f'{{"pid":{pid},"username":"me","hostname":"{host}","timestamp":"2026-11-21T03:09:36.63Z"}}')
    return file


def test_the_lock_of_a_living_engine_stops_a_second_one(checkout) -> None:
    """Two engines on one state lose track of endpoints that are billed."""
    file = lock(checkout, os.getpid(), socket.gethostname())

    ended = run(checkout, "down", "--stack", "prod", "--yes")

    assert ended.returncode == 2
    assert f"process {os.getpid()}" in ended.stderr
    assert "pulumi cancel --stack prod" in ended.stderr
    assert file.exists()


def test_the_lock_of_another_host_is_kept(checkout) -> None:
    """A state on a network drive: its process cannot be seen from here."""
    file = lock(checkout, 2**22 - 1, "somewhere-else")

    assert run(checkout, "down", "--stack", "prod", "--yes").returncode == 2
    assert file.exists()


def test_the_port_is_written_where_a_hand_typed_pulumi_reads_it(checkout) -> None:
    """EMULATOR_PORT is gone from the environment by then; comments stay."""
    config = checkout / "stacks" / "Pulumi.local.yaml"

    stack._point(config, 8400)

    assert config.read_text() == "config:\n  hfdeploy:apiUrl: http://127.0.0.1:8400 # here\n"


PASSES = "def test_passes(): pass\n"
LEFT_OUT = {
    "1 skipped": "import pytest\n@pytest.mark.skip\ndef test_it(): pass\n",
    "1 skipped ": "import pytest\npytest.importorskip('nothing_here')\n",
    "1 xfailed": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert 0\n",
    "1 deselected": "def test_deselected(): pass\n",
}


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own with our conftest."""
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_passes.py").write_text(PASSES)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "not deselected", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("told", "test"), LEFT_OUT.items(), ids=["skip", "module skip", "xfail", "-k"])
def test_a_test_that_did_not_run_fails_the_run(tmp_path, told, test) -> None:
    """A skip is green everywhere else, and stays for years."""
    (tmp_path / "test_left_out.py").write_text(test)

    ended = pytest_in(tmp_path, "--complete")

    assert ended.returncode == 1
    assert f"INCOMPLETE: {told.strip()}; every test has to run." in ended.stdout


def test_the_workers_of_a_parallel_run_report_what_they_left_out(tmp_path) -> None:
    """`make test` runs in parallel, where the main process does not see what a worker deselected."""
    (tmp_path / "test_left_out.py").write_text(LEFT_OUT["1 deselected"])

    ended = pytest_in(tmp_path, "--complete", "-n", "2")

    assert ended.returncode == 1
    assert "INCOMPLETE: 1 deselected;" in ended.stdout


@pytest.mark.parametrize(("marked", "code"), [("", 0), ("@pytest.mark.fault(1)\n", 1)], ids=["no fault", "a fault"])
def test_a_run_of_the_faults_may_leave_out_what_proves_none(tmp_path, marked, code) -> None:
    """`make faults` takes its tests by their marker; one of them that `-k` leaves out is missing all the same."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = fault(*rows): as in the real one\n")
    (tmp_path / "test_rows.py").write_text(
        f"import pytest\n@pytest.mark.fault(2)\ndef test_it(): pass\n{marked}def test_deselected(): pass\n"
    )

    assert pytest_in(tmp_path, "--complete", "-m", "fault").returncode == code


def test_a_run_in_which_everything_ran_passes(tmp_path) -> None:
    """The counterpart: the rule does not cry wolf."""
    assert pytest_in(tmp_path, "--complete").returncode == 0


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

    assert (ended.returncode, ended.stdout) == (3, "hfdeploy plan specs --stack prod\n")
    assert not (checkout / ".state").exists()
