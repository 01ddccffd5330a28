"""Bodies of the management API, read: from a response to values, everything unknown left behind.

Whatever cannot be read raises ValueError, KeyError or TypeError (pydantic's errors among them); the session turns that
into an unreadable answer.
"""

import re
from dataclasses import dataclass

import httpx2
from pydantic import ValidationError

from hfdeploy import redact, wire
from hfdeploy.client.answer import cut

_log = redact.logger(__name__)


@dataclass(frozen=True, slots=True)
class Replica:
    """One running copy; `stage` is the service's own word (its values are not documented)."""

    id: str
    stage: str
    is_live: bool


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `cursor` names the next, '' on the last."""

    endpoints: list[wire.Endpoint]
    cursor: str
    unreadable: dict[str, list[str]]
    """Those that cannot be read: their tags by name, as far as there are any."""


def endpoint(response: httpx2.Response) -> wire.Endpoint:
    """One endpoint, as most routes answer it."""
    return wire.parse_endpoint(json_object(response))


def page(response: httpx2.Response) -> Page:
    """One page of endpoints, without those that cannot be read: one of somebody else's must not blind us."""
    reply = json_object(response)
    found: list[wire.Endpoint] = []
    unreadable: dict[str, list[str]] = {}
    for item in json_list(reply["items"]):
        try:
            found.append(wire.parse_endpoint(item))
        except ValidationError:
            name = cut(str(item.get("name") if isinstance(item, dict) else None))
            tags = item.get("tags") if isinstance(item, dict) else None
            # Several may have no name that can be read.
            unreadable.setdefault(name, []).extend(map(str, tags) if isinstance(tags, list) else ())
            _log.warning("An endpoint in the list cannot be read and is left out: %s", name)
    return Page(found, str(reply.get("nextCursor") or ""), unreadable)


def vendors(response: httpx2.Response) -> wire.Body:
    """The hardware on offer, whole."""
    reply = json_object(response)
    json_list(reply["vendors"])
    return reply


def replicas(response: httpx2.Response) -> list[Replica]:
    """The running copies."""
    return [
        Replica(str(item["id"]), str(item["status"].get("stage") or ""), bool(item["status"].get("live")))
        for item in json_list(json_object(response)["items"])
    ]


def metrics(response: httpx2.Response) -> wire.Metrics:
    """The graphs of a period."""
    return wire.parse_metrics(json_object(response))


def requests_counted(response: httpx2.Response) -> int | None:
    """How many requests the running replicas counted, by their OpenMetrics; None where that counter is not there.

    What was refused for its token (401, 403) is no use of the endpoint.
    """
    found = re.findall(r"^http_requests(?:_total)?(\{[^}\n]*\})?[ \t]+([0-9.eE+]+)", response.text, re.MULTILINE)
    if not found and "http_requests" not in response.text:
        return None
    return int(sum(float(count) for labels, count in found if not re.search('status_code="40[13]"', labels)))


def log_entries(response: httpx2.Response) -> list[str]:
    """The lines of the newer log route, without secrets of ours that the container may have printed."""
    return [redact.known.scrub(str(entry["line"]).rstrip("\n")) for entry in json_list(response.json())]


def log_text(response: httpx2.Response) -> list[str]:
    """The lines of the older log route, without secrets of ours that the container may have printed."""
    return redact.known.scrub(response.text).splitlines()


def json_object(response: httpx2.Response) -> wire.Body:
    """The body, which must be an object."""
    reply = response.json()
    if not isinstance(reply, dict):
        raise TypeError("not an object")
    return reply


def json_list(value: object) -> list[wire.Body]:
    """The value, which must be a list."""
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value
