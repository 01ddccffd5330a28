"""Text as people paste it, brought to one form; and what a text that cannot be resolved may have meant."""

import re
import unicodedata
from collections.abc import Iterable

from hfdeploy.labels.table import Pair, Table

LONGEST = 120
"""Characters of an instance's name that are looked at; the longest name known has 33."""

_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\ufe63\uff0d"), "-")
_TIMES = dict.fromkeys(map(ord, "×✕✖⨉⨯"), "x")
_SEPARATOR = re.compile(r"\s*[•∙⋅‧●・|¦│‖–—―‒−·]\s*")
_COUNT = re.compile(r"(?<![a-z0-9.])(?:x(?P<after>[0-9]{1,4})(?![a-z0-9])|(?P<before>[0-9]{1,4})\s*x)")
_WORD = re.compile(r"(?<![a-z0-9])[0-9]*x*(?:small|medium|large)(?![a-z0-9])")


def normalise(text: str) -> str:
    """Fold case, collapse blanks, drop what cannot be seen, and write each sign that people use in one way."""
    shown = "".join(" " if char.isspace() else char for char in unicodedata.normalize("NFKC", text))
    shown = "".join(char for char in shown if unicodedata.category(char)[0] != "C")
    return " ".join(shown.translate(_HYPHENS).translate(_TIMES).lower().split())


def separated(text: str) -> str:
    """The same with every bullet, bar and long dash as the label's own ` · `."""
    return _SEPARATOR.sub(" · ", text)


def quoted(text: str) -> str:
    """What somebody wrote, safe to print: one line, no control characters, cut short."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f'"{line[:80]}…"' if len(line) > 80 else f'"{line}"'


def guess(text: str, table: Table, types: Iterable[str]) -> Pair:
    """What `text` may have meant, for a suggestion and never for an answer. Both parts may be empty.

    `types` are the instance types of today.
    """
    for mistake in table.mistakes:
        if isinstance(mistake.seen, Pair) and str(mistake.seen) == text:
            return mistake.meant
    name, rest, size = _find_type(text, table, types)
    count = _COUNT.search(rest)
    word = _WORD.search(rest)
    if count:
        size = f"x{int(count['after'] or count['before'])}"
    elif word and not size:
        size = _size_of_word(word[0], name, table)
    return Pair(instanceType=name or text, instanceSize=size)


def _find_type(text: str, table: Table, types: Iterable[str]) -> tuple[str, str, str]:
    """(type of today, the text without it, size if the old type implies one) of the first name found in the text."""
    names = {name: (name, "") for name in types}
    names |= {name.removeprefix("nvidia-"): (name, "") for name in list(names)}
    for alias in table.aliases:
        size = alias.size if isinstance(alias.size, str) else ""
        names[alias.old] = names[alias.old.replace(".", "-")] = (alias.successor or alias.new, size)
    for name in sorted(names):
        found = re.search(rf"(?<![a-wyz]){re.escape(name)}(?![a-z0-9])", text)
        if found:
            return names[name][0], f"{text[: found.start()]} {text[found.end() :]}", names[name][1]
    return "", text, ""


def _size_of_word(word: str, instance_type: str, table: Table) -> str:
    """`xlarge` is x1 of an A100 and x8 of a CPU; empty where the word never went with the type."""
    pair = table.size_words.gpu.get(word)
    if pair and pair.instance_type == instance_type:
        return pair.instance_size
    return table.size_words.cpu.get(word, "") if instance_type.startswith("intel-") else ""
