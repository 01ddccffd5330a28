"""The ledger of a quota: a row with a bar for each type of hardware, and the same for programs."""

from dataclasses import replace
from typing import Any, Final

from hfdeploy.quota import Entry, Ledger, QuotaVerdict
from hfdeploy.render.table import Column, Table

LEGEND: Final = "█ others, ▓ this stack at its fewest replicas, ░ up to its most, · free, ! over the limit"

REGIONS: Final = (
    "A row with a region is the other reading of the row above it: whether a quota spans regions is not known, and "
    "only what is short under both is sure to be refused."
)

OWN_LIMITS: Final = (
    "A type whose figures differ by region at the service has no row for all regions: each is judged by its own."
)

_WIDTH: Final = 20
"""Characters of a bar."""


def quota_table(ledger: Ledger) -> Table:
    """In accelerators: all regions together, and per region where that makes a difference."""
    return Table(
        (
            Column("QUOTA"),
            Column("LIMIT", is_number=True),
            Column("USED", is_number=True),
            Column("OURS", is_number=True),
            Column("AT LEAST", is_number=True),
            Column("AT MOST", is_number=True),
            Column(""),
            Column("VERDICT"),
        ),
        tuple(_row(entry) for entry in entries_shown(ledger)),
    )


def entries_shown(ledger: Ledger) -> tuple[Entry, ...]:
    """Each type of hardware over all regions, followed by its regions where their figures are others."""
    shown: list[Entry] = []
    for entry in ledger.entries:
        if entry.need_max or entry.held:
            shown.append(entry)
            regions = [one for one in ledger.per_region if _is_part(one, entry) and (one.need_max or one.held)]
            shown += [] if all(_figures(one) == _figures(entry) for one in regions) else regions
    return tuple(shown)


def legend(ledger: Ledger) -> str:
    """What the signs and the rows of the table mean; no full stop."""
    return ". ".join(filter(None, [LEGEND, about_regions(ledger).removesuffix(".")]))


def about_regions(ledger: Ledger) -> str:
    """What the rows with a region are; empty where there are none."""
    shown = {entry.account for entry in entries_shown(ledger) if entry.account.region}
    judged = {entry.account for entry in ledger.entries}
    return " ".join(words for words, accounts in ((REGIONS, shown - judged), (OWN_LIMITS, shown & judged)) if accounts)


def quota_sentence(ledger: Ledger, *, with_unchanged: bool = False) -> str:
    """What is said where no limit is known; empty where one is, or nothing is asked for.

    A quota is for all endpoints together, so that unchanged ones count here even where the sums leave them out.
    """
    asked = [entry for entry in ledger.entries if entry.need_max]
    if not asked or any(entry.maximum is not None for entry in asked):
        return ""
    told = ", ".join(
        f"{entry.account.vendor} {entry.account.kind} {_range(entry.need_min, entry.need_max)}" for entry in asked
    )
    who = "all endpoints take, unchanged ones included" if with_unchanged else "this takes"
    return f"Quota: {_unknown(ledger)}. Accelerators {who}: {told}."


def _unknown(ledger: Ledger) -> str:
    """Whom to ask: nobody was asked, or it was about another namespace."""
    others = sorted({entry.account.namespace for entry in ledger.entries if entry.need_max} - {ledger.asked})
    if not ledger.asked or not others:
        return "limits and use are unknown here (--live asks the service)"
    return (
        f"the service was asked for the limits of {ledger.asked} alone, and those of {', '.join(others)} are unknown "
        f"here (--live --namespace asks for them)"
    )


def quota_json(ledger: Ledger) -> dict[str, Any]:
    """Both readings."""
    return {
        "unit": "accelerators",
        "entries": [_entry_json(entry) for entry in ledger.entries],
        "per_region": [_entry_json(entry) for entry in ledger.per_region],
    }


def verdict_of(entry: Entry) -> str:
    """`short by 2 from chat on`."""
    if entry.verdict is QuotaVerdict.OK:
        return "ok"
    if entry.verdict is QuotaVerdict.UNKNOWN:
        return "unknown"
    at = "" if entry.verdict is QuotaVerdict.SHORT else " at most"
    return f"short by {entry.short_by}{at}, from {entry.first_over} on"


def bar(entry: Entry) -> str:
    """Others, what is needed at the fewest and at the most replicas, and what is left of the limit, to scale."""
    if entry.maximum is None:
        return ""
    least = entry.base + entry.surge + entry.need_min
    whole = max(entry.maximum, entry.peak, 1)
    ends = [round(_WIDTH * part / whole) for part in (entry.base, least, entry.peak, entry.maximum)]
    signs = "█" * ends[0] + "▓" * (ends[1] - ends[0]) + "░" * (ends[2] - ends[1]) + "·" * max(0, ends[3] - ends[2])
    return signs[: ends[3]] + "!" * max(0, ends[2] - ends[3])


def _row(entry: Entry) -> tuple[str, ...]:
    return (
        str(entry.account),
        _known(entry.maximum),
        _known(entry.used),
        str(entry.held),
        str(entry.need_min),
        str(entry.need_max),
        bar(entry),
        verdict_of(entry),
    )


def _is_part(one: Entry, whole: Entry) -> bool:
    return replace(one.account, region="") == whole.account


def _figures(entry: Entry) -> Entry:
    return replace(entry, account=replace(entry.account, region=""))


def _known(number: int | None) -> str:
    return "unknown" if number is None else str(number)


def _range(least: int, most: int) -> str:
    return str(least) if least == most else f"{least}–{most}"


def _entry_json(entry: Entry) -> dict[str, Any]:
    account = entry.account
    return {
        "namespace": account.namespace or None,
        "cloud": account.vendor,
        "region": account.region or None,
        "instance_type": account.instance_type,
        "limit": entry.maximum,
        "used": entry.used,
        "ours": entry.held,
        "need_min": entry.need_min,
        "need_max": entry.need_max,
        "surge": entry.surge,
        "verdict": entry.verdict.value,
        "short_by": entry.short_by,
        "first_over": entry.first_over or None,
    }
