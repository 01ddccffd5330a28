"""Creates that the service answers unclearly: what was asked, what exists, and who owns it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import grpc
from control_plane import Running
from plugin_process import Plugin, Resource
from plugin_stack import SPEC

UNSEEN = {"verify": {"when": "never"}}
OURS = "0123456789ab"

UNCLEAR: dict[str, dict[str, Any]] = {
    "500": {"kind": "server_error"},
    "500 after the commit": {"kind": "server_error", "commit": True},
    "502": {"kind": "bad_gateway"},
    "503": {"kind": "unavailable"},
    "reset": {"kind": "reset"},
    "reset after the commit": {"kind": "reset", "commit": True},
    "half a body": {"kind": "half_body"},
}
"""Seven answers after which nobody knows what was done. Silence takes a deadline: tests/faults."""


def wanted(namespace: str = "acme", owner: str = OURS, **changes: Any) -> dict[str, Any]:
    return {**SPEC, **UNSEEN, "namespace": namespace, "owner": owner, "logical_name": "tiny", **changes}


def of(world: Running, namespace: str, *methods: str) -> list[dict[str, Any]]:
    """What was asked of the management API about one namespace; with `methods`, these only."""
    paths = (f"/v2/endpoint/{namespace}/", f"/v2/endpoint/{namespace}?")
    return [
        one
        for one in world.requests()
        if f"{one['path']}?".startswith(paths) and one["method"] in (methods or ("GET", "POST", "PUT", "DELETE"))
    ]


def existing(world: Running, namespace: str) -> list[dict[str, Any]]:
    return [one for one in world._script("GET", "/endpoints")["items"] if one["namespace"] == namespace]


def seen(world: Running, namespace: str) -> dict[str, Any]:
    """The endpoint as the service shows it."""
    found: dict[str, Any] = world.owner.get(f"/v2/endpoint/{namespace}/tiny").json()
    return found


def blind_posts(world: Running, namespace: str) -> int:
    """POSTs that followed another one without a look at the name in between."""
    asked = [one["method"] for one in of(world, namespace, "POST", "GET") if not one["path"].endswith("/replica")]
    return sum(pair == ("POST", "POST") for pair in pairwise(asked))


def bring(plugin: Plugin, given: dict[str, Any], runs: int = 3) -> tuple[Resource, int]:
    """Create and roll out as often as a person would run `up` again; the identity, and how many runs it took."""
    for run in range(1, runs + 1):
        try:
            identity = plugin.create("identity", given, timeout=300)
            plugin.create("endpoint", {**given, "generation": identity.outs["generation"]}, timeout=300)
        except grpc.RpcError:
            if run == runs:
                raise
        else:
            return identity, run
    raise AssertionError("unreachable")


def in_parallel(cases: list[Callable[[], Any]]) -> list[Any]:
    with ThreadPoolExecutor(len(cases)) as pool:
        return [one.result() for one in [pool.submit(case) for case in cases]]
