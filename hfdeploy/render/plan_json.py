"""A plan and its review as one JSON value, with the exact request of each endpoint."""

from typing import Any

from hfdeploy.catalog import Catalog
from hfdeploy.cost import CURRENCY, HOURS_PER_MONTH, add_up
from hfdeploy.plan import Plan
from hfdeploy.render.change import change_json
from hfdeploy.render.fit import one_fit_json
from hfdeploy.render.hardware import hardware_json
from hfdeploy.render.quota import quota_json
from hfdeploy.render.text import money_text as _money
from hfdeploy.render.usage import expected_total, usage_json
from hfdeploy.review import Finding, Review
from hfdeploy.spec import FromEnv, SecretSource


def plan_json(
    review: Review, *, namespace: str | None, catalog: Catalog, today: Catalog | None = None
) -> dict[str, Any]:
    """Everything the table has, and the exact request of each endpoint.

    `catalog` is what was judged by. `today` is what the service says now; its rows are given beside.
    """
    total = add_up({plan.name: review.cost_of(plan) for plan in review.plans})
    return {
        "schemaVersion": 1,
        "catalogue": {"source": catalog.source, "as_of": catalog.as_of},
        "currency": CURRENCY,
        "hours_per_month": HOURS_PER_MONTH,
        "endpoints": [_endpoint(plan, review, namespace, today) for plan in review.plans],
        "totals": {
            "hourly_floor": _money(total.hourly_min),
            "hourly_ceiling": _money(total.hourly_max),
            "monthly_floor": _money(total.floor),
            "monthly_ceiling": _money(total.ceiling),
            "monthly_expected": _money(expected_total(review)),
            "unpriced": [*total.unpriced, *(spec.name for spec in review.unplanned)],
            "prices_as_of": list(total.prices_as_of),
        },
        **change_json(review),
        "quota": review.ledger and quota_json(review.ledger),
        "findings": [finding_json(finding) for finding in review.findings],
        "approvals": list(review.approvals),
        "unjudged": list(review.unjudged),
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
        "fix": finding.fix or None,
    }


def describe_secrets(plan: Plan) -> str:
    """` with HF_TOKEN from environment MODEL_TOKEN`: what is added when the request is sent; empty for nothing."""
    sources = _secrets_of(plan)
    return f" with {', '.join(f'{name} from {place}' for name, place in sources.items())}" if sources else ""


def _endpoint(plan: Plan, review: Review, namespace: str | None, today: Catalog | None) -> dict[str, Any]:
    spec, cost, fit = plan.spec, review.cost_of(plan), review.fits.get(plan.name)
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
            "monthly_expected": _money(cost.expected),
            "wake": _money(cost.wake),
            "left_on_per_day": _money(cost.left_on_per_day),
            "assumed_start_minutes": str(cost.start_minutes),
        },
        "usage": usage_json(review.usage.get(plan.name)),
        "fit": fit and one_fit_json(fit),
        "secrets": _secrets_of(plan),
        "request": plan.body,
    }


def _secrets_of(plan: Plan) -> dict[str, str]:
    sources = dict(plan.secrets)
    if plan.registry_password is not None:
        sources["registry password"] = plan.registry_password
    return {name: _described(source) for name, source in sorted(sources.items())}


def _described(source: SecretSource) -> str:
    return f"environment {source.from_env}" if isinstance(source, FromEnv) else f"stack config {source.from_config}"
