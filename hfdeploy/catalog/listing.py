"""All the hardware that one source knows: the service's reply of today, or the snapshot in the package."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, cached_property
from importlib.resources import files
from typing import Literal

from pydantic import ValidationError

from hfdeploy.catalog.hardware import Hardware, Key
from hfdeploy.catalog.nearest import Wish
from hfdeploy.errors import Unreachable

_DEPTH_PER_PLACE = (3, 2, 1)
"""How many choices `Catalog.near` gives of the region asked for, of the vendor's other regions, of other vendors."""

_NAMES = {"vendor", "region", "instanceType", "instanceSize"}
"""What a row cannot do without. Any other field that cannot be read is unknown, and the row stays."""


@dataclass(frozen=True)
class Catalog:
    """Rows of hardware, at most one for each vendor, region, type and size."""

    rows: tuple[Hardware, ...]
    source: Literal["live", "snapshot"]
    as_of: str | None = None
    """The date of the snapshot's newest row; each row has its own, which may be older. None when live."""

    withdrawn: tuple[Hardware, ...] = ()
    """Types listed once, in a region nobody wrote down. Kept so that a spec which names one is told why not."""

    problems: tuple[str, ...] = ()
    """What could not be read in the reply, one sentence each."""

    @classmethod
    def snapshot(cls) -> "Catalog":
        """The dated copy in the package."""
        return _read_snapshot()

    @classmethod
    def from_vendors(cls, reply: Mapping[str, object]) -> "Catalog":
        """Read the `Vendors` reply of `GET /v2/provider/{namespace}`.

        A row without its four names is left out and a field that cannot be read is unknown; `problems` says which.

        Raises:
            Unreachable: not one row could be read. An empty catalogue would call every instance unknown, which
                would be a false statement about people's specs.
        """
        rows: dict[Key, Hardware] = {}
        problems: list[str] = []
        for compute in _computes(reply):
            row, problem = _read_compute(compute)
            if problem:
                problems.append(problem)
            if row and row.key in rows:
                problems.append(f"{row.id} in the catalogue's reply: it is there twice; the first one counts.")
            elif row:
                rows[row.key] = row
        if not rows:
            first = f" {problems[0]}" if problems else ""
            raise Unreachable(f"The service's hardware catalogue holds no row that can be read.{first}")
        return cls(rows=tuple(rows.values()), source="live", problems=tuple(problems))

    @property
    def vendors(self) -> tuple[str, ...]:
        """The clouds it has, sorted."""
        return tuple(sorted({row.vendor for row in self.rows}))

    def regions(self, vendor: str) -> tuple[str, ...]:
        """The regions it has of one cloud, sorted; empty for a cloud it does not know."""
        return tuple(sorted({row.region for row in self.rows if row.vendor == vendor}))

    def find(self, vendor: str, region: str, instance_type: str, instance_size: str) -> Hardware | None:
        """The row of exactly these four names."""
        return self._by_key.get((vendor, region, instance_type, instance_size))

    def by_id(self, hardware_id: str) -> Hardware | None:
        """The row of this catalogue id, compared as a whole."""
        return self._by_id.get(hardware_id)

    def near(self, vendor: str, region: str, *, instance_type: str = "", instance_size: str = "") -> list[Hardware]:
        """The nearest hardware that a new endpoint can ask for, best first, always in the same order.

        The region asked for comes first (three rows at most), then the vendor's other regions (two), then other
        vendors (one). Within each: rows of the wanted kind of accelerator, if there are any; the type itself, then
        what succeeds it, then others; closest in memory, then in price. The row of exactly these names, where it
        can be had, is the nearest of all. Names nobody knows are compared by how they are spelt.
        """
        # The snapshot remembers types that the live catalogue has dropped.
        snapshot = _read_snapshot()
        known = (*self.rows, *snapshot.rows, *snapshot.withdrawn)
        wish = Wish.of(known, vendor, instance_type, instance_size)
        places: tuple[list[Hardware], ...] = ([], [], [])
        for row in self.rows:
            if row.is_orderable:
                is_ours = row.vendor == vendor
                places[0 if is_ours and row.region == region else 1 if is_ours else 2].append(row)
        return [
            row for place, depth in zip(places, _DEPTH_PER_PLACE, strict=True) for row in wish.nearest(place)[:depth]
        ]

    @cached_property
    def _by_key(self) -> dict[Key, Hardware]:
        return {row.key: row for row in self.rows}

    @cached_property
    def _by_id(self) -> dict[str, Hardware]:
        return {row.id: row for row in self.rows}


@cache
def _read_snapshot() -> Catalog:
    text = files("hfdeploy").joinpath("data", "hardware.json").read_text(encoding="utf-8")
    rows = [
        Hardware.model_validate({**row, "id": row["id"] or "", "region": row["region"] or ""})
        for row in json.loads(text, parse_float=Decimal)
    ]
    return Catalog(
        rows=tuple(row for row in rows if row.region),
        source="snapshot",
        as_of=max(row.as_of for row in rows if row.as_of),
        withdrawn=tuple(row for row in rows if not row.region),
    )


def _computes(reply: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Every compute of a `Vendors` reply with the names of its vendor and region put in."""
    for vendor in _objects(reply, "vendors"):
        for region in _objects(vendor, "regions"):
            for compute in _objects(region, "computes"):
                # An empty region would pass for a withdrawn type's; None does not.
                yield {**compute, "vendor": vendor.get("name"), "region": region.get("name") or None}


def _objects(parent: Mapping[str, object], field: str) -> list[Mapping[str, object]]:
    children = parent.get(field)
    return [child if isinstance(child, Mapping) else {} for child in children] if isinstance(children, list) else []


def _read_compute(compute: dict[str, object]) -> tuple[Hardware | None, str]:
    """The row, if its names can be read, and a sentence about what cannot."""
    served = {field: value for field, value in compute.items() if value is not None}
    problem = ""
    try:
        row = Hardware.model_validate(served)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        problem = _describe(compute, [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults])
        broken = {str(fault["loc"][0]) for fault in faults}
        if broken & _NAMES:
            return None, f"{problem}; the row is left out."
        row = Hardware.model_validate({field: value for field, value in served.items() if field not in broken})
        problem = f"{problem}; taken as unknown."
    return (row if row.id else row.model_copy(update={"id": "-".join(row.key)})), problem


def _describe(compute: Mapping[str, object], faults: list[str]) -> str:
    name = compute.get("id") or f"A row of {compute['vendor']} {compute['region']}"
    return f"{str(name)[:80]} in the catalogue's reply: {'; '.join(faults)[:200]}"
