"""resolve, catalog: labels and hardware, from the snapshot and from a service."""

import pytest
from command_line import run, succeed, surroundings, talking_to, tell

pytest_plugins = ["command_line"]

LABEL = ["resolve", "GPU [xlarge] · 1x A100", "--cloud", "aws", "--region", "us-east-1"]


def test_an_old_label_is_explained() -> None:
    """The name is in blog posts and in people's memory, and the API refuses it."""
    ended = run(*LABEL)

    assert ended.returncode == 0
    assert ended.stdout == (
        "nvidia-a100 x1\n"
        "  where   aws us-east-1, id aws-us-east-1-nvidia-a100-x1\n"
        "  price   $2.50/h (as of 2026-10-10)\n"
        "  memory  80 GB on 1 accelerator\n"
        "  status  available\n"
        "  why     GPU model and count of the label decide: 1x A100 is nvidia-a100 x1.\n"
        "  source  the catalogue snapshot of 2026-10-10, not the service's list of today\n"
    )
    assert ended.stderr.startswith("warning: label-retired: ")
    assert ended.stderr.count("\n") == 1


def test_a_resolution_for_programs() -> None:
    """Warnings are in it, since nobody reads standard error there."""
    told = tell(*LABEL)

    assert told["hardware"]["instance"] == "nvidia-a100 x1"
    assert told["hardware"]["price_per_hour"] == "2.5"
    assert (told["source"], told["form"]) == ("snapshot", "label")
    assert [warning["code"] for warning in told["warnings"]] == ["label-retired"]


def test_words_need_no_quotes() -> None:
    """`hfdeploy resolve nvidia-t4 x1` is what people type."""
    assert succeed("resolve", "nvidia-t4", "x1", "--cloud", "aws", "--region", "us-east-1").startswith("nvidia-t4 x1\n")


def test_a_resolution_in_markdown() -> None:
    """For an issue or a page."""
    assert "| instance | nvidia-a100 x1 |\n" in succeed(*LABEL, "--format", "markdown")


def test_what_cannot_be_meant_is_refused_with_the_nearest() -> None:
    """A refusal that names no way out costs a search."""
    ended = run("resolve", "nvidia-a100 x3", "--cloud", "aws", "--region", "us-east-1")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith('error: "nvidia-a100 x3" cannot be used: ')
    assert "nvidia-a100 x2 at $5.00/h" in ended.stderr


def test_the_live_catalogue_is_used_where_it_can_be_read(emulator) -> None:
    """Prices move, and the quota is known only there."""
    told = tell(*LABEL, env=talking_to(emulator))

    assert told["source"] == "live"
    assert told["hardware"]["as_of"] is None
    assert told["hardware"]["quota"] == {"maximum": 64, "used": 0}
    assert "today" in succeed(*LABEL, env=talking_to(emulator))


def test_a_service_that_does_not_answer_well_is_replaced_by_the_snapshot(emulator) -> None:
    """The answer is a little older then, and says so."""
    ended = run(*LABEL, env=talking_to(emulator) | {"HF_TOKEN": "hf_mistyped_token"})

    assert ended.returncode == 0
    assert "The live catalogue could not be read, so this is the snapshot of 2026-10-10: " in ended.stderr
    assert "$2.50/h (as of 2026-10-10)" in ended.stdout


def test_the_catalogue_can_be_narrowed_down() -> None:
    """All rows are for programs; people look for one kind."""
    everything = tell("catalog")
    some = tell("catalog", "--cloud", "aws", "--region", "us-east-1", "--accelerator", "a100")
    kind = tell("catalog", "--accelerator", "neuron")

    assert (everything["source"], everything["currency"]) == ("snapshot", "USD")
    assert {row["cloud"] for row in everything["hardware"]} == {"aws", "azure", "gcp"}
    assert {row["instance"] for row in some["hardware"]} == {f"nvidia-a100 x{count}" for count in (1, 2, 4, 8)}
    assert {row["accelerator"] for row in kind["hardware"]} == {"neuron"}


def test_the_catalogue_as_a_table_says_how_old_it_is() -> None:
    """A price without its date is a rumour."""
    ended = run("catalog", "--cloud", "aws", "--accelerator", "a100")
    marked = succeed("catalog", "--cloud", "aws", "--accelerator", "a100", "--format", "markdown")

    heading, first, *_ = ended.stdout.splitlines()
    assert " ".join(heading.split()) == "INSTANCE CLOUD REGION GPU MEMORY MEMORY VCPUS PRICE STATUS AS OF"
    assert " ".join(first.split()) == "nvidia-a100 x1 aws us-east-1 80 GB – – $2.50/h available 2026-10-10"
    assert ended.stderr == "This is the snapshot of 2026-10-10, not the service's list of today. Prices in USD.\n"
    assert "| nvidia-a100 x1 | aws | us-east-1 | 80 GB |" in marked


def test_the_live_catalogue_shows_the_quota(emulator) -> None:
    """How many more may be asked for."""
    ended = run("catalog", "--cloud", "aws", "--accelerator", "a100", env=talking_to(emulator))

    assert "0 of 64" in ended.stdout
    assert ended.stderr == ""


@pytest.mark.parametrize(
    ("option", "word", "meant"),
    [
        ("--cloud", "asw", "aws"),
        ("--region", "us-est-1", "us-east-1"),
        ("--accelerator", "nvidia-a1000", "nvidia-a100"),
    ],
)
def test_words_that_the_catalogue_does_not_have_are_refused(option, word, meant) -> None:
    """An empty table would look like hardware that is sold out."""
    ended = run("catalog", option, word, env=surroundings())

    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"Did you mean {meant}?" in ended.stderr
