"""The stack's state, against what the specs want: what `pulumi preview` is going to say, and what `up` then sends.

Asked are the functions that answer the engine's diff. With a look at the service the state is taken as a refresh
would leave it; without one it is taken as it is, which is `pulumi preview --refresh=false`.
"""

from collections.abc import Iterator
from typing import Final

from hfdeploy.baseline.kept import Kept, Stack, kept
from hfdeploy.baseline.live import SLEEP, Count, counting, is_own, row_of, whose
from hfdeploy.baseline.target import Goal, Target
from hfdeploy.catalog import Hardware
from hfdeploy.diff import REPLACES, changed_fields, replaced
from hfdeploy.errors import BlockingFinding, UsageError
from hfdeploy.owner import is_ours
from hfdeploy.plan import make_plan
from hfdeploy.policy import RULES
from hfdeploy.provider import configuration, drift, memory
from hfdeploy.provider.goal import make_goal
from hfdeploy.provider.guard import require_few_losses
from hfdeploy.provider.host import Row
from hfdeploy.provider.members import member
from hfdeploy.provider.outputs import as_found, has_failed
from hfdeploy.provider.props import Props, spec_fields
from hfdeploy.provider.unfinished import Note
from hfdeploy.review.change import Before, Change, Difference, of_hardware, of_plan
from hfdeploy.review.delta import RESUME
from hfdeploy.review.finding import Finding, Severity, finding_of
from hfdeploy.rollout import Work, told_known_bad, work_on
from hfdeploy.spec import declare, parse_spec
from hfdeploy.wire import Endpoint
from hfdeploy.wire import State as Condition

_NEVER_LIVE: Final = "it was never brought live to an end"


class _Heard(Row):
    """Keeps what the provider would show on a resource's row."""

    def __init__(self, stack: str) -> None:
        super().__init__(f"urn:pulumi:{stack}")
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        """A line below the row."""
        self.notes.append(text)

    def warn(self, text: str) -> None:
        """A warning below the row."""
        self.warnings.append(text)


def against_state(target: Target, stack: Stack) -> Change:
    """What the next `up` does. Endpoints that are gone from the service count as a refresh counts them: not there."""
    every = {one.logical: one for one in kept(stack)}
    there = {name: one for name, one in every.items() if not one.is_gone}
    differences: dict[str, Difference] = {}
    findings = [*_of_guard(target, stack)]
    for goal in target.goals:
        one = there.get(goal.name)
        difference, said = _new(goal, stack) if one is None else _compared(goal, one, stack)
        differences[goal.name] = difference
        findings += said
    gone = {name: one for name, one in every.items() if name not in differences}
    differences |= {name: _removal(one, stack) for name, one in gone.items()}
    count = counting(stack.live or {}, target)
    rows = {name: _row(one, target, count) for name, one in (there | gone).items()}
    return Change("state", rows, differences, tuple(findings), counts_use=stack.live is not None)


def _new(goal: Goal, stack: Stack) -> tuple[Difference, list[Finding]]:
    """One that the state does not have: made, unless it is there already as this stack's own."""
    found = (stack.live or {}).get(goal.place)
    if found is None:
        return Difference(goal.declared, requests=None if stack.live is None else ("POST",)), []
    owner = stack.state.owner or ""
    taken = whose(goal, found, owner)
    if taken is not None:
        return Difference(goal.declared, requests=()), [taken]
    news = {**goal.declared, "owner": owner, "logical_name": goal.name, "generation": found.generation}
    tags = () if is_own(found, owner, goal.name) else ("PUT",)
    work = _work(goal, news, None, found, stack)
    return Difference(goal.declared, requests=(*tags, *_requests(work))), [*_hopeless(goal, work)]


def _compared(goal: Goal, one: Kept, stack: Stack) -> tuple[Difference, list[Finding]]:
    new = goal.declared
    replaces = tuple(replaced(one.existence, new, REPLACES))
    if replaces:
        fields = tuple(changed_fields(as_found(one.outs or {}), new)) if one.outs else ()
        said = [_protected(goal, replaces)] if one.is_protected else []
        return Difference(new, fields, replaces, requests=None if stack.live is None else ("DELETE", "POST")), said
    identity = {"owner": one.existence["owner"], "logical_name": goal.name, "generation": one.existence["generation"]}
    news, row = {**new, **identity}, _Heard(stack.name)
    reasons = [] if one.outs is None else configuration.differences(one.outs, news, stack.session, row)
    said = [finding_of(goal.loaded, "drift-kept", Severity.WARNING, "name", text) for text in row.warnings]
    fields, words = _told(one, news, reasons, row)
    is_changed = bool(reasons) or one.outs is None
    requests: tuple[str, ...] | None = None if one.live is None else ()
    if is_changed and one.live is not None:
        try:
            work = _work(goal, news, one.outs, one.live, stack)
            requests = _requests(work)
            said += _hopeless(goal, work)
        except BlockingFinding as refused:
            said.append(finding_of(goal.loaded, "drift-blocked", Severity.ERROR, "name", str(refused)))
        if not is_ours(one.live, str(one.existence["owner"])):
            said.append(_lost_tags(goal, one))
    return Difference(new, fields, (), words, requests), said


def _told(one: Kept, news: Props, reasons: list[str], row: _Heard) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The spec's fields among the reasons, and a sentence for every other."""
    if one.outs is None:
        return (), (_NEVER_LIVE,)
    found, wanted = as_found(one.outs), spec_fields(news)
    fields = tuple(name for name in changed_fields(found, wanted) if name in reasons)
    words = list(row.notes)
    for name in reasons:
        if name in fields or (name == "secrets" and row.notes):
            continue
        if name == "verify" and wanted.get(name, {}).get("when") == "always":
            words.append("verify.when is always, so it is proved again")
        elif name == "state" and has_failed(one.outs):
            words.append(f"the service gave up on it ({one.outs.get('state')})")
        else:
            words.append(f"{name} is as wanted already, and was never brought live to an end")
    return fields, tuple(words)


def _work(goal: Goal, news: Props, outs: Props | None, live: Endpoint, stack: Stack) -> Work:
    """What bringing this configuration live has to do.

    Raises:
        BlockingFinding: the stack does not let a run put back what somebody changed.
    """
    session = stack.session
    mode = session.safeguards.drift
    meant = news
    if outs is not None:
        drift.require_agreed(outs, news, mode)
        meant = drift.with_kept(outs, news, mode)
    # As the provider plans it: what was sent before, and failed, is known by a digest of exactly that.
    plan = session.plan_for_reading(parse_spec(spec_fields(meant)), goal.namespace)
    note = Note(stack.name, plan.name, stack.program)
    rollout, _ = make_goal(meant, outs, plan, memory.read_values(plan.spec, session), session, note)
    return work_on(rollout, live)


def _requests(work: Work) -> tuple[str, ...]:
    state, spec = work.found.status.state, work.goal.plan.spec
    requests = ["PUT"] if work.is_sent else []
    if state is Condition.SCALED_TO_ZERO and work.is_proof_due and spec.autoscaling.min == 0:
        # It is given back as it was found.
        requests.append(SLEEP)
    if state is Condition.PAUSED and work.goal.may_resume:
        requests.append(RESUME)
    return tuple(requests)


def _hopeless(goal: Goal, work: Work) -> Iterator[Finding]:
    """What an `up` ends red with before it sends the change, or because of what the service said already."""
    if work.is_known_bad:
        yield finding_of(goal.loaded, "known-bad", Severity.ERROR, "rollout", told_known_bad(work))
    elif work.was_given_up:
        sentence = (
            f"{goal.place} is {work.found.status.state} with exactly this configuration, which was never proved: an "
            f"`up` takes that for evidence against it and ends as after a failed rollout."
        )
        yield finding_of(goal.loaded, "given-up", Severity.ERROR, "name", sentence)


def _removal(one: Kept, stack: Stack) -> Difference:
    """What becomes of an endpoint that no spec wants any more."""
    if one.is_gone:
        return Difference(reasons=("it is gone from the service already",), requests=(), is_gone=True)
    if one.is_retained:
        return Difference(reasons=("it is retained: it leaves the state and stays alive",), requests=())
    return Difference(requests=None if stack.live is None else ("DELETE",))


def _row(one: Kept, target: Target, count: Count) -> Before:
    namespace, declared = str(one.existence.get("namespace")), as_found(one.outs or {})
    if one.live is not None:
        return row_of(one.live, one.logical, namespace, declared or {"security": one.live.type}, target.catalog, count)
    try:
        plan = make_plan(parse_spec(declared), target.catalog)
    except UsageError:
        return of_hardware(one.logical, namespace, declared, _hardware(one, target), bounds=(0, 0), idle_minutes=None)
    return of_plan(plan, namespace, declared)


def _hardware(one: Kept, target: Target) -> Hardware:
    """What it ran on last, where its spec cannot be read by this release: without a price, unless it is known."""
    size = str((one.outs or {}).get("instance") or "unknown unknown").partition(" ")
    where = (str(one.existence.get("cloud") or "unknown"), str(one.existence.get("region") or ""))
    row = target.catalog.find(*where, size[0], size[2] or "unknown")
    return row or Hardware(vendor=where[0], region=where[1], instance_type=size[0], instance_size=size[2] or "unknown")


def _of_guard(target: Target, stack: Stack) -> Iterator[Finding]:
    """What the stack's guard refuses before anything is touched: too many endpoints that would go."""
    members = [
        member({**declare(one.spec), "namespace": one.spec.namespace or target.namespace}, one.spec.name)
        for one in target.loaded
    ]
    olds = (stack.state.guard or {}).get("inputs") or {}
    try:
        require_few_losses(dict(olds), {"members": members}, stack.session)
    except BlockingFinding as refused:
        file = str(stack.program / f"Pulumi.{stack.name.rpartition('/')[2]}.yaml")
        rule = RULES["too-many-removals"]
        yield Finding(rule.id, rule.severity, "", file, 0, "hfdeploy:maxRemovals", str(refused), rule.fix)


def _protected(goal: Goal, fields: tuple[str, ...]) -> Finding:
    sentence = (
        f"{goal.place} would be replaced (changed: {', '.join(fields)}), and it is protected: Pulumi refuses to delete "
        f'it. Set hfdeploy:protect to "false" and bring the stack up once with that, or take the change back.'
    )
    return finding_of(goal.loaded, "protected", Severity.ERROR, fields[0], sentence)


def _lost_tags(goal: Goal, one: Kept) -> Finding:
    sentence = (
        f"{one.place} lost the tags that say it is this stack's, so an `up` refuses to change it. Put them back by "
        f"hand (hfd-o-{one.existence['owner']} and hfd-l-{one.logical}), beside its other tags."
    )
    return finding_of(goal.loaded, "tags-lost", Severity.ERROR, "name", sentence)
