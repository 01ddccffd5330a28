"""The request log: every request the emulator was sent, in order, without its token."""

from collections import deque
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Entry:
    """One request. `status` is None until the answer begins, and for ever when there was none."""

    number: int
    """Counts from 1 and never starts again, not even after the log is emptied."""
    time: str
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """Without Authorization."""
    account: str | None
    """The user whose token was sent; None without a token or with an unknown one."""
    authorization: str | None
    """`bearer` when a token was sent, known or not; never the token."""
    body: Any = None
    """Parsed when it is JSON, as text otherwise; None when empty."""
    status: int | None = None
    faults: list[str] = field(default_factory=list)
    """Faults that were injected into this request."""

    def dump(self) -> dict[str, Any]:
        """The request as JSON values."""
        return asdict(self)


class Journal:
    """The newest requests, up to `size` of them."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self.count = 0

    def add(self, entry: Entry) -> None:
        """Append a request; its number must come from `next_number`."""
        self._entries.append(entry)

    def next_number(self) -> int:
        """The number of the request that has just come."""
        self.count += 1
        return self.count

    def since(self, number: int = 0) -> list[dict[str, Any]]:
        """The requests after that number, oldest first, as JSON values."""
        return [entry.dump() for entry in self._entries if entry.number > number]

    def clear(self) -> None:
        """Forget the requests; numbers go on."""
        self._entries.clear()

    def resize(self, size: int) -> None:
        """Keep the newest `size` requests."""
        self._entries = deque(self._entries, maxlen=size)

    def load(self, count: int, entries: Iterable[dict[str, Any]]) -> None:
        """Take over a saved log; of entries with one number the last counts."""
        newest = {entry["number"]: entry for entry in entries}
        self._entries.extend(Entry(**newest[number]) for number in sorted(newest))
        self.count = max(count, *newest, 0)
