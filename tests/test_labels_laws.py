"""The laws of names: case, blanks and signs change nothing, and arbitrary text resolves or is refused."""

import re

from hardware_names import HOME, LABELS, OLD_IDS, SNAPSHOT, ask, codes
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy.errors import UnknownHardware
from hfdeploy.labels import Form, resolve

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
