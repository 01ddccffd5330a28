"""Names of instances: every form resolves to the one row it can mean, everything else is refused with a way out."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.errors import UnknownHardware
from hfdeploy.labels import Form, Resolution, resolve

SNAPSHOT = Catalog.snapshot()
TABLE = json.loads(files("hfdeploy").joinpath("data", "labels.json").read_text(encoding="utf-8"))
HOME = {"aws": "us-east-1", "azure": "eastus", "gcp": "us-east4"}

LABELS = [(entry, text) for entry in TABLE["labels"] for text in (entry["label"], *entry["variants"])]
OLD_PAIRS = [entry for entry in TABLE["labels"] if entry["old"]["instanceSize"]]
OLD_IDS = [entry for entry in TABLE["labels"] if entry["old"]["id"]]
MISTAKES = [mistake for mistake in TABLE["wildMistakes"] if isinstance(mistake["seen"], dict)]


@dataclass(frozen=True)
class Choice:
    """The structured form as a spec has it: an object."""

    type: str
    size: str


def ask(instance, cloud="aws", region=None, catalog=SNAPSHOT) -> Resolution:
    return resolve(instance, cloud=cloud, region=region or HOME[cloud], catalog=catalog)


def refusal(instance, cloud="aws", region=None, catalog=SNAPSHOT) -> str:
    with pytest.raises(UnknownHardware) as error:
        ask(instance, cloud, region, catalog)
    return str(error.value)


def codes(resolution) -> list[str]:
    return [warning.code for warning in resolution.warnings]


def today(entry) -> str:
    pair = entry.get("successor") or entry["new"]
    return f"{pair['instanceType']} {pair['instanceSize']}"


def status_codes(row: Hardware) -> list[str]:
    return {"available": [], "deprecated": ["instance-deprecated"], "reserved": ["instance-reserved"]}[row.status]


def test_the_label_of_the_blog_post_is_one_a100() -> None:
    """The shipped Falcon spec says it in the words of 2023."""
    found = ask("GPU [xlarge] · 1x A100")

    assert (found.hardware.id, found.hardware.price_per_hour) == ("aws-us-east-1-nvidia-a100-x1", Decimal("2.5"))
    assert (found.form, found.asked, found.spelling) == (Form.LABEL, "GPU [xlarge] · 1x A100", "nvidia-a100 x1")
    assert found.why == "GPU model and count of the label decide: 1x A100 is nvidia-a100 x1."
    assert [(warning.code, warning.sentence) for warning in found.warnings] == [
        (
            "label-retired",
            '"GPU [xlarge] · 1x A100" is a name from before 2024-05-08, which the API refuses: write "nvidia-a100 x1".',
        )
    ]


class TestTable:
    @pytest.mark.parametrize(("entry", "text"), LABELS, ids=[f"{entry['vendor']} {text}" for entry, text in LABELS])
    def test_every_label_and_variant_resolves(self, entry, text) -> None:
        """Whoever follows an old post gets the machine of that post."""
        found = ask(text, entry["vendor"])

        assert (found.spelling, found.form) == (today(entry), Form.LABEL)
        contradicts = ["label-contradiction"] if entry["confidence"] == "ambiguous" else []
        superseded = ["instance-deprecated"] if "successor" in entry else []
        assert codes(found) == ["label-retired", *contradicts, *superseded]
        assert f'write "{today(entry)}"' in found.warnings[0].sentence

    @pytest.mark.parametrize("entry", OLD_IDS, ids=[entry["old"]["id"] for entry in OLD_IDS])
    def test_every_old_id_resolves(self, entry) -> None:
        found = ask(entry["old"]["id"], entry["vendor"])

        assert (found.spelling, found.form) == (today(entry), Form.OLD_NAME)
        assert codes(found)[0] == "label-retired"
        assert "until 2024-05-08" in found.why

    @pytest.mark.parametrize(
        "entry",
        OLD_PAIRS,
        ids=[f"{e['vendor']} {e['old']['instanceType']} {e['old']['instanceSize']}" for e in OLD_PAIRS],
    )
    def test_every_old_type_and_size_resolves_in_all_its_shapes(self, entry) -> None:
        old_type, old_size = entry["old"]["instanceType"], entry["old"]["instanceSize"]
        shapes = (f"{old_type} {old_size}", {"type": old_type, "size": old_size}, Choice(old_type, old_size))
        for shape in shapes:
            found = ask(shape, entry["vendor"])
            assert (found.spelling, found.form) == (today(entry), Form.OLD_NAME)
            assert found.asked == f"{old_type} {old_size}"
            assert codes(found) == ["label-retired", *(["instance-deprecated"] if "successor" in entry else [])]

    @pytest.mark.parametrize(("word", "pair"), TABLE["sizeWords"]["gpu"].items())
    def test_every_gpu_size_word_alone_is_incomplete_or_ambiguous(self, word, pair) -> None:
        text = f"GPU [{word}]"
        if word == "xxlarge":
            assert "label-ambiguous" in refusal(text)
        else:
            found = ask(text)
            assert found.spelling == " ".join(pair)
            assert codes(found) == ["label-retired", "label-incomplete"]

    @pytest.mark.parametrize(("word", "pair"), TABLE["sizeWords"]["gpu"].items())
    def test_a_model_without_a_count_takes_the_count_of_its_own_size_word(self, word, pair) -> None:
        found = ask(f"GPU [{word}] · {pair[0].removeprefix('nvidia-')}")

        assert found.spelling == " ".join(pair)
        assert codes(found) == ["label-retired"]

    @pytest.mark.parametrize(("word", "size"), TABLE["sizeWords"]["cpu"].items())
    def test_cpu_words_mean_another_machine_in_each_cloud(self, word, size) -> None:
        on_aws, on_azure = ask(f"CPU [{word}]", "aws"), ask(f"CPU [{word}]", "azure")

        assert (on_aws.spelling, codes(on_aws)) == (f"intel-spr {size}", ["label-retired", "instance-deprecated"])
        assert on_aws.warnings[1].sentence == (f"aws intel-icl is deprecated, so a new endpoint gets intel-spr {size}.")
        assert (on_azure.spelling, codes(on_azure)) == (f"intel-xeon {size}", ["label-retired"])
        message = refusal(f"CPU [{word}]", "gcp")
        assert "no CPU label is known for gcp" in message
        assert f"Did you mean intel-spr {size} at $" in message

    @pytest.mark.parametrize(
        "alias", TABLE["instanceTypeAliases"], ids=[a["old"] for a in TABLE["instanceTypeAliases"]]
    )
    def test_every_old_type_with_a_new_size_is_refused_with_the_right_pair(self, alias) -> None:
        """Half old, half new was never valid; whoever wrote it hears what to write."""
        message = refusal(f"{alias['old']} x1", alias["vendor"])

        assert f'"{alias["old"]}" is a type from before 2024-05-08 and never had this size.' in message
        assert f"Did you mean {alias.get('successor', alias['new'])} x1 at $" in message

    @pytest.mark.parametrize("mistake", MISTAKES, ids=[m["seen"]["instanceType"] for m in MISTAKES])
    def test_every_mistake_of_public_code_is_refused_with_what_was_meant(self, mistake) -> None:
        seen, meant = mistake["seen"], mistake["meant"]
        for shape in (" ".join(seen.values()), Choice(*seen.values())):
            assert f"Did you mean {meant['instanceType']} {meant['instanceSize']} at $1.00/h?" in refusal(shape)

    def test_a_deprecated_type_with_an_old_size_leads_to_its_successor(self) -> None:
        assert "Nearest: intel-spr x2 at $0.067/h" in refusal("intel-icl medium")

    def test_a_t4_called_medium_is_refused_and_one_t4_is_nearest(self) -> None:
        """Some tutorials call the T4 medium, which was the A10G."""
        for text in ("nvidia-t4 medium", "GPU [medium] · T4"):
            assert re.search("(Nearest:|Did you mean) nvidia-t4 x1 at", refusal(text))
        assert ask("GPU [medium] · 1x T4").spelling == "nvidia-t4 x1"


class TestCatalogueRows:
    @pytest.mark.parametrize("row", SNAPSHOT.rows, ids=[row.id for row in SNAPSHOT.rows])
    def test_every_row_resolves_by_all_its_forms(self, row) -> None:
        forms = {
            row.id: Form.CATALOGUE_ID,
            row.spelling: Form.SHORT,
            Choice(row.instance_type, row.instance_size): Form.STRUCTURED,
        }
        for instance, form in forms.items():
            found = ask(instance, row.vendor, row.region)
            assert (found.hardware, found.form) == (row, form)
            assert codes(found) == status_codes(row)
            assert row.spelling in found.why
        mapping = {"type": row.instance_type, "size": row.instance_size}
        assert ask(mapping, row.vendor, row.region).hardware == row

    @pytest.mark.parametrize("row", SNAPSHOT.withdrawn, ids=[row.spelling for row in SNAPSHOT.withdrawn])
    def test_every_withdrawn_row_is_refused_with_the_date(self, row) -> None:
        message = refusal(row.spelling, row.vendor)

        assert "tpu is not offered any more; it was last seen on 2025-07-01." in message
        assert "Nearest: nvidia-" in message

    @pytest.mark.parametrize("row", SNAPSHOT.rows, ids=[row.id for row in SNAPSHOT.rows])
    def test_an_id_must_agree_with_the_cloud_and_region_of_the_spec(self, row) -> None:
        """Otherwise one of the two would win silently, and the endpoint would be made where nobody wants it."""
        cloud = "gcp" if row.vendor == "azure" else "azure"

        assert f"this id is in {row.place}, but the spec says {cloud} {HOME[cloud]}." in refusal(row.id, cloud)


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


NAMES = [
    *[text for _, text in LABELS],
    *[row.id for row in SNAPSHOT.rows if row.place == "aws us-east-1"],
    *[row.spelling for row in SNAPSHOT.rows if row.place == "aws us-east-1"],
    *[entry["old"]["id"] for entry in OLD_IDS if entry["vendor"] == "aws"],
]
BLANKS = st.sampled_from([" ", "  ", "\t", "\u00a0", "\u202f", " \u200b"])
SEPARATORS = st.sampled_from([" · ", " - ", "·", " • ", " | ", " – ", " — ", "―", "∙", " − ", "・", " │ ", "-"])
TIMES = st.sampled_from(["x", "X", " x ", "×", " × ", "✕"])
WORDS = st.sampled_from(
    ["gpu", "cpu", "[xlarge]", "[xxlarge]", "[small]", "·", "-", "1x", "4x", "x8", "x1", "a100", "t4", "nvidia",
     "tesla", "nvidia-a100", "intel-spr", "p4de", "g5.2xlarge", "xlarge", "medium", "aws-", "²x", "٤x", "9" * 30,
     "2x2", "tpu"]
)  # fmt: skip


def is_answered(instance, cloud: str, region: str) -> bool:
    """With a row of that place, or with a refusal that can be printed."""
    try:
        row = resolve(instance, cloud=cloud, region=region, catalog=SNAPSHOT).hardware
    except UnknownHardware as error:
        return str(error).isprintable()
    return row in SNAPSHOT.rows and row.vendor == cloud


def swap_case(text: str, upper: list[bool]) -> str:
    return "".join(c.upper() if up else c.lower() for c, up in zip(text, upper * len(text), strict=False))


@settings(deadline=None, max_examples=150)
@given(name=st.sampled_from(NAMES), upper=st.lists(st.booleans(), min_size=1, max_size=9), blank=BLANKS, pad=BLANKS)
def test_case_and_blanks_change_nothing(name, upper, blank, pad) -> None:
    """People paste from web pages, where blanks are of many kinds."""
    again = ask(f"{pad}{swap_case(name, upper).replace(' ', blank)}{pad}")

    assert (again.hardware, again.form, codes(again)) == (ask(name).hardware, ask(name).form, codes(ask(name)))


@settings(deadline=None, max_examples=150)
@given(
    entry=st.sampled_from([text for _, text in LABELS if "x" in text.split("]")[1]]), separator=SEPARATORS, times=TIMES
)
def test_separators_and_signs_change_nothing(entry, separator, times) -> None:
    """Posts write the label with dots, bars, dashes and a typographer's multiplication sign."""
    word, count, model = re.fullmatch(r"(GPU \[\w+\]) [·-] (\d)x (.*)", entry).groups()
    again = ask(f"{word}{separator}{count}{times}{model}")

    assert (again.hardware, codes(again)) == (ask(entry).hardware, codes(ask(entry)))


@settings(deadline=None, max_examples=100)
@given(name=st.sampled_from(NAMES))
def test_its_own_spelling_resolves_to_the_same_row_without_a_word_about_words(name) -> None:
    """Whoever takes the advice of a warning must be rid of it."""
    first = ask(name)
    second = ask(first.spelling)

    assert (second.hardware, second.form) == (first.hardware, Form.SHORT)
    assert not [code for code in codes(second) if code.startswith("label-")]


@settings(deadline=None, max_examples=200)
@given(
    instance=st.one_of(st.text(), st.lists(WORDS, max_size=6).map(" ".join), st.lists(WORDS, max_size=6).map("".join))
)
def test_arbitrary_text_resolves_or_is_refused(instance) -> None:
    """Any other exception would be a stack trace in front of somebody who made a typo."""
    assert is_answered(instance, "aws", "us-east-1")


@settings(deadline=None, max_examples=150)
@given(
    kind=st.text() | WORDS,
    size=st.text() | WORDS,
    cloud=st.sampled_from(["aws", "gcp", "x"]),
    region=st.text(max_size=9),
)
def test_an_arbitrary_pair_in_an_arbitrary_place_resolves_or_is_refused(kind, size, cloud, region) -> None:
    assert is_answered({"type": kind, "size": size}, cloud, region)
    assert is_answered({"type": kind, "size": size}, cloud, HOME.get(cloud, "-"))
