"""Endpoints that carry a stack's owner tag and are in no state: found, priced, and removed on request.

A run that is killed between the POST and the state, and a `destroy` right after it, leave one behind. Nothing here
guesses: what is in the state is for the caller to say, the tag is looked at on every endpoint of the namespace, and
each endpoint is looked at once more before it is deleted.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from hfdeploy.catalog import Catalog, format_rate
from hfdeploy.errors import Cancelled, HfdeployError
from hfdeploy.owner import KEEP, is_ours, is_owner_id, logical_name_of, owner_tag, why_not_delete
from hfdeploy.wire import Endpoint, State

if TYPE_CHECKING:
    from hfdeploy.client import Api  # not loaded by commands that talk to nobody

_ASLEEP = frozenset({State.PAUSED, State.SCALED_TO_ZERO})


@dataclass(frozen=True, slots=True)
class Orphan:
    """One endpoint with the owner tag."""

    namespace: str
    name: str
    logical: str | None
    generation: str
    """The API's creation time, as received."""
    created_by: str
    state: str
    is_kept: bool
    """Whether somebody tagged it `hfd-keep`."""
    rate: Decimal | None
    """USD for one replica and hour; None where the hardware has no price."""
    replicas: int
    """Those that are billed now: none while it is paused or asleep."""

    @property
    def place(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def hourly(self) -> Decimal | None:
        """USD for an hour as it is now."""
        return None if self.rate is None else self.rate * self.replicas

    @property
    def daily(self) -> Decimal | None:
        """USD for a day as it is now."""
        return None if self.hourly is None else self.hourly * 24

    def age(self, now: datetime) -> timedelta | None:
        """Time since its creation, None where the service's text is no time."""
        try:
            return now - datetime.fromisoformat(self.generation)
        except (TypeError, ValueError):
            return None

    def __str__(self) -> str:
        rate = format_rate(self.hourly) if self.replicas or self.rate is None else "nothing billed while it is so"
        return f"{self.place} ({self.state}, since {self.generation or 'an unknown time'}, {rate})"


def find_tagged(
    api: "Api", owner: str, namespaces: Iterable[str], *, catalog: Callable[[str], Catalog]
) -> list[Orphan]:
    """Every endpoint of the namespaces that carries this owner's tag, sorted; the caller takes out what is in a state.

    All pages are read and the tags are judged here, since a filter of the service's may be understood otherwise.

    Raises:
        ValueError: no owner id, which would match what is nobody's.
        Unreachable: the namespace could not be read, or not what is this owner's in it.
    """
    if not is_owner_id(owner):
        raise ValueError(f"{owner!r} is no owner id: twelve hex digits are expected")
    return [
        describe(endpoint, namespace, catalog(namespace))
        for namespace in sorted(set(namespaces))
        for endpoint in sorted(api.list(namespace, must_read=owner_tag(owner)), key=lambda one: one.name)
        if is_ours(endpoint, owner)
    ]


def describe(endpoint: Endpoint, namespace: str, catalog: Catalog) -> Orphan:
    """A live endpoint as people have to decide about it."""
    where, what, status = endpoint.provider, endpoint.compute, endpoint.status
    row = catalog.find(where.vendor, where.region, what.instance_type, what.instance_size)
    return Orphan(
        namespace=namespace,
        name=endpoint.name,
        logical=logical_name_of(endpoint.tags),
        generation=endpoint.generation,
        created_by=status.created_by.name,
        state=status.state.value,
        is_kept=KEEP in endpoint.tags,
        rate=row.price_per_hour if row else None,
        replicas=0 if status.state in _ASLEEP else max(1, status.target_replica),
    )


def sweep(api: "Api", orphans: Iterable[Orphan], *, owner: str) -> dict[str, str]:
    """Delete these endpoints, going on after single failures; returns why each of the others is still there.

    Each is looked at again first: only the one that was found, with our tag and without `hfd-keep`, is deleted.
    """
    left: dict[str, str] = {}
    for one in orphans:
        try:
            reason = _remove(api, one, owner)
        except Cancelled:
            raise
        except HfdeployError as error:
            reason = str(error)
        if reason:
            left[one.place] = reason
    return left


def _remove(api: "Api", one: Orphan, owner: str) -> str | None:
    live = api.find(one.namespace, one.name)
    if live is None:
        return None
    if KEEP in live.tags:
        return f"it is tagged {KEEP}"
    reason = why_not_delete(live, owner=owner, generation=one.generation)
    if reason is None:
        api.delete(one.namespace, one.name, is_same=lambda seen: seen.generation == one.generation)
    return reason
