"""The usage of one endpoint, and who says so."""

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from hfdeploy.cost import Usage


@dataclass(frozen=True, slots=True)
class Known:
    """What is assumed of one endpoint's use."""

    usage: Usage
    source: str
    """Where it is from, to be shown: `usage.csv:3`, `metrics of 7.0 days`."""

    line: int = 0
    """In the table; 0 for what was measured."""

    def at_most(self, replicas: int) -> "Known":
        """The same for an endpoint that may have so many replicas; where that is fewer, `source` says so.

        What was measured can be above it: a rolling update runs old and new replicas side by side, and the limit may
        have been lowered since.
        """
        if self.usage.avg_replicas <= replicas:
            return self
        shown = _short(self.usage.avg_replicas, 4)
        source = f"{self.source}, whose {shown} replicas count as autoscaling.max {replicas}"
        return replace(self, usage=replace(self.usage, avg_replicas=Decimal(replicas)), source=source)


def in_words(known: Known) -> str:
    """`4 h a day at 1.5 replicas (usage.csv:3)`: what has to stand beside an expected cost."""
    usage = known.usage
    if usage.active_hours_per_day < Decimal("0.005"):
        return f"never up beyond its minimum ({known.source})"
    return f"{_short(usage.active_hours_per_day)} h a day at {_short(usage.avg_replicas)} replicas ({known.source})"


def _short(number: Decimal, places: int = 2) -> str:
    text = f"{number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
