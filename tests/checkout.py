"""A checkout with its stacks, and the programs that `make` runs in it."""

import os
import socket
import subprocess
import sys
from pathlib import Path

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


def stand_in_command(tmp_path) -> list[str]:
    """A server that answers `GET /_emulator` and nothing else: what the code under test needs to know of one."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    return [sys.executable, str(tmp_path / "stand_in.py")]


def free_port() -> int:
    """A port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def costly_checkout(tmp_path) -> Path:
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


def lock(checkout: Path, pid: int, host: str, stack: str = "prod") -> Path:
    """A lock as the engine writes it."""
    folder = checkout / ".state" / "pulumi" / ".pulumi" / "locks" / "organization" / "hfdeploy" / stack
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{host}.json"
    file.write_text(f'{{"pid":{pid},"username":"me","hostname":"{host}","timestamp":"2026-11-21T03:09:36.63Z"}}')
    return file
