"""What an endpoint costs: a range, never one number.

The rate is per replica and hour and covers all its accelerators; it is billed while replicas start and run, not while
the endpoint is paused or asleep, and a month has 730 hours (hf-endpoints-documentation, support/pricing). Everything is
decimal and in full precision; only the `format_` functions round. What has no price stays unpriced: None, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from hfdeploy.catalog import Hardware, format_rate
from hfdeploy.errors import UsageError
from hfdeploy.plan import Plan

__all__ = [
    "ASSUMED_START_MINUTES",
    "CURRENCY",
    "HOURS_PER_MONTH",
    "Estimate",
    "Total",
    "Usage",
    "add_up",
    "estimate",
    "estimate_of",
    "format_expected",
    "format_money",
    "format_month",
    "format_rate",
    "over_budget",
    "surge",
]

CURRENCY = "USD"
HOURS_PER_MONTH = 730
ASSUMED_START_MINUTES = 10
"""A cold start of a large model, where nobody has measured one. An assumption: show it with the wake cost."""


@dataclass(frozen=True)
class Usage:
    """How much an endpoint is used, start-up and idle tail included.

    Raises:
        UsageError: more than 24 hours in a day, or less than nothing.
    """

    active_hours_per_day: Decimal
    avg_replicas: Decimal
    """The mean number of replicas during the active hours."""

    def __post_init__(self) -> None:
        if not 0 <= self.active_hours_per_day <= 24:
            raise UsageError(f"active_hours_per_day is {self.active_hours_per_day}; a day has 0 to 24 of them.")
        if not self.avg_replicas >= 0:
            raise UsageError(f"avg_replicas is {self.avg_replicas}; it cannot be below 0.")


@dataclass(frozen=True)
class Estimate:
    """What one endpoint costs. Every amount is in USD, and None where the hardware has no price."""

    rate: Decimal | None
    """One replica for one hour."""

    price_as_of: str | None
    """The date of the rate when it is from the snapshot; None when it is live. Show it with every amount."""

    hourly_min: Decimal | None
    """At the smallest number of replicas; 0 for an endpoint that may sleep."""

    hourly_max: Decimal | None
    floor: Decimal | None
    """A month at the smallest number of replicas."""

    ceiling: Decimal | None
    """A month at the largest number of replicas: what limits are compared with."""

    wake: Decimal | None
    """One wake-up: start, work and idle tail of one replica. None for an endpoint that never sleeps, too."""

    left_on_per_day: Decimal | None
    """A day of an endpoint that was left behind awake."""

    expected: Decimal | None
    """A month at the usage given. None without usage: it depends on that, and is not zero."""

    start_minutes: Decimal
    """The start that `wake` counts with."""


@dataclass(frozen=True)
class Total:
    """The sum over several endpoints, of those that have a price."""

    hourly_min: Decimal
    hourly_max: Decimal
    floor: Decimal
    ceiling: Decimal
    left_on_per_day: Decimal
    unpriced: tuple[str, ...]
    """The endpoints that are not in the sums, by name. To be listed whenever a sum is shown."""

    prices_as_of: tuple[str, ...]
    """The different dates of the prices in the sums, oldest first."""


def estimate(
    hardware: Hardware,
    *,
    min_replicas: int,
    max_replicas: int,
    idle_minutes: Decimal | int | None,
    start_minutes: Decimal | int = ASSUMED_START_MINUTES,
    busy_minutes: Decimal | int = 0,
    usage: Usage | None = None,
) -> Estimate:
    """What an endpoint on this hardware costs.

    `idle_minutes` is how long it stays up after the last request before it sleeps (the API's `scaleToZeroTimeout`);
    it matters with `min_replicas=0` only, and None means that it never sleeps.

    Raises:
        UsageError: the usage has more replicas than the endpoint may have.
    """
    if usage and usage.avg_replicas > max_replicas:
        raise UsageError(f"avg_replicas is {usage.avg_replicas}, but the endpoint has at most {max_replicas} replicas.")
    rate = hardware.price_per_hour
    hours_up = None
    if min_replicas == 0 and idle_minutes is not None:
        hours_up = (Decimal(start_minutes) + Decimal(busy_minutes) + Decimal(idle_minutes)) / 60
    return Estimate(
        rate=rate,
        price_as_of=hardware.as_of,
        hourly_min=_times(rate, min_replicas),
        hourly_max=_times(rate, max_replicas),
        floor=_times(rate, HOURS_PER_MONTH * min_replicas),
        ceiling=_times(rate, HOURS_PER_MONTH * max_replicas),
        wake=_times(rate, hours_up),
        left_on_per_day=_times(rate, 24 * max(1, min_replicas)),
        expected=_times(rate, _expected_hours(min_replicas, usage)),
        start_minutes=Decimal(start_minutes),
    )


def estimate_of(plan: Plan, usage: Usage | None = None) -> Estimate:
    """What the endpoint of a plan costs; what is expected of it, only where its usage is known."""
    scaling = plan.spec.autoscaling
    idle = scaling.scale_to_zero_after
    return estimate(
        plan.hardware,
        min_replicas=scaling.min,
        max_replicas=scaling.max,
        idle_minutes=None if idle is None else int(idle / timedelta(minutes=1)),
        usage=usage,
    )


def surge(hardware: Hardware, *, overlap_minutes: Decimal | int, replicas: int) -> Decimal | None:
    """What the new side of a blue/green change costs, once, while the old side still serves."""
    return _times(hardware.price_per_hour, Decimal(overlap_minutes) / 60 * replicas)


def add_up(estimates: Mapping[str, Estimate]) -> Total:
    """The total over endpoints by name. An endpoint without a price is named in it, not counted as free."""
    priced = [one for one in estimates.values() if one.rate is not None]
    return Total(
        hourly_min=_sum([one.hourly_min for one in priced]),
        hourly_max=_sum([one.hourly_max for one in priced]),
        floor=_sum([one.floor for one in priced]),
        ceiling=_sum([one.ceiling for one in priced]),
        left_on_per_day=_sum([one.left_on_per_day for one in priced]),
        unpriced=tuple(sorted(name for name, one in estimates.items() if one.rate is None)),
        prices_as_of=tuple(sorted({one.price_as_of for one in priced if one.price_as_of})),
    )


def over_budget(estimates: Mapping[str, Estimate], most: Decimal) -> str | None:
    """Why these endpoints may not be brought up under a monthly budget; None where they may.

    With every replica up all month they must stay within it. One without a price could cost anything.
    """
    total = add_up(estimates)
    if total.unpriced:
        return (
            f"hfdeploy:budget allows {format_month(most)}, and nobody can tell what {', '.join(total.unpriced)} would "
            f"cost, which has no price. Choose hardware with a price, or take hfdeploy:budget out."
        )
    if total.ceiling <= most:
        return None
    dearest = sorted(estimates.items(), key=lambda one: one[1].ceiling or Decimal(0), reverse=True)
    told = ", ".join(f"{name} {format_month(one.ceiling)}" for name, one in dearest[:5])
    more = f" and {len(dearest) - 5} more" if len(dearest) > 5 else ""
    return (
        f"With every replica up this stack costs {format_month(total.ceiling)}, and hfdeploy:budget allows "
        f"{format_month(most)}: {told}{more}. Lower autoscaling.max, choose smaller hardware, or raise "
        f"monthly_ceiling_usd of hfdeploy:budget."
    )


def format_money(amount: Decimal | None) -> str:
    """`$1,095.00`, cents always; `unpriced` for None."""
    if amount is None:
        return "unpriced"
    return f"${amount.quantize(Decimal('0.01'), ROUND_HALF_UP):,}"


def format_month(amount: Decimal | None) -> str:
    """`$1,095.00/month`; `unpriced` for None."""
    return "unpriced" if amount is None else f"{format_money(amount)}/month"


def format_expected(one: Estimate) -> str:
    """A month at the usage given; without usage it says so, since $0 would be read as free."""
    if one.rate is not None and one.expected is None:
        return "depends on usage"
    return format_month(one.expected)


def _expected_hours(min_replicas: int, usage: Usage | None) -> Decimal | None:
    """Replica-hours of a month."""
    if usage is None:
        return None
    additional = max(Decimal(0), usage.avg_replicas - min_replicas)
    return HOURS_PER_MONTH * (min_replicas + usage.active_hours_per_day / 24 * additional)


def _times(rate: Decimal | None, factor: Decimal | int | None) -> Decimal | None:
    return None if rate is None or factor is None else rate * factor


def _sum(amounts: list[Decimal | None]) -> Decimal:
    return sum((amount for amount in amounts if amount is not None), Decimal(0))
