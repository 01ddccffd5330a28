"""What a process can use of an accelerator's memory: less than is advertised, and known for known cards only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources
from typing import Final

from hfdeploy.catalog import Hardware

GIB: Final = 2**30
_UNKNOWN_SHARE: Final = Fraction(92, 100)
"""Of the advertised decimal gigabytes, on a card that nobody has looked at."""


@dataclass(frozen=True, slots=True)
class Card:
    """One GPU. `bytes` is what a process sees of it."""

    bytes: Fraction
    capability: float | None
    """CUDA's compute capability; None for a card that is not known here."""

    @property
    def is_known(self) -> bool:
        """Whether somebody has looked at such a card."""
        return self.capability is not None


def card_of(hardware: Hardware) -> Card | None:
    """The card of a GPU instance; None where its memory is not known at all, or it has no GPU.

    For known cards the advertised figure is compared as a plain number with GiB: vendors' sizes are in no one unit.
    """
    if hardware.accelerator != "gpu" or not hardware.num_accelerators:
        return None
    return _card(hardware.instance_type, hardware.gpu_memory_gb, hardware.num_accelerators)


@lru_cache(maxsize=1024)
def _card(instance_type: str, gpu_memory_gb: float | None, count: int) -> Card | None:
    each = Fraction(str(gpu_memory_gb)) / count if gpu_memory_gb else None
    known = _table().get(instance_type)
    if known is not None:
        visible, capability = known
        return Card((visible if each is None else min(visible, each)) * GIB, capability)
    return None if each is None else Card(each * 10**9 * _UNKNOWN_SHARE, None)


@cache
def _table() -> Mapping[str, tuple[Fraction, float]]:
    """GiB and compute capability by instance type."""
    text = (resources.files("hfdeploy") / "data" / "gpus.json").read_text(encoding="utf-8")
    return {
        name: (Fraction(entry["gib"]), float(entry["compute_capability"]))
        for name, entry in json.loads(text, parse_float=str)["gpus"].items()
    }
