"""Time that tests move by hand."""

from datetime import UTC, datetime, timedelta


class Clock:
    """A clock that moves only when somebody sleeps on it or winds it: an hour of waiting takes no time."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.naps: list[float] = []

    def now(self) -> float:
        """Seconds, as `hfdeploy.wait.Clock` has them."""
        return 1000.0 + self.elapsed

    def utcnow(self) -> datetime:
        """The wall clock; it starts on a fixed day."""
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.elapsed)

    def sleep(self, seconds: float) -> None:
        """Wind by that much, and remember it."""
        assert seconds >= 0
        self.naps.append(seconds)
        self.wind(seconds)

    def wind(self, seconds: float) -> None:
        """Let time pass while the code under test does something else."""
        self.elapsed += seconds
