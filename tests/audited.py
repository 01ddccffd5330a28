"""A namespace as one finds it: what nobody calls, what anybody may call, what no spec could say.

`python tests/audited.py` prints the block that docs/audit.md shows. A pytest plugin that test modules also import from,
hence PYTEST_DONT_REWRITE.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parent / "emulator"))

from command_line import run, talking_to
from control_plane import Running, running

COMMIT = "1" * 40
TGI = {"tgi": {"url": "ghcr.io/huggingface/text-generation-inference:3.3.7"}}
VLLM = {"vLLM": {"url": "vllm/vllm-openai:v0.11.0"}}
CANARY = "hf_CanaryCanaryCanaryCanaryCanaryCanary"
SMALL = "HuggingFaceTB/SmolLM2-360M-Instruct"
NAMES = ["asleep", "broken", "busy", "forgotten", "open-door", "paused", "silent", "stranger", "veteran", "young"]


def days_ago(days: float) -> str:
    """A time as the service writes it."""
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def compute(instance: str, low: int = 0, high: int = 1, accelerator: str = "gpu") -> dict[str, Any]:
    """`compute` of a configuration, from `nvidia-t4 x1`."""
    instance_type, _, size = instance.partition(" ")
    scaling: dict[str, Any] = {"minReplica": low, "maxReplica": high, "measure": {"hardwareUsage": None}}
    if low == 0:
        scaling["scaleToZeroTimeout"] = 15
    return {"accelerator": accelerator, "instanceType": instance_type, "instanceSize": size, "scaling": scaling}


def model(repository: str, image: dict[str, Any], **more: Any) -> dict[str, Any]:
    """`model` of a configuration."""
    return {"repository": repository, "image": image, **more}


def seed_fleet(emulator: Running) -> None:
    """Ten endpoints with ten stories."""
    old = {"createdAt": days_ago(200)}
    emulator.seed(
        "busy",
        compute=compute("nvidia-t4 x1", 1, 2),
        model=model(SMALL, VLLM),
        tags=["team:search", "prod"],
        lastUsedAt=days_ago(0.1),
        **old,
    )
    emulator.seed(
        "forgotten",
        compute=compute("nvidia-a100 x1", 1, 1),
        model=model(SMALL, VLLM),
        tags=["team:search"],
        lastUsedAt=days_ago(40),
        **old,
    )
    emulator.seed(
        "asleep",
        state="scaledToZero",
        compute=compute("nvidia-l4 x1"),
        model=model(SMALL, TGI),
        tags=["team:chat"],
        lastUsedAt=days_ago(60),
        **old,
    )
    emulator.seed(
        "paused",
        state="paused",
        compute=compute("nvidia-l4 x1", 1, 1),
        model=model(SMALL, VLLM),
        lastUsedAt=days_ago(90),
        **old,
    )
    emulator.seed(
        "open-door",
        type="public",
        compute=compute("nvidia-t4 x1"),
        model=model(SMALL, VLLM),
        lastUsedAt=days_ago(1),
        **old,
    )
    emulator.seed(
        "veteran", type="protected", compute=compute("nvidia-h100 x1"), state="scaledToZero",
        model=model(SMALL, {"custom": {"url": "registry.acme.example/server", "credentials": {
            "username": "robot", "password": CANARY}}}, args=["--api-key", CANARY, f"--token={CANARY}"],
            env={"HF_TOKEN": CANARY, "MODE": "quiet-words"}, secrets={"KEY": CANARY}),
        lastUsedAt=days_ago(3), **old,
    )  # fmt: skip
    emulator.seed(
        "stranger",
        compute=compute("quantum-q9 x2"),
        model=model(SMALL, {"hfServe": {"url": "x/novel:1"}}),
        lastUsedAt=days_ago(3),
        tags=["one,two"],
        **old,
    )
    emulator.seed(
        "broken",
        state="failed",
        compute=compute("nvidia-t4 x1", 1, 1),
        model=model("tiiuae/falcon-40b-instruct", TGI),
        **old,
    )
    emulator.seed(
        "silent", compute=compute("intel-spr x2", 1, 1, "cpu"), model=model(SMALL, {"huggingface": {}}), **old
    )
    emulator.seed("young", compute=compute("nvidia-t4 x1"), model=model(SMALL, VLLM), createdAt=days_ago(1))
    # Somebody's old endpoint: the service of today would have put a commit in the place of the branch.
    emulator.mutate("young", model={"revision": "main"})


def run_audit(emulator: Running, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`hfdeploy audit acme`, with the emulator's Hub for the models."""
    return run("audit", "acme", *arguments, env=talking_to(emulator, HF_ENDPOINT=emulator.url))


def as_json(emulator: Running, *arguments: str) -> dict[str, Any]:
    ended = run_audit(emulator, "--format", "json", *arguments)
    assert ended.returncode in {0, 5}, ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def by_name(told: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one for one in told["endpoints"]}


def rules(told: dict[str, Any], name: str) -> dict[str, str]:
    """Severity by rule of one endpoint's findings."""
    return {one["rule"]: one["severity"] for one in told["findings"] if one["endpoint"] == name}


def dateless(text: str) -> str:
    """The same whenever it is made: the fleet's times are counted from now."""
    return re.sub(r"\d{4}-\d{2}-\d{2}(T[0-9:.]+Z)?", lambda found: "…T…Z" if found[1] else "…", text)


def page(emulator: Running) -> str:
    """The console block of docs/audit.md."""
    seed_fleet(emulator)
    ended = run_audit(emulator, "--by-tag", "team")
    return dateless(f"$ hfdeploy audit acme --by-tag team\n{ended.stdout}{ended.stderr}")


@pytest.fixture(scope="module")
def fleet() -> Iterator[Running]:
    """An emulator with ten endpoints, which no test here changes."""
    with running() as emulator:
        seed_fleet(emulator)
        yield emulator


@pytest.fixture(scope="module")
def told(fleet: Running) -> dict[str, Any]:
    """The audit of the fleet in JSON."""
    return as_json(fleet)


if __name__ == "__main__":
    with running() as started:
        sys.stdout.write(page(started))
