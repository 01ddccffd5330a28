"""What may be asked again, when, and for how long: one policy per kind of request (reliability, section 4).

Waiting is exponential with full jitter, never shorter than the service asked for, and bounded by the deadline of the
call, not by a count alone. The clock is ours, because tenacity's own deadline would ignore one that a test winds.
"""

from collections.abc import Callable
from typing import Final, TypeVar

import tenacity

from hfdeploy import redact
from hfdeploy.client.answer import Lost, Refused, Trouble
from hfdeploy.wait import Clock

T = TypeVar("T")

ATTEMPTS: Final = 10
"""Enough for a minute of full jitter; a bound for servers that refuse faster than that."""

_backoff: Final = tenacity.wait_random_exponential(multiplier=1, max=30)
_log = redact.logger(__name__)


def may_pass(trouble: BaseException) -> bool:
    """For what changes nothing, or may be repeated after a look: transport, 408, 425, 429 and 5xx."""
    return isinstance(trouble, Lost) or (isinstance(trouble, Refused) and trouble.is_passing)


def may_pass_or_glitch(trouble: BaseException) -> bool:
    """For reads: as `may_pass`, and a first 401 once more."""
    is_glitch = isinstance(trouble, Refused) and trouble.status == 401 and not trouble.is_final
    return is_glitch or may_pass(trouble)


def was_not_accepted(trouble: BaseException) -> bool:
    """For a POST that must not be made twice: the service said no, or never saw it."""
    return (isinstance(trouble, Lost) and not trouble.was_sent) or (
        isinstance(trouble, Refused) and trouble.status == 429
    )


def repeat(
    ask: Callable[[], T], *, request: str, when: Callable[[BaseException], bool], clock: Clock, deadline: float
) -> T:
    """Ask until there is an answer, a refusal that `when` does not cover, or no time for another try.

    Raises:
        Trouble: what the last try met.
        errors.Cancelled: somebody asked to stop.
    """

    def too_late(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= ATTEMPTS or clock.now() + state.upcoming_sleep >= deadline

    def tell(state: tenacity.RetryCallState) -> None:
        _log.info("%s: asking again in %.1f s after %r", request, state.upcoming_sleep, _failure(state))

    def each(state: tenacity.RetryCallState) -> None:
        _log.debug("%s: try %d, %.1f s left", request, state.attempt_number, deadline - clock.now())

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(when),
        wait=_pause,
        stop=too_late,
        sleep=clock.sleep,
        before=each,
        before_sleep=tell,
        reraise=True,
    )(ask)


def _pause(state: tenacity.RetryCallState) -> float:
    failure = _failure(state)
    return max(_backoff(state), failure.retry_after if isinstance(failure, Trouble) else 0.0)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
