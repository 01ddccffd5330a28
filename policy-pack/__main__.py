"""hfdeploy's rules as a Pulumi policy pack, so that an organisation enforces them whatever a repository says.

The policy.yaml beside this file decides, not the one of the program. The pack judges by the hfdeploy that is installed
in its own environment.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from hfdeploy.policy import RULES, Level, LoadedPolicy, Severity, read_policy
from hfdeploy.review.finding import Finding
from hfdeploy.review.registered import FIELDS, TYPES, UNREADABLE, Registered

LEVELS = {Level.ERROR: EnforcementLevel.MANDATORY, Level.WARNING: EnforcementLevel.ADVISORY}
"""Notes are for those who review, and are not in a pack."""

_IDENTITY, ENDPOINT = TYPES


def policies(loaded: LoadedPolicy) -> list[ResourceValidationPolicy]:
    """One for each rule that weighs enough."""
    judge = Registered(loaded, datetime.now(UTC).date())
    levels = {rule.id: loaded.policy.rules.get(rule.id, Level(rule.severity.value)) for rule in RULES.values()}
    known = {rule.id: rule.says for rule in RULES.values()}
    known[UNREADABLE] = "The properties are no spec that this release of hfdeploy can read."
    levels[UNREADABLE] = Level.ERROR
    return [_policy(judge, rule, known[rule], LEVELS[level]) for rule, level in levels.items() if level in LEVELS]


def _policy(judge: Registered, rule: str, says: str, level: EnforcementLevel) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type not in TYPES:
            return
        for finding in judge.findings(_declared(args.props)):
            # A warning is said once, at the endpoint; what blocks has to stop the one that is made first, too.
            is_said = finding.severity is Severity.ERROR or args.resource_type == ENDPOINT
            if finding.rule == rule and is_said:
                report(_told(finding))

    return ResourceValidationPolicy(name=rule, description=says, validate=validate, enforcement_level=level)


def _declared(props: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the spec. One that is not known yet ends the rule for this preview; `up` asks again, knowing it."""
    return {field: plain for field in FIELDS if field in props and (plain := _plain(props[field])) is not None}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Properties without the wrapping in which the SDK finds what is not known yet."""
    if hasattr(value, "items"):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, str | int | float | bool | None):
        return value
    return [_plain(value[index]) for index in range(len(value))]


def _told(finding: Finding) -> str:
    said = f"{finding.field}: {finding.sentence}"
    return f"{said} {finding.fix}" if finding.fix and finding.fix not in said else said


if __name__ == "__main__":
    PolicyPack(name="hfdeploy", policies=policies(read_policy(Path(__file__).with_name("policy.yaml"))))
