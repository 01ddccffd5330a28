"""An endpoint that has something in every field of the wire model, and a service that merges, lists or forgets.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rollouts
from control_plane import Running
from drift import DOMAIN
from rollouts import INSTANTLY

ENGINE: dict[str, Any] = {
    "type": "custom",
    "image": "registry.example.org/acme/server:1",
    "port": 8080,
    "health_route": "/health",
    "registry": {"username": "puller", "password": {"from_env": "PULL_PASSWORD"}},
}
SPEC: dict[str, Any] = {
    "name": "tiny",
    "namespace": "acme",
    "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "revision": "main",
    "task": "text-generation",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
    "autoscaling": {"min": 0, "max": 2, "scale_to_zero_after": "15m", "measure": {"hardware_usage": 80}},
    "security": "private",
    "engine": ENGINE,
    "args": ["--trust-remote-code"],
    "command": ["/entrypoint.sh"],
    "env": {"LOG_LEVEL": "info", "WORKERS": "2"},
    "secrets": {"API_KEY": {"from_env": "THE_KEY"}, "OTHER_KEY": {"from_env": "THE_OTHER_KEY"}},
    "tags": ["team-a", "cost-centre-7"],
    "route": {"domain": DOMAIN, "path": "/v1"},
    "private_service": {"account_id": "123456789012", "region": "us-east-1", "shared": False},
    "verify": {"when": "never"},
}
VALUES = {
    "THE_KEY": "first-value-of-the-key",
    "THE_OTHER_KEY": "first-value-of-the-other",
    "PULL_PASSWORD": "first-pull-password",
}

OPTIONS: list[dict[str, Any]] = [
    {},
    {"maps_in_put": "merge"},
    {"secrets_in_reply": "keys"},
    {"secrets_in_reply": "keys", "maps_in_put": "merge"},
    {"variant_fields_left_out": "kept"},
    {"tags_survive_update": "no"},
    {"put_private_service": "accepted", "put_name_provider": "refused", "unknown_fields": "refused"},
]


class Stack(rollouts.Stack):
    """The stack of such an endpoint, which was brought up."""

    def __init__(self, world: Running) -> None:
        world.set(domain_status="ready", durations=INSTANTLY)
        world.owner.post("/v2/network/domain/acme", json={"domain": DOMAIN}).raise_for_status()
        super().__init__(world)
        self.spec = SPEC
        self.exist().bring()

    def store(self) -> dict[str, Any]:
        """What the service has, by path; the mark of the secret values has tests of its own."""
        found: dict[str, Any] = {}
        _flatten(self.config, "", found)
        found["tags"] = [tag for tag in found["tags"] if tag not in self.marks()]
        return found

    def marks(self) -> list[str]:
        """The tags that tell which secret values were sent."""
        return [*self.tags("hfd-s-"), *self.tags("hfd-r-")]


def _flatten(value: Any, path: str, found: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            _flatten(item, f"{path}.{key}".lstrip("."), found)
    else:
        found[path] = value


Make = Callable[..., Stack]


@pytest.fixture
def make_full(world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Such stacks, on a service that behaves as the options say; their secrets are in the environment."""
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    stacks: list[Stack] = []

    def made(**options: Any) -> Stack:
        world.set(**options)
        stacks.append(Stack(world))
        return stacks[-1]

    yield made
    for stack in stacks:
        stack.close()
