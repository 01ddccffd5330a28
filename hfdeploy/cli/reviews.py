"""A review in the form that was asked for, on standard output or in a file."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hfdeploy import redact, render
from hfdeploy.baseline.git import clone_of
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.program import surroundings
from hfdeploy.errors import Problem, UsageError
from hfdeploy.policy import RULES
from hfdeploy.review import Finding, Review


class ReviewFormat(StrEnum):
    """How a review is printed. Text and JSON are the command's own, the others the same for every command."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    SARIF = "sarif"
    JUNIT = "junit"
    GITHUB = "github"
    CSV = "csv"
    HTML = "html"


ReviewFormatOption: TypeAlias = Annotated[
    ReviewFormat,
    typer.Option(
        "--format",
        help="How to print the review: markdown for a pull request, sarif, junit, github (annotations), csv (FOCUS "
        "columns), html (one page).",
    ),
]
OutputOption: TypeAlias = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="Write it into a file instead.")
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a review was made of, as its documents tell it."""

    command: str
    """What prints the same review as text."""

    stack: str = ""
    namespace: str | None = None
    today: Catalog | None = None
    with_bodies: bool = False


def write_document(review: Review, output: ReviewFormat, asked: Asked) -> None:
    """Print a review in any form but text and JSON."""
    terminal.write(redact.known.scrub(_document(review, output, asked)))


def with_problems(review: Review, problems: Iterable[Problem]) -> Review:
    """The review with what is wrong in files that could not be read as specs, as findings on their lines."""
    problems, rule = list(problems), RULES["spec-invalid"]
    found = [
        Finding(rule.id, rule.severity, "", one.file, one.line, one.field, one.message, rule.fix) for one in problems
    ]
    files = tuple(dict.fromkeys(one.file for one in problems))
    return replace(review, findings=(*found, *review.findings), unread=files)


@contextmanager
def into(file: Path | None) -> Iterator[None]:
    """Have results written into a file, whole or not at all; None leaves them on standard output.

    Raises:
        UsageError: it cannot be written.
    """
    if file is None:
        yield
        return
    aside = file.with_name(f".{file.name}.writing")
    try:
        with aside.open("w", encoding="utf-8", newline="\n") as stream, redirect_stdout(stream):
            terminal.out.cache_clear()
            try:
                yield
            finally:
                terminal.out.cache_clear()
        aside.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}.") from None
    finally:
        aside.unlink(missing_ok=True)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _document(review: Review, output: ReviewFormat, asked: Asked) -> str:
    place = render.Place(asked.stack, asked.command)
    match output:
        case ReviewFormat.SARIF:
            review = _from_root(review)
            said = {rule.id: rule.says for rule in RULES.values()}
            return render.sarif(review, version=version("hfdeploy"), rules=said)
        case ReviewFormat.JUNIT:
            return render.junit(review)
        case ReviewFormat.GITHUB:
            return render.annotations(_from_root(review))
        case ReviewFormat.CSV:
            return render.focus_csv(review, namespace=asked.namespace, stack=asked.stack, answered=_today())
        case ReviewFormat.HTML:
            return render.page(review, place, today=asked.today)
        case _:
            return render.comment(review, place, today=asked.today, with_bodies=asked.with_bodies)


def _from_root(review: Review) -> Review:
    """The review on the paths of a diff, which are those of the clone, wherever in it the command was started."""
    files = {one.file: Path(one.file) for one in review.findings if one.file}
    there = {name: path.parent.resolve() / path.name for name, path in files.items() if path.is_file()}
    roots = {folder: clone_of(folder, surroundings()) for folder in {path.parent for path in there.values()}}
    told = {name: _below(path, roots[path.parent], name) for name, path in there.items()}
    return replace(review, findings=tuple(replace(one, file=told.get(one.file, one.file)) for one in review.findings))


def _below(path: Path, root: Path | None, otherwise: str) -> str:
    if root is None or not path.is_relative_to(root.resolve()):
        return otherwise
    return path.relative_to(root.resolve()).as_posix()
