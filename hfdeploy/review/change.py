"""A whole change: what was there before, what the specs want, and what becomes of each endpoint.

Where "before" comes from (the service, a state, a git revision) and which fields differ is for the caller to find out;
here both sides become the rows of a review.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hfdeploy.catalog import Hardware
from hfdeploy.cost import Estimate, estimate, estimate_of
from hfdeploy.plan import Plan
from hfdeploy.quota import Demand
from hfdeploy.review.delta import RESUME, Action, Delta, Exposure
from hfdeploy.review.finding import Finding, Review
from hfdeploy.review.wording import changed_words
from hfdeploy.spec import Security


@dataclass(frozen=True, slots=True)
class Before:
    """One endpoint as it is before the change."""

    name: str
    namespace: str
    declared: Mapping[str, Any]
    """In the words of a spec."""

    hardware: Hardware
    cost: Estimate
    replicas: int = 0
    """Those that count for the quota now: 1 for an endpoint that sleeps, 0 for a paused one."""

    is_paused: bool = False

    @property
    def security(self) -> Security | None:
        """Who can reach it; None for a level that this release does not know."""
        level = self.declared.get("security") or Security.PRIVATE.value
        return Security(level) if level in set(Security) else None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a spec changes about what is there."""

    wanted: Mapping[str, Any] = field(default_factory=dict)
    """The spec in its own words, with its namespace and the commit that is locked."""

    fields: tuple[str, ...] = ()
    """The spec's fields that mean something else."""

    replaces: tuple[str, ...] = ()
    """Those of them that the API cannot update."""

    reasons: tuple[str, ...] = ()
    """Why it is brought live again although no field says so; sentences without a full stop."""

    requests: tuple[str, ...] | None = None
    """What is going to be sent, as in `Delta`."""

    is_gone: bool = False
    """Of what no spec wants any more: whether the service does not have it either, so that nobody pays for it."""

    @property
    def stays(self) -> bool:
        """Of what no spec wants any more: whether nothing is sent, and it is said why."""
        return self.requests == () and bool(self.reasons)


@dataclass(frozen=True, slots=True)
class Change:
    """What every spec changes, and what there is without a spec."""

    against: str
    """`live`, `state`, or a git revision."""

    before: Mapping[str, Before] = field(default_factory=dict)
    """By name, also of what goes."""

    differences: Mapping[str, Difference] = field(default_factory=dict)
    """By name, of each spec: one without a row in `before` is made anew. Also of what goes, where there is a word to
    be said about it."""

    findings: tuple[Finding, ...] = ()
    """What speaks against it, as only this comparison can know."""

    counts_use: bool = False
    """Whether `before` is what runs now, so that its replicas are among those that the service counts."""

    now: "Change | None" = None
    """Where it is not: what runs now, for the ledger alone. None where nobody looked."""

    @property
    def knows_use(self) -> bool:
        """Whether it can be told which part of what the service counts is this change's own."""
        return self.counts_use or self.now is not None


def of_plan(plan: Plan, namespace: str, declared: Mapping[str, Any]) -> Before:
    """What a spec of before asked for."""
    return Before(plan.name, namespace, declared, plan.hardware, estimate_of(plan))


def of_hardware(
    name: str,
    namespace: str,
    declared: Mapping[str, Any],
    hardware: Hardware,
    *,
    bounds: tuple[int, int],
    idle_minutes: int | None,
    replicas: int = 0,
    is_paused: bool = False,
) -> Before:
    """What a live endpoint has; `bounds` are its fewest and most replicas."""
    cost = estimate(hardware, min_replicas=bounds[0], max_replicas=bounds[1], idle_minutes=idle_minutes)
    return Before(name, namespace, declared, hardware, cost, replicas, is_paused)


_UNKNOWN: Final = estimate(
    Hardware(vendor="unknown", region="unknown", instance_type="unknown", instance_size="unknown"),
    min_replicas=0,
    max_replicas=0,
    idle_minutes=None,
)
"""What an endpoint costs of which there is no plan."""


def deltas(change: Change, review: Review, names: Collection[str]) -> tuple[Delta, ...]:
    """One row for each endpoint, in the order of the specs; what is removed comes last.

    `names` are those of every spec. One of which no plan could be made is not removed, and while a file cannot be
    read nothing counts as removed, since it may be in there.
    """
    wanted = {plan.name: plan for plan in review.plans}
    rows = [_delta(change, plan) for plan in wanted.values() if plan.name in change.differences]
    rows += [_unplanned(spec.name, change.before.get(spec.name), spec.security) for spec in review.unplanned]
    for name, one in sorted(change.before.items()):
        if name not in names:
            difference = change.differences.get(name, Difference())
            rows.append(_unplanned(name, one, one.security) if review.unread else _removal(one, difference))
    return tuple(rows)


def demands(change: Change | None, review: Review, namespace: str) -> list[Demand]:
    """What the whole change holds and asks for, for the ledger of the quota.

    What an endpoint holds that stays alive without a spec, or of which no plan could be made, is not given back: it
    counts as somebody else's.
    """
    change = change or Change("")
    asked = [_demand(plan, change, namespace) for plan in review.plans]
    names = {*(one.name for one in asked), *(spec.name for spec in review.unplanned)}
    return asked + [
        Demand(one.name, one.namespace, None, held=one.hardware, held_replicas=one.replicas)
        for name, one in sorted(change.before.items())
        if change.counts_use and name not in names and not change.differences.get(name, Difference()).stays
    ]


def _demand(plan: Plan, change: Change, namespace: str) -> Demand:
    scaling, where, before = plan.spec.autoscaling, plan.spec.namespace or namespace, change.before.get(plan.name)
    held = before if change.counts_use and before is not None and before.namespace == where else None
    return Demand(
        plan.name,
        where,
        plan.hardware,
        scaling.min,
        scaling.max,
        is_paused=before is not None and before.is_paused and not _runs_again(plan, change),
        held=held.hardware if held else None,
        held_replicas=held.replicas if held else 0,
    )


def _runs_again(plan: Plan, change: Change) -> bool:
    """Whether a pause ends: the spec says so, a first rollout resumes what it paused, and what is made anew starts."""
    found = change.differences.get(plan.name, Difference())
    return plan.spec.state == "running" or bool(found.replaces) or RESUME in (found.requests or ())


def _delta(change: Change, plan: Plan) -> Delta:
    before, found = change.before.get(plan.name), change.differences[plan.name]
    action = _action(before, found)
    exposure = Exposure(before.security if before else None, plan.spec.security)
    words: tuple[str, ...] = found.reasons
    if before is not None:
        names = list(dict.fromkeys((*found.replaces, *found.fields)))
        words = (*changed_words(before.declared, found.wanted, names), *words)
    return Delta(
        plan.name,
        action,
        before.cost if before else None,
        estimate_of(plan),
        exposure,
        words,
        cuts_traffic=action is Action.REPLACE,
        requests=found.requests,
    )


def _unplanned(name: str, before: Before | None, security: Security | None) -> Delta:
    exposure = Exposure(before.security if before else None, security)
    return Delta(name, Action.UNPLANNED, before.cost if before else None, _UNKNOWN, exposure)


def _action(before: Before | None, found: Difference) -> Action:
    if before is None:
        return Action.CREATE
    if found.replaces:
        return Action.REPLACE
    return Action.UPDATE if found.fields or found.reasons else Action.UNCHANGED


def _removal(before: Before, found: Difference) -> Delta:
    """What leaves and stays alive goes on costing what it costs: no money is free for what is new."""
    exposure = Exposure(before.security, None)
    return Delta(
        before.name,
        Action.DELETE,
        None if found.is_gone else before.cost,
        before.cost if found.stays and not found.is_gone else None,
        exposure,
        found.reasons,
        cuts_traffic=not found.stays,
        requests=found.requests,
    )
