"""Scripted faults of the network and of the service's front: which request meets which, as data."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from hfdeploy.emulator.patterns import matches

KINDS: dict[str, str] = {
    "too_many_requests": "429, with Retry-After when `retry_after` is given",
    "server_error": "500; with `commit` after the request was carried out",
    "bad_gateway": "502",
    "unavailable": "503",
    "reset": "the connection is reset; with `commit` after the request was carried out",
    "half_body": "the request is carried out, half of the body arrives, the connection closes",
    "slow": "the request is carried out, the answer comes `seconds` later",
    "hang": "no answer; with `commit` the request is carried out",
    "html": "an HTML page with `status` (200)",
    "not_an_object": "a JSON error body that is a list, with `status` (500)",
}


@dataclass(slots=True)
class Fault:
    """A rule. All conditions that are given must hold; each request that it hits counts against `times`."""

    kind: str
    method: str | None = None
    path: str | None = None
    """A path, in which `*` stands for any text."""
    number: int | None = None
    """The number of the request, as in the request log."""
    skip: int = 0
    """Matching requests to let pass first."""
    times: int | None = 1
    """How many requests it hits; None: until it is deleted."""
    commit: bool = False
    retry_after: int | None = None
    seconds: float = 0.0
    status: int | None = None


class Faults:
    """The rules in force, in the order in which they were posted; the first that applies is used."""

    def __init__(self) -> None:
        self._rules: list[Fault] = []

    def add(self, rule: dict[str, Any]) -> None:
        """Put a rule in force.

        Raises:
            ValueError: an unknown key or kind; one sentence that says which.
        """
        unknown = rule.keys() - {field.name for field in fields(Fault)}
        if unknown:
            raise ValueError(f"A fault has no {', '.join(sorted(unknown))}; it has {', '.join(_names())}.")
        if rule.get("kind") not in KINDS:
            raise ValueError(f"There is no fault {rule.get('kind')!r}; there are {', '.join(KINDS)}.")
        self._rules.append(Fault(**rule))

    def next(self, number: int, method: str, path: str) -> Fault | None:
        """The fault for a request that has just come, counted off; None for none."""
        for rule in self._rules:
            if rule.times == 0 or not _concerns(rule, number, method, path):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            if rule.times is not None:
                rule.times -= 1
            return rule
        return None

    def clear(self) -> None:
        """Drop all rules."""
        self._rules.clear()

    def listing(self) -> list[dict[str, Any]]:
        """The rules with what is left of them, as JSON values."""
        return [asdict(rule) for rule in self._rules]


def _concerns(rule: Fault, number: int, method: str, path: str) -> bool:
    return (
        rule.number in {None, number}
        and rule.method in {None, method}
        and (rule.path is None or matches(path, rule.path))
    )


def _names() -> list[str]:
    return [field.name for field in fields(Fault)]
