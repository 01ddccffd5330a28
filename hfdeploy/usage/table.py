"""usage.csv: one endpoint per line. Everything wrong in it is said at once, with lines."""

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from hfdeploy.cost import Usage
from hfdeploy.errors import Problem, SpecError, UsageError
from hfdeploy.usage.known import Known

COLUMNS: Final = ("name", "active_hours_per_day", "avg_replicas")
"""Endpoint; hours of a day in which it is up, start and idle tail included; mean replicas in those hours."""

_MOST_BYTES: Final = 4 * 1024 * 1024


def read_usage(file: Path, most: Mapping[str, int] | None = None) -> dict[str, Known]:
    """The usage of endpoints by name. `most` is what autoscaling lets each endpoint have at once.

    Raises:
        UsageError: the file cannot be read.
        SpecError: every problem of every line.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise UsageError(f"{file} is larger than {_MOST_BYTES // 1024 // 1024} MiB, which is no table of usage.")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror or 'the system refuses'}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{file} is not UTF-8 text.") from None
    problems: list[Problem] = []
    found = dict(_rows(text, str(file), most or {}, problems))
    if problems:
        raise SpecError(problems)
    return found


def _rows(text: str, file: str, most: Mapping[str, int], problems: list[Problem]) -> Iterator[tuple[str, Known]]:
    lines = csv.reader(text.splitlines(), skipinitialspace=True)
    try:
        head = [name.strip() for name in next(lines, [])]
        if wrong := _wrong_head(head):
            problems.append(Problem(file, 1, "", wrong))
            return
        seen: dict[str, int] = {}
        for cells in lines:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(head):
                said = f"has {len(cells)} cells, and the first line names {len(head)} columns"
                problems.append(Problem(file, lines.line_num, "", said))
                continue
            row = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
            before = len(problems)
            known = _known(row, file, lines.line_num, most, problems)
            name = row["name"]
            if name in seen:
                said = f"is {name}, and so is that of line {seen[name]}; an endpoint has one line"
                problems.append(Problem(file, lines.line_num, "name", said))
            seen.setdefault(name, lines.line_num)
            if known is not None and len(problems) == before:
                yield name, known
    except csv.Error as error:
        problems.append(Problem(file, lines.line_num, "", f"cannot be read as CSV: {error}"))


def _wrong_head(head: list[str]) -> str:
    """What is wrong with the first line; empty where nothing is."""
    missing = [name for name in COLUMNS if name not in head]
    unknown = [name for name in head if name not in COLUMNS]
    twice = sorted({name for name in head if head.count(name) > 1})
    said = [f"lacks the column {name}" for name in missing]
    said += [f"has a column {name!r} that is not known" for name in unknown]
    said += [f"has the column {name} twice" for name in twice]
    return f"{', '.join(said)}; the columns are {', '.join(COLUMNS)}" if said else ""


def _known(
    row: Mapping[str, str], file: str, line: int, most: Mapping[str, int], problems: list[Problem]
) -> Known | None:
    if not row["name"]:
        problems.append(Problem(file, line, "name", "is empty: which endpoint is meant?"))
    numbers = {name: _number(row[name]) for name in COLUMNS[1:]}
    for name, number in numbers.items():
        if number is None:
            problems.append(
                Problem(file, line, name, f"must be a number from 0 on, such as 4 or 1.5; found {row[name]!r}")
            )
    hours, replicas = numbers["active_hours_per_day"], numbers["avg_replicas"]
    if hours is not None and hours > 24:
        problems.append(Problem(file, line, "active_hours_per_day", f"is {hours}, and a day has 24 hours"))
        return None
    limit = most.get(row["name"])
    if replicas is not None and limit is not None and replicas > limit:
        said = f"is {replicas}, and autoscaling.max of {row['name']} is {limit}"
        problems.append(Problem(file, line, "avg_replicas", said))
    if hours is None or replicas is None:
        return None
    return Known(Usage(hours, replicas), f"{file}:{line}", line)


def _number(text: str) -> Decimal | None:
    """A decimal from 0 on, as people write it; None for anything else, NaN and infinity among it."""
    if len(text) > 20 or not text.isascii():
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() and number >= 0 else None
