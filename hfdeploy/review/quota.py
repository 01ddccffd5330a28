"""Objections to a change as a whole: what its endpoints take together, against the quota of their namespaces."""

from collections.abc import Iterator, Sequence

from hfdeploy.catalog import Catalog
from hfdeploy.lock import Lock
from hfdeploy.plan import Plan
from hfdeploy.quota import CONTACT, Entry, Ledger, QuotaVerdict
from hfdeploy.review.finding import Finding, Severity, finding_of
from hfdeploy.review.room import ways_out
from hfdeploy.spec import LoadedSpec


def of_quota(
    ledger: Ledger, loaded: Sequence[LoadedSpec], plans: Sequence[Plan], catalog: Catalog, lock: Lock
) -> Iterator[Finding]:
    """What cannot be had at the fewest replicas is an error, what cannot be had at the most a warning.

    An error only where it is certain: short under each reading of a quota, and no CPU, whose unit is not known.
    """
    files, asked = {one.spec.name: one for one in loaded}, {plan.name: plan for plan in plans}
    for entry in ledger.entries:
        if entry.first_over in asked:
            yield _finding(files[entry.first_over], asked[entry.first_over], entry, ledger, catalog, lock)


def _finding(one: LoadedSpec, plan: Plan, entry: Entry, ledger: Ledger, catalog: Catalog, lock: Lock) -> Finding:
    is_minimum = entry.verdict is QuotaVerdict.SHORT
    is_cpu = plan.hardware.accelerator == "cpu"
    is_certain = is_minimum and ledger.is_certain(entry) and not is_cpu
    ways = ways_out(plan, entry, ledger, catalog, lock)
    told = f"Ways out: {'; '.join(map(str, ways))}." if ways else ""
    doubt = "" if is_certain or not is_minimum else _doubt(is_cpu)
    return finding_of(
        one,
        "quota-minimum" if is_minimum else "quota-maximum",
        Severity.ERROR if is_certain else Severity.WARNING,
        "instance" if is_minimum else "autoscaling.max",
        " ".join(filter(None, [_sentence(entry, is_minimum=is_minimum), doubt, told, f"More quota: {CONTACT}"])),
        fix=told,
    )


def _sentence(entry: Entry, *, is_minimum: bool) -> str:
    account, need = entry.account, entry.need_min if is_minimum else entry.need_max
    if entry.maximum == 0:
        return (
            f"{account.namespace} has no quota for {account.vendor} {account.kind}, or no payment method, so "
            f"the service refuses it with 409."
        )
    others = f"others hold {entry.base}, and " if entry.base else ""
    reach = "at its fewest replicas" if is_minimum else "with every replica up"
    surge = f" and {entry.surge} for replacements side by side" if entry.surge else ""
    limit = (
        f"{account.namespace} may have {entry.maximum} accelerators of {account.vendor} {account.kind}; "
        f"{others}this change takes {need}{surge} {reach}: {entry.short_by} too many, from {entry.first_over} on."
    )
    if is_minimum:
        return f"{limit} The service refuses such a request with 409."
    return f"{limit} The maximum cannot be reached now, and the service may refuse the request with 409."


def _doubt(is_cpu: bool) -> str:
    if is_cpu:
        return "How CPUs are counted is not known, so this is no more than a warning."
    return "That holds if one quota spans all regions, which is not known; per region there is room."
