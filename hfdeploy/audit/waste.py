"""Objections that only something live can have: nobody calls it, it is larger than it need be, it does not serve."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from hfdeploy.audit.resident import Resident
from hfdeploy.catalog import Catalog, Hardware, format_rate
from hfdeploy.cost import HOURS_PER_MONTH, format_month
from hfdeploy.fit import FitVerdict, Model, judge_best, load_of
from hfdeploy.plan import Plan
from hfdeploy.policy import RULES
from hfdeploy.review import Finding, Severity
from hfdeploy.wire import State

_WORTHWHILE: Final = Decimal("0.75")
"""Hardware is called too large where another costs no more than this share of it."""

_LITTLE: Final = 20.0
_MUCH: Final = 90.0
"""Percent of a processor: what an endpoint that is too large never passes, and one that is too small has on average."""


def of_idle(one: Resident) -> Iterator[Finding]:
    """Burning money for nobody is a warning, holding quota a note, a pause nothing at all."""
    if not one.activity.is_idle or one.is_paused:
        return
    since = f"{one.activity.why[:1].upper()}{one.activity.why[1:]}"
    if one.replicas_up:
        up = f"{one.replicas_up} replica{'' if one.replicas_up == 1 else 's'}"
        burns = f"{up} up at {format_rate(one.hardware.price_per_hour)} each: {format_month(one.burnt_per_month)}"
        fix = f"Pause {one.place}." if one.live.compute.scaling.min_replica == 0 else "Set autoscaling.min to 0."
        yield found(one, "idle", Severity.WARNING, "autoscaling", f"{since}, and it burns money: {burns}.", fix=fix)
    elif one.live.status.state is State.SCALED_TO_ZERO:
        sentence = f"{since}. Asleep, it costs nothing, and it still counts against the quota."
        yield found(one, "idle", Severity.NOTE, "autoscaling", sentence, fix=f"Pause or delete {one.place}.")


def of_state(one: Resident) -> Iterator[Finding]:
    """What is there and answers nobody."""
    status = one.live.status
    if status.state.is_failure:
        said = status.error_message or status.message
        sentence = (
            f"It is {status.state.value} since {status.updated_at or 'an unknown time'}{f': {said}' if said else ''}."
        )
        yield found(one, "not-serving", Severity.WARNING, "state", sentence)


def of_fit(one: Resident, plan: Plan, model: Model, catalog: Catalog) -> Iterator[Finding]:
    """Cheaper hardware of the same place that holds the model as well; `model` fits where it is."""
    price = one.hardware.price_per_hour
    if price is None or one.hardware.accelerator != "gpu":
        return
    load = replace(load_of(plan), tensor=None, copies=1)
    rows = [row for row in catalog.rows if _is_rival(row, one.hardware, price * _WORTHWHILE)]
    held = [row for row in rows if judge_best(model, row, load).verdict is FitVerdict.FIT]
    if not held:
        return
    best = min(held, key=lambda row: (row.price_per_hour or price, row.id))
    saved = (price - (best.price_per_hour or price)) * HOURS_PER_MONTH * one.live.compute.scaling.max_replica
    sentence = (
        f"{best.spelling} holds the model, too, at {format_rate(best.price_per_hour)} in place of "
        f"{format_rate(price)}: up to {format_month(saved)} less. Judged by memory alone, it may be slower."
    )
    yield found(one, "oversized", Severity.NOTE, "instance", sentence, fix=f'Set instance to "{best.spelling}".')


def of_load(one: Resident) -> Iterator[Finding]:
    """Processors that had next to nothing, or too much, to do, by the metrics of a period."""
    load = one.load
    if load is None or load.highest is None or load.mean is None:
        return
    if load.highest < _LITTLE and load.requests:
        sentence = (
            f"Its processors never passed {load.highest:.0f} % in {load.days:.0f} days, {load.mean:.0f} % on average, "
            f"with {load.requests} requests: less hardware would do."
        )
        yield found(one, "oversized", Severity.NOTE, "instance", sentence)
    elif load.mean > _MUCH:
        most = one.live.compute.scaling.max_replica
        sentence = (
            f"Its processors were in use for {load.mean:.0f} % on average over {load.days:.0f} days, with "
            f"autoscaling.max {most}: callers wait."
        )
        yield found(one, "undersized", Severity.WARNING, "autoscaling.max", sentence, fix="Raise autoscaling.max.")


def _is_rival(row: Hardware, now: Hardware, most: Decimal) -> bool:
    return (
        (row.vendor, row.region, row.accelerator) == (now.vendor, now.region, now.accelerator)
        and row.is_orderable
        and row.price_per_hour is not None
        and row.price_per_hour <= most
    )


def found(one: Resident, rule: str, severity: Severity, field: str, sentence: str, *, fix: str = "") -> Finding:
    """An objection to an endpoint, which stands where a spec's file does; with the rule's fix unless it has another."""
    return Finding(rule, severity, one.name, one.place, 0, field, sentence, fix or RULES[rule].fix)
