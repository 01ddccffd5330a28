"""A stack of one endpoint in a plugin process, without an engine: its spec, its resources, what was sent for it.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import OWNER, Running
from plugin_process import Plugin, running_plugin

SPEC: dict[str, Any] = {
    "name": "tiny",
    "namespace": "acme",
    "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "revision": "main",
    "task": "text-generation",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "GPU [small] · 1x Nvidia T4",
    "autoscaling": {"min": 0, "max": 2, "scale_to_zero_after": "900s", "measure": {"hardware_usage": 80}},
    "security": "private",
    "engine": {"type": "tgi", "image": "acme/text-generation-inference:3.3.7", "max_input_length": 1024},
    "max_model_len": 2048,
    "args": ["--trust-remote-code"],
    "command": ["/entrypoint.sh"],
    "env": {"LOG_LEVEL": "info"},
    "tags": ["team-a"],
    "verify": {"max_new_tokens": 4},
}
"""Every field of the wire model is set, so that each can be changed."""


def config(world: Running) -> dict[str, str]:
    return {"hfdeploy:apiUrl": world.url, "hfdeploy:hubUrl": world.url, "hfdeploy:token": OWNER}


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    with running_plugin(config(world), folder=tmp_path) as process:
        yield process


class Stack:
    """What the engine would hold: a guard, an identity and the endpoint on it."""

    def __init__(self, plugin: Plugin, **changes: Any) -> None:
        self.plugin = plugin
        self.guard = plugin.create("guard", {"members": ["tiny"]})
        self.spec = {**SPEC, **changes}
        self.identity = plugin.create("identity", self.inputs(generation=None))
        self.endpoint = plugin.create("endpoint", self.inputs())

    def inputs(self, **changes: Any) -> dict[str, Any]:
        identity = getattr(self, "identity", None)
        generation = identity.outs["generation"] if identity else None
        fields = {**self.spec, "owner": self.guard.outs["owner"], "logical_name": "tiny", "generation": generation}
        return {key: value for key, value in {**fields, **changes}.items() if value is not None}

    def has_changes(self, **changes: Any) -> bool:
        return self.plugin.has_changes("endpoint", self.endpoint, self.inputs(**changes))

    def update(self, **changes: Any) -> None:
        self.endpoint = self.plugin.update("endpoint", self.endpoint, self.inputs(**changes))

    def refresh(self) -> None:
        self.endpoint = self.plugin.read("endpoint", self.endpoint)


def outlive_the_listing() -> None:
    """One listing answers all reads of a refresh; it is at most a second old."""
    time.sleep(1.1)


def puts(world: Running) -> list[Any]:
    """The updates, without tags that repeat what was sent before: every update names all of them.

    The mark of secret values counts as part of these.
    """
    known: dict[str, list[str]] = {}
    bodies = []
    for request in world.requests():
        body = request["body"]
        if request["method"] not in {"POST", "PUT"} or not isinstance(body, dict) or "tags" not in body:
            bodies += [body] if request["method"] == "PUT" else []
            continue
        name = body.get("name") or request["path"].rpartition("/")[2]
        tags = [tag for tag in body["tags"] if not tag.startswith("hfd-s-")]
        if request["method"] == "PUT":
            bodies.append({key: value for key, value in body.items() if key != "tags" or known.get(name) != tags})
        known[name] = tags
    return bodies


def failure(caught: pytest.ExceptionInfo[grpc.RpcError]) -> str:
    return str(caught.value.details())
