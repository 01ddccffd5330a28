"""Text of others made harmless: a model or a container can print what a terminal would obey."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final
from unicodedata import category

_SEQUENCE: Final = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours and cursor movements
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC, DCS, SOS, PM, APC
)
"""Escape sequences with what they carry; C1 controls begin some of them, too."""

_JOINERS: Final = "\u200c\u200d"
"""Not printable by themselves, and needed within words of Persian or Hindi and within emoji."""


def plain(text: str) -> str:
    """The text without escape sequences, control characters and changes of direction; lines, tabs and spaces stay."""
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    return "".join(sign for sign in text if sign in "\n\t" or is_harmless(sign))


def plain_line(text: str) -> str:
    """The same on one line."""
    return " ".join(plain(text).split())


def is_harmless(sign: str) -> bool:
    """Whether a terminal shows a character and does nothing else with it."""
    return sign.isprintable() or sign in _JOINERS or category(sign) == "Zs"


def money_text(amount: Decimal | None) -> str | None:
    """An amount for programs: full precision without an exponent; null for unpriced and for what does not apply."""
    return None if amount is None else f"{amount.normalize():f}"


def named(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
