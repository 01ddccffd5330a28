"""One configuration of one endpoint: what differs, bringing it live, reading what became of it."""

from pathlib import Path

from hfdeploy import evidence
from hfdeploy.diff import project
from hfdeploy.errors import UsageError
from hfdeploy.provider import drift, memory
from hfdeploy.provider.difference import changed_fields
from hfdeploy.provider.goal import make_goal, with_commit
from hfdeploy.provider.host import Row, is_stopped
from hfdeploy.provider.outputs import as_declared, as_found, has_failed, make_outputs
from hfdeploy.provider.props import IDENTITY, Props, has_unknown, inputs_of, plain, spec_fields
from hfdeploy.provider.session import Session
from hfdeploy.rollout import Goal, Means, Prove, bring_live, make_check
from hfdeploy.spec import EndpointSpec, parse_spec
from hfdeploy.verify import Verification, prove
from hfdeploy.wait import Clock
from hfdeploy.wire import Endpoint

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
        plan = session.plan_offline(spec)
    except UsageError:
        return sorted(reasons)
    if rotated := memory.changed(memory.read_values(plan, session), olds.get("remembered")):
        row.note(f"changed secrets: {', '.join(rotated)}")
        reasons.add("secrets")
    if spec.verify.when == "always":
        reasons.add("verify")
    return sorted(reasons)


def bring(news: Props, olds: Props | None, session: Session, row: Row) -> Props:
    """Bring the configuration live, prove it, and return the outputs."""
    mode = session.safeguards.drift
    if olds is not None:
        drift.require_agreed(olds, news, mode)
    meant = news if olds is None else drift.with_kept(olds, news, mode)
    declared = spec_fields(meant)
    plan = session.plan(parse_spec(declared), declared["namespace"])
    values = memory.require_values(plan, session)
    goal = make_goal(meant, olds, plan, values, session)
    means = Means(session.api, session.listing, session.clock, row, _prover(goal, session, row))
    outcome = bring_live(goal, means)
    outs = make_outputs(news, goal, outcome, olds or {})
    outs["remembered"] = memory.remember(values, (olds or {}).get("remembered"))
    return outs


def _prover(goal: Goal, session: Session, row: Row) -> Prove:
    def prove_live(live: Endpoint, spec: EndpointSpec) -> Verification:
        on_text = _LiveText(session.clock, row)
        verification = prove(
            make_check(live, session.settings, spec=spec),
            clock=session.clock,
            on_text=on_text,
            on_step=row.show,
            stopped=is_stopped,
        )
        on_text.finish()
        # Kept before anything is raised: a failed verification is what people want to look at.
        is_restored = spec is not goal.plan.spec
        _keep_evidence(goal.place, verification, row, suffix=".restored" if is_restored else "")
        return verification

    return prove_live


def _keep_evidence(place: str, verification: Verification, row: Row, *, suffix: str) -> None:
    """Write the evidence file beside the program, which is the plugin's working directory."""
    file = evidence.file_of(Path(), row.stack, place.rpartition("/")[2] + suffix)
    try:
        evidence.keep(file, {"endpoint": place, **verification.as_dict()})
    except OSError as error:
        row.warn(f"the evidence of {place} could not be kept: {error}")


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
    before, declared = as_found(props), as_declared(props)
    try:
        plan = session.plan_for_reading(parse_spec(declared), namespace)
    except UsageError:
        # State of another release may hold what this one's specs cannot say; the next update compares with the API.
        return dict(props), inputs_of({**before, **{key: props[key] for key in IDENTITY}})
    shown = project(declared, with_commit(plan.body, props.get("revision")), live)
    outs = drift.signed(dict(props) if shown == before else {**props, "spec": shown}, live)
    if live.status.state.is_failure or has_failed(props):
        # That the service gave up on it is no operational state: the next `up` must not be green over it.
        outs["state"] = live.status.state.value
    if fields := drift.drifted_fields(outs):
        session.drifted[f"{namespace}/{name}"] = outs
        row.note(f"changed outside this stack: {drift.describe(outs, fields)}")
    return outs, inputs_of({**shown, **{key: props[key] for key in IDENTITY}})


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
