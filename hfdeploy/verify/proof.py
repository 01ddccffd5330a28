"""Prove one endpoint: check, wake, ask up to three times, conclude."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from hfdeploy.stream import (
    USUAL,
    About,
    Address,
    Deadlines,
    Stranger,
    endpoint_address,
    make_request,
    measure,
    routes,
    silent,
)
from hfdeploy.stream.route import Route
from hfdeploy.verdict import TRIES, Judgement, Reason, Sample, conclude, inconclusive, judge
from hfdeploy.verify.inquiry import inquire, other_revision
from hfdeploy.verify.verification import Check, Verification, written
from hfdeploy.verify.waking import Awake, Patience, wake
from hfdeploy.wait import Clock, never

_LONGEST_PAUSE: Final = 30.0
_NO_TEMPLATE: Final = re.compile(r"chat[ _]template|template not found|template_error", re.IGNORECASE)

PATIENT: Final = Patience()


def prove(
    check: Check,
    *,
    clock: Clock,
    deadlines: Deadlines = USUAL,
    patience: Patience = PATIENT,
    on_text: Callable[[str], None] = silent,
    on_step: Callable[[str], None] = silent,
    stopped: Callable[[], bool] = never,
) -> Verification:
    """Whether the endpoint works as asked. `on_text` gets generated text as it comes, `on_step` what is being done.

    Nothing is sent where the live configuration is another one than declared, nor to a host that may not have the
    token. Waking takes its own time and is no try.

    Raises:
        errors.Cancelled: somebody asked to stop; there is no verdict.
        errors.AuthError: the token cannot be sent at all.
    """
    started = written(clock.utcnow())
    proof = _Proof(check, clock, deadlines, patience, on_text, on_step, stopped)
    judgement = proof.judgement()
    return Verification(
        verdict=judgement.verdict,
        reason=judgement.reason,
        sentence=judgement.sentence,
        judgements=tuple(proof.judgements),
        sample=proof.sample,
        prompt_sha256=check.prompt.sha256,
        woke=proof.awake.woke,
        wake_seconds=round(proof.awake.seconds, 1),
        started_at=started,
        ended_at=written(clock.utcnow()),
    )


@dataclass(slots=True)
class _Proof:
    """One verification under way: what was asked, and what has been learnt so far."""

    check: Check
    clock: Clock
    deadlines: Deadlines
    patience: Patience
    on_text: Callable[[str], None]
    on_step: Callable[[str], None]
    stopped: Callable[[], bool]
    judgements: list[Judgement] = field(default_factory=list)
    sample: Sample | None = None
    awake: Awake = field(default_factory=lambda: Awake(None))
    _without_template: bool = False

    def judgement(self) -> Judgement:
        target, mismatches = self.check.target, self.check.mismatches
        if mismatches:
            sentence = f"the live configuration is not the declared one: {'; '.join(mismatches)}"
            return inconclusive(Reason.NOT_AS_ASKED, sentence)
        if not target.url:
            return inconclusive(Reason.UNHEALTHY, "the endpoint has no address yet")
        address = endpoint_address(target.url, target.api_url)
        if address is None:
            return inconclusive(
                Reason.FOREIGN_HOST, f"{target.url} is not an address that may get the token, so nothing was sent"
            )
        try:
            return self._wake_and_try(address)
        except Stranger as problem:
            return inconclusive(Reason.FOREIGN_HOST, str(problem))

    def _wake_and_try(self, address: Address) -> Judgement:
        deadline = self.clock.now() + self.patience.wake
        if asleep := self._wake(address, deadline).judgement:
            return asleep
        while len(self.judgements) < TRIES:
            self.on_step(f"try {len(self.judgements) + 1} of {TRIES}")
            judgement = self._try(address)
            if self._has_no_replica():
                again = self._wake(address, deadline)
                if again.judgement:
                    return again.judgement
                if again.woke:
                    continue
            self.judgements.append(judgement)
            if judgement.passed or judgement.ends_at_once:
                break
            if len(self.judgements) < TRIES:
                self.clock.sleep(self._pause())
        return conclude(self.judgements, healthy_start=self.awake.is_healthy)

    def _wake(self, address: Address, deadline: float) -> Awake:
        """Wait until it answers."""
        awake = wake(
            address,
            self.check.target,
            clock=self.clock,
            patience=self.patience,
            deadline=deadline,
            stopped=self.stopped,
            on_step=self.on_step,
        )
        self.awake = replace(awake, woke=self.awake.woke or awake.woke, seconds=self.awake.seconds + awake.seconds)
        return awake

    def _try(self, address: Address) -> Judgement:
        target = self.check.target
        about = inquire(address, target, seconds=self.patience.answer, stopped=self.stopped)
        if judgement := other_revision(target, about):
            self.sample = None
            return judgement
        possible = routes(target, about, self.check.route)
        route = possible[-1] if self._without_template else possible[0]
        self.sample = self._measure(address, route, about)
        if route is not possible[-1] and _has_no_template(self.sample):
            self._without_template = True
            self.sample = self._measure(address, possible[-1], about)
        return judge(self.sample, self.check.wanted)

    def _measure(self, address: Address, route: Route, about: About) -> Sample:
        return measure(
            address,
            make_request(self.check.target, route, self.check.prompt, about),
            token=self.check.target.token,
            deadlines=self.deadlines,
            on_text=self.on_text,
            stopped=self.stopped,
        )

    def _has_no_replica(self) -> bool:
        """Whether the proxy says so, in its own words: it may have fallen asleep, which the health route will tell."""
        return self.sample is not None and self.sample.status == 503 and "SERVICE_UNAVAILABLE" in self.sample.reply

    def _pause(self) -> float:
        """Twice as long each time, and never shorter than the server asks, within reason."""
        asked = (self.sample.retry_after if self.sample else None) or 0.0
        return min(_LONGEST_PAUSE, max(asked, self.patience.backoff * 2.0 ** (len(self.judgements) - 1)))


def _has_no_template(sample: Sample) -> bool:
    """Whether a chat was refused only because the model has no chat template."""
    return bool(_NO_TEMPLATE.search(f"{sample.reply} {sample.error}")) and not sample.tokens
