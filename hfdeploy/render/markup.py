"""Text of others within Markdown: shown as it is, and never a link, a mention, an image, HTML or the end of a cell."""

import re
from typing import Final

from hfdeploy.render.text import plain_line

_NOTHING: Final = "\u200b"
"""No width: what GitHub would make a mention or a link of is broken by it."""

_SIGNS: Final = re.compile(r"([\\`*_\[\]|~$])")
"""What Markdown reads as more than itself wherever it stands."""

_FIRST: Final = re.compile(r"^(\d*)([-+#=.)])")
"""What begins a list, a heading or a rule at the start of a line."""

_CLIPPED: Final = 600
"""Characters of one text in a comment."""


def prose(text: str) -> str:
    """A sentence with somebody's words in it."""
    text = _SIGNS.sub(
        r"\\\1", _clipped(text).replace("->", "→").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    )
    text = _FIRST.sub(r"\1\\\2", text)
    # GitHub looks for these in what comes of the Markdown, so that no backslash stops it.
    text = text.replace("@", f"@{_NOTHING}").replace("#", f"#{_NOTHING}").replace("://", f":{_NOTHING}//")
    text = re.sub(r"(?i)\b(gh)-(?=\d)", rf"\1-{_NOTHING}", text)
    text = re.sub(r"(?i)\b(www)\.", rf"\1{_NOTHING}.", text)
    return re.sub(r":(?=[\w+-]+:)", f":{_NOTHING}", text)


def code(text: str, *, in_cell: bool = False) -> str:
    """A name as code, where nothing is a mention or a link; in a cell of a table a bar would end it even there."""
    text = _clipped(text) or " "
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    space = " " if text.startswith("`") or text.endswith("`") else ""
    shown = f"{fence}{space}{text}{space}{fence}"
    return shown.replace("|", "\\|") if in_cell else shown


def fenced(text: str, language: str = "") -> str:
    """Lines as a block of code that nothing within them ends."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{language}\n{text}\n{fence}"


def folded(summary: str, body: str) -> str:
    """A part that opens on demand; `summary` is our own text."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body.strip()}\n\n</details>"


def _clipped(text: str) -> str:
    text = plain_line(text)
    return text if len(text) <= _CLIPPED else f"{text[: _CLIPPED - 1]}…"
