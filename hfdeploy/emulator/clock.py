"""Time as the emulator tells it: the wall clock, or an injected one, plus what a test has wound forward."""

from collections.abc import Callable
from datetime import UTC, datetime

Now = Callable[[], float]
"""Seconds since the epoch."""


class Clock:
    """A clock that can be wound forward and never back, so that nothing that happened is undone."""

    def __init__(self, now: Now, offset: float = 0.0) -> None:
        self._now = now
        self.offset = offset
        """Seconds by which this clock is ahead of the one beneath it."""

    def now(self) -> float:
        """Seconds since the epoch, wound."""
        return self._now() + self.offset

    def advance(self, seconds: float) -> None:
        """Wind forward.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError(f"The clock only runs forward; {seconds} seconds is back.")
        self.offset += seconds


def timestamp(seconds: float, digits: int = 3) -> str:
    """RFC 3339 in UTC ending in `Z`, with 0 to 9 fraction digits, as the service writes it."""
    nanoseconds = round(seconds * 1e6) * 1000
    whole, fraction = divmod(nanoseconds, 10**9)
    text = datetime.fromtimestamp(whole, tz=UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{fraction:09d}"[: digits + 1] if digits else "") + "Z"


def parse_timestamp(text: str) -> float:
    """The inverse of `timestamp`, for any RFC 3339 text.

    Raises:
        ValueError: `text` is not a date and time with an offset.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; RFC 3339 wants one, e.g. Z.")
    return moment.timestamp()
