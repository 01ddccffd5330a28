"""What a change does to each endpoint, and what it costs more or less, as rows, sentences and JSON values."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from hfdeploy.cost import Estimate, Total, add_up, format_money
from hfdeploy.render.table import Column, Table
from hfdeploy.render.unjudged import (
    UNKNOWN,
    action_words,
    and_unknown,
    count_unjudged,
    unplanned_dangers,
    unpriced,
)
from hfdeploy.review import Action, Delta, Review
from hfdeploy.review.wording import CALLERS

_ACTIONS = (Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE)


def change_table(review: Review, shown: Sequence[Delta]) -> Table:
    """A row for each of these changes, with a month's floor and ceiling before and after; the sums are of all."""
    before, after = totals(review)
    return Table(
        (
            Column("NAME"),
            Column("CHANGE"),
            Column("MONTH MIN", is_number=True),
            Column("MONTH MAX", is_number=True),
            Column("MORE OR LESS", is_number=True),
            Column("WHAT", is_flexible=True),
        ),
        tuple(_row(one) for one in shown),
        (
            f"{len(review.deltas)} endpoint{'' if len(review.deltas) == 1 else 's'}",
            "",
            _whole(before.floor, after.floor, review),
            _whole(before.ceiling, after.ceiling, review),
            UNKNOWN if review.unjudged else signed(after.ceiling - before.ceiling),
            "",
        ),
    )


def totals(review: Review) -> tuple[Total, Total]:
    """All endpoints together, before and after; what has no price is named in each."""
    return (
        add_up({one.name: one.before for one in review.deltas if one.before is not None}),
        add_up({one.name: one.after for one in review.deltas if one.after is not None}),
    )


def leaves_out(review: Review) -> bool:
    """Whether unchanged endpoints have no plan here, which count for a quota all the same."""
    planned = {plan.name for plan in review.plans}
    return any(one.action is Action.UNCHANGED and one.name not in planned for one in review.deltas)


def headline(review: Review) -> str:
    """`2 create, 1 replace, 5 unchanged against main; ceiling $10.00 -> $20.00/month (+$10.00, +100 %).`"""
    counts = {action: sum(one.action is action for one in review.deltas) for action in Action}
    told = [f"{counts[action]} {action.value}" for action in _ACTIONS if counts[action]]
    told = told or ([] if review.unjudged else ["no change"])
    told += [f"{counts[Action.UNCHANGED]} unchanged"] if counts[Action.UNCHANGED] else []
    told += [count_unjudged(review)] if review.unjudged else []
    before, after = totals(review)
    more = f"{signed(after.ceiling - before.ceiling)}{_percent(before.ceiling, after.ceiling)}"
    return (
        f"Against {review.against}: {', '.join(told)}; a month costs at most "
        f"{_whole(before.ceiling, after.ceiling, review)}{'' if review.unjudged else f' ({more})'}, at least "
        f"{_whole(before.floor, after.floor, review)}."
    )


def dangers(review: Review) -> Iterator[str]:
    """What a reviewer must not overlook: who is cut off, and who can reach what nobody could before."""
    for one in review.deltas:
        if one.action is Action.REPLACE:
            yield (
                f"{one.name} is replaced: it is deleted first, nothing answers until the new one runs, and its URL may "
                f"be another."
            )
        elif one.action is Action.DELETE and one.cuts_traffic:
            yield f"{one.name} is deleted: whoever calls it gets no answer any more."
        before, after = one.exposure.before, one.exposure.after
        if before is not None and after is not None and before is not after:
            yield f"{one.name} could be called by {CALLERS[before.value]}, and will be by {CALLERS[after.value]}."
        elif before is None and one.action is Action.CREATE and after is not None and after.value != "private":
            yield f"{one.name} is new and can be called by {CALLERS[after.value]}."
    for total, when in zip(totals(review), ("before", "after"), strict=True):
        if names := unpriced(total, review):
            yield f"Without a price, and not in the sums {when}: {', '.join(names)}."
    yield from unplanned_dangers(review)


def change_json(review: Review) -> dict[str, Any]:
    """The same for programs; requests are null where nobody looked at what is live."""
    before, after = totals(review)
    floor, ceiling = (None, None) if review.unjudged else (after.floor, after.ceiling)
    return {
        "against": review.against or None,
        "changes": [_delta_json(one) for one in review.deltas],
        "delta": {
            "monthly_floor": money_pair(before.floor, floor),
            "monthly_ceiling": money_pair(before.ceiling, ceiling),
        }
        if review.against
        else None,
    }


def signed(amount: Decimal) -> str:
    """`+$10.00`, `-$10.00`, `±$0.00`."""
    sign = "+" if amount > 0 else "-" if amount < 0 else "±"
    return f"{sign}{format_money(abs(amount))}"


def money_pair(before: Decimal | None, after: Decimal | None) -> dict[str, str | None]:
    """Two amounts and their difference, in full precision; an endpoint that is not there costs nothing."""
    delta = None if before is None or after is None else after - before
    return {"before": _exact(before), "after": _exact(after), "delta": _exact(delta)}


def _exact(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"


def _row(one: Delta) -> tuple[str, ...]:
    before, after = _ceiling(one.before), _ceiling(one.after)
    is_known = before is not None and after is not None
    if one.action is Action.UNPLANNED:
        was = (f"{format_money(_floor(one.before))} -> {UNKNOWN}", f"{format_money(before)} -> {UNKNOWN}")
        return (one.name, action_words(one.action), *was, UNKNOWN, "")
    return (
        one.name,
        one.action.value,
        _both(_floor(one.before), _floor(one.after)),
        _both(before, after),
        signed((after or Decimal(0)) - (before or Decimal(0))) if is_known else "unpriced",
        "; ".join(one.changes),
    )


def _floor(cost: Estimate | None) -> Decimal | None:
    return Decimal(0) if cost is None else cost.floor


def _ceiling(cost: Estimate | None) -> Decimal | None:
    return Decimal(0) if cost is None else cost.ceiling


def _both(before: Decimal | None, after: Decimal | None) -> str:
    """Once where nothing changes."""
    if before == after:
        return format_money(after)
    return f"{format_money(before)} -> {format_money(after)}"


def _whole(before: Decimal, after: Decimal, review: Review) -> str:
    """The same of everything, which is not all known where something could not be judged."""
    return f"{format_money(before)} -> {and_unknown(after, review)}" if review.unjudged else _both(before, after)


def _percent(before: Decimal, after: Decimal) -> str:
    if not before or before == after:
        return ""
    return f", {(after - before) / before * 100:+.0f} %"


def _delta_json(one: Delta) -> dict[str, Any]:
    before, after = one.exposure.before, one.exposure.after
    return {
        "endpoint": one.name,
        "action": one.action.value,
        "changes": list(one.changes),
        "monthly_floor": money_pair(_floor(one.before), _floor(one.after)),
        "monthly_ceiling": money_pair(_ceiling(one.before), _ceiling(one.after)),
        "exposure": {"before": before and before.value, "after": after and after.value},
        "cuts_traffic": one.cuts_traffic,
        "requests": None if one.requests is None else list(one.requests),
    }
