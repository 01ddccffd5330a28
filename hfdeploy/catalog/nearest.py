"""How near one row of hardware is to what somebody wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import SequenceMatcher
from math import log

from hfdeploy.catalog.hardware import Hardware, HardwareStatus

SUCCESSORS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("aws", "intel-icl"): (("aws", "intel-spr"),),
    ("aws", "nvidia-h100"): (("aws", "nvidia-h200"), ("gcp", "nvidia-h100")),
    ("aws", "nvidia-b200"): (("aws", "nvidia-h200"),),
}
"""What takes the place of a deprecated (vendor, type): hf-endpoints-documentation, support/pricing."""


@dataclass(frozen=True)
class Wish:
    """What somebody wanted, as far as it is known. Memory and price are those of the whole replica."""

    vendor: str
    instance_type: str
    accelerator: str = ""
    memory_gb: float = 0.0
    price_per_hour: Decimal | None = None

    @classmethod
    def of(cls, known: Iterable[Hardware], vendor: str, instance_type: str, instance_size: str) -> "Wish":
        """Learn from `known` what these names mean, or would mean if the size existed (`nvidia-a100 x16`)."""
        like = min(
            (row for row in known if row.instance_type == instance_type),
            key=lambda row: (row.instance_size != instance_size, row.vendor != vendor, _units(row), row.id),
            default=None,
        )
        if like is None:
            return cls(vendor, instance_type)
        scale = 1 if like.instance_size == instance_size else _count(instance_size) / _units(like) or 1
        price = None if like.price_per_hour is None else like.price_per_hour * Decimal(scale)
        return cls(vendor, instance_type, like.accelerator, like.working_memory_gb * scale, price)

    def nearest(self, rows: Iterable[Hardware]) -> list[Hardware]:
        """Best first. Only the kind of accelerator that was wanted, if there is one of it."""
        ordered = sorted(rows, key=self._distance)
        return [row for row in ordered if row.accelerator == self.accelerator] or ordered

    def _distance(self, row: Hardware) -> tuple[float, float, bool, Decimal, str]:
        price = Decimal("Infinity") if row.price_per_hour is None else row.price_per_hour
        return (
            self._strangeness(row),
            abs(log((row.working_memory_gb or 1) / self.memory_gb)) if self.memory_gb else 0.0,
            row.status not in {HardwareStatus.AVAILABLE, HardwareStatus.LOW_AVAILABILITY},
            price if self.price_per_hour is None else abs(price - self.price_per_hour),
            row.id,
        )

    def _strangeness(self, row: Hardware) -> float:
        """0 for the type itself, 1 for its successor, 2 for another type; unknown names by how they are spelt."""
        if not self.accelerator:
            return -round(SequenceMatcher(None, self.instance_type, row.instance_type).ratio(), 2)
        if row.instance_type == self.instance_type:
            return 0
        return 1 if (row.vendor, row.instance_type) in SUCCESSORS.get((self.vendor, self.instance_type), ()) else 2


def alternatives(rows: Iterable[Hardware], wanted: Hardware, *, most: int = 3) -> list[Hardware]:
    """What can be had instead of hardware that was refused: as much memory of the same kind, the nearest place first.

    Another region or cloud makes another endpoint, so the same place comes before a lower price. Left out are rows of
    the same type and place, whose quota or stock is the same one, and rows whose quota is used up.
    """

    def order(row: Hardware) -> tuple[bool, bool, Decimal, str]:
        price = Decimal("Infinity") if row.price_per_hour is None else row.price_per_hour
        return (row.vendor != wanted.vendor, (row.vendor, row.region) != (wanted.vendor, wanted.region), price, row.id)

    same = (wanted.vendor, wanted.region, wanted.instance_type)
    fitting = [
        row
        for row in rows
        if row.accelerator == wanted.accelerator
        and (row.vendor, row.region, row.instance_type) != same
        and row.is_orderable
        and row.working_memory_gb >= wanted.working_memory_gb
        and (row.quota is None or row.quota.used + _units(row) <= row.quota.maximum)
    ]
    return sorted(fitting, key=order)[:most]


def _units(row: Hardware) -> int:
    """Accelerators, or vCPUs of a CPU row: the number in its size."""
    return row.num_accelerators or row.num_cpus or 1


def _count(instance_size: str) -> int:
    """The number in `x4`; 0 for a size that is not of that form, or of a form nobody can mean."""
    digits = instance_size.removeprefix("x")
    return int(digits) if digits.isdecimal() and len(digits) <= 4 else 0
