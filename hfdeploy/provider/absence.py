"""Many endpoints gone at once: counted over all reads of a refresh before the first of them counts as gone.

A refresh reads side by side, and whatever a read answers goes into the state. So a read that found nothing waits for
the others that are under way; only when few of them found nothing, too, is each told that its endpoint is gone.
"""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from hfdeploy.errors import Inconclusive
from hfdeploy.provider.members import named
from hfdeploy.wait import Clock

T = TypeVar("T")

_QUIET_S: Final = 0.5
"""Without a read beginning or ending for so long, all of them are known."""
_LONGEST_S: Final = 10.0


class Absences:
    """What the reads of one process found missing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._reading = 0
        self._moved_at = clock.now()
        self._gone: set[str] = set()

    def look(self, place: str, find: Callable[[], T | None], *, most: Callable[[], int]) -> T | None:
        """What `find` finds; None where there is nothing and not more than `most()` others are missing, too.

        Raises:
            Inconclusive: more are missing, which a wrong account, token or namespace looks like.
        """
        self._move(+1)
        found: T | None = None
        is_known = False
        try:
            found = find()
            is_known = True
        finally:
            self._move(-1, gone=place if is_known and found is None else None)
        if found is None:
            self._await_others(most)
        return found

    def _move(self, step: int, gone: str | None = None) -> None:
        with self._changed:
            self._reading += step
            self._moved_at = self._clock.now()
            if gone is not None:
                self._gone.add(gone)
            self._changed.notify_all()

    def _await_others(self, most: Callable[[], int]) -> None:
        with self._changed:
            until = self._clock.now() + _LONGEST_S
            while len(self._gone) <= most() and self._clock.now() < until:
                if not self._reading and self._clock.now() - self._moved_at >= _QUIET_S:
                    return
                self._changed.wait(_QUIET_S / 3)
            gone = sorted(self._gone)
        if len(gone) > most():
            raise Inconclusive(
                f"{len(gone)} or more endpoints of this stack are gone at once ({named(gone)}), and "
                f"hfdeploy:maxRemovals lets it lose {most()}: a wrong account, token or namespace looks like this. "
                f"They were left in the state. Look whose token it is, and at hfdeploy:namespace and hfdeploy:apiUrl. "
                f"If they were deleted in truth, say so for one run: HFDEPLOY_ALLOW_REMOVALS=NUMBER before the command."
            )
