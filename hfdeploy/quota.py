"""The quota ledger: what a whole change asks of a namespace's quota, against what the service says is left.

Counted in accelerators per namespace, vendor and instance type, all sizes together. Running, starting and sleeping
endpoints count, paused ones do not (hf-endpoints-documentation, guides/foundations: quotas). Whether a quota spans
regions is not settled, so both readings are computed: short under both is an error, under the wide one a warning.
Where the service's own figures for a type differ by region, there is no wide reading: each region is judged by its own.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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

    @property
    def kind(self) -> str:
        """In words: `nvidia-a100`, or `nvidia-a100 in us-east-1`."""
        return f"{self.instance_type} in {self.region}" if self.region else self.instance_type

    def __str__(self) -> str:
        where = f" {self.region}" if self.region else ""
        return f"{self.namespace}: {self.vendor}{where} {self.instance_type}"


class Limits:
    """What the service says of each type of hardware in each region: accelerators that may be used, and that are.

    It repeats the figures of a type for each size; where they differ, the largest of each count. They are those of the
    one `namespace` that it was asked about: of any other nothing is known.
    """

    def __init__(self, catalog: Catalog, namespace: str) -> None:
        self._namespace = namespace
        self._said: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
        for row in catalog.rows:
            if row.quota is not None:
                said = self._said[row.vendor, row.instance_type]
                said[row.region] = _larger(said.get(row.region), (row.quota.maximum, row.quota.used))

    def account(self, namespace: str, row: Hardware, *, by_region: bool = False) -> Account:
        """What a row is counted under: its type, and its region where the type's figures differ by region."""
        said = self._figures(namespace, row.vendor, row.instance_type)
        is_regional = by_region or len(set(said.values())) > 1
        return Account(namespace, row.vendor, row.instance_type, row.region if is_regional else "")

    def of(self, account: Account) -> tuple[int | None, int | None]:
        """The limit and what is used of it; None where nobody said."""
        said = self._figures(account.namespace, account.vendor, account.instance_type)
        figures: tuple[int, int] | None = None
        for region, those in said.items():
            if account.region in {"", region}:
                figures = _larger(figures, those)
        return figures or (None, None)

    @property
    def asked(self) -> str:
        """The namespace whose figures these are; empty where there are none."""
        return self._namespace if self._said else ""

    def _figures(self, namespace: str, vendor: str, instance_type: str) -> Mapping[str, tuple[int, int]]:
        return self._said.get((vendor, instance_type), {}) if namespace == self._namespace else {}


def _larger(one: tuple[int, int] | None, other: tuple[int, int]) -> tuple[int, int]:
    return (max(one[0], other[0]), max(one[1], other[1])) if one else other


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
    """Both readings of the quota."""

    entries: tuple[Entry, ...]
    """What is judged: a type over all regions, or each region of it where the service's figures differ by region."""

    per_region: tuple[Entry, ...]
    """The same by region, of every type."""

    asked: str = ""
    """The namespace whose figures there are; empty where there are none."""

    def is_certain(self, entry: Entry) -> bool:
        """Whether a shortage shows under every reading that there is."""
        account = entry.account
        return bool(account.region) or any(
            one.verdict is entry.verdict
            for one in self.per_region
            if (one.account.namespace, one.account.vendor, one.account.instance_type)
            == (account.namespace, account.vendor, account.instance_type)
        )


def count(demands: Sequence[Demand], catalog: Catalog, *, namespace: str) -> Ledger:
    """Add up a change. Rows come in the order of their names, whatever the order of the demands.

    `namespace` is the one whose figures the catalogue has.
    """
    limits = Limits(catalog, namespace)
    entries, per_region = (_entries(demands, limits, by_region=one) for one in (False, True))
    return Ledger(entries, per_region, limits.asked)


def _entries(demands: Sequence[Demand], limits: Limits, *, by_region: bool) -> tuple[Entry, ...]:
    found: dict[Account, list[Demand]] = defaultdict(list)
    for demand in demands:
        accounts = {limits.account(demand.namespace, row, by_region=by_region) for row in _rows(demand)}
        for account in sorted(accounts, key=str):
            found[account].append(demand)
    return tuple(_entry(account, found[account], limits) for account in sorted(found, key=str))


def _rows(demand: Demand) -> list[Hardware]:
    return [row for row in (demand.wanted, demand.held) if row is not None]


def _entry(account: Account, demands: list[Demand], limits: Limits) -> Entry:
    maximum, used = limits.of(account)
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
