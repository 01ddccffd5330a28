"""The rules of names: what is warned of, what is refused with a way out, and what is printed."""

import re
from decimal import Decimal

import pytest
from hardware_names import Choice, ask, codes, refusal


class TestRules:
    @pytest.mark.parametrize(
        ("label", "spelling", "warnings"),
        [
            # model and count decide, whatever the size word
            ("GPU [small] · 4x T4", "nvidia-t4 x4", ["label-retired", "label-contradiction"]),
            ("GPU [xxlarge] · 8x Nvidia A100", "nvidia-a100 x8", ["label-retired", "label-contradiction"]),
            ("GPU [9xlarge] · 1x L4", "nvidia-l4 x1", ["label-retired", "label-contradiction"]),
            ("GPU [large] · 4x Tesla T4", "nvidia-t4 x4", ["label-retired"]),
            ("GPU [xlarge] · 1x NVIDIA Tesla A100", "nvidia-a100 x1", ["label-retired"]),
            ("GPU [xlarge] · 01x A100", "nvidia-a100 x1", ["label-retired"]),
            # another word for the same machine
            ("GPU [1xlarge] · 1x A100", "nvidia-a100 x1", ["label-retired"]),
            ("GPU [xxxlarge] · 8x A100", "nvidia-a100 x8", ["label-retired"]),
            # deprecated since: the label is followed, and the warning says where to go
            (
                "GPU [large] · 1x H100",
                "nvidia-h100 x1",
                ["label-retired", "label-contradiction", "instance-deprecated"],
            ),
        ],
    )
    def test_a_label_resolves_with_its_warnings(self, label, spelling, warnings) -> None:
        found = ask(label)

        assert (found.spelling, codes(found)) == (spelling, warnings)

    def test_a_contradiction_says_both_sides(self) -> None:
        assert ask("GPU [xxlarge] · 8x A100").warnings[1].sentence == (
            'In "GPU [xxlarge] · 8x A100" the size word [xxlarge] stood for nvidia-a10g x4; '
            "model and count win: nvidia-a100 x8."
        )

    def test_a_label_implies_no_cloud(self) -> None:
        """GPU labels are known from aws; the spec's cloud decides, and its price is what is shown."""
        found = ask("GPU [xlarge] · 1x A100", "gcp")

        assert (found.hardware.id, found.hardware.price_per_hour) == ("gcp-us-east4-nvidia-a100-x1", Decimal("3.6"))

    @pytest.mark.parametrize(
        ("instance", "cloud", "problem"),
        [
            ("GPU [xxlarge]", "aws", "[xxlarge] alone is ambiguous, it stood for nvidia-a100 x8 and"),
            ("xxlarge", "aws", "[xxlarge] without CPU or GPU is ambiguous (label-ambiguous)."),
            ("[small]", "aws", "[small] without CPU or GPU is ambiguous (label-ambiguous)."),
            ("GPU [xxlarge] · A100", "aws", "it says no number of GPUs, and [xxlarge] stood for nvidia-a10g x4 (label"),
            ("GPU [9xlarge] · A100", "aws", "it says no number of GPUs, and [9xlarge] was no GPU size (label-"),
            ("GPU [9xlarge]", "aws", "[9xlarge] was no GPU size, and the label names no GPU."),
            ("GPU [xlarge] · 1x A6000", "aws", 'no GPU is called "a6000".'),
            ("GPU [xlarge] · 1x", "aws", 'no GPU is called "1x".'),
            ("GPU [xlarge] · 0x A100", "aws", 'aws us-east-1 has nvidia-a100 as x1, x2, x4 and x8, not as "x0".'),
            ("GPU [xlarge] · 3x A100", "aws", 'aws us-east-1 has nvidia-a100 as x1, x2, x4 and x8, not as "x3".'),
            ("GPU [xlarge] · 1x A100", "azure", "azure eastus has no nvidia-a100; it exists in aws us-east-1 and gcp"),
            ("GPU [large] · 4x T4", "gcp", 'gcp us-east4 has nvidia-t4 as x1, not as "x4".'),
            ("CPU [2xlarge]", "aws", "[2xlarge] was no CPU size; they were small, medium, large, xlarge."),
            ("CPU [xlarge] · 1x A100", "aws", "a CPU label names no model, and this one does."),
            ("p4de xlarge", "gcp", "it is an old name of aws, but the spec says gcp us-east4."),
            ("azure-fsv2-small", "aws", "it is an old name of azure, but the spec says aws us-east-1."),
            ("nvidia-a100 x16", "aws", 'aws us-east-1 has nvidia-a100 as x1, x2, x4 and x8, not as "x16".'),
            ("nvidia-a100 xlarge", "aws", '"xlarge" is not a size of nvidia-a100; sizes are written x1, x2 and so on.'),
            ("a100 x1", "aws", 'no instance type is called "a100".'),
            ("tpu 2x2", "gcp", "tpu is not offered any more; it was last seen on 2025-07-01."),
            ("nvidia-a100", "aws", "it is neither a catalogue id, nor a type and a size"),
            ("aws-us-west-2-nvidia-a100-x1", "aws", "it is neither a catalogue id, nor a type and a size"),
            ("the big one please", "aws", "it is neither a catalogue id, nor a type and a size"),
            ("", "aws", "an instance has a name of 1 to 120 characters."),
            ("x" * 5000, "aws", "an instance has a name of 1 to 120 characters."),
            (Choice("nvidia-a100", ""), "aws", '"" is not a size of nvidia-a100'),
            ({"size": "x1"}, "aws", 'no instance type is called "".'),
            (Choice("GPU [xlarge]", "1x A100"), "aws", 'no instance type is called "gpu [xlarge]".'),
        ],
    )  # fmt: skip
    def test_what_names_no_hardware_is_refused(self, instance, cloud, problem) -> None:
        message = refusal(instance, cloud)

        assert f'" cannot be used: {problem}' in message
        assert re.search(r"(Nearest:|Did you mean) .* at \$", message)
        assert re.search(r"Prices as of 20\d\d-\d\d-\d\d", message)

    @pytest.mark.parametrize(
        ("instance", "suggestion"),
        [
            ("GPU [xxlarge]", "nvidia-a100 x8 at $20.00/h or nvidia-a10g x4 at $5.00/h"),
            ("xxlarge", "nvidia-a100 x8 at $20.00/h or nvidia-a10g x4 at $5.00/h"),
            ("xlarge", "nvidia-a100 x1 at $2.50/h or intel-spr x8 at $0.27/h"),
            ("1x A100", "nvidia-a100 x1 at $2.50/h"),
            ("4x t4", "nvidia-t4 x4 at $3.00/h"),
            ("4xT4", "nvidia-t4 x4 at $3.00/h"),
            ("GPU · 1x A100", "nvidia-a100 x1 at $2.50/h"),
            ("A100 x2", "nvidia-a100 x2 at $5.00/h"),
            ("nvidia-a100-x4", "nvidia-a100 x4 at $10.00/h"),
            ("nvidia-l40s, x1", "nvidia-l40s x1 at $1.80/h"),
            ("intel-spr medium", "intel-spr x2 at $0.067/h"),
            ("nvidia-a100 2xlarge", "nvidia-a100 x2 at $5.00/h"),
            ("g5.12xlarge", "nvidia-a10g x4 at $5.00/h"),
            ("g4dn-12xlarge large", "nvidia-t4 x4 at $3.00/h"),
            ("g5-2xlarge large", "nvidia-a10g x1 at $1.00/h"),
            ("aws-us-east-1-p4de-2xlarge", "nvidia-a100 x2 at $5.00/h"),
        ],
    )
    def test_a_near_miss_gets_the_right_pair(self, instance, suggestion) -> None:
        """Suggested, never taken: a guess here is a machine somebody pays for."""
        assert f"Did you mean {suggestion}?" in refusal(instance)

    def test_a_suggestion_is_followed_by_three_others_and_the_dates(self) -> None:
        assert refusal("A100 x2") == (
            '"A100 x2" cannot be used: no instance type is called "a100". Did you mean nvidia-a100 x2 at $5.00/h? '
            "Also near: nvidia-a100 x1 at $2.50/h; nvidia-a100 x4 at $10.00/h; aws eu-west-1 nvidia-a10g x1 at "
            "$1.00/h. Prices as of 2026-05-19 to 2026-10-10."
        )

    def test_a_choice_that_is_not_free_to_take_says_so(self) -> None:
        assert "nvidia-a100 x8 at $28.80/h (reserved);" in refusal("nvidia-a100 x16", "gcp")

    @pytest.mark.parametrize(
        ("pasted", "spelling"),
        [
            ("nvidia\u2011a100 x1", "nvidia-a100 x1"),
            ("nvidia\u2010a100 \u00d71", "nvidia-a100 x1"),
            ("\uff27\uff30\uff35 \uff3bxlarge\uff3d \uff5c 1x A100", "nvidia-a100 x1"),
        ],
        ids=["no-break hyphen", "hyphen and times sign", "full-width letters"],
    )
    def test_signs_of_word_processors_are_read(self, pasted, spelling) -> None:
        assert ask(pasted).spelling == spelling

    def test_digits_of_other_scripts_are_not_read(self) -> None:
        """Nobody writes them on purpose here; what is not certain is not taken."""
        assert "it is neither a catalogue id" in refusal("GPU [xlarge] · \u0664x A100")

    @pytest.mark.parametrize(
        ("cloud", "region", "problem"),
        [
            ("aws", "us-west-2", 'aws has no region "us-west-2" in {source}, only eu-west-1 and us-east-1.'),
            ("ibm", "us-east-1", 'there is no cloud "ibm" in {source}, only aws, azure and gcp.'),
            ("", "", 'there is no cloud "" in {source}'),
        ],
    )
    def test_an_unknown_place_is_refused_with_the_known_ones(self, cloud, region, problem) -> None:
        message = refusal("nvidia-a100 x1", cloud, region or "-")

        source = "the catalogue snapshot of 2026-10-10 (the live one may have more)"
        assert problem.format(source=source) in message
        assert "Nearest: aws us-east-1 nvidia-a100 x1 at $2.50/h" in message

    def test_a_wrong_region_lists_its_own_hardware_first_and_then_where_the_type_is(self) -> None:
        assert refusal("nvidia-a100 x1", "aws", "eu-west-1") == (
            '"nvidia-a100 x1" cannot be used: aws eu-west-1 has no nvidia-a100; it exists in aws us-east-1 and gcp '
            "us-east4. Nearest: nvidia-a10g x1 at $1.00/h; nvidia-t4 x1 at $0.50/h; aws us-east-1 nvidia-a100 x1 at "
            "$2.50/h; aws us-east-1 nvidia-a100 x2 at $5.00/h; gcp us-east4 nvidia-a100 x1 at $3.60/h. Prices as of "
            "2026-05-19 to 2026-10-10."
        )

    def test_what_somebody_wrote_is_printed_on_one_line(self) -> None:
        """A name with an escape sequence in it would otherwise draw on the terminal of whoever reads the log."""
        message = refusal("nvidia\n\x1b[31m-a100\u202e x1")

        assert "\n" not in message
        assert message.isprintable()
        assert len(refusal("y" * 5000)) < 1000
