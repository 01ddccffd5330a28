"""What an organisation allows: how much each rule weighs, limits, who has to agree, and exceptions that end.

policy.yaml ─`read_policy`→ LoadedPolicy ─`breaches`, `weigh`, `approvals`→ what a review says and what stops a run

Everything is pure but the reading of the file: the day that decides whether an exception has ended is handed in.
"""

from hfdeploy.policy.document import Approval, Level, Limits, Policy, Waiver, policy_schema
from hfdeploy.policy.limits import Breach, Facts, breaches, facts_of, over_ceiling
from hfdeploy.policy.reading import LoadedPolicy, parse_policy, read_policy
from hfdeploy.policy.rules import RULES, Rule, Severity
from hfdeploy.policy.weighing import Weight, approvals, weigh

__all__ = [
    "RULES",
    "Approval",
    "Breach",
    "Facts",
    "Level",
    "Limits",
    "LoadedPolicy",
    "Policy",
    "Rule",
    "Severity",
    "Waiver",
    "Weight",
    "approvals",
    "breaches",
    "facts_of",
    "over_ceiling",
    "parse_policy",
    "policy_schema",
    "read_policy",
    "weigh",
]
