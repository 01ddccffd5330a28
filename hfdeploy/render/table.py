"""A table as a value: how it is drawn is the terminal's business, and Markdown's is here."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Final

from hfdeploy.render.markup import code, prose

_CODE: Final = re.compile(r"(`[^`]+`|https?://[^\s`]+)")


@dataclass(frozen=True, slots=True)
class Column:
    """The title over a column; numbers stand to the right."""

    title: str
    is_number: bool = False
    is_flexible: bool = False
    """Whether its cells may be broken into lines where there is little room."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are finished text. The first column names the row; `footer` is a row of sums, one cell per column."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    footer: tuple[str, ...] | None = None


def markdown(table: Table) -> str:
    """The table as GitHub and GitLab draw it; ends with a line break."""
    lines = [
        _row([column.title for column in table.columns]),
        _row(["---:" if column.is_number else "---" for column in table.columns]),
        *(_row([_escaped(cell) for cell in row]) for row in table.rows),
    ]
    if table.footer:
        lines.append(_row([f"**{_escaped(cell)}**" if cell else "" for cell in table.footer]))
    return "".join(f"{line}\n" for line in lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(cell: str) -> str:
    """Text in a cell: nothing in it may end the cell or the line, or be read as more than words."""
    return "<br>".join(_line(line) for line in cell.split("\n"))


def _line(text: str) -> str:
    """Commands and addresses as code, in which nothing is a link or a mention, and from where they can be copied."""
    return "".join(
        code(part.strip("`"), in_cell=True) if is_code else _words(part)
        for is_code, part in zip(cycle((False, True)), _CODE.split(text), strict=False)
    )


def _words(text: str) -> str:
    before, after = (" " if text[slice_].isspace() else "" for slice_ in (slice(1), slice(-1, None)))
    return f"{before}{prose(text)}{after}" if text.strip() else before
