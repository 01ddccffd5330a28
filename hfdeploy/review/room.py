"""Ways out of a shortage of quota: fewer replicas, another instance that holds the model, another place."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.cost import estimate, format_month
from hfdeploy.fit import FitVerdict, can_be_judged, judge_best, load_of
from hfdeploy.lock import Lock
from hfdeploy.plan import Plan
from hfdeploy.quota import Entry, Ledger, QuotaVerdict

_MOST: Final = 3
"""Ways that are named: the cheapest."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of them, and what a month of the endpoint costs then with every replica up."""

    words: str
    ceiling: Decimal | None

    def __str__(self) -> str:
        return f"{self.words} (at most {format_month(self.ceiling)})"


def ways_out(plan: Plan, entry: Entry, ledger: Ledger, catalog: Catalog, lock: Lock) -> list[Way]:
    """The cheapest ways for one endpoint to find room, by a month with every replica up; what has no price comes last.

    What another instance holds is judged by the lock file; of a model that nobody locked only the same instance
    elsewhere is known to hold it.
    """
    found = [*_fewer_replicas(plan, entry), *_other_hardware(plan, entry, ledger, catalog, lock)]
    unpriced = Decimal("Infinity")
    return sorted(found, key=lambda way: (unpriced if way.ceiling is None else way.ceiling, way.words))[:_MOST]


def _fewer_replicas(plan: Plan, entry: Entry) -> Iterator[Way]:
    """As many as there is room for, beside what all others of the change need."""
    scaling, each = plan.spec.autoscaling, plan.hardware.num_accelerators or 1
    is_minimum = entry.verdict is QuotaVerdict.SHORT
    asked = max(1, scaling.min if is_minimum else scaling.max)
    fewer = asked - -(-entry.short_by // each)
    if fewer < max(1, 0 if is_minimum else scaling.min):
        return
    name, most = ("autoscaling.min", scaling.max) if is_minimum else ("autoscaling.max", fewer)
    yield Way(f"{name} {fewer} in place of {asked}", _ceiling(plan.hardware, most))


def _other_hardware(plan: Plan, entry: Entry, ledger: Ledger, catalog: Catalog, lock: Lock) -> Iterator[Way]:
    """The cheapest of each kind: in the same place, and anywhere else."""
    rows = [row for row in catalog.rows if row.id != plan.hardware.id and row.is_orderable and _holds(plan, row, lock)]
    with_room = [row for row in rows if _has_room(plan, row, entry, ledger)]
    here = [row for row in with_room if row.place == plan.hardware.place]
    elsewhere = [row for row in with_room if row.place != plan.hardware.place]
    for row in _cheapest(here):
        yield Way(f"instance {row.spelling}", _ceiling(row, plan.spec.autoscaling.max))
    for row in _cheapest(elsewhere):
        is_same_type = (row.vendor, row.instance_type) == (plan.hardware.vendor, plan.hardware.instance_type)
        doubt = ", if its quota is counted per region" if is_same_type and not entry.account.region else ""
        yield Way(f"{row.spelling} in {row.place}{doubt}", _ceiling(row, plan.spec.autoscaling.max))


def _cheapest(rows: Iterable[Hardware]) -> list[Hardware]:
    priced = [row for row in rows if row.price_per_hour is not None]
    return sorted(priced, key=lambda row: (row.price_per_hour, row.id))[:_MOST]


def _holds(plan: Plan, row: Hardware, lock: Lock) -> bool:
    if row.accelerator != plan.hardware.accelerator:
        return False
    if (row.instance_type, row.instance_size) == (plan.hardware.instance_type, plan.hardware.instance_size):
        return True
    locked = lock.of(plan.spec)
    if locked is None or locked.model is None or not can_be_judged(plan.spec):
        return False
    return judge_best(locked.model, row, load_of(replace(plan, hardware=row))).verdict is FitVerdict.FIT


def _has_room(plan: Plan, row: Hardware, entry: Entry, ledger: Ledger) -> bool:
    """Whether the quota of that type has room for all replicas beside the rest of the change; not known is no."""
    if row.quota is None:
        return False
    needed = (row.num_accelerators or 1) * max(1, plan.spec.autoscaling.max)
    is_same_type = (row.vendor, row.instance_type) == (plan.hardware.vendor, plan.hardware.instance_type)
    if is_same_type and row.region == plan.hardware.region:
        released = (plan.hardware.num_accelerators or 1) * max(1, plan.spec.autoscaling.max)
        return entry.peak - released + needed <= row.quota.maximum
    entries = ledger.per_region if is_same_type else ledger.entries
    there = [
        one
        for one in entries
        if (one.account.namespace, one.account.vendor, one.account.instance_type)
        == (entry.account.namespace, row.vendor, row.instance_type)
        and one.account.region in {"", row.region}
    ]
    taken = there[0].peak if there else row.quota.used
    return taken + needed <= row.quota.maximum


def _ceiling(row: Hardware, replicas: int) -> Decimal | None:
    return estimate(row, min_replicas=0, max_replicas=replicas, idle_minutes=None).ceiling
