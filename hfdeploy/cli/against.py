"""`plan --against`: what the change is measured from, read from where it is."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from hfdeploy.baseline.target import Target
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.program import Program, surroundings
from hfdeploy.cli.service import QUICK, require_namespace, service
from hfdeploy.cli.usage import METRICS
from hfdeploy.errors import Unreachable, UsageError
from hfdeploy.lock import Lock
from hfdeploy.review import Before, Change, Review
from hfdeploy.settings import Settings
from hfdeploy.spec import LoadedSpec

if TYPE_CHECKING:
    from hfdeploy.recover.state import State
    from hfdeploy.wire import Endpoint


class Baseline(StrEnum):
    """The words that are no revision."""

    LIVE = "live"
    STATE = "state"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the command was asked for."""

    against: str | None
    offline: bool
    stack: str | None
    program: Path

    @property
    def asks_service(self) -> bool:
        """Whether the service is looked at."""
        return self.against in set(Baseline) and not self.offline

    @property
    def at_home(self) -> "Comparison":
        """The same where that asks nobody, which a git revision does not; else no comparison."""
        return replace(self, against=None) if self.against in set(Baseline) else self

    def require_meant(self, *, live: bool, usage: str | None) -> None:
        """Refuse what contradicts itself.

        Raises:
            UsageError: a look at the service without a network, or a state without a stack.
        """
        asking = {"--live": live, "--against live": self.against == Baseline.LIVE, "--usage metrics": usage == METRICS}
        if self.offline and (asked := next((option for option, is_given in asking.items() if is_given), "")):
            raise UsageError(f"{asked} asks the service, and --offline says not to ask anybody: leave one of them out.")
        if self.against == Baseline.STATE and self.stack is None:
            raise UsageError("--against state compares with the state of a stack: name it with --stack.")


def find_change(
    asked: Comparison,
    chosen: Settings,
    review: Review,
    loaded: Sequence[LoadedSpec],
    *,
    lock: Lock,
    catalog: Catalog,
    today: Catalog | None,
    where: Sequence[Path],
    pattern: str | None,
    live: bool,
) -> Change | None:
    """What the specs change; without `--against`, but live, what runs now. None where nobody is asked anything.

    A revision says nothing of what runs: live, the service is asked for that, too.
    """
    target = Target.of(loaded, review.plans, lock, catalog, chosen.namespace or "", today)
    match asked.against:
        case None:
            return _used_now(chosen, target) if live else None
        case Baseline.LIVE:
            from hfdeploy.baseline.live import against_live

            return against_live(target, _look(chosen, target), _owner(asked))
        case Baseline.STATE:
            return _against_state(asked, chosen, target)
        case revision:
            from hfdeploy.baseline.revision import against_revision

            since = against_revision(revision, where, target, surroundings(), pattern=pattern)
            return replace(since, now=_used_now(chosen, target, since.before.values())) if live else since


def _used_now(chosen: Settings, target: Target, before: Collection[Before] = ()) -> Change | None:
    """What runs now, for the quota alone; None, and a word about it, where nobody answers."""
    from hfdeploy.baseline.live import in_use

    try:
        return in_use(target, _look(chosen, target, seconds=QUICK), before)
    except Unreachable as trouble:
        terminal.warn(f"What runs now could not be read, so that the quota is unknown: {trouble}")
        return None


def _against_state(asked: Comparison, chosen: Settings, target: Target) -> Change:
    from hfdeploy.baseline.kept import Stack
    from hfdeploy.baseline.state import against_state
    from hfdeploy.provider.session import Session

    require_namespace(chosen)
    at = Program(asked.program, asked.stack or "")
    state = _state(at)
    live = None if asked.offline else _look(chosen, target, *state.namespaces)
    config = at.config(with_secrets=True)
    session = Session(config, _settings=chosen, program=at.folder)
    return against_state(target, Stack(at.stack, at.folder, state, session, live))


def _state(at: Program) -> "State":
    from hfdeploy.recover.state import read_state

    with terminal.busy(f"reading the state of {at.stack}"):
        return read_state(at.export(with_secrets=True))


def _owner(asked: Comparison) -> str | None:
    """The stack's owner id; empty for one that was never brought up, which owns nothing; None without a stack."""
    if asked.stack is None:
        return None
    from hfdeploy.recover.state import read_state

    at = Program(asked.program, asked.stack)
    with terminal.busy(f"reading the state of {at.stack}"):
        return read_state(at.export()).owner or ""


def _look(chosen: Settings, target: Target, *others: str, seconds: float | None = None) -> "dict[str, Endpoint]":
    """Every endpoint of the namespaces, read and not changed."""
    from hfdeploy.recover.review import survey

    require_namespace(chosen)
    with terminal.busy("asking the service what there is"), service(chosen, seconds=seconds) as api:
        return survey(api, {*target.namespaces, *others})
