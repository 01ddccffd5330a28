"""What is going to be asked for and what that costs, as rows and sentences."""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus, format_rate
from hfdeploy.cost import (
    ASSUMED_START_MINUTES,
    CURRENCY,
    HOURS_PER_MONTH,
    Estimate,
    Total,
    add_up,
    format_money,
)
from hfdeploy.fit import Fit, FitVerdict
from hfdeploy.plan import Plan
from hfdeploy.render.change import change_table, dangers, headline, leaves_out
from hfdeploy.render.hardware import describe_status
from hfdeploy.render.lines import Line, foremost, lines_of
from hfdeploy.render.quota import legend, quota_sentence, quota_table
from hfdeploy.render.table import Column, Table
from hfdeploy.render.unjudged import action_words, and_unknown, count_unjudged, spec_row, unjudged_sentence
from hfdeploy.render.usage import expected_paragraph
from hfdeploy.review import Action, Review

_NAMED: Final = 20
"""Endpoints that one sentence names."""


def plan_table(review: Review) -> Table:
    """One endpoint per row, with what an hour of one replica and a month cost; sums at the foot.

    Of many endpoints those that matter most, first; the sums are of all.
    """
    plans = review.plans
    total = _total(review, plans)
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
        tuple(_any_row(line, review) for line in _shown(review)),
        (
            f"{len(plans)} endpoint{'' if len(plans) == 1 else 's'}",
            count_unjudged(review),
            *[""] * 7,
            and_unknown(total.floor, review),
            and_unknown(total.ceiling, review),
        ),
    )


def paragraphs(review: Review, today: Catalog | None = None) -> list[str]:
    """What is said below the table: the totals, the price of waking, what was not judged, what the service says."""
    plans = review.plans
    quota = quota_sentence(review.ledger, with_unchanged=leaves_out(review)) if review.ledger else ""
    said = (
        _left_out(review),
        _sums(review),
        _wakes(review),
        expected_paragraph(review),
        not_judged(review),
        quota,
        today and _overlay(plans, today),
    )
    return [text for text in said if text]


def change_parts(review: Review) -> list[str | Table]:
    """What comes before the endpoints: what changes, in a line, in a table, and what must not be overlooked."""
    if not review.against:
        return []
    changed = [line for line in lines_of(review) if line.delta and line.delta.action is not Action.UNCHANGED]
    shown = foremost(changed)
    parts: list[str | Table] = [headline(review)]
    if shown:
        parts.append(change_table(review, [line.delta for line in shown if line.delta]))
    if len(changed) > len(shown):
        left = Counter(line.action for line in changed) - Counter(line.action for line in shown)
        told = ", ".join(f"{left[action]} {action_words(action)}" for action in Action if left[action])
        parts.append(f"These {len(shown)} changes matter most; the others: {told}.")
    return [*parts, *dangers(review)]


def quota_parts(review: Review) -> list[str | Table]:
    """What comes after them: the ledger, where limits are known."""
    if review.ledger is None or all(entry.maximum is None for entry in review.ledger.entries):
        return []
    return [quota_table(review.ledger), f"Accelerators: {legend(review.ledger)}."]


def summary(review: Review, catalog: Catalog) -> str:
    """Everything in a line: `4 endpoints: $0.067–$5.13 an hour, $48.91–$3,747.82 a month, …`."""
    plans = review.plans
    total = _total(review, plans)
    unpriced = f", without {', '.join(total.unpriced)}, which has no price" if total.unpriced else ""
    source = "the service's catalogue of today"
    if catalog.source == "snapshot":
        dates = " and ".join(total.prices_as_of) or catalog.as_of
        source = f"the dated snapshot ({dates}), not the service's prices of today"
    return (
        f"{len(plans)} endpoint{'' if len(plans) == 1 else 's'}: "
        f"{_hourly(total.hourly_min)}–{_hourly(total.hourly_max)} an hour, "
        f"{format_money(total.floor)}–{format_money(total.ceiling)} a month of {HOURS_PER_MONTH} hours{unpriced}, "
        f"in {CURRENCY} by {source}."
    )


def approvals_line(review: Review) -> str:
    """`approval required: finops`, for people and for pipelines that look for it; empty where nobody is asked."""
    return f"approval required: {', '.join(review.approvals)}" if review.approvals else ""


def _any_row(line: Line, review: Review) -> tuple[str, ...]:
    if line.unplanned is not None:
        return spec_row(line.unplanned)
    return _row(line.plan, review.cost_of(line.plan), line.fit) if line.plan else ()


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


def _shown(review: Review) -> tuple[Line, ...]:
    return foremost([line for line in lines_of(review) if line.plan or line.unplanned])


def _left_out(review: Review) -> str:
    """The summary of what the table has no row for; empty where it has all."""
    names = {line.name for line in _shown(review)}
    rest = [plan for plan in review.plans if plan.name not in names]
    if not rest:
        return ""
    total = _total(review, rest)
    return (
        f"These {len(names)} matter most (errors first, then what is replaced or opened, then cost); the other "
        f"{len(rest)} cost {format_money(total.floor)} to {format_money(total.ceiling)} a month, and --format json, "
        f"csv and html have them all."
    )


def _sums(review: Review) -> str:
    if not review.plans:
        return unjudged_sentence(review)
    total = _total(review, review.plans)
    month = f"{format_money(total.floor)} floor, {format_money(total.ceiling)} ceiling"
    sentences = [
        f"Every hour: {_hourly(total.hourly_min)} floor, {_hourly(total.hourly_max)} ceiling.",
        f"Every month ({HOURS_PER_MONTH} hours): {month}.",
        "What lies between depends on usage.",
    ]
    if total.unpriced:
        sentences.append(f"Without a price, and not in the sums: {', '.join(total.unpriced)}.")
    if review.unjudged:
        sentences.append(unjudged_sentence(review))
    if total.prices_as_of:
        sentences.append(f"Prices in {CURRENCY} as of {' and '.join(total.prices_as_of)}.")
    return " ".join(sentences)


def _wakes(review: Review) -> str:
    """What waking costs, for the endpoints that sleep; empty where none does."""
    known = [(plan.name, wake) for plan in review.plans if (wake := review.cost_of(plan).wake) is not None]
    if not known:
        return ""
    if len(known) > _NAMED:
        known.sort(key=lambda one: one[1], reverse=True)
    told = [f"{name} {format_money(wake)}" for name, wake in known[:_NAMED]]
    more = f" and {len(known) - _NAMED} cheaper ones" if len(known) > _NAMED else ""
    return (
        f"Each wake of a sleeping endpoint: {', '.join(told)}{more}, if a start takes {ASSUMED_START_MINUTES} minutes."
    )


def not_judged(review: Review) -> str:
    """Endpoints whose memory nobody can judge, each with the reason; empty where all are judged."""
    unknown = [f"{name}: {fit.sentence}" for name, fit in review.fits.items() if fit.verdict is FitVerdict.UNKNOWN]
    more = f" And {len(unknown) - _NAMED} more." if len(unknown) > _NAMED else ""
    return f"Memory is not judged for {' '.join(unknown[:_NAMED])}{more}" if unknown else ""


def _overlay(plans: Sequence[Plan], today: Catalog) -> str:
    told = [f"{plan.name} {said}" for plan in plans if (said := _news(plan.hardware, today.find(*plan.hardware.key)))]
    return f"The service says today: {'; '.join(told) or 'the same prices, and all can be had'}."


def _news(row: Hardware, live: Hardware | None) -> str:
    """What the live row says that the planned one does not."""
    if live is None:
        return f"{row.spelling} is not in its catalogue"
    said = []
    if live.price_per_hour != row.price_per_hour:
        said.append(f"{row.spelling} costs {format_rate(live.price_per_hour)}, not {format_rate(row.price_per_hour)}")
    if live.status is not HardwareStatus.AVAILABLE:
        said.append(f"{row.spelling} is {describe_status(live)}")
    return ", ".join(said)


def _total(review: Review, plans: Iterable[Plan]) -> Total:
    return add_up({plan.name: review.cost_of(plan) for plan in plans})


def _hourly(amount: Decimal) -> str:
    return format_rate(amount).removesuffix("/h")
