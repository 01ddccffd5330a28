"""Findings that say the same of many endpoints, told once with all the names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hfdeploy.render.text import plain_line
from hfdeploy.review import Finding

_MANY: Final = 4
"""From so many alike on they are told together: fewer are of more use each with its own line."""

_NAMED: Final = 20
"""Endpoints that a line names."""


@dataclass(frozen=True, slots=True)
class Group:
    """One finding, or many of which only the endpoint differs."""

    first: Finding
    names: tuple[str, ...]
    """The endpoints; a single one where the finding stands for itself."""

    @property
    def is_one(self) -> bool:
        return len(self.names) == 1

    @property
    def sentence(self) -> str:
        """What is said of each of them."""
        return self.first.sentence if self.is_one else _of_each(self.first)

    @property
    def fix(self) -> str:
        """What settles it, where the sentence does not say it."""
        fix = self.first.fix if self.is_one else self.first.fix.replace(_place(self.first), "each")
        return "" if fix in self.sentence else fix

    @property
    def told(self) -> str:
        """`40 endpoints: one, two and 38 more`."""
        names = [plain_line(name) for name in self.names]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        return f"{len(names)} endpoints: {', '.join(names[:_NAMED])}{more}"

    def __str__(self) -> str:
        if self.is_one:
            return str(self.first)
        field = f"{self.first.field}: " if self.first.field else ""
        return f"{field}{self.sentence} {self.told}."


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """In the order of the first of each."""
    alike: dict[tuple[str, ...], list[Finding]] = {}
    for number, one in enumerate(findings):
        same = (one.rule, one.severity.value, one.field, _of_each(one), one.fix.replace(_place(one), "each"))
        alike.setdefault(same if one.endpoint else (str(number),), []).append(one)
    return [group for those in alike.values() for group in _groups(those)]


def _groups(those: list[Finding]) -> list[Group]:
    names = tuple(dict.fromkeys(one.endpoint for one in those))
    if len(names) < _MANY:
        return [Group(one, (one.endpoint,)) for one in those]
    return [Group(those[0], names)]


def _of_each(one: Finding) -> str:
    """The sentence without the name that it begins with."""
    begins = f"{one.endpoint} "
    return f"Each {one.sentence.removeprefix(begins)}" if one.sentence.startswith(begins) else one.sentence


def _place(one: Finding) -> str:
    """`namespace/name` as the fix of something live names it."""
    return one.file or one.endpoint
