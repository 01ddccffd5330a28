"""Names against what the service says today: prices, quota and status win over the snapshot."""

from decimal import Decimal

import pytest
from hardware_names import ask, codes, refusal

from hfdeploy.catalog import Catalog


class TestLive:
    """What the service says today wins over the snapshot, and what it adds (quota, status) is shown."""

    @staticmethod
    def catalog(**changes: object) -> Catalog:
        def row(instance_type: str, price: float, **more: object) -> dict[str, object]:
            return {
                "id": f"aws-us-east-1-{instance_type}-x1",
                "accelerator": "gpu",
                "instanceType": instance_type,
                "instanceSize": "x1",
                "numAccelerators": 1,
                "gpuMemoryGb": 80,
                "pricePerHour": price,
                "status": "available",
                "quota": {"maxAccelerators": 8, "usedAccelerators": 3},
                **more,
            }

        computes = [row("nvidia-a100", 3.75, **changes), row("nvidia-z900", 9.0)]
        return Catalog.from_vendors(
            {"vendors": [{"name": "aws", "regions": [{"name": "us-east-1", "computes": computes}]}]}
        )

    def test_its_price_wins(self) -> None:
        found = ask("GPU [xlarge] · 1x A100", catalog=self.catalog())

        assert found.hardware.price_per_hour == Decimal("3.75")

    def test_hardware_that_the_package_has_never_heard_of_resolves(self) -> None:
        """A new GPU must not need a new release."""
        for instance in ("nvidia-z900 x1", "aws-us-east-1-nvidia-z900-x1", "GPU [xlarge] · 1x Z900"):
            assert ask(instance, catalog=self.catalog()).spelling == "nvidia-z900 x1"

    def test_choices_show_quota_and_no_date(self) -> None:
        message = refusal("nvidia-a100 x2", catalog=self.catalog())

        assert "nvidia-a100 x1 at $3.75/h (3 of 8 accelerators of the quota in use)" in message
        assert "Prices as of" not in message

    def test_what_it_has_dropped_is_refused_with_the_day_it_was_last_seen(self) -> None:
        assert "the live catalogue does not list it; it was last seen on 2026-10-10." in refusal(
            "aws-us-east-1-nvidia-l4-x1", catalog=self.catalog()
        )
        assert "nvidia-l4 is not offered any more; it was last seen on 2026-10-10." in refusal(
            "nvidia-l4 x1", catalog=self.catalog()
        )

    def test_a_place_it_does_not_have_is_named_as_such(self) -> None:
        assert 'aws has no region "eu-west-1" in the live catalogue, only us-east-1.' in refusal(
            "nvidia-a100 x1", "aws", "eu-west-1", self.catalog()
        )

    @pytest.mark.parametrize(
        ("status", "code", "sentence"),
        [
            ("low_availability", "instance-low-availability", "is scarce now: a start may wait."),
            ("reserved", "instance-reserved", "is reserved: it needs an agreement with Hugging Face."),
            ("not_available", "instance-not-available", "is not available: a new endpoint cannot have it."),
            ("deprecated", "instance-deprecated", "is deprecated: a new endpoint cannot have it."),
            ("on_fire", "instance-status-unknown", "has a status that is not known."),
        ],
    )
    def test_a_status_other_than_available_is_a_warning_with_another_choice(self, status, code, sentence) -> None:
        """Whether it blocks depends on whether the endpoint is new; that is the review's to say."""
        found = ask("nvidia-a100 x1", catalog=self.catalog(status=status))

        assert codes(found) == [code]
        assert found.warnings[0].sentence == (
            f"nvidia-a100 x1 in aws us-east-1 {sentence} Nearest: nvidia-z900 x1 at $9.00/h "
            "(3 of 8 accelerators of the quota in use)."
        )

    def test_without_another_choice_none_is_named(self) -> None:
        lonely = Catalog(rows=self.catalog(status="deprecated").rows[:1], source="live")

        assert ask("nvidia-a100 x1", catalog=lonely).warnings[0].sentence.endswith("cannot have it.")
        assert "Nearest" not in refusal("nonsense", catalog=lonely)
