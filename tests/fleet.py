"""A namespace as one finds it: what nobody calls, what anybody may call, what no spec could say."""

from datetime import UTC, datetime, timedelta
from typing import Any

from control_plane import Running

COMMIT = "1" * 40
TGI = {"tgi": {"url": "ghcr.io/huggingface/text-generation-inference:3.3.7"}}
VLLM = {"vLLM": {"url": "vllm/vllm-openai:v0.11.0"}}
CANARY = "hf_CanaryCanaryCanaryCanaryCanaryCanary"


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
    small = "HuggingFaceTB/SmolLM2-360M-Instruct"
    old = {"createdAt": days_ago(200)}
    emulator.seed(
        "busy",
        compute=compute("nvidia-t4 x1", 1, 2),
        model=model(small, VLLM),
        tags=["team:search", "prod"],
        lastUsedAt=days_ago(0.1),
        **old,
    )
    emulator.seed(
        "forgotten",
        compute=compute("nvidia-a100 x1", 1, 1),
        model=model(small, VLLM),
        tags=["team:search"],
        lastUsedAt=days_ago(40),
        **old,
    )
    emulator.seed(
        "asleep",
        state="scaledToZero",
        compute=compute("nvidia-l4 x1"),
        model=model(small, TGI),
        tags=["team:chat"],
        lastUsedAt=days_ago(60),
        **old,
    )
    emulator.seed(
        "paused",
        state="paused",
        compute=compute("nvidia-l4 x1", 1, 1),
        model=model(small, VLLM),
        lastUsedAt=days_ago(90),
        **old,
    )
    emulator.seed(
        "open-door",
        type="public",
        compute=compute("nvidia-t4 x1"),
        model=model(small, VLLM),
        lastUsedAt=days_ago(1),
        **old,
    )
    emulator.seed(
        "veteran", type="protected", compute=compute("nvidia-h100 x1"), state="scaledToZero",
        model=model(small, {"custom": {"url": "registry.acme.example/server", "credentials": {
            "username": "robot", "password": CANARY}}}, args=["--api-key", CANARY, f"--token={CANARY}"],
            env={"HF_TOKEN": CANARY, "MODE": "quiet-words"}, secrets={"KEY": CANARY}),
        lastUsedAt=days_ago(3), **old,
    )  # fmt: skip
    emulator.seed(
        "stranger",
        compute=compute("quantum-q9 x2"),
        model=model(small, {"hfServe": {"url": "x/novel:1"}}),
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
        "silent", compute=compute("intel-spr x2", 1, 1, "cpu"), model=model(small, {"huggingface": {}}), **old
    )
    emulator.seed("young", compute=compute("nvidia-t4 x1"), model=model(small, VLLM), createdAt=days_ago(1))
