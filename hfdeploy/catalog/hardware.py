"""One row of the catalogue, read from the service's words or from the snapshot, which keeps them."""

from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Name = Annotated[str, StringConstraints(min_length=1)]
Key = tuple[str, str, str, str]


class HardwareStatus(StrEnum):
    """Whether a row can be had. `REMOVED` is ours: it was listed once and is no more."""

    AVAILABLE = "available"
    LOW_AVAILABILITY = "low_availability"
    RESERVED = "reserved"
    NOT_AVAILABLE = "not_available"
    DEPRECATED = "deprecated"
    REMOVED = "removed"
    UNKNOWN = "unknown"

    @classmethod
    def _missing_(cls, value: object) -> "HardwareStatus":  # noqa: ARG003 - the signature is Enum's
        return cls.UNKNOWN


class _Row(BaseModel):
    """Something the service or the snapshot says; more fields than these are none of our business."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", alias_generator=to_camel, validate_by_name=True, validate_by_alias=True
    )


class Quota(_Row):
    """Accelerators of one instance type that the namespace may run, all sizes together, and those it runs."""

    maximum: int = Field(alias="maxAccelerators", ge=0)
    used: int = Field(alias="usedAccelerators", ge=0)


def _exact(number: object) -> object:
    """A float from an already parsed reply is worth what it prints: 0.067, not 0.06700000000000000400."""
    return Decimal(repr(number)) if isinstance(number, float) else number


class Hardware(_Row):
    """What one replica runs on, where, and what an hour of it costs."""

    id: str = ""
    """`{vendor}-{region}-{type}-{size}`. Never split it on `-`: regions and types contain hyphens."""

    vendor: Name
    region: str
    """Empty only in `Catalog.withdrawn`."""

    accelerator: str = ""
    """`cpu`, `gpu`, `neuron` or `tpu`."""

    architecture: str = ""
    instance_type: Name
    instance_size: Name
    num_accelerators: int | None = Field(default=None, ge=0)
    """Per replica. None where it was never seen: CPU sizes above x1 in the snapshot."""

    num_cpus: int | None = Field(default=None, ge=0)
    memory_gb: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    gpu_memory_gb: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Advertised accelerator memory, the total of one replica."""

    price_per_hour: Annotated[Decimal, BeforeValidator(_exact), Field(ge=0)] | None = None
    """USD for one replica. None is "unpriced", which is never the same as free."""

    status: HardwareStatus = HardwareStatus.UNKNOWN
    quota: Quota | None = None
    """None when nobody said: the snapshot knows no quota."""

    region_confidence: Literal["confirmed", "assumed", "unknown"] = "confirmed"
    """`assumed`: the vendor has the type, but no public source was seen to name this region."""

    notes: str | None = None
    as_of: str | None = Field(default=None, alias="as_of")
    """The date of the row's figures in the snapshot; None for a live row."""

    @property
    def spelling(self) -> str:
        """What a spec should say: `nvidia-a100 x1`."""
        return f"{self.instance_type} {self.instance_size}"

    @property
    def place(self) -> str:
        """Vendor and region: `aws us-east-1`."""
        return f"{self.vendor} {self.region}"

    @property
    def key(self) -> Key:
        """What identifies the row in a catalogue."""
        return (self.vendor, self.region, self.instance_type, self.instance_size)

    @property
    def is_orderable(self) -> bool:
        """Whether a new endpoint may ask for it; permission, not stock. An unknown status is the service's call."""
        return self.status not in {HardwareStatus.NOT_AVAILABLE, HardwareStatus.DEPRECATED, HardwareStatus.REMOVED}

    @property
    def working_memory_gb(self) -> float:
        """The memory that decides what fits: the accelerators', else the machine's; 0 when unknown."""
        return self.gpu_memory_gb or self.memory_gb or 0.0


def format_rate(price_per_hour: Decimal | None) -> str:
    """`$2.50/h`; thousandths below ten cents (`$0.033/h`); `unpriced` when the price is not known."""
    if price_per_hour is None:
        return "unpriced"
    step = Decimal("0.001") if price_per_hour < Decimal("0.10") else Decimal("0.01")
    return f"${price_per_hour.quantize(step, ROUND_HALF_UP):,}/h"
