"""What is expected of a cost, always with what is assumed for it; nothing where no usage is known."""

from decimal import Decimal
from typing import Any

from hfdeploy.cost import format_money, format_month
from hfdeploy.render.text import money_text
from hfdeploy.review import Review
from hfdeploy.usage import Known, in_words


def expected_total(review: Review) -> Decimal | None:
    """A month of all endpoints whose usage is known; None where none is."""
    found = [cost.expected for plan in review.plans if (cost := review.cost_of(plan)).expected is not None]
    return sum(found, Decimal(0)) if found else None


def expected_paragraph(review: Review) -> str:
    """The expected month, endpoint by endpoint with its assumption; empty without any usage."""
    if not review.usage:
        return ""
    told, rest = [], []
    for plan in review.plans:
        known, expected = review.usage.get(plan.name), review.cost_of(plan).expected
        if known is None or expected is None:
            rest.append(plan.name)
        else:
            told.append(f"{plan.name} {format_money(expected)}, {in_words(known)}")
    said = [f"Expected every month, if usage stays as it is: {format_month(expected_total(review))}"]
    said += [f" ({'; '.join(told)})." if told else "."]
    if rest:
        said.append(f" Nothing is expected of {', '.join(rest)}, whose usage or price is not known.")
    return "".join(said)


def usage_json(known: Known | None) -> dict[str, Any] | None:
    """What is assumed of an endpoint; null where nothing is known."""
    if known is None:
        return None
    return {
        "active_hours_per_day": money_text(known.usage.active_hours_per_day),
        "avg_replicas": money_text(known.usage.avg_replicas),
        "source": known.source,
        "assumption": in_words(known),
    }
