"""The catalogue: the snapshot is what its sources say, the live reply is read whatever shape it comes in."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus, Quota, alternatives, format_rate
from hfdeploy.errors import Unreachable

ROWS = json.loads(files("hfdeploy").joinpath("data", "hardware.json").read_text(encoding="utf-8"), parse_float=Decimal)

# hf-endpoints-documentation, support/pricing, tables of January 2026; intel-icl and the TPU types from its history.
PRICES = """
aws   intel-spr   x1 .033 x2 .067 x4 .134 x8 .268 x16 .536
aws   intel-icl   x1 .032 x2 .064 x4 .128 x8 .256
azure intel-xeon  x1 .06 x2 .12 x4 .24 x8 .48
gcp   intel-spr   x1 .05 x2 .10 x4 .20 x8 .40
aws   nvidia-t4   x1 .50 x4 3.00
aws   nvidia-l4   x1 .80 x4 3.80
aws   nvidia-a10g x1 1.00 x4 5.00
aws   nvidia-l40s x1 1.80 x4 8.30 x8 23.50
aws   nvidia-a100 x1 2.50 x2 5 x4 10 x8 20
aws   nvidia-h100 x1 4.50 x2 9 x4 18 x8 36
aws   nvidia-h200 x1 5 x2 10 x4 20 x8 40
aws   nvidia-b200 x1 9.25 x2 18.50 x4 37 x8 74
gcp   nvidia-t4   x1 .50
gcp   nvidia-l4   x1 .70 x4 3.80
gcp   nvidia-a100 x1 3.60 x2 7.20 x4 14.40 x8 28.80
gcp   nvidia-h100 x1 10 x2 20 x4 40 x8 80
aws   inf2        x1 .75 x12 12
gcp   tpu         1x1 1.20 2x2 4.75 2x4 9.50
"""
UNIT_MEMORY_GB = {
    "nvidia-t4": 16,
    "nvidia-l4": 24,
    "nvidia-a10g": 24,
    "nvidia-l40s": 48,
    "nvidia-a100": 80,
    "nvidia-h100": 80,
    "nvidia-h200": 141,
    "nvidia-b200": 256,
    "inf2": 32,
    "tpu": 16,
}


def published_prices() -> dict[tuple[str, str, str], Decimal]:
    prices = {}
    for line in PRICES.strip().splitlines():
        vendor, instance_type, *cells = line.split()
        for size, price in zip(cells[::2], cells[1::2], strict=True):
            prices[vendor, instance_type, size] = Decimal(price)
    return prices


def reply(*computes: object, vendor: object = "aws", region: object = "us-east-1") -> dict[str, object]:
    return {
        "vendors": [{"name": vendor, "regions": [{"name": region, "label": "N. Virginia", "computes": [*computes]}]}]
    }


def compute(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "id": "aws-us-east-1-nvidia-a100-x1",
        "accelerator": "gpu",
        "architecture": "Nvidia A100",
        "instanceType": "nvidia-a100",
        "instanceSize": "x1",
        "numAccelerators": 1,
        "numCpus": 11,
        "memoryGb": 145.0,
        "gpuMemoryGb": 80,
        "pricePerHour": 2.5,
        "status": "available",
        "quota": {"maxAccelerators": 8, "usedAccelerators": 3},
    }
    return {key: value for key, value in (row | changes).items() if value is not ...}


@pytest.fixture(scope="module")
def snapshot() -> Catalog:
    return Catalog.snapshot()


class TestSnapshot:
    def test_every_row_of_the_file_is_in_it(self, snapshot) -> None:
        """A dropped row would make a valid spec invalid offline."""
        assert (len(snapshot.rows), len(snapshot.withdrawn)) == (62, 3)
        assert len(ROWS) == 65
        assert Counter(row.status for row in (*snapshot.rows, *snapshot.withdrawn)) == {
            "available": 49,
            "deprecated": 12,
            "removed": 3,
            "reserved": 1,
        }

    def test_it_says_how_old_it_is(self, snapshot) -> None:
        """Whoever budgets with a price has to know its date."""
        assert (snapshot.source, snapshot.as_of) == ("snapshot", "2026-10-10")
        assert min(row.as_of for row in snapshot.rows) == "2026-05-19"

    def test_every_price_is_the_published_one(self, snapshot) -> None:
        """Prices decide; a typo in the copy would go unnoticed for months."""
        seen = {
            (row.vendor, row.instance_type, row.instance_size): row.price_per_hour
            for row in (*snapshot.rows, *snapshot.withdrawn)
        }

        assert seen == published_prices()

    def test_both_regions_of_aws_have_the_same_price(self, snapshot) -> None:
        """The price table has no region; rows of one type that disagree would be a copying mistake."""
        prices: dict[tuple[str, str, str], set[Decimal | None]] = {}
        for row in snapshot.rows:
            prices.setdefault((row.vendor, row.instance_type, row.instance_size), set()).add(row.price_per_hour)

        assert [names for names, different in prices.items() if len(different) != 1] == []

    @pytest.mark.parametrize("row", ROWS, ids=[f"{row['id'] or row['instanceSize']}" for row in ROWS])
    def test_a_row_is_whole(self, row) -> None:
        """Each figure can be traced to a public source and a date, and each id is composed of its names."""
        names = (row["vendor"], row["region"], row["instanceType"], row["instanceSize"])

        assert row["source"].strip()
        assert date.fromisoformat(row["as_of"]) <= date(2026, 11, 20)
        assert row["id"] == ("-".join(names) if row["region"] else None)
        assert (row["status"] == "removed") == (row["region"] is None) == (row["regionConfidence"] == "unknown")
        assert row["status"] in set(HardwareStatus)
        assert row["accelerator"] in {"cpu", "gpu", "neuron", "tpu"}
        current = [price["pricePerHour"] for price in row["priceHistory"] if price["to"] is None]
        assert current in ([], [row["pricePerHour"]])

    @pytest.mark.parametrize("row", ROWS, ids=[f"{row['id'] or row['instanceSize']}" for row in ROWS])
    def test_memory_and_counts_agree_with_the_size(self, row) -> None:
        """The size counts accelerators, or vCPUs of 2 GB on a CPU; memory is the total of the replica."""
        units = 1
        for factor in row["instanceSize"].split("x"):
            units *= int(factor or 1)

        if row["accelerator"] == "cpu":
            assert (row["numCpus"], row["memoryGb"], row["gpuMemoryGb"]) == (units, 2 * units, None)
            assert row["numAccelerators"] == (
                1 if units == 1 and row["vendor"] == "aws" and "spr" in row["id"] else None
            )
        else:
            assert row["numAccelerators"] == units
            assert row["gpuMemoryGb"] == units * UNIT_MEMORY_GB[row["instanceType"]]

    def test_rows_are_found_by_id_and_by_names(self, snapshot) -> None:
        for row in snapshot.rows:
            assert snapshot.by_id(row.id) is row
            assert snapshot.find(row.vendor, row.region, row.instance_type, row.instance_size) is row
        assert snapshot.find("aws", "us-east-1", "nvidia-a100", "x3") is None
        assert snapshot.by_id("") is None

    def test_its_clouds_and_regions_are_listed(self, snapshot) -> None:
        assert snapshot.vendors == ("aws", "azure", "gcp")
        assert snapshot.regions("aws") == ("eu-west-1", "us-east-1")
        assert snapshot.regions("ibm") == ()

    def test_no_row_claims_a_quota(self, snapshot) -> None:
        """A quota belongs to a namespace; an invented one would block or wave through a real change."""
        assert {row.quota for row in snapshot.rows} == {None}


class TestLive:
    def test_a_row_is_read_as_the_service_sends_it(self) -> None:
        catalog = Catalog.from_vendors(reply(compute()))

        assert (catalog.source, catalog.as_of, catalog.problems) == ("live", None, ())
        assert catalog.rows == (
            Hardware(
                id="aws-us-east-1-nvidia-a100-x1",
                vendor="aws",
                region="us-east-1",
                accelerator="gpu",
                architecture="Nvidia A100",
                instance_type="nvidia-a100",
                instance_size="x1",
                num_accelerators=1,
                num_cpus=11,
                memory_gb=145.0,
                gpu_memory_gb=80,
                price_per_hour=Decimal("2.5"),
                status=HardwareStatus.AVAILABLE,
                quota=Quota(maximum=8, used=3),
            ),
        )
        assert (catalog.rows[0].spelling, catalog.rows[0].place) == ("nvidia-a100 x1", "aws us-east-1")

    @pytest.mark.parametrize("price", [0.033, 0.067, 0.1, 2.675, 8.3, 23.5, 1.1])
    def test_a_price_that_was_a_float_is_the_number_it_prints(self, price) -> None:
        """Decimal(0.067) is 0.067000000000000003996...; over a month and a hundred endpoints that shows."""
        row = Catalog.from_vendors(reply(compute(pricePerHour=price))).rows[0]

        assert str(row.price_per_hour) == repr(price)

    def test_a_price_of_an_exact_parser_stays_exact(self) -> None:
        row = Catalog.from_vendors(json.loads(json.dumps(reply(compute())), parse_float=Decimal)).rows[0]

        assert row.price_per_hour == Decimal("2.5")

    def test_what_the_service_leaves_out_is_unknown(self) -> None:
        """CPU rows have neither numCpus nor gpuMemoryGb; a missing price is not a price of zero."""
        bare = compute(numCpus=..., gpuMemoryGb=None, pricePerHour=..., status=..., quota=None, architecture=...)
        row = Catalog.from_vendors(reply(bare)).rows[0]

        assert (row.num_cpus, row.gpu_memory_gb, row.price_per_hour, row.quota) == (None, None, None, None)
        assert row.status is HardwareStatus.UNKNOWN

    def test_a_null_is_no_fault(self) -> None:
        """Only what is wrong is reported, or nobody reads the reports."""
        catalog = Catalog.from_vendors(reply(compute(accelerator=None, architecture=None, status=None, id=None)))

        assert (catalog.rows[0].architecture, catalog.problems) == ("", ())

    def test_a_status_of_tomorrow_is_unknown(self) -> None:
        """The service adds words; an exception would stop every plan."""
        row = Catalog.from_vendors(reply(compute(status="on_fire", color="red"))).rows[0]

        assert (row.status, row.is_orderable) == (HardwareStatus.UNKNOWN, True)

    def test_a_missing_id_is_composed(self) -> None:
        assert Catalog.from_vendors(reply(compute(id=...))).by_id("aws-us-east-1-nvidia-a100-x1")

    @pytest.mark.parametrize(
        ("changes", "field", "complaint"),
        [
            ({"pricePerHour": float("nan")}, "price_per_hour", "pricePerHour: Input should be a finite number"),
            ({"pricePerHour": -1}, "price_per_hour", "pricePerHour: Input should be greater than or equal to 0"),
            ({"pricePerHour": "free"}, "price_per_hour", "pricePerHour: Input should be a valid decimal"),
            ({"quota": {"maxAccelerators": -1, "usedAccelerators": 0}}, "quota", "quota.maxAccelerators"),
            ({"quota": [8]}, "quota", "quota: Input should be a valid dictionary"),
            ({"memoryGb": "lots"}, "memory_gb", "memoryGb: Input should be a valid number"),
            ({"numAccelerators": 1.5}, "num_accelerators", "numAccelerators: Input should be a valid integer"),
        ],
    )
    def test_a_field_that_cannot_be_read_is_unknown_and_reported(self, changes, field, complaint) -> None:
        """One odd number must not take an instance away from people, nor pass as a number."""
        catalog = Catalog.from_vendors(reply(compute(**changes)))

        assert getattr(catalog.rows[0], field) is None
        assert len(catalog.problems) == 1
        assert catalog.problems[0].startswith("aws-us-east-1-nvidia-a100-x1 in the catalogue's reply: ")
        assert complaint in catalog.problems[0]
        assert catalog.problems[0].endswith("taken as unknown.")

    @pytest.mark.parametrize(
        "broken",
        [compute(instanceType=...), compute(instanceSize=""), compute(instanceType=7), "nonsense", None, []],
        ids=["no type", "empty size", "type is a number", "text", "null", "list"],
    )
    def test_a_row_without_its_names_is_left_out_and_reported(self, broken) -> None:
        catalog = Catalog.from_vendors(reply(broken, compute()))

        assert [row.spelling for row in catalog.rows] == ["nvidia-a100 x1"]
        assert len(catalog.problems) == 1
        assert catalog.problems[0].endswith("the row is left out.")

    @pytest.mark.parametrize("region", [None, "", 3])
    def test_a_region_without_a_name_has_no_rows(self, region) -> None:
        """An empty region is how withdrawn types are told; a live one would be found nowhere."""
        broken = reply(compute(), region=region)["vendors"]
        good = reply(compute())["vendors"]
        catalog = Catalog.from_vendors({"vendors": [*broken, *good]})

        assert (len(catalog.rows), len(catalog.problems)) == (1, 1)

    def test_a_row_that_is_there_twice_counts_once(self) -> None:
        catalog = Catalog.from_vendors(reply(compute(), compute(pricePerHour=9)))

        assert [row.price_per_hour for row in catalog.rows] == [Decimal("2.5")]
        assert catalog.problems == (
            "aws-us-east-1-nvidia-a100-x1 in the catalogue's reply: it is there twice; the first one counts.",
        )

    @pytest.mark.parametrize(
        "nothing",
        [{}, {"vendors": None}, {"vendors": []}, {"vendors": [None]}, {"vendors": [{"regions": [{"computes": 1}]}]}],
    )
    def test_a_reply_without_a_single_row_is_no_catalogue(self, nothing) -> None:
        """An empty catalogue would tell people that every instance they name does not exist."""
        with pytest.raises(Unreachable, match="catalogue holds no row that can be read"):
            Catalog.from_vendors(nothing)

    def test_a_reply_of_broken_rows_says_what_is_wrong_with_the_first(self) -> None:
        with pytest.raises(Unreachable, match="instanceSize: Field required"):
            Catalog.from_vendors(reply(compute(instanceSize=...)))


class TestNear:
    @pytest.mark.parametrize(
        ("place", "wanted", "best"),
        [
            # the size does not exist: the type stays, the closest size first
            (("aws", "us-east-1"), ("nvidia-a100", "x16"), "aws us-east-1 nvidia-a100 x8"),
            (("aws", "us-east-1"), ("nvidia-t4", "x2"), "aws us-east-1 nvidia-t4 x1"),
            # the type is elsewhere: the same kind of accelerator in the region asked for
            (("aws", "eu-west-1"), ("nvidia-a100", "x1"), "aws eu-west-1 nvidia-a10g x1"),
            # deprecated: its successor, same size for CPUs
            (("aws", "us-east-1"), ("intel-icl", "x4"), "aws us-east-1 intel-spr x4"),
            (("aws", "us-east-1"), ("nvidia-h100", "x1"), "aws us-east-1 nvidia-h200 x1"),
            (("aws", "us-east-1"), ("nvidia-b200", "x8"), "aws us-east-1 nvidia-h200 x8"),
            # exactly what was asked for
            (("gcp", "us-east4"), ("nvidia-a100", "x4"), "gcp us-east4 nvidia-a100 x4"),
            # a misspelt type: by spelling
            (("aws", "us-east-1"), ("nvidia-a10", "x1"), "aws us-east-1 nvidia-a10g x1"),
            (("azure", "eastus"), ("intel-xenon", "x1"), "azure eastus intel-xeon x1"),
            # a region nobody knows: elsewhere at the vendor
            (("aws", "us-west-2"), ("nvidia-l4", "x1"), "aws us-east-1 nvidia-l4 x1"),
            (("ibm", "moon"), ("nvidia-h100", "x1"), "gcp us-east4 nvidia-h100 x1"),
            # withdrawn: something of about the memory
            (("gcp", "us-east4"), ("tpu", "2x2"), "gcp us-east4 nvidia-a100 x1"),
        ],
    )
    def test_the_nearest_comes_first(self, snapshot, place, wanted, best) -> None:
        nearest = snapshot.near(*place, instance_type=wanted[0], instance_size=wanted[1])[0]

        assert f"{nearest.place} {nearest.spelling}" == best

    def test_the_place_asked_for_comes_before_the_vendor_and_the_vendor_before_others(self, snapshot) -> None:
        near = snapshot.near("aws", "eu-west-1", instance_type="nvidia-a100", instance_size="x1")

        assert [f"{row.place} {row.spelling}" for row in near] == [
            "aws eu-west-1 nvidia-a10g x1",
            "aws eu-west-1 nvidia-t4 x1",
            "aws us-east-1 nvidia-a100 x1",
            "aws us-east-1 nvidia-a100 x2",
            "gcp us-east4 nvidia-a100 x1",
        ]

    def test_the_deprecated_h100_of_aws_has_both_of_its_successors(self, snapshot) -> None:
        near = snapshot.near("aws", "us-east-1", instance_type="nvidia-h100", instance_size="x1")

        assert [f"{row.vendor} {row.instance_type}" for row in near][::5] == ["aws nvidia-h200", "gcp nvidia-h100"]

    def test_nothing_is_suggested_that_cannot_be_ordered(self, snapshot) -> None:
        """A refusal that leads to the next refusal helps nobody."""
        for row in (*snapshot.rows, *snapshot.withdrawn):
            near = snapshot.near(
                row.vendor, row.region, instance_type=row.instance_type, instance_size=row.instance_size
            )
            assert near
            assert all(other.is_orderable for other in near)

    def test_a_row_that_can_be_had_is_the_nearest_to_itself(self, snapshot) -> None:
        for row in snapshot.rows:
            if row.is_orderable:
                near = snapshot.near(*row.key[:2], instance_type=row.instance_type, instance_size=row.instance_size)
                assert near[0] == row

    def test_the_order_does_not_depend_on_the_order_of_the_reply(self, snapshot) -> None:
        """The same spec has to get the same advice on every run."""
        turned = Catalog(rows=snapshot.rows[::-1], source="live")
        for name, size in [("nvidia-a100", "x3"), ("intel-spr", "x1"), ("nvidia-t4", "x1"), ("whatever", "")]:
            for place in [("aws", "us-east-1"), ("azure", "eastus")]:
                straight = snapshot.near(*place, instance_type=name, instance_size=size)
                assert turned.near(*place, instance_type=name, instance_size=size) == straight

    @pytest.mark.parametrize("digits", [5, 400, 5000])
    def test_a_size_of_absurd_length_is_no_number(self, snapshot, digits) -> None:
        """Python refuses to read integers of more than 4300 digits, and floats end at 309."""
        near = snapshot.near("aws", "us-east-1", instance_type="nvidia-a100", instance_size="x" + "9" * digits)

        assert near[0].spelling == "nvidia-a100 x1"

    def test_of_two_that_are_alike_the_one_that_can_be_had_comes_first(self) -> None:
        reserved = compute(id=..., instanceType="nvidia-p", status="reserved")
        available = compute(id=..., instanceType="nvidia-q")
        catalog = Catalog.from_vendors(reply(reserved, available))

        near = catalog.near("aws", "us-east-1", instance_type="nvidia-a100", instance_size="x1")
        assert [row.instance_type for row in near] == ["nvidia-q", "nvidia-p"]

    def test_of_two_that_are_alike_the_closest_in_price_at_this_vendor_comes_first(self) -> None:
        """The price somewhere else says little about what somebody meant to spend here."""
        gone = compute(id=..., pricePerHour=10, status="not_available")
        cheap, dear = (compute(id=..., instanceType=name, pricePerHour=price) for name, price in [("p", 2), ("q", 9)])
        here = reply(gone, cheap, dear, vendor="gcp")["vendors"]
        elsewhere = reply(compute(pricePerHour=1))["vendors"]
        catalog = Catalog.from_vendors({"vendors": [*elsewhere, *here]})

        near = catalog.near("gcp", "us-east-1", instance_type="nvidia-a100", instance_size="x1")
        assert [row.instance_type for row in near] == ["q", "p", "nvidia-a100"]

    def test_a_type_the_service_has_dropped_still_has_a_neighbour_of_its_kind(self) -> None:
        """The live catalogue forgets; the snapshot remembers what an H100 was."""
        small = compute(id="cpu", accelerator="cpu", instanceType="intel-spr", gpuMemoryGb=None, memoryGb=2)
        catalog = Catalog.from_vendors(reply(small, compute()))

        near = catalog.near("aws", "us-east-1", instance_type="nvidia-h100", instance_size="x1")
        assert [row.spelling for row in near] == ["nvidia-a100 x1"]

    def test_unpriced_and_sizeless_rows_can_be_compared(self) -> None:
        bare = compute(pricePerHour=..., gpuMemoryGb=..., memoryGb=..., instanceSize="x2", id=...)
        catalog = Catalog.from_vendors(reply(bare, compute()))

        near = catalog.near("aws", "us-east-1", instance_type="nvidia-a100", instance_size="x1")
        assert [row.spelling for row in near] == ["nvidia-a100 x1", "nvidia-a100 x2"]


@pytest.mark.parametrize(
    ("status", "orderable"),
    [
        ("available", True),
        ("low_availability", True),
        ("reserved", True),
        ("unknown", True),
        ("not_available", False),
        ("deprecated", False),
        ("removed", False),
    ],
)
def test_a_status_says_whether_a_new_endpoint_may_ask_for_it(status, orderable) -> None:
    assert Catalog.from_vendors(reply(compute(status=status))).rows[0].is_orderable is orderable


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("2.5", "$2.50/h"),
        ("0.033", "$0.033/h"),
        ("0.06", "$0.060/h"),
        ("0.0995", "$0.100/h"),
        ("0.1", "$0.10/h"),
        ("0.134", "$0.13/h"),
        ("0.135", "$0.14/h"),
        ("1234.5", "$1,234.50/h"),
        ("0", "$0.000/h"),
        (None, "unpriced"),
    ],
)
def test_a_rate_has_cents_and_below_ten_cents_thousandths(price, text) -> None:
    assert format_rate(None if price is None else Decimal(price)) == text


class TestAlternatives:
    """What can be had where quota or stock is missing."""

    def test_the_same_place_comes_first_and_then_the_lower_price(self, snapshot) -> None:
        (wanted,) = [row for row in snapshot.rows if row.key == ("aws", "us-east-1", "nvidia-l4", "x1")]

        found = alternatives(snapshot.rows, wanted, most=6)

        assert (found[0].place, found[0].instance_type) == ("aws us-east-1", "nvidia-a10g")
        places = [row.place == wanted.place for row in found]
        assert places == sorted(places, reverse=True)

    def test_each_holds_as_much_can_be_had_and_has_another_quota(self, snapshot) -> None:
        for wanted in snapshot.rows:
            for row in alternatives(snapshot.rows, wanted):
                assert row.is_orderable
                assert row.accelerator == wanted.accelerator
                assert row.working_memory_gb >= wanted.working_memory_gb
                assert row.key[:3] != wanted.key[:3]

    def test_what_is_used_up_is_no_way_out(self, snapshot) -> None:
        (wanted,) = [row for row in snapshot.rows if row.key == ("aws", "us-east-1", "nvidia-l4", "x1")]
        full = [row.model_copy(update={"quota": Quota(maximum=8, used=8)}) for row in snapshot.rows]

        assert alternatives(full, wanted) == []
