"""Which protection is taken out, which classes do without it, and the harm that this has to show."""

from dataclasses import dataclass
from typing import Any, Final

from reconcile import Providers
from sabotage import Change, Injury
from schedule import BAD, BASE, NAMES, Schedule

from controls.configurations import AsksNobody, AsksTheOfficialClient, NeverRestores, TrustsTheState
from controls.guards import LetsAllGo, NeverStops, NeverSweeps
from controls.identities import AdoptsAnything, ConflictIsAnError, DeletesByName, PostsBlindly, RandomSuffix

_ONE: Final = NAMES[0]
_GOOD: Final = {_ONE: BASE}
_BROKEN: Final[dict[str, Any]] = {_ONE: {**BASE, "engine": {**BASE["engine"], "image": BAD}}}
_POST: Final = 2
"""The POST's number in the first run of one endpoint: the catalogue and a look come before it."""


@dataclass(frozen=True)
class Control:
    """A protection taken out; `rules` are the invariants that break without it in `schedule`."""

    protection: str
    providers: Providers
    schedule: Schedule
    rules: frozenset[str]


def _create(*injuries: Injury, **more: Any) -> Schedule:
    return Schedule("create", {}, _GOOD, injuries, **more)


CONTROLS: Final = (
    Control(
        "names are fixed, the tag is on the POST, nothing waits in create (strategy A)",
        Providers(identity=RandomSuffix, endpoint=None),
        _create(Injury("killed after commit", _POST)),
        frozenset({"I1", "I2", "O"}),
    ),
    Control(
        "a look before the POST and after 409 (strategy B)",
        Providers(identity=ConflictIsAnError),
        _create(Injury("reset after commit", 1)),
        frozenset({"S"}),
    ),
    Control(
        "the owner id (strategy C)",
        Providers(identity=AdoptsAnything, endpoint=AsksNobody),
        _create(change=Change("namesake made first", 0, _ONE)),
        frozenset({"I3"}),
    ),
    Control(
        "creation time and tag looked at before a DELETE",
        Providers(identity=DeletesByName),
        Schedule("destroy", _GOOD, {}, (), Change("recreated by somebody", 0, _ONE)),
        frozenset({"I3"}),
    ),
    Control(
        "an unclear POST is never sent again blindly",
        Providers(identity=PostsBlindly),
        _create(Injury("500 after commit", _POST)),
        frozenset({"I8"}),
    ),
    Control(
        "nothing is sent after the second 401",
        Providers(identity=NeverStops),
        _create(Injury("401 from now on", 1)),
        frozenset({"I7"}),
    ),
    Control(
        "a failed update is put back",
        Providers(endpoint=NeverRestores),
        Schedule("bad update", _GOOD, _BROKEN, (), failure="broken_image"),
        frozenset({"R"}),
    ),
    Control(
        "a state of `running` proves nothing",
        Providers(endpoint=TrustsTheState),
        Schedule("bad update", _GOOD, _BROKEN, (), failure="empty"),
        frozenset({"G"}),
    ),
    Control(
        "a stream that the official client reads to its end proves nothing",
        Providers(endpoint=AsksTheOfficialClient),
        Schedule("bad create", {}, _BROKEN, (), failure="empty"),
        frozenset({"G"}),
    ),
    Control(
        "the guard sweeps at the end",
        Providers(guard=NeverSweeps),
        _create(Injury("killed after commit", _POST), destroys_at_once=True),
        frozenset({"O"}),
    ),
)

GUARDLESS: Final = Providers(guard=LetsAllGo)
"""The one whose harm needs no trouble: a wrong glob is enough."""
