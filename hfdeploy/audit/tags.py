"""What endpoints cost by their tags."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from hfdeploy.audit.resident import Resident
from hfdeploy.cost import Total, add_up

UNTAGGED: Final = ""
"""The tag of the row of those that have none."""

_SEPARATORS: Final = (":", "=", "/")


@dataclass(frozen=True, slots=True)
class TagCost:
    """One tag, or with `UNTAGGED` the endpoints without any."""

    tag: str
    names: tuple[str, ...]
    total: Total
    expected: Decimal | None
    """A month at the usage known, of those endpoints that have one; None where none has."""

    @property
    def floor(self) -> Decimal | None:
        """A month at the fewest replicas, of those that have a price; None where none has."""
        return self.total.floor if self._is_priced else None

    @property
    def ceiling(self) -> Decimal | None:
        """A month at the most replicas, of those that have a price; None where none has."""
        return self.total.ceiling if self._is_priced else None

    @property
    def _is_priced(self) -> bool:
        return len(self.total.unpriced) < len(self.names)


def cost_by_tag(residents: Iterable[Resident], key: str | None = None) -> tuple[TagCost, ...]:
    """Cost by tag, sorted, those without one last.

    With `key` only tags that are it or begin with it and one of `:`, `=`, `/`: `team` takes `team:search`. Without, all
    tags of people. An endpoint with several counts under each, so that rows need not add up.
    """
    found: dict[str, list[Resident]] = {}
    for one in residents:
        for tag in [tag for tag in one.tags if key is None or _is_of(tag, key)] or [UNTAGGED]:
            found.setdefault(tag, []).append(one)
    return tuple(_row(tag, found[tag]) for tag in sorted(found, key=lambda tag: (tag == UNTAGGED, tag)))


def _is_of(tag: str, key: str) -> bool:
    return tag == key or tag.startswith(tuple(f"{key}{separator}" for separator in _SEPARATORS))


def _row(tag: str, those: list[Resident]) -> TagCost:
    costs = {one.name: one.cost for one in those}
    expected = [cost.expected for cost in costs.values() if cost.expected is not None]
    return TagCost(tag, tuple(costs), add_up(costs), sum(expected, Decimal(0)) if expected else None)
