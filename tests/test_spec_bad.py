"""Broken specs: each is refused with the sentence that MESSAGES.txt has for it, and every field and choice has one."""

import re
from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from bad_specs import FILES, beside_the_bad, messages, table
from spec_folder import BAD

import hfdeploy.spec
from hfdeploy.spec.endpoint import EndpointSpec
from hfdeploy.spec.section import Section

in_the_folder = pytest.fixture(beside_the_bad)

ROWS = {
    30: r"yaml-|.*duplicate",
    32: r"env-(key|loader|token)|secrets-(key|loader|plain|from-)|.*-token\.",
    37: r"public-",
}
"""The rows of the fault catalogue that a file is about, by the beginning of its name."""
SECRETS = ("pa55word", "correct-horse-battery", "x" * 20)
"""What stands in the files in the place of secrets."""


def proving(file: str) -> Any:
    """The file as a parameter, with its rows."""
    rows = [row for row, names in ROWS.items() if re.match(names, file)]
    return pytest.param(file, marks=[pytest.mark.fault(*rows)] if rows else [])


@pytest.mark.usefixtures("in_the_folder")
@pytest.mark.parametrize("file", [proving(file) for file in FILES])
def test_a_broken_spec_is_refused_with_its_sentence(file: str) -> None:
    """Somebody has to find the line and know what to write there."""
    assert messages(hfdeploy.spec, file) == table()[file]


def test_the_table_knows_every_file_and_no_other() -> None:
    """A file without a line would be a spec that is accepted."""
    assert set(table()) == set(FILES)
    assert len(FILES) >= 60


def test_no_sentence_is_pydantics_and_none_shows_a_secret() -> None:
    """The first would send people to a library's manual, the second to a password reset."""
    text = (BAD / "MESSAGES.txt").read_text()
    for foreign in ("Input should", "Value error", "validation error", "Extra inputs", "Field required", "pydantic"):
        assert foreign not in text
    held = "".join((BAD / file).read_text(errors="replace") for file in FILES)
    for secret in SECRETS:
        assert secret in held
        assert secret not in text


def test_every_field_of_every_section_has_a_broken_spec() -> None:
    """A field without one could lose its check and nobody would know."""
    named = {line.split(": ")[1] for lines in table().values() for line in lines}
    silent = [path for path in paths(EndpointSpec, "") if not any(is_about(field, path) for field in named)]
    assert silent == []


def is_about(field: str, path: str) -> bool:
    """Whether a message's field is that of a path, where * stands for any key."""
    return re.fullmatch(re.escape(path).replace(r"\*", "[^.]+") + r"(\..*)?", field) is not None


def paths(section: type[Section], prefix: str) -> Iterator[str]:
    """Every field of a section and of the sections below it, as dotted paths."""
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        below = f"{prefix}{name}." if name != "secrets" else f"{prefix}{name}.*."
        for inner in sections_in(field.annotation):
            yield from paths(inner, below)


def sections_in(annotation: object) -> Iterator[type[Section]]:
    """The sections that an annotation names anywhere."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for inner in get_args(annotation):
        yield from sections_in(inner)


@pytest.mark.usefixtures("in_the_folder")
def test_every_choice_between_words_has_a_broken_spec() -> None:
    """A list of words that nobody tries to leave is no list."""
    refused = {line.split(": ")[1] for lines in table().values() for line in lines if "no choice here" in line}
    open_ones = [path for path in choices(EndpointSpec, "") if path not in refused | {"engine.type", "state"}]
    assert open_ones == []


def choices(section: type[Section], prefix: str) -> Iterator[str]:
    """Every field whose value is one of some words."""
    for name, field in section.model_fields.items():
        if any(is_choice(part) for part in parts(field.annotation)):
            yield f"{prefix}{name}"
        for inner in sections_in(field.annotation):
            yield from choices(inner, f"{prefix}{name}.")


def parts(annotation: object) -> Iterator[object]:
    """The alternatives of an annotation, without what is inside maps and lists."""
    if get_origin(annotation) in (UnionType, Union, Annotated):
        for inner in get_args(annotation):
            yield from parts(inner)
    else:
        yield annotation


def is_choice(annotation: object) -> bool:
    """Whether an annotation is a closed list of words."""
    return get_origin(annotation) is Literal or (isinstance(annotation, type) and issubclass(annotation, Enum))
