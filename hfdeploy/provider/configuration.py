"""One configuration of one endpoint: what differs, bringing it live, reading what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hfdeploy.cost import format_money
from hfdeploy.errors import Cancelled, HfdeployError, SpecError, UsageError
from hfdeploy.evidence import Shelf
from hfdeploy.plan import Plan
from hfdeploy.provider import drift, memory
from hfdeploy.provider.branch import moved
from hfdeploy.provider.difference import changed_fields
from hfdeploy.provider.goal import make_goal
from hfdeploy.provider.host import Row, is_stopped
from hfdeploy.provider.outputs import as_declared, as_found, has_failed, make_outputs
from hfdeploy.provider.props import IDENTITY, Props, has_unknown, inputs_of, plain, spec_fields
from hfdeploy.provider.refreshed import refreshed, with_found
from hfdeploy.provider.refusal import told_with_alternatives
from hfdeploy.provider.session import Session
from hfdeploy.provider.unfinished import Note
from hfdeploy.render import estimate_of
from hfdeploy.rollout import Goal, Keep, Means, Prove, Record, bring_live, make_check
from hfdeploy.settings import Drift
from hfdeploy.spec import EndpointSpec, is_commit, parse_spec
from hfdeploy.verify import Verification, prove
from hfdeploy.wait import Clock, fallen
from hfdeploy.wire import Endpoint, State

_SHOW_EVERY_S = 0.2


def differences(olds: Props, news: Props, session: Session, row: Row) -> list[str]:
    """Why the configuration has to be brought live again; [] when there is nothing to do. Sends nothing.

    Two things are compared with what is wanted: what the last refresh found live, and what was last brought live and
    proved. The second notices the update that a killed run sent and nobody verified.
    """
    wanted = spec_fields(news)
    reasons = {*changed_fields(as_found(olds), wanted), *changed_fields(as_declared(olds), wanted)}
    if kept := drift.kept_fields(olds, news, session.safeguards.drift):
        row.warn(f"left as it was found, since hfdeploy:drift is report: {drift.describe(olds, kept)}")
        reasons -= set(kept)
    if has_failed(olds):
        reasons.add("state")
    if plain(olds.get("generation")) != plain(news.get("generation")):
        reasons.add("generation")
    try:
        spec = parse_spec(wanted)
    except SpecError:
        return sorted(reasons)
    values = memory.read_values(spec, session)
    if rotated := memory.changed(values, olds.get("remembered")):
        row.note(f"changed secrets: {', '.join(rotated)}")
        reasons.add("secrets")
    elif memory.are_elsewhere(values, olds):
        row.note("the endpoint has secret values that a run which did not succeed had sent")
        reasons.add("secrets")
    if spec.verify.when == "always" or Note(row.stack, spec.name, session.program).fields(str(news.get("generation"))):
        # Also where an update of this stack was not seen through, and looks now as if it had never been.
        reasons.add("verify")
    return sorted(reasons)


def bring(news: Props, olds: Props | None, session: Session, row: Row) -> Props:
    """Bring the configuration live, prove it, and return the outputs."""
    mode = session.safeguards.drift
    if olds is not None:
        if mode is not Drift.REVERT:
            olds = _looked_again(olds, session, row)
        drift.require_agreed(olds, news, mode)
    meant = news if olds is None else drift.with_kept(olds, news, mode)
    declared = spec_fields(meant)
    plan = session.plan(parse_spec(declared), declared["namespace"])
    values = memory.require_values(plan, session)
    note = Note(row.stack, plan.name, session.program)
    goal, remembered = make_goal(meant, olds, plan, values, session, note)
    journal = _Journal(note, goal.generation, declared)
    record = Record(goal, session.clock, _keeper(goal, session, row))
    means = Means(session.api, session.listing, session.clock, row, _prover(goal, session, row), journal, record)
    with told_with_alternatives(plan, goal.namespace, session):
        outcome = bring_live(goal, means)
    journal.note.finish()
    for shown in outcome.verification.deep if outcome.verification else ():
        row.note(str(shown))
    outs = make_outputs(news, goal, outcome, olds or {})
    outs["remembered"] = remembered
    return outs


@dataclass(frozen=True, slots=True)
class _Journal:
    """The note of this rollout's updates."""

    note: Note
    generation: str
    declared: Props

    def open(self, sent: Sequence[str], replicas: Sequence[str]) -> None:
        self.note.open(self.generation, self.declared, sent, replicas)

    def replicas(self) -> frozenset[str]:
        return self.note.replicas(self.generation)

    def answer(self, live: Endpoint) -> None:
        self.note.answer(live.status.updated_at)

    def withdraw(self) -> None:
        self.note.withdraw()

    def clear(self) -> None:
        self.note.clear()


def _looked_again(olds: Props, session: Session, row: Row) -> Props:
    """The outputs with what is live at this moment: a run without a refresh, or somebody quicker than it.

    Only where the stack does not let a run put back what somebody changed.
    """
    live = session.api.find(olds["namespace"], olds["name"])
    if live is None or live.generation != olds.get("generation"):
        return olds  # what that means is said by whoever looks for our endpoint
    plan = _plan_as_declared(olds, session)
    return olds if plan is None else with_found(olds, plan, live, Note(row.stack, plan.name, session.program))


def _prover(goal: Goal, session: Session, row: Row) -> Prove:
    def stopped_replicas() -> str:
        try:
            return fallen(session.api.get(goal.namespace, goal.plan.name))
        except Cancelled:
            raise
        except HfdeployError:
            # A second witness: where the service says nothing, the endpoint's own answers decide.
            return ""

    def prove_live(live: Endpoint, spec: EndpointSpec, deadline: float) -> Verification:
        if live.status.state is State.SCALED_TO_ZERO:
            row.note(f"waking {goal.place} to verify it, which costs {_cost_of_waking(goal)}")
        on_text = _LiveText(session.clock, row)
        verification = prove(
            make_check(live, session.settings, spec=spec),
            clock=session.clock,
            on_text=on_text,
            on_step=row.show,
            stopped=is_stopped,
            deadline=deadline,
            fallen=stopped_replicas,
        )
        on_text.finish()
        return verification

    return prove_live


def _cost_of_waking(goal: Goal) -> str:
    cost = estimate_of(goal.plan)
    if cost.wake is None:
        return "what its hardware costs, of which no price is known"
    return f"about {format_money(cost.wake)} if its start takes {cost.start_minutes} minutes"


def _keeper(goal: Goal, session: Session, row: Row) -> Keep:
    """Writes the evidence file of this rollout beside the program, which is the plugin's working directory."""
    shelf, begun = Shelf(Path(), row.stack, goal.plan.name), session.clock.utcnow()

    def keep(document: Mapping[str, object], verdict: str) -> None:
        try:
            file = shelf.keep({"stack": row.stack, **document}, verdict, begun)
        except OSError as error:
            row.warn(f"the evidence of {goal.place} could not be kept: {error}")
            return
        if verdict in {"failed", "inconclusive"}:
            row.note(f"evidence: {file}")

    return keep


def require_agreed(news: Props, session: Session) -> None:
    """Refuse in a preview, too, what this run's own refresh saw and the stack does not let it put back."""
    found = session.drifted.get(f"{news.get('namespace')}/{news.get('name')}")
    if found is not None and not has_unknown(news):
        drift.require_agreed(found, news, session.safeguards.drift)


def read(props: Props, session: Session, row: Row) -> tuple[Props, Props] | None:
    """(outputs, inputs) with what is live said in the spec's words, or None when the endpoint is gone.

    Operational state (asleep, replica counts, last use) is no configuration and changes nothing here.
    """
    namespace, name = props["namespace"], props["name"]
    live = session.find_same(namespace, name, props["generation"])
    if live is None:
        return None
    plan = _plan_as_declared(props, session)
    if plan is None:
        # State of another release may hold what this one's specs cannot say; the next update compares with the API.
        return dict(props), inputs_of({**as_found(props), **{key: props[key] for key in IDENTITY}})
    outs = refreshed(props, plan, live, Note(row.stack, plan.name, session.program))
    _tell(outs, session, row)
    asked, kept = plan.spec.revision, outs.get("revision")
    if not is_commit(asked) and (newer := moved(session.branches, plan.spec.repository, asked, kept)):
        row.warn(newer)
    return outs, inputs_of({**as_found(outs), **{key: props[key] for key in IDENTITY}})


def _plan_as_declared(props: Props, session: Session) -> Plan | None:
    """The plan of what was last brought live; None where this release cannot say it."""
    declared = as_declared(props)
    try:
        return session.plan_for_reading(parse_spec(declared), props["namespace"])
    except UsageError:
        return None


def _tell(outs: Props, session: Session, row: Row) -> None:
    """Say on the resource's row what differs, and remember it for the checks of this run."""
    if drift.drifted_fields(outs):
        session.drifted[f"{outs['namespace']}/{outs['name']}"] = outs
    if ours := drift.unfinished_fields(outs):
        row.note(f"sent by a run of this stack that did not end: {drift.describe(outs, ours)}")
    if others := drift.others_fields(outs):
        tell = row.warn if drift.is_widened(outs) and "security" in others else row.note
        tell(f"changed outside this stack: {drift.describe(outs, others)}")


class _LiveText:
    """Shows the end of the text as it streams, a few times a second: a line per token would slow the stream down."""

    def __init__(self, clock: Clock, row: Row) -> None:
        self._clock, self._row = clock, row
        self._text, self._shown_at = "", float("-inf")

    def __call__(self, piece: str) -> None:
        self._text += piece
        if self._clock.now() - self._shown_at >= _SHOW_EVERY_S:
            self._shown_at = self._clock.now()
            self._row.show(f"» {_tail(self._text)}")

    def finish(self) -> None:
        """Show the end of it."""
        if self._text:
            self._row.show(f"» {_tail(self._text)}")


def _tail(text: str) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= 60 else f"…{line[-59:]}"
