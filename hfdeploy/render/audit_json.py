"""An audit for programs: everything that its text has, money as decimal text."""

from collections.abc import Iterable
from typing import Any

from hfdeploy.audit import Audit, Resident, TagCost
from hfdeploy.cost import CURRENCY, HOURS_PER_MONTH
from hfdeploy.quota import Entry
from hfdeploy.render.audit import expected_of, idle_burn, total_of
from hfdeploy.render.fit import one_fit_json
from hfdeploy.render.hardware import hardware_json
from hfdeploy.render.plan_json import finding_json
from hfdeploy.render.text import money_text
from hfdeploy.render.usage import usage_json


def audit_json(audit: Audit, tags: Iterable[TagCost], key: str | None = None) -> dict[str, Any]:
    """Everything the text has. Values of environment variables, arguments and secrets are in none of it."""
    total = total_of(audit)
    return {
        "schemaVersion": 1,
        "namespace": audit.namespace,
        "at": audit.at.isoformat(timespec="seconds"),
        "idle_days": audit.idle_days,
        "catalogue": {"source": audit.catalog.source, "as_of": audit.catalog.as_of},
        "currency": CURRENCY,
        "hours_per_month": HOURS_PER_MONTH,
        "endpoints": [_endpoint(audit, one) for one in audit.residents],
        "totals": {
            "monthly_floor": money_text(total.floor),
            "monthly_ceiling": money_text(total.ceiling),
            "unpriced": list(total.unpriced),
            "hourly_floor": money_text(total.hourly_min),
            "hourly_ceiling": money_text(total.hourly_max),
            "monthly_expected": money_text(expected_of(audit)),
            "monthly_burnt_by_idle": money_text(idle_burn(audit)),
            "prices_as_of": list(total.prices_as_of),
        },
        "quota": [_entry(entry) for entry in (audit.review.ledger.entries if audit.review.ledger else ())],
        "by_tag": {"key": key, "rows": [_tag(row) for row in tags]},
        "findings": [finding_json(finding) for finding in audit.review.findings],
        "unreadable": list(audit.unreadable),
    }


def _endpoint(audit: Audit, one: Resident) -> dict[str, Any]:
    live, cost, activity = one.live, one.cost, one.activity
    fit, scaling = audit.review.fits.get(one.name), live.compute.scaling
    return {
        "name": one.name,
        "namespace": one.namespace,
        "state": live.status.state.value,
        "created_at": live.generation or None,
        "created_by": live.status.created_by.name or None,
        "repository": live.model.repository,
        "revision": live.model.revision,
        "engine": live.model.engine or None,
        "instance": one.hardware.spelling,
        "replicas": {"min": scaling.min_replica, "max": scaling.max_replica, "up": one.replicas_up},
        "security": live.type,
        "tags": list(one.tags),
        "hardware": hardware_json(one.hardware),
        "cost": {
            "monthly_floor": money_text(cost.floor),
            "monthly_ceiling": money_text(cost.ceiling),
            "monthly_expected": money_text(cost.expected),
            "monthly_if_it_stays_up": money_text(one.burnt_per_month),
            "monthly_ceiling_if_resumed": money_text(one.cost_if_resumed.ceiling),
        },
        "usage": usage_json(one.known),
        "usage_unknown": audit.evidence.unknown.get(one.name),
        "last_used_at": activity.last_used.isoformat() if activity.last_used else None,
        "is_idle": activity.is_idle,
        "idle_why": activity.why,
        "fit": fit and one_fit_json(fit),
        "unjudged": list(one.unjudged),
    }


def _tag(row: TagCost) -> dict[str, Any]:
    return {
        "tag": row.tag or None,
        "endpoints": list(row.names),
        "monthly_floor": money_text(row.floor),
        "monthly_ceiling": money_text(row.ceiling),
        "unpriced": list(row.total.unpriced),
        "monthly_expected": money_text(row.expected),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "vendor": entry.account.vendor,
        "region": entry.account.region or None,
        "instance_type": entry.account.instance_type,
        "maximum": entry.maximum,
        "used": entry.used,
        "held": entry.held,
        "at_minimum": entry.base + entry.need_min,
        "at_maximum": entry.peak,
        "verdict": entry.verdict.value,
        "first_over": entry.first_over or None,
    }
