"""Names of instances: every form of the table and of the catalogue resolves to the one row it can mean."""

import re
from decimal import Decimal

import pytest
from hardware_names import HOME, LABELS, OLD_IDS, SNAPSHOT, TABLE, Choice, ask, codes, refusal, today

from hfdeploy.catalog import Hardware
from hfdeploy.labels import Form

OLD_PAIRS = [entry for entry in TABLE["labels"] if entry["old"]["instanceSize"]]
MISTAKES = [mistake for mistake in TABLE["wildMistakes"] if isinstance(mistake["seen"], dict)]


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
