"""Wake an endpoint and wait until it answers: what comes before the first try and is not counted as one."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hfdeploy import redact
from hfdeploy.stream import Address, Late, Lost, Target, fetch, health_path, is_path
from hfdeploy.verdict import TRIES, Judgement, Reason, failed, inconclusive, quote, refusal
from hfdeploy.wait import Clock

_ASLEEP: Final = frozenset({502, 503})
"""What the proxy says for an endpoint without a ready replica: 503, and 502 until the middle of 2025."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what, in seconds."""

    wake: float = 900.0
    """For a sleeping endpoint to answer, in all."""
    hold: float = 60.0
    """For one request that the proxy holds until a replica is ready (`X-Scale-Up-Timeout`)."""
    trouble: float = 60.0
    """For a host that cannot be reached at all: a new name takes a moment to be known everywhere."""
    answer: float = 10.0
    """For the answer to a small question."""
    every: float = 5.0
    """Between two questions."""
    backoff: float = 1.0
    """Before the second try; twice as long before the third."""


@dataclass(frozen=True, slots=True)
class Awake:
    """How waking ended: `judgement` is None when the endpoint answers."""

    judgement: Judgement | None
    is_healthy: bool = False
    """Whether a health route said 200."""
    woke: bool = False
    """Whether it was asleep, or starting, when first asked."""
    seconds: float = 0.0


def wake(
    address: Address,
    target: Target,
    *,
    clock: Clock,
    patience: Patience,
    deadline: float,
    stopped: Callable[[], bool],
    on_step: Callable[[str], None],
) -> Awake:
    """Ask the health route until it answers, holding the request at the proxy once the endpoint is known to sleep.

    Each authorised request wakes the endpoint. `deadline` is a moment on `clock`.

    Raises:
        errors.Cancelled: somebody asked to stop.
        stream.Stranger: who answers cannot be who was asked.
    """
    path = health_path(target)
    if path is not None and not is_path(path):
        return Awake(inconclusive(Reason.FOREIGN_HOST, f"the health route is no path, so it was not asked: {path!r}"))
    asking = _Asking(address, target, path or "/", patience, stopped)
    began, woke, refusals = clock.now(), False, 0
    while True:
        answer = asking.ask(hold=min(patience.hold, max(1.0, deadline - clock.now())) if woke else 0.0)
        seconds = clock.now() - began
        refusals += answer.is_refusal
        if answer.is_final and (not answer.is_refusal or refusals >= TRIES or clock.now() >= deadline):
            return Awake(answer.judgement, answer.is_healthy, woke, seconds if woke else 0.0)
        if answer.is_asleep and not woke:
            woke = True
            on_step("waking")
        is_late = clock.now() >= deadline
        if is_late or (not woke and seconds >= patience.trouble):
            return Awake(_gave_up(answer, seconds, woke), False, woke, seconds)
        clock.sleep(min(patience.every, max(0.0, deadline - clock.now())))


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one question to the health route says. Without a judgement and not asleep, the endpoint answers."""

    judgement: Judgement | None = None
    is_final: bool = True
    is_healthy: bool = False
    is_asleep: bool = False
    is_refusal: bool = False
    """A 4xx of a declared route: evidence, and yet a proxy may say it in the first moment; the last of three counts."""


@dataclass(frozen=True, slots=True)
class _Asking:
    address: Address
    target: Target
    path: str
    patience: Patience
    stopped: Callable[[], bool]

    def ask(self, *, hold: float) -> _Answer:
        headers = {"x-scale-up-timeout": str(math.ceil(hold))} if hold else {}
        seconds = math.ceil(hold) + self.patience.answer
        try:
            reply = fetch(
                self.address,
                self.path,
                token=self.target.token,
                seconds=seconds,
                headers=headers,
                stopped=self.stopped,
            )
        except Late:
            return self._nothing(f"no answer within {seconds:g} s")
        except Lost as problem:
            return self._nothing(str(problem))
        return self._read(reply.status, redact.known.scrub(reply.body.decode("utf-8", "replace"))[:512])

    def _nothing(self, what: str) -> _Answer:
        return _Answer(inconclusive(Reason.TRANSPORT, f"{self.path} could not be asked: {what}"), is_final=False)

    def _read(self, status: int, text: str) -> _Answer:
        judgement = refusal(status, text)
        if judgement is None:
            return _Answer(is_healthy=True)
        if status in _ASLEEP:
            return _Answer(judgement, is_final=False, is_asleep=True)
        if judgement.reason in {Reason.SERVER_ERROR, Reason.OVERLOADED}:
            return _Answer(judgement, is_final=False)
        if judgement.reason in {Reason.NOT_FOUND, Reason.REFUSED, Reason.UNEXPECTED_STATUS, Reason.REDIRECTED}:
            return self._no_health(status, text)
        return _Answer(judgement)

    def _no_health(self, status: int, text: str) -> _Answer:
        """A route that was only guessed says by any answer that somebody is there."""
        if self.target.health_route is None:
            return _Answer()
        sentence = f"the health route {self.path} answered {status} instead of 200{quote(text)}"
        is_refusal = 400 <= status < 500
        judgement = (failed if is_refusal else inconclusive)(Reason.UNHEALTHY, sentence)
        return _Answer(judgement, is_refusal=is_refusal)


def _gave_up(answer: _Answer, seconds: float, woke: bool) -> Judgement:
    last = answer.judgement.sentence if answer.judgement else "no answer"
    if woke:
        return inconclusive(Reason.WAKING, f"the endpoint did not wake within {seconds:.0f} s; the last answer: {last}")
    reason = answer.judgement.reason if answer.judgement else Reason.TRANSPORT
    return inconclusive(reason, f"the endpoint could not be reached for {seconds:.0f} s: {last}")
