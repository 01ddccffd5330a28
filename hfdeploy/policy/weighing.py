"""What a policy makes of a finding, and who has to agree to a change."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase

from hfdeploy.policy.document import Level, Policy, Waiver
from hfdeploy.policy.rules import Severity


@dataclass(frozen=True, slots=True)
class Weight:
    """How much a finding weighs under a policy."""

    severity: Severity
    waiver: Waiver | None = None
    """The exception that made it a note."""


def weigh(policy: Policy, rule: str, severity: Severity, endpoint: str, today: date) -> Weight | None:
    """The weight of a finding; None where the policy turns its rule off.

    `severity` is what it weighs without a policy. An exception makes a note of it: it stays in sight.
    """
    level = policy.rules.get(rule)
    if level is Level.OFF:
        return None
    weight = severity if level is None else Severity(level.value)
    waiver = _waiver(policy, rule, endpoint, today)
    return Weight(weight) if waiver is None else Weight(Severity.NOTE, waiver)


def approvals(policy: Policy, delta: Decimal | None) -> tuple[str, ...]:
    """The groups that have to agree to a month that gets dearer by `delta`; None, an unknown amount, needs them all."""
    asked = [one.group for one in policy.approvals if delta is None or delta > one.above_monthly_delta_usd]
    return tuple(dict.fromkeys(asked))


def _waiver(policy: Policy, rule: str, endpoint: str, today: date) -> Waiver | None:
    """The exception that holds longest."""
    held = [
        one for one in policy.waivers if one.rule == rule and today <= one.until and fnmatchcase(endpoint, one.endpoint)
    ]
    return max(held, key=lambda one: one.until, default=None)
