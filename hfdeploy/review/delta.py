"""What a change does to one endpoint, beside what was there before."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hfdeploy.cost import Estimate
from hfdeploy.spec import Security

RESUME: Final = "resume"
"""The request that ends a pause."""


class Action(StrEnum):
    """What happens to an endpoint."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    """Deleted and made anew: cloud, region, namespace, type or name cannot be changed in place."""

    DELETE = "delete"
    UNCHANGED = "unchanged"
    UNPLANNED = "unplanned"
    """Nobody can tell: no plan could be made of its spec, or it may be in a file that cannot be read."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Who could reach an endpoint before and after; None where there is none."""

    before: Security | None
    after: Security | None


@dataclass(frozen=True, slots=True)
class Delta:
    """One endpoint of a change."""

    name: str
    action: Action
    before: Estimate | None
    """What it costs now; None for a new one, and for one that is gone already."""

    after: Estimate | None
    """What it will cost; None for one that is removed, and without a rate where nobody can tell.

    What is removed from a stack and stays alive costs what it did.
    """

    exposure: Exposure
    changes: tuple[str, ...] = ()
    """Each property that differs, in words with both values (secrets by name alone)."""

    cuts_traffic: bool = False
    """Whether nothing answers at some time in between."""

    requests: tuple[str, ...] | None = None
    """What changes something at the service, in order: POST, PUT, DELETE, resume. None where nobody looked at it."""
