"""Text of others made harmless: a model or a container can print what a terminal would obey."""

import re
from typing import Final

_SEQUENCE: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?")
"""Colours and cursor movements (CSI), and titles and links (OSC)."""

_JOINERS: Final = "\u200c\u200d"
"""Not printable by themselves, and needed within words of Persian or Hindi and within emoji."""


def plain(text: str) -> str:
    """The text without escape sequences, control characters and changes of direction; lines and tabs stay."""
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t" or sign in _JOINERS)
