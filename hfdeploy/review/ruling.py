"""The whole of the rules over a review: exposure, hygiene and an organisation's policy, which has the last word.

review, deltas ─rules→ findings ─policy→ the same with other weights, exceptions in words, groups that have to agree
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase

from hfdeploy.cost import over_budget
from hfdeploy.lock import Lock
from hfdeploy.policy import RULES, LoadedPolicy, Severity, approvals, breaches, over_ceiling, weigh
from hfdeploy.review.delta import Delta
from hfdeploy.review.exposure import of_change, of_exposure
from hfdeploy.review.finding import Finding, Review
from hfdeploy.review.hygiene import of_hygiene
from hfdeploy.spec import LoadedSpec, SecretSource


@dataclass(frozen=True, slots=True)
class Budget:
    """What a stack's own configuration allows it to cost, and where it says so."""

    most: Decimal
    """In a month with every replica up."""

    file: str
    line: int
    """0 where the file does not show it, as with a value of the project or of an environment."""


def ruled(
    review: Review,
    loaded: Sequence[LoadedSpec],
    *,
    lock: Lock,
    today: date,
    policy: LoadedPolicy | None = None,
    is_set: Callable[[SecretSource], bool] | None = None,
    budget: Budget | None = None,
) -> Review:
    """The review with all rules applied. It has to hold its deltas by then, and all of its plans.

    `today` decides which exceptions of the policy have ended. `is_set` says whether the source of a secret is there.
    """
    found = (
        *review.findings,
        *_habits(review, loaded, lock, is_set),
        *of_change(review.deltas, loaded),
        *_of_budget(review, budget),
    )
    return under_policy(replace(review, findings=found), loaded, today=today, policy=policy)


def under_policy(
    review: Review, loaded: Sequence[LoadedSpec], *, today: date, policy: LoadedPolicy | None = None
) -> Review:
    """A review that has all its findings as a policy has it: its limits, its weights, its exceptions, its groups."""
    policy = policy or LoadedPolicy()
    found = [*review.findings, *_limits(review, loaded, policy)]
    weighed = [kept for finding in found if (kept := _weighed(finding, policy, today))]
    of_waivers = [*_ended(policy, today), *_unused(review, loaded, policy, today)]
    weighed += [kept for finding in of_waivers if (kept := _weighed(finding, policy, today))]
    dearer = None if review.unjudged else _dearer(review.deltas)
    return replace(
        review,
        findings=_in_order(weighed, loaded),
        approvals=approvals(policy.policy, dearer) if review.against else (),
    )


def _habits(
    review: Review, loaded: Sequence[LoadedSpec], lock: Lock, is_set: Callable[[SecretSource], bool] | None
) -> Iterator[Finding]:
    plans = {plan.name: plan for plan in review.plans}
    for one in loaded:
        yield from of_exposure(one)
        if plan := plans.get(one.spec.name):
            yield from of_hygiene(one, plan, lock, is_set)


def _of_budget(review: Review, budget: Budget | None) -> Iterator[Finding]:
    if budget and (said := over_budget({plan.name: review.cost_of(plan) for plan in review.plans}, budget.most)):
        rule = RULES["budget-exceeded"]
        yield Finding(rule.id, rule.severity, "", budget.file, budget.line, "hfdeploy:budget", said, rule.fix)


def _limits(review: Review, loaded: Sequence[LoadedSpec], policy: LoadedPolicy) -> Iterator[Finding]:
    limits, files = policy.policy.limits, {one.spec.name: one for one in loaded}
    for name, facts in review.facts.items():
        one = files.get(name)  # None for what is live and can be said in no spec
        for breach in breaches(limits, facts):
            file, line = (one.file, one.line_of(breach.field)) if one else (f"{review.audited}/{name}", 0)
            weight = RULES[breach.rule].severity
            yield Finding(breach.rule, weight, name, file, line, breach.field, breach.sentence, breach.fix)
    hourly = [(name, cost.hourly_max) for name, cost in review.costs_of_all.items()]
    if said := over_ceiling(limits, [*hourly, *((name, None) for name in review.unjudged)]):
        yield _of_policy(policy, "policy-monthly-ceiling", "limits.monthly_ceiling_usd", said)


def _ended(policy: LoadedPolicy, today: date) -> Iterator[Finding]:
    for index, waiver in enumerate(policy.policy.waivers):
        if waiver.until < today:
            said = (
                f"The exception from {waiver.rule} for {waiver.endpoint} ended on {waiver.until} "
                f"(by {waiver.by}: {waiver.reason}), and the rule counts again."
            )
            yield _of_policy(policy, "waiver-expired", f"waivers.{index}", said)


def _unused(review: Review, loaded: Sequence[LoadedSpec], policy: LoadedPolicy, today: date) -> Iterator[Finding]:
    """Exceptions for a name that nothing has: mistyped, one weakens no finding, and nobody hears of it."""
    names = {"", *(one.spec.name for one in loaded), *review.costs, *(delta.name for delta in review.deltas)}
    names |= {finding.endpoint for finding in review.findings}
    for index, waiver in enumerate(policy.policy.waivers):
        if waiver.until >= today and not any(fnmatchcase(name, waiver.endpoint) for name in names):
            said = f"The exception from {waiver.rule} is for {waiver.endpoint}, and no endpoint here is called so."
            yield _of_policy(policy, "waiver-unused", f"waivers.{index}", said)


def _of_policy(policy: LoadedPolicy, rule: str, field: str, said: str) -> Finding:
    known = RULES[rule]
    return Finding(rule, known.severity, "", policy.file, policy.line_of(field), field, said, known.fix)


def _weighed(finding: Finding, policy: LoadedPolicy, today: date) -> Finding | None:
    weight = weigh(policy.policy, finding.rule, finding.severity, finding.endpoint, today)
    if weight is None:
        return None
    if weight.waiver is None:
        return finding if weight.severity is finding.severity else replace(finding, severity=weight.severity)
    allowed = f"Allowed until {weight.waiver.until} by {weight.waiver.by}: {weight.waiver.reason}."
    return replace(finding, severity=Severity.NOTE, sentence=f"{finding.sentence} {allowed}")


def _dearer(deltas: Sequence[Delta]) -> Decimal | None:
    """What a month with every replica up costs more; None where one of the amounts is not known."""
    total = Decimal(0)
    for delta in deltas:
        after = Decimal(0) if delta.after is None else delta.after.ceiling
        before = Decimal(0) if delta.before is None else delta.before.ceiling
        if after is None or before is None:
            return None
        total += after - before
    return total


def _in_order(findings: Sequence[Finding], loaded: Sequence[LoadedSpec]) -> tuple[Finding, ...]:
    """In the order of the files and of their weight; what is about no single spec comes first."""
    files, weights = {one.spec.name: place for place, one in enumerate(loaded)}, list(Severity)
    return tuple(sorted(findings, key=lambda one: (files.get(one.endpoint, -1), weights.index(one.severity))))
