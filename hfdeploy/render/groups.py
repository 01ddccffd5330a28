"""Findings that say the same of many endpoints, told once with all the names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hfdeploy.render.text import named, plain_line
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
        if self.is_one:
            return self.first.own_fix
        fix = _fix_of_each(self.first)
        return "" if fix in self.sentence else fix

    @property
    def told(self) -> str:
        """`40 endpoints: one, two and 38 more`."""
        return f"{len(self.names)} endpoints: {named([plain_line(name) for name in self.names], _NAMED)}"

    def __str__(self) -> str:
        if self.is_one:
            return str(self.first)
        field = f"{self.first.field}: " if self.first.field else ""
        return f"{field}{self.sentence} {self.told}."


def grouped(findings: Iterable[Finding]) -> list[Group]:
    """In the order of the findings; many alike stand where the first of them stood."""
    told = list(findings)
    names: dict[tuple[str, ...], dict[str, None]] = {}
    for one in told:
        names.setdefault(_likeness(one), {})[one.endpoint] = None
    groups: dict[object, Group] = {}
    for number, one in enumerate(told):
        same = _likeness(one)
        if len(names[same]) >= _MANY:
            groups.setdefault(same, Group(one, tuple(names[same])))
        else:
            groups[number] = Group(one, (one.endpoint,))
    return list(groups.values())


def _likeness(one: Finding) -> tuple[str, ...]:
    """The same for findings of which only the endpoint differs."""
    return (one.rule, one.severity.value, one.field, _of_each(one), _fix_of_each(one))


def _of_each(one: Finding) -> str:
    """The sentence without the name that it begins with."""
    begins = f"{one.endpoint} "
    is_named = one.endpoint and one.sentence.startswith(begins)
    return f"Each {one.sentence.removeprefix(begins)}" if is_named else one.sentence


def _fix_of_each(one: Finding) -> str:
    """The fix without the `namespace/name` that it may name."""
    return one.fix.replace(one.file, "each") if one.file else one.fix
