"""What is near to an instance, and what can be had in its place."""

import pytest
from catalogue import compute, reply

from hfdeploy.catalog import Catalog, Quota, alternatives

pytest_plugins = ["catalogue"]


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
