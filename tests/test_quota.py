"""The quota ledger: worked examples, and its laws."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy import render
from hfdeploy.catalog import Catalog, Hardware, Quota
from hfdeploy.quota import Account, Demand, QuotaVerdict
from hfdeploy.quota import count as count_for
from hfdeploy.review import Review

SNAPSHOT = Catalog.snapshot()
count = partial(count_for, namespace="acme")


def live(quota: Callable[[Hardware], Quota | None], rows: Sequence[Hardware] = SNAPSHOT.rows) -> Catalog:
    """The snapshot with the figures of a service."""
    return replace(SNAPSHOT, source="live", rows=tuple(one.model_copy(update={"quota": quota(one)}) for one in rows))


def catalog(maximum: int, used: int, rows: Sequence[Hardware] = SNAPSHOT.rows) -> Catalog:
    """One figure for every type, as an answer for a namespace repeats it."""
    quota = Quota(maxAccelerators=maximum, usedAccelerators=used)
    return live(lambda _: quota, rows)


def by_region(rows: Sequence[Hardware] = SNAPSHOT.rows, **figures: tuple[int, int]) -> Catalog:
    """Figures of its own for each region, written with underscores; none for the others."""
    quotas = {
        region.replace("_", "-"): Quota(maxAccelerators=one[0], usedAccelerators=one[1])
        for region, one in figures.items()
    }
    return live(lambda row: quotas.get(row.region), rows)


def row(instance: str, region: str = "us-east-1") -> Hardware:
    return next(one for one in SNAPSHOT.rows if one.spelling == instance and one.region == region)


def demand(name: str, instance: str = "nvidia-a100 x2", **changes: Any) -> Demand:
    values: dict[str, Any] = {"min_replicas": 0, "max_replicas": 1, **changes}
    return Demand(name, "acme", row(instance), **values)


def test_the_whole_change_is_counted_together() -> None:
    """Each endpoint alone would be accepted; together they are not, and the one that breaks the limit is named."""
    [entry] = count([demand("a"), demand("b"), demand("c")], catalog(8, 4)).entries

    assert (entry.base, entry.need_min, entry.short_by) == (4, 6, 2)
    assert (entry.verdict, entry.first_over) == (QuotaVerdict.SHORT, "c")


def test_a_maximum_that_cannot_be_reached_is_told_apart() -> None:
    """The endpoint starts; its autoscaling ends early."""
    [entry] = count([demand("a", max_replicas=5)], catalog(8, 0)).entries

    assert (entry.verdict, entry.short_by) == (QuotaVerdict.SHORT_AT_MAXIMUM, 2)


def test_an_update_is_not_counted_twice() -> None:
    """What an endpoint of this stack holds already is in `used`."""
    update = demand("a", held=row("nvidia-a100 x2"), held_replicas=1, max_replicas=2)

    [entry] = count([update], catalog(8, 6)).entries

    assert (entry.base, entry.peak, entry.verdict) == (4, 8, QuotaVerdict.OK)


def test_what_is_removed_makes_room() -> None:
    """An endpoint that goes gives its accelerators back, also to another size of the type."""
    gone = Demand("old", "acme", None, held=row("nvidia-a100 x8"), held_replicas=1)

    [entry] = count([gone, demand("new", "nvidia-a100 x4")], catalog(8, 8)).entries

    assert (entry.base, entry.need_min, entry.verdict) == (0, 4, QuotaVerdict.OK)


def test_a_replacement_side_by_side_holds_both_and_only_once() -> None:
    """Delete before replace has no surge, but downtime."""
    apart = demand("a", held=row("nvidia-a100 x2"), held_replicas=1)

    assert count([apart], catalog(2, 2)).entries[0].verdict is QuotaVerdict.OK
    beside = count([replace(apart, is_side_by_side=True)], catalog(2, 2)).entries[0]
    assert (beside.surge, beside.short_by, beside.verdict) == (2, 2, QuotaVerdict.SHORT)


def test_paused_endpoints_do_not_count_and_sleeping_ones_do() -> None:
    """A minimum of zero still needs one replica of quota."""
    assert count([demand("a", is_paused=True)], catalog(0, 0)).entries[0].verdict is QuotaVerdict.OK
    assert count([demand("a")], catalog(0, 0)).entries[0].verdict is QuotaVerdict.SHORT


def test_no_figure_is_unknown_and_never_enough() -> None:
    """The snapshot knows no quota."""
    [entry] = count([demand("a")], SNAPSHOT).entries

    assert (entry.maximum, entry.verdict) == (None, QuotaVerdict.UNKNOWN)


def test_both_readings_of_regions_are_kept() -> None:
    """Short over all regions together and not in any of them is no certain shortage."""
    west = next(one for one in SNAPSHOT.rows if one.spelling == "nvidia-t4 x1" and one.region == "eu-west-1")
    there = Demand("b", "acme", west, min_replicas=1, max_replicas=1)

    ledger = count([demand("a", "nvidia-t4 x1"), there], catalog(1, 0))

    assert [entry.verdict for entry in ledger.entries] == [QuotaVerdict.SHORT]
    assert not ledger.is_certain(ledger.entries[0])
    alone = count([demand("a", "nvidia-t4 x4")], catalog(1, 0))
    assert alone.is_certain(alone.entries[0])


class TestFiguresByRegion:
    """A service that gives a type other figures in each region has a quota for each; the largest is nobody's."""

    KNOWN = by_region(us_east_1=(2, 2), eu_west_1=(64, 0))
    EMPTY = row("nvidia-t4 x1", "eu-west-1")

    def test_a_full_region_is_short_however_empty_another_is(self) -> None:
        """Nobody may have the 64 of there here; what runs there is no part of what is used here."""
        there = Demand("there", "acme", self.EMPTY, 1, 3)

        ledger = count([demand("here", "nvidia-t4 x1"), there], self.KNOWN)

        assert [(one.account.region, one.verdict, one.short_by, one.first_over) for one in ledger.entries] == [
            ("eu-west-1", QuotaVerdict.OK, 0, ""),
            ("us-east-1", QuotaVerdict.SHORT, 1, "here"),
        ]
        assert ledger.entries == ledger.per_region
        assert ledger.is_certain(ledger.entries[1])

    def test_what_is_held_in_a_full_region_makes_no_room_in_another(self) -> None:
        """A move gives back in the one and needs in the other."""
        move = replace(demand("a", "nvidia-t4 x1"), held=self.EMPTY, held_replicas=1)

        full = count([move], self.KNOWN).entries

        assert {one.account.region: (one.held, one.need_min, one.base) for one in full} == {
            "eu-west-1": (1, 0, 0),
            "us-east-1": (0, 1, 2),
        }

    def test_one_figure_in_all_regions_keeps_both_readings(self) -> None:
        """Repeated, it may be one quota for all; a region of which nothing is said tells nothing else."""
        alike = by_region(us_east_1=(2, 2), eu_west_1=(2, 2))
        alone = by_region(us_east_1=(2, 2))

        assert [one.account.region for one in count([demand("a")], alike).entries] == [""]
        assert [one.account.region for one in count([demand("a")], alone).entries] == [""]


ROWS = [one for one in SNAPSHOT.rows if one.instance_type in {"nvidia-a100", "nvidia-t4", "intel-spr"}]
DEMANDS = st.lists(
    st.builds(
        Demand,
        name=st.sampled_from("abcdef"),
        namespace=st.sampled_from(["acme", "other"]),
        wanted=st.none() | st.sampled_from(ROWS),
        min_replicas=st.integers(0, 3),
        max_replicas=st.integers(3, 6),
        is_paused=st.booleans(),
        held=st.none() | st.sampled_from(ROWS),
        held_replicas=st.integers(0, 3),
        is_side_by_side=st.booleans(),
    ),
    max_size=8,
)

FIGURES = st.tuples(st.integers(0, 40), st.integers(0, 40))
CATALOGS = FIGURES.map(lambda one: catalog(*one, ROWS)) | st.builds(
    by_region, st.just(ROWS), us_east_1=FIGURES, eu_west_1=FIGURES, us_east4=FIGURES
)
"""What the service may say: one figure for each type, or one for each of its regions."""


def figures(demands: list[Demand], known: Catalog) -> list[object]:
    ledger = count(demands, known)
    return [replace(entry, first_over="") for entry in (*ledger.entries, *ledger.per_region)]


@given(DEMANDS, st.randoms(use_true_random=False), CATALOGS)
def test_the_order_of_the_endpoints_does_not_matter(demands: list[Demand], chance: Any, known: Catalog) -> None:
    """Sums and verdicts are the change's; only the endpoint that is named first depends on the order."""
    shuffled = chance.sample(demands, len(demands))

    assert figures(shuffled, known) == figures(demands, known)


@given(DEMANDS, CATALOGS)
def test_nothing_is_negative_and_a_surge_is_counted_once(demands: list[Demand], known: Catalog) -> None:
    """Whatever the service says is used, and whoever holds it."""
    ledger = count(demands, known)

    for entry in (*ledger.entries, *ledger.per_region):
        assert min(entry.base, entry.held, entry.need_min, entry.need_max, entry.surge, entry.short_by) >= 0
        assert entry.need_min <= entry.need_max
        assert entry.surge <= entry.held
    beside = sum(
        (one.held.num_accelerators or 1) * one.held_replicas for one in demands if one.held and one.is_side_by_side
    )
    assert sum(entry.surge for entry in ledger.entries) == beside
    assert sum(entry.surge for entry in ledger.per_region) == beside


@given(DEMANDS, CATALOGS)
def test_a_region_with_figures_of_its_own_is_judged_by_them(demands: list[Demand], known: Catalog) -> None:
    """Whatever the figures elsewhere; and what has one figure for all regions is judged over all of them."""
    entries = {entry.account: entry for entry in count(demands, known).entries}
    said: dict[tuple[str, str], dict[str, Quota]] = defaultdict(dict)
    for one in known.rows:
        if one.quota:
            said[one.vendor, one.instance_type][one.region] = one.quota

    for demand in (one for one in demands if one.namespace == "acme"):
        for place in filter(None, (demand.wanted, demand.held)):
            regions = said[place.vendor, place.instance_type]
            is_regional = any(quota != regions[place.region] for quota in regions.values())
            region = place.region if is_regional else ""
            entry = entries[Account(demand.namespace, place.vendor, place.instance_type, region)]
            assert (entry.maximum, entry.used) == (regions[place.region].maximum, regions[place.region].used)
            is_short = entry.need_max > 0 and entry.base + entry.need_min + entry.surge > regions[place.region].maximum
            assert (entry.verdict is QuotaVerdict.SHORT) == is_short


@given(DEMANDS, CATALOGS)
def test_more_quota_never_makes_it_worse(demands: list[Demand], known: Catalog) -> None:
    """And fewer accelerators in use neither."""
    order = [QuotaVerdict.OK, QuotaVerdict.UNKNOWN, QuotaVerdict.SHORT_AT_MAXIMUM, QuotaVerdict.SHORT]

    def worst(maximum: int, used: int) -> int:
        """With so many accelerators more everywhere."""
        entries = count(demands, live(lambda row: more(row.quota, maximum, used), known.rows)).entries
        return max((order.index(one.verdict) for one in entries), default=0)

    def more(quota: Quota | None, maximum: int, used: int) -> Quota | None:
        return quota and Quota(maxAccelerators=quota.maximum + maximum, usedAccelerators=quota.used + used)

    assert worst(1, 0) <= worst(0, 0) <= worst(0, 1)


@pytest.mark.parametrize("missing", [0, 1, 7])
def test_short_by_is_what_has_to_be_asked_for(missing: int) -> None:
    """With that many more, the change can be had."""
    wanted = [demand(name, "nvidia-a100 x4") for name in "abc"]
    short = count(wanted, catalog(12 - missing, 0)).entries[0]

    assert short.short_by == missing
    assert count(wanted, catalog(12 - missing + short.short_by, 0)).entries[0].verdict is QuotaVerdict.OK


class TestReadings:
    """Whether a quota spans regions is not known, so a review shows both readings where they differ."""

    HERE, THERE = row("nvidia-a10g x1"), row("nvidia-a10g x1", "eu-west-1")
    ALIKE = catalog(4, 0)
    BOTH = "whether a quota spans regions is not known"

    def shown(self, *places: Hardware, known: Catalog = ALIKE, told: str = BOTH) -> list[tuple[str, str]]:
        """Account and verdict of each row on a terminal, after a look at the same words in the other forms."""
        demands = [Demand(f"e{at}", "acme", one, min_replicas=1, max_replicas=3) for at, one in enumerate(places)]
        review = Review((), (), ledger=count(demands, known))
        table, said = render.quota_parts(review)
        assert isinstance(table, render.Table)
        documents = [render.comment(review), render.page(review)]
        for document in documents:
            assert [cells[0] in document for cells in table.rows] == [True] * len(table.rows)
        assert {told in text for text in (str(said), *documents)} == {len(table.rows) > 1}
        assert {self.BOTH in text for text in (str(said), *documents)} == {len(table.rows) > 1 and told == self.BOTH}
        return [(cells[0], cells[-1]) for cells in table.rows]

    def test_two_regions_have_a_row_each(self) -> None:
        assert self.shown(self.HERE, self.THERE) == [
            ("acme: aws nvidia-a10g", "short by 2 at most, from e1 on"),
            ("acme: aws eu-west-1 nvidia-a10g", "ok"),
            ("acme: aws us-east-1 nvidia-a10g", "ok"),
        ]

    def test_one_region_has_none_of_its_own(self) -> None:
        """It would say the same twice."""
        assert self.shown(self.HERE) == [("acme: aws nvidia-a10g", "ok")]

    def test_figures_by_region_have_no_row_for_all_of_them(self) -> None:
        """There is one reading then, and it is said why."""
        known = by_region(us_east_1=(1, 1), eu_west_1=(8, 0))

        assert self.shown(self.HERE, self.THERE, known=known, told="figures differ by region at the service") == [
            ("acme: aws eu-west-1 nvidia-a10g", "ok"),
            ("acme: aws us-east-1 nvidia-a10g", "short by 1, from e0 on"),
        ]
