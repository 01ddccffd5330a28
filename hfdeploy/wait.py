"""Time, and waiting for the service: the only module that sleeps.

An endpoint takes minutes to come up and its state says how far it is. Waiting here ends at once on every state that
cannot become `running` by itself (`paused` and `scaledToZero` included), and it reports rather than judges: whether a
deadline is evidence against a configuration is decided by whoever knows what was deployed.
"""

import math
import random
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from hfdeploy import errors, wire

EVERY: Final = 5.0
"""Seconds between two looks, on average."""

_SHORTEST: Final = 0.5
"""Seconds between the first looks, on average."""

_PATIENCE: Final = 10.0
"""Seconds of waiting after which the pauses have grown by one second."""

_REACTION: Final = 0.5
"""Seconds after which a sleeper looks whether somebody asked to stop; two seconds are promised."""

_RATE: Final = re.compile(r";\s*r\s*=\s*(\d{1,9})\s*;\s*t\s*=\s*(\d{1,9})(?!\d)")
"""What is left and when it is full again, in the `ratelimit` header of the Hub's limiter."""

T = TypeVar("T")


class Clock(Protocol):
    """Time as seen by everything that waits, so that tests can wind it."""

    def now(self) -> float:
        """Seconds on a clock that never jumps; only differences mean anything."""

    def sleep(self, seconds: float) -> None:
        """Let that much time pass.

        Raises:
            errors.Cancelled: somebody asked to stop.
        """

    def utcnow(self) -> datetime:
        """The wall clock, aware and in UTC: for what people read, never for deadlines."""


def never() -> bool:
    """The stop check of a process that nobody stops."""
    return False


class SystemClock:
    """The machine's own clock. A sleep ends within a second when `stopped` says so."""

    def __init__(self, stopped: Callable[[], bool] = never) -> None:
        self._stopped = stopped

    def now(self) -> float:
        """Seconds of the monotonic clock."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """The wall clock in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Sleep in short pieces, with a look at the stop check between them.

        Raises:
            errors.Cancelled: somebody asked to stop.
        """
        end = self.now() + seconds
        while True:
            if self._stopped():
                raise errors.Cancelled("Interrupted while waiting; run again to continue.")
            left = end - self.now()
            if left <= 0:
                return
            time.sleep(min(left, _REACTION))  # noqa: TID251 - the one place where the process really sleeps


def poll(
    check: Callable[[], T | None],
    *,
    deadline: float,
    clock: Clock,
    every: float = EVERY,
    jitter: Callable[[float, float], float] = random.uniform,
) -> T | None:
    """Ask until there is an answer, or until the clock shows `deadline`; the last question is asked at the deadline.

    The pauses are spread over zero to twice `every` seconds, so that many waiters do not ask in step. They start
    shorter and grow with the time waited: what ends soon is seen soon, what takes minutes is not asked about each
    second.
    """
    started = clock.now()
    while True:
        answer = check()
        left = deadline - clock.now()
        if answer is not None or left <= 0:
            return answer
        pause = min(every, _SHORTEST + (clock.now() - started) / _PATIENCE)
        clock.sleep(min(left, jitter(0.0, 2 * pause)))


class Outcome(StrEnum):
    """How a wait ended."""

    LIVE = "live"
    ENDED = "ended"
    """The state is one that time alone does not change: paused, asleep, failed."""

    DEADLINE = "deadline"


@dataclass(frozen=True, slots=True)
class Waited:
    """What there was at the end of a wait.

    `was_past_pending` tells a start that failed from one that never began: hardware that does not come is no evidence
    against a configuration. `trouble` is set when the last look failed, so that the state shown is an old one.
    """

    endpoint: wire.Endpoint
    outcome: Outcome
    seconds: float
    was_past_pending: bool
    trouble: errors.Inconclusive | None = None


def wait_until_live(
    fetch: Callable[[], wire.Endpoint],
    *,
    timeout_s: float,
    clock: Clock,
    on_state: Callable[[wire.Endpoint, float], None] = lambda _endpoint, _seconds: None,
    every: float = EVERY,
    jitter: Callable[[float, float], float] = random.uniform,
) -> Waited:
    """Look until the endpoint serves, has given up, or `timeout_s` seconds are over.

    A look without a usable answer is repeated until the deadline, since an API that is away for a minute says nothing
    about an endpoint. `on_state` is called with every reply and the seconds waited so far.

    Raises:
        errors.Inconclusive: not one look was answered within the time.
        errors.NotFound: the endpoint is gone.
        errors.AuthError: the token is refused.
        errors.Cancelled: somebody asked to stop.
    """
    watch = _Watch(fetch, clock, on_state)
    ended = poll(watch.look, deadline=watch.started + timeout_s, clock=clock, every=every, jitter=jitter)
    if watch.endpoint is None:
        raise watch.trouble or errors.TimedOut(f"There was no answer within {timeout_s:.0f} s.")
    return Waited(
        watch.endpoint, ended or Outcome.DEADLINE, clock.now() - watch.started, watch.was_past_pending, watch.trouble
    )


def is_live(endpoint: wire.Endpoint) -> bool:
    """Whether the API says that it serves: `running`, with an address and the replicas it must have.

    The API's word is not proof: the health route and a streamed prompt come after it. Replicas that the autoscaler
    adds above the minimum are not waited for.
    """
    status = endpoint.status
    wanted = min(status.target_replica, max(1, endpoint.compute.scaling.min_replica))
    return status.state is wire.State.RUNNING and bool(status.url) and status.ready_replica >= wanted


def pause_wanted(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds the service asks to be left alone: `Retry-After` (seconds or a date) or a used-up `ratelimit`."""
    used_up = [float(reset) for left, reset in _RATE.findall(headers.get("ratelimit", "")) if int(left) == 0]
    return max([0.0, _retry_after(headers.get("retry-after", "").strip(), now), *used_up])


def fallen(endpoint: wire.Endpoint) -> str:
    """What the service says of an endpoint that served a moment ago and whose replicas stopped; '' where none did.

    A pause, sleep or update is somebody's doing, and replicas that the autoscaler takes away are not missed.
    """
    status = endpoint.status
    has_stopped = status.state in {wire.State.INITIALIZING, wire.State.FAILED}
    if not has_stopped and (status.state is not wire.State.RUNNING or is_live(endpoint)):
        return ""
    return f"is {status.state}, with {status.ready_replica} of {status.target_replica} replicas ready"


class _Watch:
    """What a wait has seen so far."""

    def __init__(
        self, fetch: Callable[[], wire.Endpoint], clock: Clock, on_state: Callable[[wire.Endpoint, float], None]
    ) -> None:
        self._fetch, self._clock, self._on_state = fetch, clock, on_state
        self.started = clock.now()
        self.endpoint: wire.Endpoint | None = None
        self.trouble: errors.Inconclusive | None = None
        self.was_past_pending = False

    def look(self) -> Outcome | None:
        try:
            endpoint = self._fetch()
        except errors.Inconclusive as trouble:
            self.trouble = trouble
            return None
        self.endpoint, self.trouble = endpoint, None
        state = endpoint.status.state
        self.was_past_pending |= state not in {wire.State.PENDING, wire.State.UNKNOWN}
        self._on_state(endpoint, self._clock.now() - self.started)
        if is_live(endpoint):
            return Outcome.LIVE
        return None if state.is_moving or state is wire.State.RUNNING else Outcome.ENDED


def _retry_after(text: str, now: datetime) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return _until(text, now)
    return seconds if math.isfinite(seconds) else 0.0


def _until(text: str, now: datetime) -> float:
    try:
        date = parsedate_to_datetime(text)
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        return (aware - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0  # neither seconds nor a date of any calendar: as good as absent
