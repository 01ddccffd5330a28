"""The catalogue's snapshot is what its sources say, and a rate is written as people read it."""

import json
from collections import Counter
from datetime import date
from decimal import Decimal
from importlib.resources import files

import pytest

from hfdeploy.catalog import HardwareStatus, format_rate

pytest_plugins = ["catalogue"]

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
