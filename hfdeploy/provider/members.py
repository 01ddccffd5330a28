"""Who belongs to a stack: one text per endpoint, `name@namespace/cloud/region`, which the guard keeps in the state.

These four are what an endpoint cannot change and stay the same one, so two lists say what a run would remove and
what it would replace. A part that only the run itself finds out is `*` and differs from nothing. State of the first
release has the bare names.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_ANY: Final = "*"
_PLACE: Final = ("namespace", "cloud", "region")
_MOST_NAMED: Final = 10


def member(declared: Mapping[str, Any], resource: str) -> str:
    """The text for an endpoint, from its fields as far as they are known and its resource's name."""
    place = "/".join(_known(declared.get(field)) or _ANY for field in _PLACE)
    return f"{_known(declared.get('name')) or resource}@{place}"


def name_of(one: str) -> str:
    """The endpoint's name."""
    return one.partition("@")[0]


def namespaces_of(members: Iterable[str]) -> set[str]:
    """The namespaces that members say they are in."""
    return {_namespace_of(one) for one in members} - {_ANY}


def is_same_name(one: str, other: str) -> bool:
    """Whether two members are one name of one namespace, wherever it runs."""
    return name_of(one) == name_of(other) and _is_same(_namespace_of(one), _namespace_of(other))


def is_listed(namespace: str, name: str, members: Iterable[str]) -> bool:
    """Whether an endpoint is one of the members."""
    return any(is_same_name(f"{name}@{namespace}", one) for one in members)


@dataclass(frozen=True, slots=True)
class Losses:
    """The endpoints that a run would delete: for good, and to make another in their place."""

    removed: tuple[str, ...]
    replaced: tuple[str, ...]

    @property
    def count(self) -> int:
        """Both together."""
        return len(self.removed) + len(self.replaced)

    def __str__(self) -> str:
        told = [f"remove {_counted(self.removed)}"] if self.removed else []
        told += [f"replace {_counted(self.replaced)}"] if self.replaced else []
        return " and ".join(told)


def losses(before: Sequence[str], after: Sequence[str]) -> Losses:
    """What the members of `before` lose when those of `after` are brought live."""
    lost = [one for one in before if not any(_is_same_member(one, other) for other in after)]
    names = {name_of(one) for one in after}
    return Losses(
        removed=tuple(name_of(one) for one in lost if name_of(one) not in names),
        replaced=tuple(name_of(one) for one in lost if name_of(one) in names),
    )


def named(names: Sequence[str]) -> str:
    """Names for a sentence: all of them, or the first ones and how many more."""
    if len(names) <= _MOST_NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} endpoint{'' if len(names) == 1 else 's'} ({named(names)})"


def _known(value: object) -> str:
    """Text that is known while the program runs; what an Output will hold is not."""
    return value if isinstance(value, str) else ""


def _place_of(one: str) -> list[str]:
    parts = one.partition("@")[2].split("/")
    return [part or _ANY for part in parts] + [_ANY] * (len(_PLACE) - len(parts))


def _namespace_of(one: str) -> str:
    return _place_of(one)[0]


def _is_same_member(one: str, other: str) -> bool:
    places = zip(_place_of(one), _place_of(other), strict=True)
    return name_of(one) == name_of(other) and all(_is_same(left, right) for left, right in places)


def _is_same(one: str, other: str) -> bool:
    return _ANY in {one, other} or one == other
