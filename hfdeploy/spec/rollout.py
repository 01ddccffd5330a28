"""How long a rollout may take, and what happens when it fails."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field

from hfdeploy.spec.scalar import REAL, WHOLE, Duration, between
from hfdeploy.spec.section import Section


class OnCreateFailure(StrEnum):
    """What becomes of an endpoint whose first rollout failed."""

    PAUSE = "pause"
    KEEP = "keep"
    DELETE = "delete"


class OnUpdateFailure(StrEnum):
    """What becomes of an endpoint whose update failed."""

    RESTORE = "restore"
    HOLD = "hold"


class RolloutSpec(Section):
    """How long a rollout may take, and what happens when it fails."""

    later: ClassVar[frozenset[str]] = frozenset({"strategy"})

    timeout: Annotated[Duration, between(timedelta(seconds=1), timedelta(hours=24), step=timedelta(seconds=1))] = (
        timedelta(minutes=30)
    )
    """Time until the endpoint must run, 1s to 24h; starting is billed, so a stuck rollout costs money until then."""

    max_usd: Annotated[float, Field(gt=0), REAL] | None = None
    """The most that one rollout may cost in USD until it serves; above it the rollout has failed."""

    on_create_failure: OnCreateFailure = OnCreateFailure.PAUSE
    """After a failed first rollout: pause (not billed), keep (billed, for a look at it) or delete."""

    on_update_failure: OnUpdateFailure = OnUpdateFailure.RESTORE
    """After a failed update: restore the configuration that worked, or hold the failed one."""

    attempt: Annotated[int, Field(ge=1), WHOLE] = 1
    """Raise it to try a configuration again that failed before and was put back."""
