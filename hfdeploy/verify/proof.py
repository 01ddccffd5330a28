"""Prove one endpoint: check, wake, ask up to three times, conclude."""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hfdeploy.stream import (
    USUAL,
    About,
    Address,
    Deadlines,
    Stranger,
    endpoint_address,
    routes,
    silent,
)
from hfdeploy.stream.route import Route
from hfdeploy.verdict import TRIES, Judgement, Reason, Sample, conclude, inconclusive, judge
from hfdeploy.verify.asking import Asker
from hfdeploy.verify.deep import Digger
from hfdeploy.verify.inquiry import inquire, other_revision
from hfdeploy.verify.verification import Check, Shown, Verification, written
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
    deadline: float = math.inf,
    fallen: Callable[[], str] = str,
) -> Verification:
    """Whether the endpoint works as asked. `on_text` gets generated text as it comes, `on_step` what is being done.

    Deeper proof follows a plain prompt that passed, and begins nothing after `deadline`, a moment on `clock`;
    `fallen` is asked what the service says of replicas that stopped since.

    Nothing is sent where the live configuration is another one than declared, nor to a host that may not have the
    token. Waking takes its own time and is no try.

    Raises:
        errors.Cancelled: somebody asked to stop; there is no verdict.
        errors.AuthError: the token cannot be sent at all.
    """
    started = written(clock.utcnow())
    proof = _Proof(check, clock, deadlines, patience, on_text, on_step, stopped, deadline, fallen)
    plain = proof.judgement()
    judgement = _whole(plain, proof.shown)
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
        first_token_at=proof.first_token_at,
        plain=plain,
        deep=tuple(proof.shown),
    )


def _whole(plain: Judgement, shown: Sequence[Shown]) -> Judgement:
    """The verdict on everything that was asked for: that of the first part that did not pass."""
    if open_part := next((part for part in shown if not part.judgement.passed), None):
        return replace(open_part.judgement, sentence=f"the plain prompt passed, {open_part}")
    return plain


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
    deadline: float
    fallen: Callable[[], str]
    shown: list[Shown] = field(default_factory=list)
    first_token_at: str = ""
    judgements: list[Judgement] = field(default_factory=list)
    sample: Sample | None = None
    awake: Awake = field(default_factory=lambda: Awake(None))
    _without_template: bool = False
    _asker: Asker | None = None
    """The way of the last try."""

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
            judgement = self._wake_and_try(address)
            if judgement.passed:
                self._dig()
        except Stranger as problem:
            return inconclusive(Reason.FOREIGN_HOST, str(problem))
        else:
            return judgement

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
        self.first_token_at = ""
        self._asker = Asker(address, self.check.target, route, about, self.deadlines, self.stopped)
        return self._asker.ask(self.check.prompt, self._hear)

    def _hear(self, piece: str) -> None:
        self.first_token_at = self.first_token_at or written(self.clock.utcnow())
        self.on_text(piece)

    def _dig(self) -> None:
        """The deeper proof, by the way that just answered."""
        if self._asker is not None:
            digger = Digger(
                self.check, self._asker, self.clock, self.patience, self.deadline, self.on_step, self.fallen
            )
            self.shown.extend(digger.dig(self.check.depth))

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
