"""What is live against the quota of its namespace."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from hfdeploy.audit.resident import Resident
from hfdeploy.audit.waste import found
from hfdeploy.catalog import Catalog
from hfdeploy.quota import CONTACT, Account, Entry, Ledger, Limits, QuotaVerdict, count
from hfdeploy.review import Finding, Severity


def count_held(namespace: str, residents: Sequence[Resident], catalog: Catalog) -> Ledger:
    """The ledger of everything live in a namespace, whose figures the catalogue has.

    Whether the service counts the replicas that are up or the most that there may be is not known. Its own figure
    tells: where more is in use than is up, it counts the most, and nobody else is there who could hold the rest.
    """
    limits = Limits(catalog, namespace)
    accounts = {one.name: limits.account(one.namespace, one.hardware) for one in residents}
    up: dict[Account, int] = defaultdict(int)
    for one in residents:
        up[accounts[one.name]] += (one.hardware.num_accelerators or 1) * one.held_replicas(at_maximum=False)
    at_maximum = {account: (limits.of(account)[1] or 0) > held for account, held in up.items()}
    demands = [one.demand(at_maximum=at_maximum[accounts[one.name]]) for one in residents]
    return count(demands, catalog, namespace=namespace)


def of_ledger(ledger: Ledger, residents: Mapping[str, Resident]) -> Iterator[Finding]:
    """What is live cannot be refused any more, so a shortage is a warning: the next start or update may be."""
    for entry in ledger.entries:
        if entry.first_over in residents and entry.verdict in {QuotaVerdict.SHORT, QuotaVerdict.SHORT_AT_MAXIMUM}:
            is_minimum = entry.verdict is QuotaVerdict.SHORT
            rule, field = ("quota-minimum", "instance") if is_minimum else ("quota-maximum", "autoscaling.max")
            one = residents[entry.first_over]
            doubt = " How CPUs are counted is not known." if one.hardware.accelerator == "cpu" else ""
            yield found(one, rule, Severity.WARNING, field, f"{_shortage(entry, is_minimum)}{doubt}")


def _shortage(entry: Entry, is_minimum: bool) -> str:
    account = entry.account
    need, reach = (entry.need_min, "at their fewest") if is_minimum else (entry.need_max, "with every replica up")
    others = f" and others {entry.base}" if entry.base else ""
    return (
        f"{account.namespace} may have {entry.maximum} accelerators of {account.vendor} {account.kind}, and "
        f"what is live takes {need} {reach}{others}: {entry.short_by} too many, from {entry.first_over} on. The next "
        f"start or update may be refused. Ask for more at {CONTACT}, or lower autoscaling.max."
    )
