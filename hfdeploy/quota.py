"""The quota ledger: what a whole change asks of a namespace's quota, against what the service says is left.

Counted in accelerators per namespace, vendor and instance type, all sizes together. Running, starting and sleeping
endpoints count, paused ones do not (hf-endpoints-documentation, guides/foundations: quotas). Whether a quota spans
regions is not settled, so both readings are computed: short under both is an error, under the wide one a warning.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hfdeploy.catalog import Catalog, Hardware

CONTACT = "https://endpoints.huggingface.co/contact"
"""Where more is asked for."""


class QuotaVerdict(StrEnum):
    """Whether a change can be had. The service refuses a request above the limit; it promises no stock below it."""

    OK = "ok"
    UNKNOWN = "unknown"
    SHORT_AT_MAXIMUM = "short_at_maximum"
    """The smallest numbers of replicas can be had, the largest cannot."""

    SHORT = "short"
    """The requests themselves would be refused."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one endpoint holds now and asks for."""

    name: str
    namespace: str
    wanted: Hardware | None
    """None for an endpoint that is removed."""

    min_replicas: int = 0
    max_replicas: int = 0
    is_paused: bool = False
    """Whether it stays paused after the change."""

    held: Hardware | None = None
    """What it runs on now; None for a new one."""

    held_replicas: int = 0
    """Replicas that count now: 1 for one that sleeps, 0 for a paused one."""

    is_side_by_side: bool = False
    """Whether a replacement starts before the old endpoint is gone."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is counted together; `region` is empty where all regions are."""

    namespace: str
    vendor: str
    instance_type: str
    region: str = ""

    def __str__(self) -> str:
        where = f" {self.region}" if self.region else ""
        return f"{self.namespace}: {self.vendor}{where} {self.instance_type}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger, in accelerators."""

    account: Account
    maximum: int | None
    """None where nobody said."""

    used: int | None
    held: int
    """Of `used`, what the endpoints of this change hold already."""

    need_min: int
    need_max: int
    surge: int
    """Held by what is replaced side by side, once, beside the new ones."""

    first_over: str = ""
    """The first endpoint of the change that does not find room; empty where all do."""

    verdict: QuotaVerdict = QuotaVerdict.UNKNOWN

    @property
    def base(self) -> int:
        """What others hold."""
        return max(0, (self.used or 0) - self.held)

    @property
    def peak(self) -> int:
        """The most that this change leads to."""
        return self.base + self.need_max + self.surge

    @property
    def short_by(self) -> int:
        """Accelerators missing: at the minimum where the requests would be refused, else at the maximum."""
        if self.maximum is None:
            return 0
        need = self.need_min if self.verdict is QuotaVerdict.SHORT else self.need_max
        return max(0, self.base + need + self.surge - self.maximum)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Both readings of the quota; `entries` are the wide one's, with `per_region` beside."""

    entries: tuple[Entry, ...]
    per_region: tuple[Entry, ...]

    def is_certain(self, entry: Entry) -> bool:
        """Whether a shortage shows under both readings."""
        account = entry.account
        return any(
            one.verdict is entry.verdict
            for one in self.per_region
            if (one.account.namespace, one.account.vendor, one.account.instance_type)
            == (account.namespace, account.vendor, account.instance_type)
        )


def count(demands: Sequence[Demand], catalog: Catalog) -> Ledger:
    """Add up a change. Rows come in the order of their names, whatever the order of the demands."""
    return Ledger(_entries(demands, catalog, by_region=False), _entries(demands, catalog, by_region=True))


def _entries(demands: Sequence[Demand], catalog: Catalog, *, by_region: bool) -> tuple[Entry, ...]:
    found: dict[Account, list[Demand]] = defaultdict(list)
    for demand in demands:
        for account in sorted({_account(demand, row, by_region) for row in _rows(demand)}, key=str):
            found[account].append(demand)
    return tuple(_entry(account, found[account], catalog) for account in sorted(found, key=str))


def _rows(demand: Demand) -> list[Hardware]:
    return [row for row in (demand.wanted, demand.held) if row is not None]


def _account(demand: Demand, row: Hardware, by_region: bool) -> Account:
    return Account(demand.namespace, row.vendor, row.instance_type, row.region if by_region else "")


def _entry(account: Account, demands: list[Demand], catalog: Catalog) -> Entry:
    maximum, used = _limits(account, catalog)
    held = sum(_held(one, account) for one in demands)
    entry = Entry(
        account,
        maximum,
        used,
        held,
        need_min=sum(_needed(one, account, at_most=False) for one in demands),
        need_max=sum(_needed(one, account, at_most=True) for one in demands),
        surge=sum(_surge(one, account) for one in demands),
    )
    verdict = _verdict(entry)
    first = _first_over(entry, demands, at_most=verdict is not QuotaVerdict.SHORT)
    return Entry(
        account, maximum, used, held, entry.need_min, entry.need_max, entry.surge, first_over=first, verdict=verdict
    )


def _limits(account: Account, catalog: Catalog) -> tuple[int | None, int | None]:
    """The service repeats one figure under each region and size; where they differ, the largest."""
    quotas = [
        row.quota
        for row in catalog.rows
        if row.quota is not None
        and (row.vendor, row.instance_type) == (account.vendor, account.instance_type)
        and account.region in {"", row.region}
    ]
    if not quotas:
        return None, None
    return max(one.maximum for one in quotas), max(one.used for one in quotas)


def _counts(row: Hardware | None, account: Account) -> bool:
    return (
        row is not None
        and (row.vendor, row.instance_type) == (account.vendor, account.instance_type)
        and account.region in {"", row.region}
    )


def _accelerators(row: Hardware | None) -> int:
    """Per replica; 1 where it was never seen, as for larger CPU sizes, whose unit is not known."""
    return (row.num_accelerators or 1) if row else 0


def _held(demand: Demand, account: Account) -> int:
    return _accelerators(demand.held) * demand.held_replicas if _counts(demand.held, account) else 0


def _needed(demand: Demand, account: Account, *, at_most: bool) -> int:
    if demand.is_paused or not _counts(demand.wanted, account):
        return 0
    return _accelerators(demand.wanted) * max(1, demand.max_replicas if at_most else demand.min_replicas)


def _surge(demand: Demand, account: Account) -> int:
    """The old endpoint, while the new one starts beside it."""
    return _held(demand, account) if demand.is_side_by_side else 0


def _verdict(entry: Entry) -> QuotaVerdict:
    if not entry.need_max:
        return QuotaVerdict.OK
    if entry.maximum is None:
        return QuotaVerdict.UNKNOWN
    if entry.base + entry.need_min + entry.surge > entry.maximum:
        return QuotaVerdict.SHORT
    return QuotaVerdict.SHORT_AT_MAXIMUM if entry.peak > entry.maximum else QuotaVerdict.OK


def _first_over(entry: Entry, demands: Iterable[Demand], *, at_most: bool) -> str:
    """The endpoint with which the sum first passes the limit, in the order of the specs."""
    if entry.maximum is None:
        return ""
    total = entry.base
    for demand in demands:
        total += _needed(demand, entry.account, at_most=at_most) + _surge(demand, entry.account)
        if total > entry.maximum:
            return demand.name
    return ""
