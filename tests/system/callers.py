"""Somebody with a token who runs other people's programs against endpoints of the emulator.

Programs get an environment of a few variables and a home of their own, so that nothing of this machine (saved tokens,
proxies, caches) decides how they behave, and a proxy where nobody listens for everything that is not this machine.
"""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import environments
from control_plane import OWNER, Running

PROGRAMS = Path(__file__).parent / "programs"
TGI = {"tgi": {"url": "ghcr.io/huggingface/text-generation-inference:3.3.7"}}
VLLM = {"vLLM": {"url": "vllm/vllm-openai:v0.11.0"}}
TEI = {"tei": {"url": "ghcr.io/huggingface/text-embeddings-inference:cpu-1.9"}}
MODEL = "HuggingFaceTB/SmolLM2-360M-Instruct"
PROMPT = "What is deep learning?"
SAID = "Grüße! Deep learning learns layer by layer: 日本, naïve café 😀."
"""What scripted endpoints answer: text that shows whether somebody cut or recoded bytes on the way."""
PATIENCE_S = 120.0
"""After so many seconds a program hangs."""


class Caller:
    """A person at a terminal: knows the address of an endpoint and has the token in the environment."""

    def __init__(self, emulator: Running, home: Path) -> None:
        self.emulator = emulator
        self._home = home

    def endpoint(self, image: dict[str, Any], *, repository: str = MODEL, **given: Any) -> str:
        """An endpoint `demo` that is running already, private unless told otherwise; its URL."""
        task = "sentence-embeddings" if "tei" in image else "text-generation"
        model = {"repository": repository, "task": task, "image": image}
        seeded = self.emulator.seed("demo", **{"model": model, "behaviour": {"text": SAID}, **given})
        return str(seeded["object"]["status"]["url"])

    def variables(self, **extra: str) -> dict[str, str]:
        """The environment of the programs: each client finds the token under the name that it looks for."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "HF_TOKEN": OWNER,
            "HUGGINGFACE_TOKEN": OWNER,
            "OPENAI_API_KEY": OWNER,
            "http_proxy": "http://127.0.0.1:9",
            "https_proxy": "http://127.0.0.1:9",
            "no_proxy": "127.0.0.1",
            **extra,
        }

    def run(self, *command: str | Path, **extra: str) -> subprocess.CompletedProcess[str]:
        """A command to its end, however it ends."""
        return subprocess.run(
            [str(part) for part in command],
            cwd=self._home,
            env=self.variables(**extra),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )

    def told(self, environment: str, program: str, url: str, **extra: str) -> list[Any]:
        """What a program printed, which is one JSON value on each line; it has to end well."""
        ended = self.run(*command(environment, program), ENDPOINT_URL=url, **extra)
        assert ended.returncode == 0, f"{program} in {environment} ended with {ended.returncode}:\n{ended.stderr}"
        return [json.loads(line) for line in ended.stdout.splitlines()]

    def first_line(self, *command: str | Path, **extra: str) -> str:
        """The first line that a program prints; then it is stopped."""
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=self._home,
            env=self.variables(**extra),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        watchdog = threading.Timer(PATIENCE_S, process.kill)
        watchdog.start()
        try:
            with process:
                line = process.stdout.readline()
                process.kill()
        finally:
            watchdog.cancel()
        return line.rstrip("\n")

    def sent(self) -> list[dict[str, Any]]:
        """What endpoints were sent, in order: method, route below the endpoint's own, body, account and status."""
        prefix = "/endpoints/acme/demo"
        return [
            {
                "route": f"{entry['method']} {entry['path'].removeprefix(prefix)}",
                "body": entry["body"],
                "account": entry["account"],
                "status": entry["status"],
                "headers": entry["headers"],
            }
            for entry in self.emulator.requests()
            if entry["path"].startswith(prefix)
        ]


def command(environment: str, program: str) -> list[str | Path]:
    """How a program of `programs/` is started in an environment of `clients/`.

    Node looks for packages and modules beside a program, so all that are written for it go where its packages are.
    """
    if environment != "node":
        return [environments.python(environment), PROGRAMS / program]
    folder = environments.node()
    for module in PROGRAMS.glob("*.mjs"):
        shutil.copy(module, folder)
    return [environments.program("node", "nodejs"), folder / program]


def only(sent: list[dict[str, Any]]) -> dict[str, Any]:
    """The one request that was sent, which the owner sent and which was answered well."""
    [request] = sent
    assert (request["account"], request["status"]) == ("founder", 200)
    return request
