"""What one check says: whether it stops anybody, the one line that cures it, and what can be mended here and now."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from hfdeploy import redact
from hfdeploy.render import plain


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARNING = "warning"
    """Worth knowing; nobody is stopped by it."""
    BLOCKING = "failed"
    """`pulumi up` cannot succeed, or must not be run, until this is settled."""
    UNCHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Mend:
    """A repair that loses nothing. `intention` completes "This would ..."; `carry_out` looks again before it acts.

    `carry_out` raises `EngineError` or `OSError` where it cannot be done any more.
    """

    intention: str
    carry_out: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one thing, with its cure. Texts hold no known secret and nothing that a terminal obeys."""

    check: str
    level: Level
    text: str
    cure: str = ""
    mend: Mend | None = None

    def __post_init__(self) -> None:
        for name in ("text", "cure"):
            object.__setattr__(self, name, _harmless(getattr(self, name)))


def fine(check: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(check, Level.OK, text)


def skipped(check: str, why: str) -> Finding:
    """Not looked at, and why."""
    return Finding(check, Level.UNCHECKED, why)


def remark(check: str, text: str, cure: str, mend: Mend | None = None) -> Finding:
    """Something to know about."""
    return Finding(check, Level.WARNING, text, cure, mend)


def obstacle(check: str, text: str, cure: str, mend: Mend | None = None) -> Finding:
    """Something that has to be settled first."""
    return Finding(check, Level.BLOCKING, text, cure, mend)


def _harmless(text: str) -> str:
    return " ".join(plain(redact.known.scrub(text)).split())
