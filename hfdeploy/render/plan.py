"""What is going to be asked for, what that costs, and what a review found, as rows and JSON values."""

import json
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus, format_rate
from hfdeploy.cost import (
    ASSUMED_START_MINUTES,
    CURRENCY,
    HOURS_PER_MONTH,
    Estimate,
    Total,
    add_up,
    estimate,
    format_money,
)
from hfdeploy.fit import Fit, FitVerdict
from hfdeploy.plan import Plan
from hfdeploy.render.fit import one_fit_json
from hfdeploy.render.hardware import describe_status, hardware_json
from hfdeploy.render.table import Column, Table, markdown
from hfdeploy.review import Finding, Review
from hfdeploy.spec import FromEnv, SecretSource


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


def plan_table(review: Review) -> Table:
    """One endpoint per row, with what an hour of one replica and a month cost; sums at the foot."""
    plans = review.plans
    total = _total(plans)
    return Table(
        (
            Column("NAME"),
            Column("REPOSITORY", is_flexible=True),
            Column("ENGINE"),
            Column("INSTANCE"),
            Column("WHERE"),
            Column("FIT"),
            Column("REPLICAS", is_number=True),
            Column("SECURITY"),
            Column("PRICE", is_number=True),
            Column("MONTH MIN", is_number=True),
            Column("MONTH MAX", is_number=True),
        ),
        tuple(_row(plan, estimate_of(plan), review.fits.get(plan.name)) for plan in plans),
        (
            f"{len(plans)} endpoint{'' if len(plans) == 1 else 's'}",
            *[""] * 8,
            format_money(total.floor),
            format_money(total.ceiling),
        ),
    )


def paragraphs(review: Review, today: Catalog | None = None) -> list[str]:
    """What is said below the table: the totals, the price of waking, what was not judged, what the service says."""
    plans = review.plans
    said = (_sums(plans), _wakes(plans), _not_judged(review), today and _overlay(plans, today))
    return [text for text in said if text]


def plan_markdown(review: Review, *, today: Catalog | None = None, with_bodies: bool = False) -> str:
    """Table, totals, findings and, on demand, the requests, as a comment on a pull request has them."""
    parts = [markdown(plan_table(review)), *paragraphs(review, today)] if review.plans else []
    if review.findings:
        parts.append("\n".join(f"- **{finding.severity.value}** {finding}" for finding in review.findings))
    if review.approvals:
        parts.append(f"**{approvals_line(review)}**")
    if with_bodies:
        parts += [
            f"POST of `{plan.name}`{describe_secrets(plan)}:\n\n```json\n{json.dumps(plan.body, indent=2)}\n```"
            for plan in review.plans
        ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def plan_json(
    review: Review, *, namespace: str | None, catalog: Catalog, today: Catalog | None = None
) -> dict[str, Any]:
    """Everything the table has, and the exact request of each endpoint.

    `catalog` is what was judged by. `today` is what the service says now; its rows are given beside.
    """
    total = _total(review.plans)
    return {
        "schemaVersion": 1,
        "catalogue": {"source": catalog.source, "as_of": catalog.as_of},
        "currency": CURRENCY,
        "hours_per_month": HOURS_PER_MONTH,
        "endpoints": [_endpoint(plan, review.fits.get(plan.name), namespace, today) for plan in review.plans],
        "totals": {
            "hourly_floor": _money(total.hourly_min),
            "hourly_ceiling": _money(total.hourly_max),
            "monthly_floor": _money(total.floor),
            "monthly_ceiling": _money(total.ceiling),
            "unpriced": list(total.unpriced),
            "prices_as_of": list(total.prices_as_of),
        },
        "findings": [finding_json(finding) for finding in review.findings],
        "approvals": list(review.approvals),
    }


def approvals_line(review: Review) -> str:
    """`approval required: finops`, for people and for pipelines that look for it; empty where nobody is asked."""
    return f"approval required: {', '.join(review.approvals)}" if review.approvals else ""


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
        "fix": finding.fix or None,
    }


def describe_secrets(plan: Plan) -> str:
    """` with HF_TOKEN from environment MODEL_TOKEN`: what is added when the request is sent; empty for nothing."""
    sources = _secrets_of(plan)
    return f" with {', '.join(f'{name} from {place}' for name, place in sources.items())}" if sources else ""


def _row(plan: Plan, cost: Estimate, fit: Fit | None) -> tuple[str, ...]:
    spec = plan.spec
    scaling = spec.autoscaling
    return (
        plan.name,
        spec.repository,
        spec.engine.type,
        plan.hardware.spelling,
        plan.hardware.place,
        fit.verdict.value if fit else FitVerdict.UNKNOWN.value,
        f"{scaling.min}–{scaling.max}" if scaling.min != scaling.max else str(scaling.min),
        spec.security.value,
        format_rate(cost.rate),
        format_money(cost.floor),
        format_money(cost.ceiling),
    )


def _endpoint(plan: Plan, fit: Fit | None, namespace: str | None, today: Catalog | None) -> dict[str, Any]:
    spec, cost = plan.spec, estimate_of(plan)
    row = today and today.find(*plan.hardware.key)
    return {
        "name": plan.name,
        "namespace": spec.namespace or namespace,
        "repository": spec.repository,
        "engine": spec.engine.type,
        "instance": plan.hardware.spelling,
        "replicas": {"min": spec.autoscaling.min, "max": spec.autoscaling.max},
        "security": spec.security.value,
        "hardware": hardware_json(plan.hardware),
        "live_hardware": row and hardware_json(row),
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
        "fit": fit and one_fit_json(fit),
        "secrets": _secrets_of(plan),
        "request": plan.body,
    }


def _sums(plans: Sequence[Plan]) -> str:
    total = _total(plans)
    month = f"{format_money(total.floor)} floor, {format_money(total.ceiling)} ceiling"
    sentences = [
        f"Every hour: {_hourly(total.hourly_min)} floor, {_hourly(total.hourly_max)} ceiling.",
        f"Every month ({HOURS_PER_MONTH} hours): {month}.",
        "What lies between depends on usage.",
    ]
    if total.unpriced:
        sentences.append(f"Without a price, and not in the sums: {', '.join(total.unpriced)}.")
    if total.prices_as_of:
        sentences.append(f"Prices in {CURRENCY} as of {' and '.join(total.prices_as_of)}.")
    return " ".join(sentences)


def _wakes(plans: Sequence[Plan]) -> str:
    """What waking costs, for the endpoints that sleep; empty where none does."""
    known = [(plan, estimate_of(plan)) for plan in plans]
    told = [f"{plan.name} {format_money(one.wake)}" for plan, one in known if one.wake is not None]
    if not told:
        return ""
    return f"Each wake of a sleeping endpoint: {', '.join(told)}, if a start takes {ASSUMED_START_MINUTES} minutes."


def _not_judged(review: Review) -> str:
    """Endpoints whose memory nobody can judge, each with the reason; empty where all are judged."""
    unknown = [f"{name}: {fit.sentence}" for name, fit in review.fits.items() if fit.verdict is FitVerdict.UNKNOWN]
    return f"Memory is not judged for {' '.join(unknown)}" if unknown else ""


def _overlay(plans: Sequence[Plan], today: Catalog) -> str:
    told = [f"{plan.name} {said}" for plan in plans if (said := _news(plan.hardware, today.find(*plan.hardware.key)))]
    return f"The service says today: {'; '.join(told) or 'the same prices, and all can be had'}."


def _news(row: Hardware, live: Hardware | None) -> str:
    """What the live row says that the planned one does not; the quota always, where there is one."""
    if live is None:
        return f"{row.spelling} is not in its catalogue"
    said = []
    if live.price_per_hour != row.price_per_hour:
        said.append(f"{row.spelling} costs {format_rate(live.price_per_hour)}, not {format_rate(row.price_per_hour)}")
    if live.status is not HardwareStatus.AVAILABLE:
        said.append(f"{row.spelling} is {describe_status(live)}")
    if live.quota:
        said.append(f"has {live.quota.used} of {live.quota.maximum} accelerators of the quota in use")
    return ", ".join(said)


def _total(plans: Sequence[Plan]) -> Total:
    return add_up({plan.name: estimate_of(plan) for plan in plans})


def _secrets_of(plan: Plan) -> dict[str, str]:
    sources = dict(plan.secrets)
    if plan.registry_password is not None:
        sources["registry password"] = plan.registry_password
    return {name: _described(source) for name, source in sorted(sources.items())}


def _described(source: SecretSource) -> str:
    return f"environment {source.from_env}" if isinstance(source, FromEnv) else f"stack config {source.from_config}"


def _hourly(amount: Decimal) -> str:
    return format_rate(amount).removesuffix("/h")


def _money(amount: Decimal | None) -> str | None:
    """Full precision without an exponent; null for unpriced and for what does not apply."""
    return None if amount is None else f"{amount.normalize():f}"
