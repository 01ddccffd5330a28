"""The hardware on offer: rows of `data/hardware.json` as the catalogue shows them, and finding one of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from hfdeploy.emulator.options import Options

Row = Mapping[str, Any]

UNSEEN_MEMORY_GB = 60.0
"""RAM per accelerator where no source tells it. Made up: the API always has a number, and the SDK requires one."""

DEPLOYABLE = frozenset({"available", "low_availability", "reserved"})

_LABELS = {
    "us-east-1": "N. Virginia",
    "us-east-2": "Ohio",
    "us-west-2": "Oregon",
    "eu-west-1": "Ireland",
    "eastus": "Virginia",
    "us-east4": "Virginia",
}
_EXTRA_AWS = ("us-east-2", "us-west-2")


@dataclass(frozen=True, slots=True)
class Hardware:
    """One compute of one region: what an endpoint's `compute` names."""

    id: str
    vendor: str
    region: str
    accelerator: str
    architecture: str
    instance_type: str
    instance_size: str
    accelerators: int
    """Per replica."""
    price: float
    """USD per replica and hour."""
    status: str
    memory_gb: float
    gpu_memory_gb: int | None
    cpus: int | None
    """None on CPU rows, where the API leaves it out."""


Quota = Callable[[Hardware], tuple[int, int]]
"""Maximum and use, in accelerators, of a compute's type."""


class Catalogue:
    """The rows as the options would have them."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._version = -1
        self._listed: list[Hardware] = []
        self._places: dict[tuple[str, ...], Hardware] = {}
        text = (resources.files("hfdeploy.emulator") / "data" / "hardware.json").read_text(encoding="utf-8")
        self._rows: list[Row] = [row for row in json.loads(text) if row["status"] != "removed"]

    def all(self) -> list[Hardware]:
        """Everything listed, in the order of the data."""
        if self._version != self._options.version:
            self._listed = self._list()
            self._places = {_place(one): one for one in self._listed}
            self._version = self._options.version
        return self._listed

    def find(self, provider: Mapping[str, str], compute: Mapping[str, Any]) -> Hardware | None:
        """The compute that an endpoint's `provider` and `compute` name, or None."""
        self.all()
        place = (
            provider["vendor"],
            provider["region"],
            compute["accelerator"],
            compute["instanceType"],
            compute["instanceSize"],
        )
        return self._places.get(place)

    def vendors(self, quota: Quota) -> dict[str, Any]:
        """The `Vendors` reply."""
        tree: dict[str, dict[str, list[dict[str, Any]]]] = {}
        for one in self.all():
            tree.setdefault(one.vendor, {}).setdefault(one.region, []).append(_compute(one, quota(one)))
        if self._options["extra_aws_regions"] == "empty":
            tree["aws"] |= {region: [] for region in _EXTRA_AWS}
        return {
            "vendors": [
                {
                    "name": vendor,
                    "status": "available",
                    "regions": [
                        {"name": region, "label": _LABELS[region], "status": "available", "computes": computes}
                        for region, computes in regions.items()
                    ],
                }
                for vendor, regions in tree.items()
            ]
        }

    def _list(self) -> list[Hardware]:
        rows = [self._hardware(row, row["region"]) for row in self._rows if self._is_listed(row)]
        if self._options["extra_aws_regions"] == "as_us_east_1":
            copied = [row for row in self._rows if row["region"] == "us-east-1" and self._is_listed(row)]
            rows += [self._hardware(row, region) for region in _EXTRA_AWS for row in copied]
        return rows

    def _is_listed(self, row: Row) -> bool:
        return bool(row["regionConfidence"] == "confirmed" or self._options["assumed_hardware"] == "listed")

    def _hardware(self, row: Row, region: str) -> Hardware:
        options = self._options
        identity = f"{row['vendor']}-{region}-{row['instanceType']}-{row['instanceSize']}"
        accelerators = row["numAccelerators"]
        if accelerators is None:
            accelerators = row["numCpus"] if options["cpu_accelerators"] == "vcpus" else 1
        memory = row["gpuMemoryGb"]
        if options["gpu_memory_figures"] == "docs" and row["gpuMemoryGbInDocs"] is not None:
            memory = row["gpuMemoryGbInDocs"]
        if memory is not None and options["gpu_memory"] == "per_accelerator":
            memory //= accelerators
        return Hardware(
            id=identity,
            vendor=row["vendor"],
            region=region,
            accelerator=row["accelerator"],
            architecture=row["architecture"],
            instance_type=row["instanceType"],
            instance_size=row["instanceSize"],
            accelerators=accelerators,
            price=row["pricePerHour"],
            status=options["hardware_status"].get(identity, row["status"]),
            memory_gb=row["memoryGb"] or UNSEEN_MEMORY_GB * accelerators,
            gpu_memory_gb=memory,
            cpus=None if row["accelerator"] == "cpu" else row["numCpus"],
        )


def _place(one: Hardware) -> tuple[str, ...]:
    return one.vendor, one.region, one.accelerator, one.instance_type, one.instance_size


def _compute(one: Hardware, quota: tuple[int, int]) -> dict[str, Any]:
    compute: dict[str, Any] = {
        "id": one.id,
        "accelerator": one.accelerator,
        "architecture": one.architecture,
        "instanceType": one.instance_type,
        "instanceSize": one.instance_size,
        "numAccelerators": one.accelerators,
        "memoryGb": one.memory_gb,
        "gpuMemoryGb": one.gpu_memory_gb,
        "pricePerHour": one.price,
        "status": one.status,
        "quota": {"maxAccelerators": quota[0], "usedAccelerators": quota[1]},
    }
    return compute if one.cpus is None else compute | {"numCpus": one.cpus}
