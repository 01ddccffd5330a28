"""What an emulator was asked, and which endpoints exist in it."""

from typing import Any

from control_plane import Running


def writes(world: Running, since: int = 0) -> list[tuple[str, str]]:
    """The requests that changed anything, data plane left out."""
    return [
        (request["method"], request["path"])
        for request in world.requests(since)
        if request["method"] != "GET" and not request["path"].startswith("/endpoints/")
    ]


def sent(world: Running, method: str, since: int = 0) -> list[Any]:
    """The bodies of the management requests of one method."""
    return [
        request["body"]
        for request in world.requests(since)
        if request["method"] == method and request["path"].startswith("/v2/endpoint/")
    ]


def count(world: Running) -> int:
    """The number of requests so far."""
    return int(world._script("GET", "/requests?since=1000000000")["count"])


def names(world: Running) -> list[str]:
    """The endpoints that exist."""
    return sorted(item["name"] for item in world._script("GET", "/endpoints")["items"])
