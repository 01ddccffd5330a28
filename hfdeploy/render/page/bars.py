"""What the bars of the page are made of: shares of a whole in percent, from amounts that are exact."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

from hfdeploy.cost import Estimate, Total
from hfdeploy.fit import Fit, gib
from hfdeploy.quota import Entry

_NICE: Final = (1, 2, 4, 5, 8, 10)
"""First digits of the end of a scale; each of them is divided by four without an ugly rest."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar, from `start` on, both in percent of its width."""

    kind: str
    """What it stands for: the class that gives it its colour and pattern."""

    start: float
    width: float


@dataclass(frozen=True, slots=True)
class MemoryBar:
    """One GPU: what takes its memory, and where the engine's share of it ends."""

    segments: tuple[Segment, ...]
    budget: float
    """The place of the mark, in percent."""

    weights: str
    overhead: str
    cache: str
    free: str
    """All in GiB; what is missing has a minus."""


def cost_scale(costs: Iterable[Estimate | Total | None]) -> Decimal:
    """Where the scale of a chart ends: a round amount that holds them all."""
    most = max((one.ceiling for one in costs if one is not None and one.ceiling is not None), default=Decimal(0))
    if not most:
        return Decimal(1)
    step = Decimal(10) ** most.adjusted()
    return next(digit * step for digit in _NICE if digit * step >= most)


def cost_segments(cost: Estimate | Total | None, scale: Decimal) -> tuple[Segment, ...]:
    """What is paid in any case, and what may come on top."""
    if cost is None or cost.floor is None or cost.ceiling is None:
        return ()
    return _side_by_side((("floor", cost.floor), ("ceiling", cost.ceiling - cost.floor)), scale)


def memory_bar(fit: Fit) -> MemoryBar | None:
    """Weights, overhead, the cache that is asked for, and what is free, on one GPU; None where nothing was computed."""
    sums = fit.arithmetic
    if sums is None:
        return None
    cache = sums.cache * fit.load.concurrency
    taken = sums.weights + sums.overhead + cache
    free = sums.budget - taken
    whole = max(sums.visible, taken)
    parts = [("weights", sums.weights), ("overhead", sums.overhead), ("cache", cache)]
    parts += [("free", free), ("kept", sums.visible - sums.budget)] if free >= 0 else []
    segments = list(_side_by_side(parts, whole))
    if free < 0:
        start = _percent(sums.budget, whole)
        segments.append(Segment("over", start, _percent(taken, whole) - start))
    return MemoryBar(
        tuple(segments),
        _percent(sums.budget, whole),
        *(gib(part) for part in (sums.weights, sums.overhead, cache, free)),
    )


def quota_segments(entry: Entry) -> tuple[Segment, ...]:
    """What others hold, what the change takes at its fewest and at its most replicas, what is left or missing."""
    if entry.maximum is None:
        return ()
    least = entry.need_min + entry.surge
    whole = Fraction(max(entry.maximum, entry.peak, 1))
    parts = [("others", entry.base), ("least", least), ("most", entry.need_max - entry.need_min)]
    segments = list(_side_by_side([*parts, ("free", max(0, entry.maximum - entry.peak))], whole))
    if entry.peak > entry.maximum:
        start = _percent(entry.maximum, whole)
        segments.append(Segment("over", start, 100 - start))
    return tuple(segments)


def limit_mark(entry: Entry) -> float | None:
    """The place of the limit within the bar, where something is beyond it."""
    if entry.maximum is None or entry.peak <= entry.maximum:
        return None
    return _percent(entry.maximum, Fraction(entry.peak))


def _side_by_side(
    parts: Sequence[tuple[str, Decimal]] | Sequence[tuple[str, Fraction]] | Sequence[tuple[str, int]],
    whole: Decimal | Fraction,
) -> tuple[Segment, ...]:
    segments, start = [], 0.0
    for kind, amount in parts:
        width = _percent(amount, whole)
        if width > 0:
            segments.append(Segment(kind, start, width))
        start += width
    return tuple(segments)


def _percent(part: Decimal | Fraction | int, whole: Decimal | Fraction) -> float:
    return round(float(100 * Fraction(part) / Fraction(whole)), 3)
