"""A review of the specs becomes the review of a change: what it does to each endpoint, and what it takes together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from hfdeploy.catalog import Catalog
from hfdeploy.lock import Lock
from hfdeploy.quota import count
from hfdeploy.review.change import Change, deltas, demands
from hfdeploy.review.delta import Action, Delta
from hfdeploy.review.finding import Finding, Review, Severity
from hfdeploy.review.quota import of_quota
from hfdeploy.spec import LoadedSpec

_OF_ALL: Final = frozenset({"quota-minimum", "quota-maximum"})
"""Findings about all endpoints together, whichever they name."""

_UNAVAILABLE: Final = frozenset({"instance-deprecated", "instance-not-available"})
"""Findings about hardware that what runs on it may keep, and that nobody can have anew."""


def with_change(
    review: Review,
    loaded: Sequence[LoadedSpec],
    change: Change | None,
    *,
    catalog: Catalog,
    lock: Lock,
    namespace: str | None,
    is_compared: bool = True,
) -> Review:
    """The same review with the deltas of a change and the ledger of its quota.

    `catalog` is what the limits of `namespace` are read from: today's, or the snapshot, which knows none. A change with
    `is_compared=False` says what runs now for the ledger alone.
    """
    ledger = count(
        demands(change.now or change if change else None, review, namespace or ""), catalog, namespace=namespace or ""
    )
    shown = change if is_compared else None
    rows = deltas(shown, review, {one.spec.name for one in loaded}) if shown else ()
    found = [*_raised(review, rows, shown), *(shown.findings if shown else ())]
    found += of_quota(ledger, loaded, review.plans, catalog, lock)
    return replace(
        review,
        findings=_in_order(found, loaded),
        ledger=ledger,
        against=shown.against if shown else "",
        deltas=rows,
    )


def _raised(review: Review, rows: Sequence[Delta], change: Change | None) -> Iterator[Finding]:
    """The findings; hardware that cannot be had is an error for what is new there, and a warning for what stays.

    An old name of deprecated hardware stands for what took its place: that can be had, so it is no error.
    """
    before = change.before if change else {}
    hardware = {plan.name: plan.hardware for plan in review.plans}
    arriving = {
        row.name
        for row in rows
        if row.action in {Action.CREATE, Action.REPLACE}
        or (row.action is Action.UPDATE and before[row.name].hardware.key != hardware[row.name].key)
    }
    for finding in review.findings:
        is_new = finding.rule in _UNAVAILABLE and finding.endpoint in arriving
        is_refused = is_new and not hardware[finding.endpoint].is_orderable
        yield replace(finding, severity=Severity.ERROR) if is_refused else finding


def own_change(review: Review) -> Review:
    """Only what the change itself touches: what was there before and stays is not for this review to object to.

    A spec of which no plan could be made is touched, since nobody can tell. The ledger stays whole: a limit is
    broken by all together.
    """
    same = {one.name for one in review.deltas if one.action is Action.UNCHANGED}
    return replace(
        review,
        plans=tuple(plan for plan in review.plans if plan.name not in same),
        findings=tuple(one for one in review.findings if one.endpoint not in same or one.rule in _OF_ALL),
        fits={name: fit for name, fit in review.fits.items() if name not in same},
    )


def _in_order(findings: Sequence[Finding], loaded: Sequence[LoadedSpec]) -> tuple[Finding, ...]:
    """By the order of the files; what is about no single spec comes first."""
    order = {one.spec.name: place for place, one in enumerate(loaded)}
    return tuple(sorted(findings, key=lambda one: order.get(one.endpoint, -1)))
