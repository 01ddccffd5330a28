"""The emulator as a process: its ready line, its end, and how it refuses to begin."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx2
import pytest
from control_plane import OWNER


@contextmanager
def process(*arguments: str, **environment: str):
    """`serve` as a process of its own; its first line of output, or None when it ended without one."""
    code = "import sys; from pathlib import Path; from hfdeploy.emulator.server import serve; sys.exit(serve({}))"
    started = subprocess.Popen(
        [sys.executable, "-c", code.format(", ".join(arguments))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        yield started, started.stdout.readline()
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
        started.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda value: value.name)
def test_signals_end_it_cleanly_with_streams_open(tmp_path, number) -> None:
    """Event streams, a held request and a hanging one; nobody waits for them, and nothing is said of them."""
    with process("0", "speed=100", f"data_dir=Path({str(tmp_path)!r})") as (emulator, line):
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        client = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {OWNER}"}, timeout=30)
        client.post("/_emulator/endpoints/acme/demo", json={"behaviour": {"stream": "drip"}})
        client.post("/_emulator/endpoints/acme/idle", json={"state": "scaledToZero", "outcome": "stuck_initializing"})
        client.post("/_emulator/faults", json={"kind": "hang", "path": "/v2/provider"})
        begun = threading.Barrier(4, timeout=20)
        threads = [
            threading.Thread(target=_read, args=(client, begun, "GET", "/v2/endpoint/acme/demo/sse")),
            threading.Thread(target=_read, args=(client, begun, "GET", "/v2/endpoint/acme/idle", {"hang": True})),
            threading.Thread(target=_read, args=(client, begun, "GET", "/v3/endpoint/acme/demo/logs/sse?tail=5")),
        ]
        for thread in threads:
            thread.start()
        begun.wait()
        emulator.send_signal(number)
        code = emulator.wait(timeout=20)
        said = emulator.stderr.read()
        for thread in threads:
            thread.join(timeout=20)
        client.close()

    assert (code, said) == (0, "")
    assert "deployments run 100 times faster than real ones" in line
    assert json.loads((tmp_path / "state.json").read_text())["store"]["records"][0]["name"] == "demo"


def _read(client: httpx2.Client, begun: threading.Barrier, method: str, path: str, hang: dict | None = None) -> None:
    """Open a stream, tell that it has begun, and read until the other side ends it."""
    headers = {"X-Scale-Up-Timeout": "60"} if hang else {}
    if hang:
        # Nothing comes back from a held request: it has begun when it was logged.
        begun.wait()
        path = "/endpoints/acme/idle/health"
        with pytest.raises(httpx2.TransportError):
            client.request(method, path, headers=headers)
        return
    try:
        with client.stream(method, path) as response:
            lines = response.iter_lines()
            next(lines)
            begun.wait()
            for _ in lines:
                pass
    except httpx2.TransportError:
        return


def test_a_taken_port_is_one_clear_sentence() -> None:
    """It names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(str(port)) as (emulator, line):
            code = emulator.wait(timeout=20)
            said = emulator.stderr.read()

    assert (code, line) == (2, "")
    assert said == (
        f"The emulator cannot listen on 127.0.0.1:{port} (Address already in use): "
        "set EMULATOR_PORT or --port to a free port (0 picks one).\n"
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "cannot be read"),
        ("[]", "no JSON object"),
        ('{"no_option": 1}', "no_option"),
        ('{"delete_status": 201}', "204"),
    ],
    ids=["json", "kind", "name", "value"],
)
def test_a_wrong_options_file_ends_with_2_and_a_sentence(tmp_path, text, word) -> None:
    """Before anything listens."""
    path = tmp_path / "options.json"
    path.write_text(text)
    with process("0", f"options_file=Path({str(path)!r})") as (emulator, line):
        code = emulator.wait(timeout=20)
        said = emulator.stderr.read()

    assert (code, line) == (2, "")
    assert word in said
    assert len(said.splitlines()) == 1


def test_options_may_come_from_a_file(tmp_path) -> None:
    """`--options FILE`."""
    path = tmp_path / "options.json"
    path.write_text('{"delete_status": 202}')
    with process("0", f"options_file=Path({str(path)!r})") as (_, line):
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]

        assert httpx2.get(f"{url}/_emulator/options").json()["delete_status"] == 202
