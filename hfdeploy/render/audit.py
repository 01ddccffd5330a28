"""An audit as rows and sentences: everything live, what it costs, and what speaks against it.

`Audit.review` is an ordinary review: a format that shows reviews (SARIF, JUnit, annotations, CSV, HTML) takes it as it
is, its findings standing at `namespace/name` where a spec's file would be.
"""

from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from hfdeploy.audit import UNTAGGED, Audit, Resident, TagCost
from hfdeploy.cost import CURRENCY, HOURS_PER_MONTH, Total, add_up, format_money, format_month
from hfdeploy.fit import FitVerdict
from hfdeploy.render.plan import not_judged
from hfdeploy.render.table import Column, Table
from hfdeploy.render.text import plain_line
from hfdeploy.render.unjudged import and_unknown, and_unpriced
from hfdeploy.usage import in_words


def audit_table(audit: Audit) -> Table:
    """One endpoint per row; sums at the foot."""
    total = total_of(audit)
    with_expected = bool(audit.review.usage)
    return Table(
        (
            Column("NAME"),
            Column("STATE"),
            Column("ENGINE"),
            Column("INSTANCE"),
            Column("WHERE"),
            Column("FIT"),
            Column("REPLICAS", is_number=True),
            Column("SECURITY"),
            Column("LAST USED"),
            Column("MONTH MIN", is_number=True),
            Column("MONTH MAX", is_number=True),
            *([Column("EXPECTED", is_number=True)] if with_expected else []),
        ),
        tuple(_row(audit, one, with_expected) for one in audit.residents),
        (
            f"{len(audit.residents)} endpoint{'' if len(audit.residents) == 1 else 's'}",
            *[""] * 8,
            and_unknown(total.floor, audit.review),
            and_unknown(total.ceiling, audit.review),
            *([format_money(expected_of(audit))] if with_expected else []),
        ),
    )


def tag_table(rows: Iterable[TagCost], key: str | None = None) -> Table:
    """What endpoints cost by tag; those without have a row of their own."""
    none = f"(no {key} tag)" if key else "(no tag)"
    return Table(
        (
            Column("TAG"),
            Column("ENDPOINTS", is_number=True),
            Column("MONTH MIN", is_number=True),
            Column("MONTH MAX", is_number=True),
        ),
        tuple(
            (
                none if row.tag == UNTAGGED else plain_line(row.tag),
                str(len(row.names)),
                _of_tag(row, row.floor),
                _of_tag(row, row.ceiling),
            )
            for row in rows
        ),
    )


def use_table(audit: Audit) -> Table:
    """When each was last called, and what those burn that nobody calls."""
    return Table(
        (
            Column("NAME"),
            Column("STATE"),
            Column("LAST USED"),
            Column("UP", is_number=True),
            Column("MONTH MIN", is_number=True),
            Column("MONTH MAX", is_number=True),
            Column("BURNT IDLE", is_number=True),
        ),
        tuple(_use(audit, one) for one in audit.residents),
        (
            f"{len(audit.residents)} endpoint{'' if len(audit.residents) == 1 else 's'}",
            *[""] * 3,
            and_unknown(total_of(audit).floor, audit.review),
            and_unknown(total_of(audit).ceiling, audit.review),
            _burnt_words(audit, format_money),
        ),
    )


def audit_quota_table(audit: Audit) -> Table:
    """What is held of each quota, and what it comes to with every replica up."""
    entries = audit.review.ledger.entries if audit.review.ledger else ()
    return Table(
        (
            Column("QUOTA"),
            Column("HELD", is_number=True),
            Column("AT MOST", is_number=True),
            Column("LIMIT", is_number=True),
            Column("VERDICT"),
        ),
        tuple(
            (
                f"{entry.account.vendor} {entry.account.kind}",
                str(entry.held),
                str(entry.peak),
                "unknown" if entry.maximum is None else str(entry.maximum),
                entry.verdict.value.replace("_", " "),
            )
            for entry in entries
        ),
    )


def audit_paragraphs(audit: Audit) -> list[str]:
    """What is said below the table."""
    said = (_sums(audit), _burnt(audit), _paused(audit), _assumed(audit), _use_unknown(audit), not_judged(audit.review))
    return [text for text in said if text]


def _row(audit: Audit, one: Resident, with_expected: bool) -> tuple[str, ...]:
    scaling, cost = one.live.compute.scaling, one.cost
    low, high = scaling.min_replica, scaling.max_replica
    fit = audit.review.fits.get(one.name)
    return (
        one.name,
        one.live.status.state.value,
        one.live.model.engine or "unknown",
        one.hardware.spelling,
        one.hardware.place,
        fit.verdict.value if fit else FitVerdict.UNKNOWN.value,
        f"{low}–{high}" if low != high else str(low),
        plain_line(one.live.type),
        last_used(audit, one),
        format_money(cost.floor),
        format_money(cost.ceiling),
        *([format_money(cost.expected) if cost.expected is not None else "unknown"] if with_expected else []),
    )


def _use(audit: Audit, one: Resident) -> tuple[str, ...]:
    return (
        one.name,
        one.live.status.state.value,
        last_used(audit, one),
        str(one.replicas_up),
        format_money(one.cost.floor),
        format_money(one.cost.ceiling),
        format_money(one.burnt_per_month) if one.activity.is_idle and one.replicas_up else "",
    )


def last_used(audit: Audit, one: Resident) -> str:
    """What is known of its last request, in a word or two."""
    activity = one.activity
    if activity.last_used is not None:
        days = (audit.at - activity.last_used).days
        return f"{days} d ago" if days > 0 else "today"
    if activity.is_new:
        return "new"
    return {True: "idle", False: "in use", None: "unknown"}[activity.is_idle]


def _sums(audit: Audit) -> str:
    total = total_of(audit)
    month = f"{format_money(total.floor)} floor, {format_money(total.ceiling)} ceiling"
    said = [f"Every month ({HOURS_PER_MONTH} hours) as it is now: {month}."]
    if not audit.review.usage:
        said.append("What lies between depends on usage.")
    if total.unpriced:
        said.append(f"Without a price, and not in the sums: {', '.join(total.unpriced)}.")
    if audit.unreadable:
        names = ", ".join(plain_line(name) for name in audit.unreadable)
        said.append(f"Unreadable, and not in the sums: {names}.")
    if total.prices_as_of:
        said.append(f"Prices in {CURRENCY} as of {' and '.join(total.prices_as_of)}.")
    return " ".join(said)


def _burnt(audit: Audit) -> str:
    idle = [one for one in audit.residents if one.activity.is_idle and one.replicas_up]
    if not idle:
        return ""
    told = ", ".join(f"{one.name} {format_money(one.burnt_per_month)}" for one in idle)
    total = _burnt_words(audit, format_month)
    return f"Up, and without a request in {audit.idle_days} days: {told}. Together they burn {total}."


def _paused(audit: Audit) -> str:
    paused = [one for one in audit.residents if one.is_paused]
    told = ", ".join(f"{one.name} {format_money(one.cost_if_resumed.ceiling)}" for one in paused)
    return f"Paused, and at no cost now; a month with every replica up, once resumed: {told}." if paused else ""


def _assumed(audit: Audit) -> str:
    """What is expected, with its assumptions; nothing where no usage is known."""
    if not audit.review.usage:
        return ""
    told = "; ".join(
        f"{one.name} {format_money(one.cost.expected)}, {in_words(one.known)}"
        for one in audit.residents
        if one.known is not None and one.cost.expected is not None
    )
    total = format_month(expected_of(audit))
    rest = ", ".join(one.name for one in audit.residents if one.cost.expected is None)
    nothing = f" Nothing is expected of {rest}, whose usage or price is not known." if rest else ""
    return f"Expected every month, if usage stays as it is: {total} ({told}).{nothing}"


def _use_unknown(audit: Audit) -> str:
    unknown = [one for one in audit.residents if one.activity.is_idle is None]
    told = "; ".join(f"{one.name}: {one.activity.why}" for one in unknown)
    return f"Whether they are used is not known: {told}." if unknown else ""


def total_of(audit: Audit) -> Total:
    """What all of it costs as it is now."""
    return add_up({one.name: one.cost for one in audit.residents})


def expected_of(audit: Audit) -> Decimal | None:
    """A month of what usage is known of; None where it is of nothing."""
    found = [one.cost.expected for one in audit.residents if one.cost.expected is not None]
    return sum(found, Decimal(0)) if found else None


def idle_burn(audit: Audit) -> Decimal | None:
    """A month of the replicas that are up and that nobody calls; None where one of them has no price."""
    burns = list(_burns(audit))
    known = [one for one in burns if one is not None]
    return sum(known, Decimal(0)) if len(known) == len(burns) else None


def _burnt_words(audit: Audit, written: Callable[[Decimal], str]) -> str:
    """The same in words, where what has a price is said all the same."""
    burns = list(_burns(audit))
    known = sum((one for one in burns if one is not None), Decimal(0))
    return and_unpriced(written(known), is_something=bool(known), is_whole=None not in burns)


def _burns(audit: Audit) -> Iterator[Decimal | None]:
    return (one.burnt_per_month for one in audit.residents if one.activity.is_idle and one.replicas_up)


def _of_tag(row: TagCost, amount: Decimal | None) -> str:
    return and_unpriced(format_money(amount), is_something=bool(amount), is_whole=not row.total.unpriced)
