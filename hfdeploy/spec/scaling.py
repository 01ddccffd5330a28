"""How many replicas, and when they sleep."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import ConfigDict, Field

from hfdeploy.spec.scalar import REAL, WHOLE, Duration, between
from hfdeploy.spec.section import Objection, Section, relation

SHORTEST_IDLE: Final = timedelta(minutes=15)
"""Bounds of the service: its timeout is in minutes, 15 to 2880."""
LONGEST_IDLE: Final = timedelta(hours=48)


class Measure(Section):
    """What load is measured by; exactly one of the two."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    hardware_usage: Annotated[float, Field(gt=0, le=100), REAL] | None = None
    """Percent of CPU or GPU use above which a replica is added; the service's own threshold is 80."""

    pending_requests: Annotated[float, Field(gt=0), REAL] | None = None
    """Waiting requests per replica above which one is added; the service's own threshold is 1.5."""

    @relation("hardware_usage", "pending_requests")
    def _exactly_one(self) -> Iterator[Objection]:
        if (self.hardware_usage is None) == (self.pending_requests is None):
            yield "", "must have exactly one of hardware_usage and pending_requests"


def _idle_default(data: dict[str, Any]) -> timedelta | None:
    return SHORTEST_IDLE if data.get("min") == 0 else None


class Autoscaling(Section):
    """How many replicas, and when to let them sleep."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"min": {"minimum": 1}}, "required": ["min"]},
            "then": {"properties": {"scale_to_zero_after": False}},
        }
    )

    min: Annotated[int, Field(ge=0), WHOLE] = 0
    """Zero lets the endpoint sleep, unbilled; the next caller then waits for a cold start."""

    max: Annotated[int, Field(ge=1), WHOLE] = 1
    """The most replicas at once; all of them count against the quota, the sleeping ones too."""

    scale_to_zero_after: Annotated[Duration, between(SHORTEST_IDLE, LONGEST_IDLE, step=timedelta(minutes=1))] | None = (
        Field(default_factory=_idle_default)
    )
    """Idle time until the endpoint sleeps: 15m to 48h in whole minutes, 15m if left out; only with min 0."""

    measure: Measure | None = None
    """What adds replicas; left out, the service decides by hardware usage."""

    @relation("min", "max")
    def _bounds_in_order(self) -> Iterator[Objection]:
        if self.min > self.max:
            yield "min", f"is {self.min}, above autoscaling.max, which is {self.max}"

    @relation("min", "scale_to_zero_after")
    def _sleeps_only_from_zero(self) -> Iterator[Objection]:
        if self.min > 0 and self.scale_to_zero_after is not None:
            yield (
                "scale_to_zero_after",
                f"means something only with autoscaling.min 0, and min is {self.min}: set min to 0 or take this out",
            )
