"""What the service measured, read as usage: how long replicas were up, how busy they were, who called.

A graph is points in time; between two of them the earlier one holds. Nothing is said of the time before the first.
The names of graphs and labels are those of the API's OpenAPI document; the values of `status` are in no source that
was read, so a graph that has no line called running is not guessed at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from hfdeploy.cost import Usage
from hfdeploy.usage.known import Known
from hfdeploy.wire import Graph, Metrics, Point

_DAY: Final = 86400.0
_RUNNING: Final = "running"
_UNAUTHORISED: Final = frozenset({"401", "403"})
_MILLISECONDS: Final = 1e11
"""A number above this is no second since 1970."""


@dataclass(frozen=True, slots=True)
class Load:
    """What an endpoint had to do in a period."""

    days: float
    """How long the period was."""

    requests: int | None
    """Answered requests, without those refused for their token; None where they were not counted."""

    mean: float | None
    """Percent of its processors in use while they were measured; None where nobody measured."""

    highest: float | None
    """The highest figure of any replica."""


def measure(metrics: Metrics | None, start: datetime, stop: datetime) -> Known | str:
    """The usage that the number of running replicas shows; a sentence where it shows none."""
    if metrics is None:
        return "the service has no metrics of it"
    lines = [line for line in metrics.replicas_running.series if line.status == _RUNNING]
    if len(lines) != 1:
        return "the service's metrics do not say how many replicas ran"
    begin, end = start.timestamp(), stop.timestamp()
    spans = list(_spans(lines[0].data, begin, end))
    covered = sum(seconds for seconds, _ in spans)
    if covered < _DAY:
        return f"its metrics cover {covered / 3600:.1f} hours, and of less than a day no month can be expected"
    active = sum(seconds for seconds, count in spans if count > 0)
    replicas = sum(seconds * count for seconds, count in spans if count > 0)
    hours = min(Decimal(24), _rounded(active / covered * 24))
    mean = _rounded(replicas / active) if active else Decimal(0)
    return Known(Usage(hours, mean), f"metrics of {covered / _DAY:.1f} days")


def load_of(metrics: Metrics | None, start: datetime, stop: datetime, *, is_cpu: bool) -> Load:
    """What is known of requests and processors in a period."""
    days = (stop - start).total_seconds() / _DAY
    if metrics is None:
        return Load(days, None, None, None)
    begin, end = start.timestamp(), stop.timestamp()
    answered = metrics.response_status_code_grouped
    shown = [
        point.y
        for line in (metrics.hardware_cpu if is_cpu else metrics.hardware_gpu).series
        for point in _within(line.data, begin, end)
        if point.y is not None
    ]
    return Load(
        days,
        None if answered is None else _counted(answered, begin, end),
        sum(shown) / len(shown) if shown else None,
        max(shown, default=None),
    )


def _rounded(number: float) -> Decimal:
    """A few seconds of a week are no usage."""
    return Decimal(repr(number)).quantize(Decimal("0.0001"))


def _counted(graph: Graph, begin: float, end: float) -> int:
    return int(
        sum(
            point.y or 0
            for line in graph.series
            if str(line.status_code) not in _UNAUTHORISED
            for point in _within(line.data, begin, end)
        )
    )


def _within(points: Iterable[Point], begin: float, end: float) -> list[Point]:
    return [point for point in points if (at := _moment(point)) is not None and begin <= at <= end]


def _spans(points: Sequence[Point], begin: float, end: float) -> Iterable[tuple[float, float]]:
    """Seconds and the figure that held for them."""
    timed = [(at, point.y) for point in points if (at := _moment(point)) is not None]
    known = sorted(timed, key=lambda one: one[0])
    for (at, value), (until, _) in pairwise([*known, (end, None)]):
        first, last = max(at, begin), min(until, end)
        if last > first and value is not None:
            yield last - first, value


def _moment(point: Point) -> float | None:
    """Seconds since 1970; None where the time cannot be read."""
    if isinstance(point.x, float | int):
        return point.x / 1000 if point.x > _MILLISECONDS else float(point.x)
    try:
        read = datetime.fromisoformat(point.x)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()
