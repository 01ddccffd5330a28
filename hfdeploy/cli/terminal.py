"""What reaches a person: results on standard output, everything else on standard error, colours only on a terminal.

Nothing is read as markup here, since labels of hardware have brackets in them (`GPU [xlarge]`).
"""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from typing import IO, Any, Final

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table as Drawing
from rich.text import Text

from hfdeploy import redact, render
from hfdeploy.render.table import Column, Table

STYLES: Final = {
    "passed": "green",
    "running": "green",
    "available": "green",
    "failed": "bold red",
    "error": "bold red",
    "gone": "bold red",
    "updateFailed": "bold red",
    "inconclusive": "yellow",
    "unverified": "yellow",
    "warning": "yellow",
    "deprecated": "yellow",
}
"""By the first word of a text."""

_GAP: Final = 2
_SHORTEST: Final = 18
"""Characters that a flexible column keeps at least."""

_UNLIMITED: Final = 100_000
"""Columns of what is no terminal: whoever reads a pipe wraps lines, if anybody does."""


class Format(StrEnum):
    """How results are printed."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@cache
def out() -> Console:
    """Standard output."""
    return _console(is_error=False)


@cache
def err() -> Console:
    """Standard error."""
    return _console(is_error=True)


def prepare() -> None:
    """Characters that the terminal's encoding does not have are shown by number rather than being an error."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def complain(sentence: str) -> None:
    """What went wrong, as `error: ...`."""
    _remark("error", sentence)


def warn(sentence: str) -> None:
    """What somebody should know although it worked."""
    _remark("warning", sentence)


def note(sentence: str) -> None:
    """What is being done, or what was done differently."""
    err().print(_text(sentence), soft_wrap=True)


def write(text: str) -> bool:
    """Text for standard output, line by line as it is; tells whether anybody reads on.

    A reader that has seen enough (`| head`) is no error, and changes nothing about how the command ends.
    """
    try:
        sys.stdout.write(render.plain(text))
        sys.stdout.flush()
    except BrokenPipeError:
        _let_go(sys.stdout)
        return False
    return True


def harmless(text: str) -> str:
    """Text of whoever, without secrets of ours and without what a terminal obeys.

    Secrets are looked for on both sides of that: a colour within one hides it, and so may the loss of a character.
    """
    return redact.known.scrub(render.plain(redact.known.scrub(text)))


def write_aside(text: str) -> None:
    """Text for standard error, line by line as it is."""
    sys.stderr.write(render.plain(text))
    sys.stderr.flush()


def write_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """A result for programs; what a terminal would obey is escaped, so that programs still read the same."""
    text = json.dumps(_scrubbed(value), indent=2, ensure_ascii=False)
    write("".join(sign if sign == "\n" or render.is_harmless(sign) else json.dumps(sign)[1:-1] for sign in text) + "\n")


def draw(table: Table) -> None:
    """A table on standard output; on a terminal that is too narrow for it, each row as a paragraph."""
    console = out()
    if not console.is_terminal or _narrowest(table) <= console.width:
        _print(_drawing(table))
        return
    for row in (*table.rows, *([table.footer] if table.footer else [])):
        _print(_text(row[0], style="bold"))
        for line in _filled(table.columns[1:], row[1:], console.width - _GAP):
            _print(Padding(line, (0, 0, 0, _GAP)))


def draw_block(heading: str | Text, facts: Sequence[tuple[str, str]]) -> None:
    """A heading, and what is known below it, label by label; long texts wrap beside their label."""
    body = Drawing.grid(padding=(0, 2, 0, 0))
    body.add_column(style="dim", no_wrap=True)
    body.add_column(overflow="fold")
    for label, text in facts:
        body.add_row(label, _text(text))
    _print(_text(heading, style="bold") if isinstance(heading, str) else heading)
    if facts:
        _print(Padding(body, (0, 0, 0, 2)))


def styled(text: str, style: str = "") -> Text:
    """Text in the colour of its first word, or in the style given."""
    return _text(text, style=style or STYLES.get(text.partition(" ")[0], ""))


def print_text(text: str | Text = "") -> None:
    """A line or a paragraph on standard output, wrapped on a terminal."""
    _print(_text(text) if isinstance(text, str) else text)


@contextmanager
def busy(what: str) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that something is going on; what is yielded changes the words, nothing ("") ends it."""
    console = err()
    if not console.is_terminal:
        yield lambda _words: None
        return
    status = console.status(_text(what), spinner="dots")

    def say(words: str) -> None:
        if words:
            status.update(_text(words))
            status.start()
        else:
            status.stop()

    say(what)
    try:
        yield say
    finally:
        status.stop()


def _text(text: str, style: str = "") -> Text:
    """Text of whoever, with nothing in it that a terminal obeys and no secret of ours."""
    return Text(harmless(text), style=style)


def _scrubbed(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            return redact.known.scrub(value)
        case dict():
            return {key: _scrubbed(item) for key, item in value.items()}
        case list() | tuple():
            return [_scrubbed(item) for item in value]
    return value


def _remark(kind: str, sentence: str) -> None:
    line = Text(f"{kind}: ", style=STYLES[kind])
    err().print(line.append(_text(sentence, style="not bold default")), soft_wrap=True)


def _let_go(stream: IO[str]) -> None:
    """Neither what is left in the buffer nor what follows must fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Rich ends the process with 1 here, whatever the command had to say (`2>&1 | head`)."""
        _let_go(self.file)


def _console(*, is_error: bool) -> Console:
    stream = sys.stderr if is_error else sys.stdout
    is_terminal = stream.isatty()
    return _Console(
        stderr=is_error,
        force_terminal=is_terminal,  # whatever FORCE_COLOR says: a pipe gets no escape sequences
        color_system=None if Console().no_color else "auto",
        width=None if is_terminal else _UNLIMITED,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _drawing(table: Table) -> Drawing:
    drawing = Drawing(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in table.columns:
        drawing.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=not column.is_flexible,
            min_width=_SHORTEST if column.is_flexible else None,
            overflow="fold",
        )
    for row in table.rows:
        drawing.add_row(*map(styled, row))
    if table.footer:
        drawing.add_row(*(_text(cell, style="bold") for cell in table.footer))
    return drawing


def _narrowest(table: Table) -> int:
    """The columns that a terminal needs for the table to be drawn."""
    lines = [[column.title for column in table.columns], *table.rows, *([table.footer] if table.footer else [])]
    widths = [max(map(cell_len, cells)) for cells in zip(*lines, strict=True)]
    shortest = [min(w, _SHORTEST) if c.is_flexible else w for c, w in zip(table.columns, widths, strict=True)]
    return sum(shortest) + _GAP * (len(shortest) - 1)


def _filled(columns: Sequence[Column], cells: Sequence[str], width: int) -> list[Text]:
    """A row as lines of `title cell`, as many on each as it takes; none is broken."""
    lines: list[Text] = []
    for column, cell in zip(columns, cells, strict=True):
        pair = Text.assemble((f"{column.title.lower()} ", "dim"), styled(cell))
        if not cell:
            continue
        if lines and lines[-1].cell_len + _GAP + pair.cell_len <= width:
            lines[-1].append(" " * _GAP).append_text(pair)
        else:
            lines.append(pair)
    return lines


def _print(what: RenderableType) -> None:
    """Without the blanks that fill a table up to its width, where nobody sees them but diffs."""
    console = out()
    if isinstance(what, Text):
        # One sign for another, so that styles stay where they are.
        what.plain = "".join(sign if sign == "\n" or render.is_harmless(sign) else " " for sign in what.plain)
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as caught:
        console.print(what)
    write("".join(f"{line.rstrip()}\n" for line in caught.get().splitlines()))
