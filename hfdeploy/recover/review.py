"""What is found, side by side: the endpoints that carry an owner id, and what the program wants of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from hfdeploy.catalog import Catalog
from hfdeploy.diff import project
from hfdeploy.errors import OwnershipError, UnknownHardware, UsageError
from hfdeploy.owner import KEEP, is_owner_id, logical_name_of, owners_of
from hfdeploy.plan import Plan, make_plan
from hfdeploy.provider.difference import changed_fields
from hfdeploy.provider.drift import shown
from hfdeploy.provider.goal import with_commit
from hfdeploy.provider.masking import masked
from hfdeploy.provider.props import Props, spec_fields
from hfdeploy.recover.state import State
from hfdeploy.recover.wanted import Intent, Wanted
from hfdeploy.spec import parse_spec
from hfdeploy.wire import Endpoint

if TYPE_CHECKING:
    from hfdeploy.client import Api


class Kind(StrEnum):
    """What becomes of an endpoint, or of a spec without one."""

    MATCHES = "matches"
    """Live as the spec says: nothing is left to do for the next `up`."""
    DIFFERS = "differs"
    """Brought back as it is live; the next preview shows what the spec would change."""
    LEFT = "left"
    """Ours, but its inputs cannot be known here: the next `up` continues it."""
    TRACKED = "tracked"
    """In the state already."""
    ABSENT = "absent"
    """A spec without an endpoint: the next `up` makes it."""
    FOREIGN = "foreign"
    """A namesake that does not carry the owner id: the next `up` refuses it."""
    NO_SPEC = "no spec"
    """An endpoint with the owner id that the program does not have: left alone, and out of the state."""


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint or spec."""

    place: str
    kind: Kind
    live: Endpoint | None = None
    intent: Intent | None = None
    plan: Plan | None = None
    found: Props | None = None
    """The spec as it is live; only of what is brought back."""
    differences: tuple[str, ...] = ()
    """`security: live "public", spec "private"`, field by field."""
    secrets: tuple[str, ...] = ()
    """Values that nobody can compare: the next `up` sends them again."""
    note: str = ""

    @property
    def is_recovered(self) -> bool:
        """Whether it is put into the state."""
        return self.kind in {Kind.MATCHES, Kind.DIFFERS}


@dataclass(frozen=True, slots=True)
class Review:
    """Everything a person has to see before agreeing."""

    owner: str
    rows: tuple[Row, ...]

    @property
    def recovered(self) -> tuple[Row, ...]:
        """What is going to be put into the state."""
        return tuple(row for row in self.rows if row.is_recovered)


def survey(api: "Api", namespaces: Iterable[str]) -> dict[str, Endpoint]:
    """Every endpoint of the namespaces by `namespace/name`; all pages are read."""
    return {f"{namespace}/{one.name}": one for namespace in sorted(set(namespaces)) for one in api.list(namespace)}


def by_owner(live: Mapping[str, Endpoint]) -> dict[str, list[str]]:
    """The owner ids found, each with the places that carry it and no other."""
    found: dict[str, list[str]] = {}
    for place, endpoint in sorted(live.items()):
        if owner := _owner_of(endpoint):
            found.setdefault(owner, []).append(place)
    return found


def choose_owner(state: State, live: Mapping[str, Endpoint], asked: str | None) -> str:
    """The owner id that the stack gets back.

    A guard whose id nothing carries is what an `up` on the lost state made; its id may go. One that is in use stays.

    Raises:
        UsageError: several ids are found and none was named, or the named one is not among them.
        OwnershipError: the state has an owner id in use, and it is not the one that was named; or there is none.
    """
    found = by_owner(live)
    if state.owner and (state.tracked or state.owner in found):
        if asked not in {None, state.owner}:
            raise OwnershipError(
                f"The state has the owner id {state.owner} and {_counted(len(state.tracked))}, so it cannot become "
                f"{asked}. Nothing was changed. If this state was started by mistake, `pulumi destroy` first what it "
                f"made; single endpoints of {asked} are taken over with `adopt: <creation time>` in their specs."
            )
        return state.owner
    if asked is not None:
        if asked not in found:
            raise UsageError(f"No endpoint carries the owner id {asked}. Found: {_told(found) or 'none'}.")
        return asked
    if not found:
        raise OwnershipError("No endpoint carries an owner id, so there is nothing to recover. Nothing was changed.")
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} owner ids are found, one for each stack: {_told(found)}. Name the one of this stack with "
            f"--owner."
        )
    return next(iter(found))


def make_review(
    wanted: Wanted, state: State, live: Mapping[str, Endpoint], owner: str, catalog: Callable[[], Catalog]
) -> Review:
    """Compare; nothing is sent."""
    rows = [
        Row(place, Kind.TRACKED, live.get(place), note=_of_another_time(live.get(place), generation))
        for place, generation in state.tracked.items()
    ]
    rows += [_row(one, state, live, owner, catalog) for one in wanted.intents if one.identity["urn"] not in state.urns]
    known = {row.place for row in rows}
    rows += [
        Row(place, Kind.NO_SPEC, live[place], note="tagged hfd-keep" if KEEP in live[place].tags else "")
        for place in by_owner(live).get(owner, [])
        if place not in known
    ]
    return Review(owner, tuple(sorted(rows, key=lambda row: row.place)))


def _row(intent: Intent, state: State, live: Mapping[str, Endpoint], owner: str, catalog: Callable[[], Catalog]) -> Row:
    if unknown := intent.hidden:
        return Row(intent.place, Kind.LEFT, intent=intent, note=f"{', '.join(unknown)}: known only during a run")
    found = live.get(intent.place)
    if found is None:
        return Row(intent.place, Kind.ABSENT, intent=intent)
    if _owner_of(found) != owner or logical_name_of(found.tags) != intent.logical:
        return Row(intent.place, Kind.FOREIGN, found, intent, note=_whose(found, owner))
    if not state.provider_of(intent.identity):
        return Row(intent.place, Kind.LEFT, found, intent, note="it has a Pulumi provider that is not in the state")
    return _compared(intent, found, catalog)


def _compared(intent: Intent, live: Endpoint, catalog: Callable[[], Catalog]) -> Row:
    declared = intent.declared
    try:
        plan = _plan(declared, catalog)
    except UsageError as error:
        return Row(intent.place, Kind.LEFT, live, intent, note=str(error))
    found = masked(project(declared, with_commit(plan.body, live.model.revision), live), declared)
    found = spec_fields(found | {"cloud": live.provider.vendor, "region": live.provider.region})
    fields = changed_fields(found, declared)
    return Row(
        intent.place,
        Kind.DIFFERS if fields else Kind.MATCHES,
        live,
        intent,
        plan,
        found,
        tuple(
            f"{name}: live {shown(name, found.get(name))}, spec {shown(name, declared.get(name))}" for name in fields
        ),
        tuple(sorted(plan.sources)),
        _trouble(live),
    )


def _plan(declared: Props, catalog: Callable[[], Catalog]) -> Plan:
    spec = parse_spec(declared)
    try:
        return make_plan(spec, Catalog.snapshot())
    except UnknownHardware:
        return make_plan(spec, catalog())


def _owner_of(endpoint: Endpoint) -> str | None:
    owners = owners_of(endpoint.tags)
    return owners[0] if len(owners) == 1 and is_owner_id(owners[0]) else None


def _whose(endpoint: Endpoint, owner: str) -> str:
    owners = owners_of(endpoint.tags)
    if owners == [owner]:
        return f"ours under the logical name {logical_name_of(endpoint.tags)!r}"
    by = endpoint.status.created_by.name or "somebody unknown"
    return f"created by {by}, owner ids {', '.join(owners) or 'none'}"


def _of_another_time(live: Endpoint | None, generation: str) -> str:
    if live is None:
        return "it is gone"
    return "" if live.generation == generation else f"the state has the one created at {generation}"


def _trouble(live: Endpoint) -> str:
    return f"it is {live.status.state.value}" if live.status.state.is_failure else ""


def _told(found: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(
        f"{owner} ({_counted(len(places))}: {', '.join(places[:3])}{', …' if len(places) > 3 else ''})"
        for owner, places in found.items()
    )


def _counted(number: int) -> str:
    return f"{number} endpoint{'' if number == 1 else 's'}"
