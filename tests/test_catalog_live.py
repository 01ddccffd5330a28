"""The live catalogue: its reply is read whatever shape it comes in."""

import json
from decimal import Decimal

import pytest
from catalogue import compute, reply

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus, Quota
from hfdeploy.errors import Unreachable


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
