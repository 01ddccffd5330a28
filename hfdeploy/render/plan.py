"""What is going to be asked for, what that costs, and what a review found, as rows and JSON values."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hfdeploy.catalog import Catalog, format_rate
from hfdeploy.cost import CURRENCY, HOURS_PER_MONTH, Estimate, Total, add_up, estimate, format_money
from hfdeploy.plan import Plan
from hfdeploy.render.hardware import hardware_json
from hfdeploy.render.table import Column, Table
from hfdeploy.review import Finding, Review
from hfdeploy.spec import FromEnv, SecretSource

NEVER = "never sleeps"


def estimate_of(plan: Plan) -> Estimate:
    """What the endpoint of a plan costs, without any usage known."""
    scaling = plan.spec.autoscaling
    idle = scaling.scale_to_zero_after
    return estimate(
        plan.hardware,
        min_replicas=scaling.min,
        max_replicas=scaling.max,
        idle_minutes=None if idle is None else int(idle / timedelta(minutes=1)),
    )


def plan_table(plans: Sequence[Plan]) -> Table:
    """One endpoint per row, with what an hour of one replica and a month cost; sums at the foot."""
    total = _total(plans)
    return Table(
        (
            Column("NAME"),
            Column("REPOSITORY"),
            Column("ENGINE"),
            Column("INSTANCE"),
            Column("WHERE"),
            Column("REPLICAS", is_number=True),
            Column("SECURITY"),
            Column("PRICE", is_number=True),
            Column("MONTH, FLOOR", is_number=True),
            Column("MONTH, CEILING", is_number=True),
        ),
        tuple(_row(plan, estimate_of(plan)) for plan in plans),
        (
            "total",
            f"{len(plans)} endpoint{'' if len(plans) == 1 else 's'}",
            *[""] * 5,
            "",
            format_money(total.floor),
            format_money(total.ceiling),
        ),
    )


def sums(plans: Sequence[Plan]) -> str:
    """The totals as sentences: the range of an hour and of a month, what has no price, and the date of the prices."""
    total = _total(plans)
    hours = f"{_hourly(total.hourly_min)} to {_hourly(total.hourly_max)}"
    sentences = [
        f"Every hour: {hours}. Every month ({HOURS_PER_MONTH} hours): {format_money(total.floor)} with the fewest "
        f"replicas, {format_money(total.ceiling)} with the most; what it will be depends on usage."
    ]
    if total.unpriced:
        sentences.append(f"Without a price, and not in the sums: {', '.join(total.unpriced)}.")
    if total.prices_as_of:
        sentences.append(f"Prices in {CURRENCY} as of {' and '.join(total.prices_as_of)}.")
    return " ".join(sentences)


def wakes(plans: Sequence[Plan]) -> str:
    """What waking costs, for the endpoints that sleep; empty where none does."""
    known = [(plan, estimate_of(plan)) for plan in plans]
    told = [f"{plan.name} {format_money(one.wake)}" for plan, one in known if one.wake is not None]
    if not told:
        return ""
    start = known[0][1].start_minutes
    return f"Each wake of a sleeping endpoint: {', '.join(told)} (a start of {start} minutes is assumed)."


def plan_json(review: Review, *, namespace: str | None, catalog: Catalog) -> dict[str, Any]:
    """Everything the table has, and the exact request of each endpoint."""
    total = _total(review.plans)
    return {
        "schemaVersion": 1,
        "catalogue": {"source": catalog.source, "as_of": catalog.as_of},
        "currency": CURRENCY,
        "hours_per_month": HOURS_PER_MONTH,
        "endpoints": [_endpoint(plan, namespace) for plan in review.plans],
        "totals": {
            "hourly_floor": _money(total.hourly_min),
            "hourly_ceiling": _money(total.hourly_max),
            "monthly_floor": _money(total.floor),
            "monthly_ceiling": _money(total.ceiling),
            "unpriced": list(total.unpriced),
            "prices_as_of": list(total.prices_as_of),
        },
        "findings": [finding_json(finding) for finding in review.findings],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    """One objection of a review."""
    return {
        "rule": finding.rule,
        "severity": finding.severity.value,
        "endpoint": finding.endpoint,
        "file": finding.file,
        "line": finding.line,
        "field": finding.field,
        "sentence": finding.sentence,
    }


def secrets_of(plan: Plan) -> dict[str, str]:
    """Where the values come from that are added when the request is sent: `HF_TOKEN: environment MODEL_TOKEN`."""
    sources = dict(plan.secrets)
    if plan.registry_password is not None:
        sources["registry password"] = plan.registry_password
    return {name: _described(source) for name, source in sorted(sources.items())}


def _row(plan: Plan, cost: Estimate) -> tuple[str, ...]:
    spec = plan.spec
    scaling = spec.autoscaling
    return (
        plan.name,
        spec.repository,
        spec.engine.type,
        plan.hardware.spelling,
        plan.hardware.place,
        f"{scaling.min}–{scaling.max}" if scaling.min != scaling.max else str(scaling.min),
        spec.security.value,
        format_rate(cost.rate),
        format_money(cost.floor),
        format_money(cost.ceiling),
    )


def _endpoint(plan: Plan, namespace: str | None) -> dict[str, Any]:
    spec, cost = plan.spec, estimate_of(plan)
    return {
        "name": plan.name,
        "namespace": spec.namespace or namespace,
        "repository": spec.repository,
        "engine": spec.engine.type,
        "instance": plan.hardware.spelling,
        "replicas": {"min": spec.autoscaling.min, "max": spec.autoscaling.max},
        "security": spec.security.value,
        "hardware": hardware_json(plan.hardware),
        "why": plan.resolution.why,
        "cost": {
            "hourly_floor": _money(cost.hourly_min),
            "hourly_ceiling": _money(cost.hourly_max),
            "monthly_floor": _money(cost.floor),
            "monthly_ceiling": _money(cost.ceiling),
            "wake": _money(cost.wake),
            "left_on_per_day": _money(cost.left_on_per_day),
            "assumed_start_minutes": str(cost.start_minutes),
        },
        "secrets": secrets_of(plan),
        "request": plan.body,
    }


def _total(plans: Sequence[Plan]) -> Total:
    estimates: Mapping[str, Estimate] = {plan.name: estimate_of(plan) for plan in plans}
    return add_up(estimates)


def _described(source: SecretSource) -> str:
    return f"environment {source.from_env}" if isinstance(source, FromEnv) else f"stack config {source.from_config}"


def _hourly(amount: Decimal) -> str:
    return format_rate(amount).removesuffix("/h")


def _money(amount: Decimal | None) -> str | None:
    """Full precision without an exponent; null for unpriced and for what does not apply."""
    return None if amount is None else f"{amount.normalize():f}"
