"""Deeper proof of an endpoint whose plain prompt passed; what it proves is `hfdeploy.verdict.deep`'s.

long_prompt   the engine's own count of two short prompts tells how many repetitions fill its length
concurrency   N threads that send at the same moment
bake          the plain prompt every now and then; only time between two answers counts
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from hfdeploy.stream import Prompt, Route
from hfdeploy.verdict import (
    TRIES,
    Judgement,
    Look,
    Reason,
    Round,
    Sample,
    Verdict,
    Wanted,
    conclude,
    conclude_looks,
    conclude_rounds,
    inconclusive,
    judge,
    together,
)
from hfdeploy.verify.asking import Asker
from hfdeploy.verify.verification import Check, Depth, Shown, written
from hfdeploy.verify.waking import Patience
from hfdeploy.wait import Clock

FILLER: Final = "The sky is blue and the grass is green. "
_FEW, _SOME = 1, 9
"""Repetitions in the two short prompts that are counted; a tokeniser does the same with each further one."""
_MARGIN: Final = 0.99
"""Of the longest prompt: engines differ by a few tokens in what they add."""
_ENOUGH: Final = 0.9
"""Of the longest prompt, by the engine's count: below that a prompt was not long."""
_COUNTED: Final = 8
"""Tokens that are asked for where only the prompt is of interest."""
_SETTLING: Final = 30.0
"""Seconds that an engine may take to answer again after a shot."""
_EVERY: Final = 30.0
"""Seconds between two prompts of a bake, at most."""
_GATHERING: Final = 30.0
"""Seconds for the threads to be there."""
_TEXTS: Final = frozenset({Route.GENERATE, Route.CHAT, Route.COMPLETIONS})


@dataclass(slots=True)
class Digger:
    """The parts of one deeper proof, in order. `deadline` is a moment on `clock` after which nothing is begun."""

    check: Check
    asker: Asker
    clock: Clock
    patience: Patience
    deadline: float
    on_step: Callable[[str], None]
    fallen: Callable[[], str]
    """What the service says of replicas that stopped, '' for nothing."""
    samples: list[Sample] = field(default_factory=list)
    """Of the part under way."""

    def dig(self, depth: Depth) -> Iterator[Shown]:
        """Each part with its verdict, up to the first that did not pass.

        Raises:
            errors.Cancelled: somebody asked to stop.
            stream.InsideAddress: the host leads into a private network.
        """
        if self.fallen():
            # It said so before there was any load, so it can say nothing about the load.
            self.fallen = str
        for name, show in self._parts(depth):
            self.on_step(f"verify.deep.{name}")
            self.samples = []
            started, began = written(self.clock.utcnow()), self.clock.now()
            judgement = show() if began < self.deadline else self._out_of_time()
            yield Shown(name, judgement, tuple(self.samples), started, round(self.clock.now() - began, 1))
            if not judgement.passed:
                return

    def _parts(self, depth: Depth) -> Iterator[tuple[str, Callable[[], Judgement]]]:
        if depth.long_prompt is not None:
            yield "long_prompt", partial(self._long_prompt, depth.long_prompt)
        if depth.concurrency is not None:
            yield "concurrency", partial(self._rounds, partial(self._at_once, depth.concurrency))
        if depth.bake is not None:
            yield "bake", partial(self._bake, depth.bake)

    def _out_of_time(self) -> Judgement:
        return inconclusive(Reason.OUT_OF_TIME, "rollout.timeout was over before it could begin")

    def _ask(self, prompt: Prompt) -> Sample:
        sample = self.asker.ask(prompt)
        self.samples.append(sample)
        return sample

    def _rounds(self, shot: Callable[[], Judgement]) -> Judgement:
        rounds: list[Round] = []
        while len(rounds) < TRIES:
            judgement = shot()
            if judgement.passed or judgement.ends_at_once:
                rounds.append(Round(judgement))
                break
            rounds.append(Round(judgement, self._aftermath()))
            if _is_failed(rounds[-1].aftermath):
                break
            if len(rounds) < TRIES:
                self.clock.sleep(self.patience.backoff * 2.0 ** (len(rounds) - 1))
        return conclude_rounds(rounds)

    def _aftermath(self) -> Judgement:
        """Ask the plain prompt until it is answered, or until it is plain that nobody answers any more."""
        self.on_step("looking whether the engine still answers")
        began, looks = self.clock.now(), list[Look]()
        while True:
            if said := self.fallen():
                return Judgement(Verdict.FAILED, Reason.DIED, f"the engine died: the endpoint {said}")
            sample = self._ask(self.check.prompt)
            looks.append(Look(judge(sample, Wanted()), sample.status))
            is_last = len(looks) > 1 and self.clock.now() - began >= _SETTLING
            if (concluded := conclude_looks(looks, is_last=is_last)) is not None:
                return concluded
            self.clock.sleep(self.patience.every)

    # A prompt close to the longest

    def _long_prompt(self, longest: int) -> Judgement:
        if self.asker.route not in _TEXTS:
            sentence = f"a long prompt is about generated text, and this endpoint is asked by {self.asker.route}"
            return inconclusive(Reason.NOT_SHOWN, f"{sentence}: take long_prompt out of the spec")
        sized = self._sized(longest)
        if isinstance(sized, Judgement):
            return sized
        return self._rounds(partial(self._one_long, sized, longest))

    def _sized(self, longest: int) -> Prompt | Judgement:
        """The prompt that fills the length; a judgement where the engine does not say how many tokens it reads."""
        few = self._count(_FEW)
        if isinstance(few, Judgement):
            return few
        some = self._count(_SOME)
        if isinstance(some, Judgement):
            return some
        each = (some - few) / (_SOME - _FEW)
        if each <= 0:
            return inconclusive(
                Reason.NOT_SHOWN, f"the engine counts {few} tokens for a short prompt and {some} for a longer one"
            )
        times = int((longest * _MARGIN - few) / each) + _FEW
        return self._filled(max(times, _FEW), self.check.prompt.max_new_tokens)

    def _count(self, times: int) -> int | Judgement:
        """Tokens of a prompt with so many repetitions, by the engine's own count."""
        prompt = self._filled(times, min(_COUNTED, self.check.prompt.max_new_tokens))
        judgements = []
        for _ in range(TRIES):
            sample = self._ask(prompt)
            if sample.prompt_tokens is not None:
                return sample.prompt_tokens
            judgements.append(judge(sample, Wanted()))
            if judgements[-1].passed or judgements[-1].ends_at_once:
                break
        if judgements[-1].passed:
            sentence = "the engine does not say how many tokens a prompt has, so how long one is cannot be shown"
            return inconclusive(Reason.NOT_SHOWN, sentence)
        return conclude(judgements, healthy_start=True)

    def _filled(self, times: int, new: int) -> Prompt:
        """The plain prompt after many repetitions of a sentence: what is asked stands last, where models look."""
        return replace(self.check.prompt, text=f"{FILLER * times}\n\n{self.check.prompt.text}", max_new_tokens=new)

    def _one_long(self, prompt: Prompt, longest: int) -> Judgement:
        sample = self._ask(prompt)
        judgement = judge(sample, Wanted())
        counted = sample.prompt_tokens
        if not judgement.passed:
            return replace(
                judgement, sentence=f"a prompt of about {int(longest * _MARGIN)} tokens: {judgement.sentence}"
            )
        if counted is None or counted < _ENOUGH * longest:
            said = "did not count its tokens" if counted is None else f"counted only {counted} tokens"
            return inconclusive(Reason.NOT_SHOWN, f"the engine {said} of a prompt that was to have {longest}")
        return replace(judgement, sentence=f"a prompt of {counted} tokens was answered: {judgement.sentence}")

    # Many at once

    def _at_once(self, many: int) -> Judgement:
        start = threading.Barrier(many, timeout=_GATHERING)

        def ask(_number: int) -> Sample:
            start.wait()
            return self.asker.ask(self.check.prompt)

        with ThreadPoolExecutor(many, thread_name_prefix="hfdeploy-at-once") as threads:
            samples = list(threads.map(ask, range(many)))
        self.samples += samples
        return together([judge(sample, self.check.wanted) for sample in samples])

    # Now and then

    def _bake(self, asked: float) -> Judgement:
        """Only time between two answered prompts counts, so that an outage in the middle is no part of it."""
        every = min(_EVERY, asked / 4)
        baked, answered, since = 0.0, 0, self.clock.now()
        was_answered = False
        while True:
            judgement = self._now_and_then()
            if judgement.verdict is Verdict.FAILED or judgement.ends_at_once:
                return replace(judgement, sentence=f"after {baked:.0f} of {asked:.0f} s: {judgement.sentence}")
            now = self.clock.now()
            if judgement.passed and was_answered:
                baked += now - since
            answered, since, was_answered = answered + judgement.passed, now, judgement.passed
            self.on_step(f"verify.deep.bake: {baked:.0f} of {asked:.0f} s")
            if baked >= asked:
                return replace(judgement, sentence=f"{answered} prompts were answered within {baked:.0f} s")
            if now + every > self.deadline:
                what = "the last prompt was answered" if judgement.passed else judgement.sentence
                sentence = f"{baked:.0f} of {asked:.0f} s were shown when rollout.timeout was over; {what}"
                return inconclusive(Reason.OUT_OF_TIME, sentence)
            self.clock.sleep(min(every, max(asked - baked, 1.0)))

    def _now_and_then(self) -> Judgement:
        judgements: list[Judgement] = []
        while len(judgements) < TRIES:
            judgements.append(judge(self._ask(self.check.prompt), self.check.wanted))
            if judgements[-1].passed or judgements[-1].ends_at_once:
                break
            if len(judgements) < TRIES:
                self.clock.sleep(self.patience.backoff)
        judgement = conclude(judgements, healthy_start=True)
        if judgement.verdict is not Verdict.INCONCLUSIVE or judgement.ends_at_once:
            return judgement
        aftermath = self._aftermath()
        return conclude_rounds([Round(judgement, aftermath)]) if _is_failed(aftermath) else judgement


def _is_failed(judgement: Judgement | None) -> bool:
    return judgement is not None and judgement.verdict is Verdict.FAILED
