"""What can be watched of an endpoint: replicas, logs, metrics, and event streams of logs and status."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from hfdeploy.emulator import metrics, reply
from hfdeploy.emulator.clock import parse_timestamp, timestamp
from hfdeploy.emulator.door import Door, Table, json_body
from hfdeploy.emulator.records import Json, Record
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.world import World

POLL = 0.05
"""Seconds between looks for news of an event stream."""

DEFAULT_LINES, MAX_LINES = 1000, 5000


class Observation:
    """Section 2.2 of the reference."""

    def __init__(self, world: World, door: Door) -> None:
        self._world = world
        self._door = door
        self._store = world.store
        self._options = world.options

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/v2/endpoint/{namespace}/{name}/replica", self._replicas),
            ("GET", "/v2/endpoint/{namespace}/{name}/logs", self._logs),
            ("GET", "/v2/endpoint/{namespace}/{name}/logs/sse", self._logs_events),
            ("GET", "/v3/endpoint/{namespace}/{name}/logs", self._search),
            ("GET", "/v3/endpoint/{namespace}/{name}/logs/sse", self._search_events),
            ("GET", "/v2/endpoint/{namespace}/{name}/sse", self._status_events),
            ("POST", "/v2/endpoint/{namespace}/{name}/metrics", self._all_metrics),
            ("POST", "/v2/endpoint/{namespace}/{name}/metrics/{graph:path}", self._one_metric),
            ("GET", "/v2/endpoint/{namespace}/{name}/open-metrics", self._open_metrics),
        ]

    def _admitted(self, request: Request, namespace: str, name: str) -> Record:
        self._door.admit(request, namespace)
        return self._store.get(namespace, name)

    async def _replicas(self, request: Request, namespace: str, name: str) -> JSONResponse:
        record = self._admitted(request, namespace, name)
        return JSONResponse({"items": reply.replicas(record, self._world.clock.now(), self._options)})

    async def _logs(self, request: Request, namespace: str, name: str) -> Response:
        record = self._admitted(request, namespace, name)
        query = dict(request.query_params)
        if query.get("follow") == "true":
            return StreamingResponse(_follow(record, query, _line), media_type="text/plain")
        return PlainTextResponse("".join(_line(entry, query) for entry in _backfill(record, query)))

    async def _logs_events(self, request: Request, namespace: str, name: str) -> Response:
        record = self._admitted(request, namespace, name)
        return _events(_follow(record, dict(request.query_params), lambda entry, query: _event(_cut(entry, query))))

    async def _search(self, request: Request, namespace: str, name: str) -> JSONResponse:
        record = self._admitted(request, namespace, name)
        query = _searchable(self._world, request)
        found = [entry for entry in record.logs if _is_found(entry, query)]
        found = found[-_count(query, "tail", len(found)) :] if "tail" in query else found
        if query.get("order") == "desc" and self._options["log_order"] == "asc_or_desc":
            found = found[::-1]
        limit = min(_count(query, "limit", DEFAULT_LINES), MAX_LINES)
        return JSONResponse([_entry(entry, self._options["timestamp_digits"]) for entry in found[:limit]])

    async def _search_events(self, request: Request, namespace: str, name: str) -> Response:
        record = self._admitted(request, namespace, name)
        query = {"tail": "0", **_searchable(self._world, request)}

        def show(entry: dict[str, Any], _: dict[str, str]) -> str:
            return _event(_entry(entry, self._options["timestamp_digits"])) if _is_found(entry, query) else ""

        return _events(_follow(record, query, show))

    async def _status_events(self, request: Request, namespace: str, name: str) -> Response:
        self._admitted(request, namespace, name)
        base = self._door.base(request)
        return _events(_statuses(self._world, namespace, name, base))

    async def _all_metrics(self, request: Request, namespace: str, name: str) -> JSONResponse:
        record = self._admitted(request, namespace, name)
        _check_used(record, self._options["metrics_when_unused"])
        return JSONResponse(metrics.graphs(record, *_period(await json_body(request, default={}))))

    async def _one_metric(self, request: Request, namespace: str, name: str, graph: str) -> JSONResponse:
        record = self._admitted(request, namespace, name)
        _check_used(record, self._options["metrics_when_unused"])
        body = await json_body(request, default={})
        if isinstance(body, dict) and "from" in body:
            found = metrics.old_metric(record, graph, body)
        else:
            found = metrics.graph(record, graph, *_period(body), named=self._options["gpu_graphs"] == "named")
        if found is None:
            raise Refused("NOT_FOUND", f"Metric {graph} not found")
        return JSONResponse(found)

    async def _open_metrics(self, request: Request, namespace: str, name: str) -> Response:
        record = self._admitted(request, namespace, name)
        needed = {"team": {"team"}, "pro": {"team", "pro"}}[self._options["open_metrics_plan"]]
        if self._options["plan"] not in needed:
            raise Refused("FORBIDDEN", "open-metrics is not part of this plan")
        return PlainTextResponse(metrics.open_metrics(record))


async def _follow(
    record: Record, query: dict[str, str], show: Callable[[dict[str, Any], dict[str, str]], str]
) -> AsyncIterator[str]:
    """The last lines of a log, and then each new one."""
    shown = _backfill(record, query)
    last = record.logs[-1] if record.logs else None
    for entry in shown:
        yield show(entry, query)
    while record.deleted is None:
        await asyncio.sleep(POLL)
        new = record.logs[_place(record.logs, last) :]
        for entry in new:
            if _of_replica(entry, query):
                yield show(entry, query)
        last = new[-1] if new else last


async def _statuses(world: World, namespace: str, name: str, base: str) -> AsyncIterator[str]:
    """The object, and again whenever it has changed, until the endpoint is deleted."""
    shown: Json = None
    while (record := world.store.find(namespace, name)) is not None:
        found = world.store.object(record, base)
        if found != shown:
            shown = found
            yield ("event: status\n" if world.options["status_sse_framing"] == "event" else "") + _event(found)
        await asyncio.sleep(POLL)


def _place(logs: list[dict[str, Any]], last: dict[str, Any] | None) -> int:
    """Where in a log the lines after `last` begin; the log may have lost its oldest lines meanwhile."""
    for index in range(len(logs) - 1, -1, -1):
        if logs[index] is last:
            return index + 1
    return 0


def _backfill(record: Record, query: dict[str, str]) -> list[dict[str, Any]]:
    found = [entry for entry in record.logs if _of_replica(entry, query)]
    tail = _count(query, "tail", len(found))
    return found[len(found) - min(tail, len(found)) :]


def _of_replica(entry: dict[str, Any], query: dict[str, str]) -> bool:
    return query.get("replica") in {None, "", entry["replica_id"]}


def _is_found(entry: dict[str, Any], query: dict[str, str]) -> bool:
    return (
        _of_replica(entry, query)
        and query.get("level", "").upper() in {"", entry["level"]}
        and query.get("search", "").lower() in entry["line"].lower()
        and ("since" not in query or _shown(entry) >= _moment(query["since"]))
        and ("until" not in query or _shown(entry) <= _moment(query["until"]))
    )


def _shown(entry: dict[str, Any]) -> float:
    """The time of a line as callers see it, so that a time they were shown finds its line."""
    return parse_timestamp(timestamp(entry["timestamp"]))


def _searchable(world: World, request: Request) -> dict[str, str]:
    """The query of a v3 route.

    Raises:
        Refused: 501, log search is not available.
    """
    if world.options["log_search"] == "missing":
        raise Refused("NOT_IMPLEMENTED", "Log search is not available for this endpoint")
    return dict(request.query_params)


def _moment(text: str) -> float:
    try:
        return parse_timestamp(text)
    except ValueError as error:
        raise Refused("BAD_REQUEST", f"not a timestamp: {text!r}") from error


def _count(query: dict[str, str], key: str, default: int) -> int:
    text = query.get(key)
    if text is None:
        return default
    if not text.isdigit():
        raise Refused("BAD_REQUEST", f"{key} must be a number, got {text!r}")
    return int(text)


def _cut(entry: dict[str, Any], query: dict[str, str]) -> str:
    line: str = entry["line"]
    return line[: _count(query, "line_max_length", len(line))]


def _line(entry: dict[str, Any], query: dict[str, str]) -> str:
    return _cut(entry, query) + "\n"


def _entry(entry: dict[str, Any], digits: int) -> dict[str, Any]:
    return entry | {"timestamp": timestamp(entry["timestamp"], digits)}


def _event(data: Json) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _events(stream: AsyncIterator[str]) -> Response:
    return StreamingResponse(stream, media_type="text/event-stream", headers={"cache-control": "no-cache"})


def _check_used(record: Record, when_unused: str) -> None:
    if when_unused == "not_found" and not record.samples:
        raise Refused("NOT_FOUND", f"No metrics for endpoint {record.name}")


def _period(body: Json) -> tuple[float, float]:
    """Start and stop of a metrics body."""
    if not isinstance(body, dict) or not {"start", "stop"} <= body.keys():
        raise Refused("BAD_REQUEST", "start and stop are required")
    return _moment(str(body["start"])), _moment(str(body["stop"]))
