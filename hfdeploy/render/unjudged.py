"""What no plan could be made of, in words: it is in every table and every answer, so that nothing turns green by it."""

from collections.abc import Iterator
from decimal import Decimal

from hfdeploy.cost import Total, format_money, format_month
from hfdeploy.render.text import named
from hfdeploy.review import Action, Delta, Review
from hfdeploy.spec import EndpointSpec

UNKNOWN = "unknown"
"""What stands for an amount that nobody can tell."""

UNPRICED = format_money(None)
"""What stands for the amount of hardware without a price."""

_NAMED = 20
"""Endpoints and files that one sentence names."""


def action_words(action: Action) -> str:
    """`replace`, `cannot be planned`."""
    return "cannot be planned" if action is Action.UNPLANNED else action.value


def count_unjudged(review: Review) -> str:
    """`2 specs could not be judged`, of an audit `2 endpoints`; empty where all were."""
    number, what = len(review.unjudged), "endpoint" if review.audited else "spec"
    return f"{number} {what}{'' if number == 1 else 's'} could not be judged" if number else ""


def unjudged_sentence(review: Review) -> str:
    """The same with what they are; empty where all were judged."""
    names = review.unjudged
    if not names:
        return ""
    are = "is" if len(names) == 1 else "are"
    return f"{count_unjudged(review)}, and {are} not in the sums: {named(names, _NAMED)}."


def and_unknown(amount: Decimal, review: Review) -> str:
    """An amount after the change, which is not the whole of it where something could not be judged."""
    if not review.unjudged:
        return format_money(amount)
    return f"{format_money(amount)} + {UNKNOWN}" if amount else UNKNOWN


def and_unpriced(amount: str, *, is_something: bool, is_whole: bool) -> str:
    """A sum in words, of which some may have no price; a sum of nothing is no $0.00 then."""
    if is_whole:
        return amount
    return f"{amount} + {UNPRICED}" if is_something else UNPRICED


def unpriced(total: Total, review: Review) -> tuple[str, ...]:
    """The endpoints without a price, but for those that have no plan, of which more is unknown than that."""
    unplanned = {one.name for one in review.deltas if one.action is Action.UNPLANNED}
    return tuple(name for name in total.unpriced if name not in unplanned)


def unplanned_dangers(review: Review) -> Iterator[str]:
    """What each of them costs now, which a reviewer must not take for saved."""
    specs = {spec.name for spec in review.unplanned}
    for one in review.deltas:
        if one.action is Action.UNPLANNED:
            yield _danger(one, has_spec=one.name in specs)
    if review.unread:
        yield unjudged_sentence(review)


def _danger(one: Delta, *, has_spec: bool) -> str:
    why = "cannot be planned" if has_spec else "has no spec that can be read"
    if one.before is None:
        return f"{one.name} {why}: what it will cost is unknown."
    return f"{one.name} {why}: it costs at most {format_month(one.before.ceiling)} now, and what it will is unknown."


def asked_instance(spec: EndpointSpec) -> str:
    """The hardware in the words of the spec."""
    asked = spec.instance
    return asked if isinstance(asked, str) else f"{asked.type} {asked.size}"


def spec_row(spec: EndpointSpec) -> tuple[str, ...]:
    """Its row among the plans: what the spec says, and no amount."""
    scaling = spec.autoscaling
    return (
        spec.name,
        spec.repository,
        spec.engine.type,
        asked_instance(spec),
        f"{spec.cloud} {spec.region}",
        "cannot be planned",
        f"{scaling.min}–{scaling.max}" if scaling.min != scaling.max else str(scaling.min),
        spec.security.value,
        *[UNKNOWN] * 3,
    )
