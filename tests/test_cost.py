"""Costs: the published figures to the cent, ranges instead of guesses, and nothing unpriced that looks free."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.cost import (
    Usage,
    add_up,
    estimate,
    format_expected,
    format_money,
    format_month,
    over_budget,
    surge,
)
from hfdeploy.errors import UsageError

ROWS = Catalog.snapshot().rows


def hardware(name: str, vendor: str = "aws") -> Hardware:
    return next(row for row in ROWS if row.vendor == vendor and row.spelling == name)


UNPRICED = hardware("nvidia-a100 x1").model_copy(update={"price_per_hour": None})


def test_the_pricing_page_example_comes_out_to_the_cent() -> None:
    """aws nvidia-t4 x1, 1 to 3 replicas, 6 hours a day at 3: the page's own $547.50."""
    usage = Usage(active_hours_per_day=Decimal(6), avg_replicas=Decimal(3))
    one = estimate(hardware("nvidia-t4 x1"), min_replicas=1, max_replicas=3, idle_minutes=None, usage=usage)

    assert [format_money(amount) for amount in (one.expected, one.floor, one.ceiling)] == [
        "$547.50",
        "$365.00",
        "$1,095.00",
    ]
    assert (one.hourly_min, one.hourly_max) == (Decimal("0.5"), Decimal("1.5"))


def test_a_cpu_replica_for_a_month_uses_the_listed_price() -> None:
    """The page lists $0.067 and then multiplies $0.064; $48.91 is what its list says."""
    one = estimate(hardware("intel-spr x2"), min_replicas=1, max_replicas=1, idle_minutes=None)

    assert format_month(one.floor) == format_month(one.ceiling) == "$48.91/month"


def test_one_wake_up_of_an_a100_costs_three_dollars() -> None:
    """10 minutes to start, no work, 60 minutes until it sleeps again: what a stray request costs."""
    one = estimate(hardware("nvidia-a100 x1"), min_replicas=0, max_replicas=1, idle_minutes=60, start_minutes=10)

    assert format_money(one.wake) == "$2.92"


def test_a_stray_request_an_hour_keeps_it_up_all_day() -> None:
    """24 wake-ups at the idle timeout of the web interface cost no less than a day left on."""
    one = estimate(hardware("nvidia-a100 x1"), min_replicas=0, max_replicas=1, idle_minutes=60, start_minutes=0)

    assert one.wake is not None
    assert 24 * one.wake == one.left_on_per_day == 60


@pytest.mark.parametrize(("name", "per_day"), [("nvidia-a100 x1", "$60.00"), ("nvidia-h200 x8", "$960.00")])
def test_a_forgotten_endpoint_has_a_price_per_day(name, per_day) -> None:
    """An endpoint that may sleep counts as one replica: left behind awake is what it is asked for."""
    one = estimate(hardware(name), min_replicas=0, max_replicas=4, idle_minutes=15)

    assert format_money(one.left_on_per_day) == per_day


def test_a_forgotten_endpoint_of_three_replicas_costs_three() -> None:
    one = estimate(hardware("nvidia-t4 x1"), min_replicas=3, max_replicas=3, idle_minutes=None)

    assert one.left_on_per_day == 36


def test_an_endpoint_that_may_sleep_has_a_floor_of_zero_and_a_wake_cost() -> None:
    one = estimate(hardware("nvidia-a100 x1"), min_replicas=0, max_replicas=2, idle_minutes=15, busy_minutes=5)

    assert (one.floor, one.hourly_min, one.ceiling) == (0, 0, 3650)
    assert (one.wake, one.start_minutes) == (Decimal("1.25"), 10)


@pytest.mark.parametrize(("least", "idle"), [(1, 15), (1, None), (0, None)])
def test_an_endpoint_that_never_sleeps_has_no_wake_cost(least, idle) -> None:
    one = estimate(hardware("nvidia-a100 x1"), min_replicas=least, max_replicas=1, idle_minutes=idle)

    assert one.wake is None


def test_without_usage_the_expected_cost_is_not_zero() -> None:
    """$0 would be read as free."""
    one = estimate(hardware("nvidia-a100 x1"), min_replicas=0, max_replicas=1, idle_minutes=15)

    assert one.expected is None
    assert format_expected(one) == "depends on usage"


def test_usage_below_the_minimum_costs_the_minimum() -> None:
    usage = Usage(active_hours_per_day=Decimal(24), avg_replicas=Decimal("0.5"))
    one = estimate(hardware("nvidia-t4 x1"), min_replicas=1, max_replicas=3, idle_minutes=None, usage=usage)

    assert one.expected == one.floor
    assert format_expected(one) == "$365.00/month"


@pytest.mark.parametrize(
    ("hours", "replicas", "complaint"),
    [
        ("24.1", "1", "active_hours_per_day is 24.1; a day has 0 to 24 of them."),
        ("-1", "1", "active_hours_per_day is -1; a day has 0 to 24 of them."),
        ("1", "-1", "avg_replicas is -1; it cannot be below 0."),
    ],
)
def test_usage_that_cannot_be_is_refused(hours, replicas, complaint) -> None:
    with pytest.raises(UsageError) as error:
        Usage(active_hours_per_day=Decimal(hours), avg_replicas=Decimal(replicas))
    assert str(error.value) == complaint


def test_usage_of_more_replicas_than_there_can_be_is_refused() -> None:
    """An expected cost above the ceiling would make both of them worthless."""
    usage = Usage(active_hours_per_day=Decimal(1), avg_replicas=Decimal(4))
    with pytest.raises(UsageError, match="avg_replicas is 4, but the endpoint has at most 3 replicas"):
        estimate(hardware("nvidia-t4 x1"), min_replicas=1, max_replicas=3, idle_minutes=None, usage=usage)


def test_the_new_side_of_a_change_is_paid_while_both_run() -> None:
    assert surge(hardware("nvidia-a100 x1"), overlap_minutes=30, replicas=2) == Decimal("2.50")
    assert surge(UNPRICED, overlap_minutes=30, replicas=2) is None


def test_what_has_no_price_stays_without_one() -> None:
    """Not one amount may turn into zero, even those that would be zero at any price."""
    usage = Usage(active_hours_per_day=Decimal(0), avg_replicas=Decimal(0))
    one = estimate(UNPRICED, min_replicas=0, max_replicas=1, idle_minutes=15, usage=usage)

    amounts = (one.rate, one.hourly_min, one.hourly_max, one.floor, one.ceiling, one.wake, one.left_on_per_day)
    assert (*amounts, one.expected) == (None,) * 8
    assert (format_month(one.floor), format_money(one.wake), format_expected(one)) == ("unpriced",) * 3


def test_a_total_adds_what_has_a_price_and_names_what_has_none() -> None:
    """Whoever approves the total has to know what is missing from it."""
    estimates = {
        "falcon": estimate(hardware("nvidia-a100 x1"), min_replicas=0, max_replicas=1, idle_minutes=15),
        "embed": estimate(hardware("intel-spr x2"), min_replicas=1, max_replicas=2, idle_minutes=None),
        "secret": estimate(UNPRICED, min_replicas=1, max_replicas=1, idle_minutes=None),
    }
    total = add_up(estimates)

    assert (total.hourly_min, total.hourly_max) == (Decimal("0.067"), Decimal("2.634"))
    assert [format_month(amount) for amount in (total.floor, total.ceiling)] == ["$48.91/month", "$1,922.82/month"]
    assert total.left_on_per_day == Decimal("61.608")
    assert total.unpriced == ("secret",)
    assert total.prices_as_of == ("2026-05-19", "2026-10-10")


def test_the_total_of_nothing_is_nothing() -> None:
    total = add_up({})

    assert (total.floor, total.ceiling, total.unpriced, total.prices_as_of) == (0, 0, (), ())


def test_an_estimate_carries_the_date_of_its_price() -> None:
    live = hardware("nvidia-a100 x1").model_copy(update={"as_of": None})

    assert estimate(live, min_replicas=0, max_replicas=1, idle_minutes=15).price_as_of is None
    dated = estimate(hardware("nvidia-a100 x1"), min_replicas=0, max_replicas=1, idle_minutes=15)
    assert dated.price_as_of == "2026-10-10"


@given(
    row=st.sampled_from([row for row in ROWS if row.price_per_hour]),
    least=st.integers(0, 8),
    more=st.integers(0, 8),
    hours=st.decimals(0, 24, places=2),
    share=st.decimals(0, 1, places=2),
)
def test_the_expected_cost_lies_between_floor_and_ceiling(row, least, more, hours, share) -> None:
    """A range that does not hold its own expectation is no range."""
    most = max(1, least + more)
    usage = Usage(active_hours_per_day=hours, avg_replicas=share * most)
    one = estimate(row, min_replicas=least, max_replicas=most, idle_minutes=15, usage=usage)

    assert one.floor is not None
    assert one.ceiling is not None
    assert one.expected is not None
    cent = Decimal("0.01")
    assert one.floor - cent < one.expected < one.ceiling + cent


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1095", "$1,095.00"),
        ("2.916666", "$2.92"),
        ("0.005", "$0.01"),
        ("0", "$0.00"),
        ("1234567.891", "$1,234,567.89"),
    ],
)
def test_money_is_shown_in_cents(amount, text) -> None:
    assert format_money(Decimal(amount)) == text
    assert format_month(Decimal(amount)) == f"{text}/month"


@pytest.mark.fault(42)
@pytest.mark.parametrize(("most", "is_allowed"), [("1460", True), ("1459.99", False), ("0", False)])
def test_a_budget_holds_for_every_replica_all_month(most, is_allowed) -> None:
    """What is compared is the ceiling: an autoscaler may reach it without anybody doing anything."""
    two = estimate(hardware("nvidia-a10g x1"), min_replicas=0, max_replicas=2, idle_minutes=15)

    said = over_budget({"chat": two}, Decimal(most))

    assert (said is None) is is_allowed
    assert (
        said is None or f"costs $1,460.00/month, and hfdeploy:budget allows ${Decimal(most):,.2f}/month: chat" in said
    )


@pytest.mark.fault(42)
def test_a_budget_does_not_hold_for_what_has_no_price() -> None:
    """Unknown is not free."""
    unpriced = estimate(UNPRICED, min_replicas=0, max_replicas=1, idle_minutes=15)

    assert "nobody can tell what chat would cost" in str(over_budget({"chat": unpriced}, Decimal(10_000)))
