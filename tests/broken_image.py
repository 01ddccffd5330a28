"""Rollouts of an image that does not work in a plugin process: how they are made to fail, and what they say."""

from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin
from plugin_stack import SPEC, Stack, failure

GOOD = SPEC["engine"]["image"]
BAD = "acme/broken-inference:1"
FAST = {"timeout": "20s"}


def bad_engine() -> dict[str, Any]:
    return {"engine": {**SPEC["engine"], "image": BAD}, "rollout": FAST}


def fail_update(stack: Stack, **changes: Any) -> str:
    with pytest.raises(grpc.RpcError) as caught:
        stack.update(**changes)
    return failure(caught)


def create_failing(plugin: Plugin, **changes: Any) -> str:
    """The first rollout of an endpoint that cannot pass."""
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**SPEC, **changes, "owner": guard.outs["owner"], "logical_name": "tiny"}
    identity = plugin.create("identity", inputs)
    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("endpoint", {**inputs, "generation": identity.outs["generation"]})
    return failure(caught)


def image(world: Running) -> str:
    return str(world.get("tiny")["model"]["image"]["tgi"]["url"])


def streams(world: Running) -> int:
    return len([one for one in world.requests() if one["path"].endswith("/generate_stream")])


def answers_with_nothing(world: Running) -> None:
    """The broken image starts, runs and answers with no text; the good one is healthy."""
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
