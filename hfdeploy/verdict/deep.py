"""What the parts of a deeper proof prove: a long prompt, many requests at once, minutes of watching.

The plain prompt was answered a moment before, by the same replicas, over the same network, with the same token. What
a part adds is the only thing that is different, so a part can say more than a try alone:

* A shot (one long prompt, N requests at once) passes when every request in it passes. Up to three shots, and the first
  that passes is enough: a flake is a flake here as well.
* After a shot that did not pass, the plain prompt is asked again, with the load gone. **The engine died** when it is
  not answered any more although it was before: the service says that the replica stopped, no replica is there for two
  looks in a row, or half a minute later the plain prompt still gets errors or silence. That is evidence, whatever the
  shot itself met (resets, 5xx, silence), and one death is enough: no later shot makes it undone.
* Evidence of a try (an error in the stream, a refusal, an empty answer) in every shot is failed.
* So are three shots of which most requests hung or were cut off in the middle, if the plain prompt was answered after
  each of them: then it is neither the network nor the endpoint, but the load.
* All else is inconclusive: 429 and 5xx of an endpoint that goes on answering, connections that never came about, a
  refused token. An engine that says that it has too much to do is no broken engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hfdeploy.verdict.judgement import Judgement, Reason, Verdict, failed, inconclusive
from hfdeploy.verdict.rollout import TRIES

_HUNG: Final = frozenset({Reason.FIRST_TOKEN_TIMEOUT, Reason.STALL, Reason.TRUNCATED})
_SILENT: Final = frozenset({Reason.SERVER_ERROR, Reason.FIRST_TOKEN_TIMEOUT, Reason.STALL})
_ABSENT: Final = frozenset({502, 503})


@dataclass(frozen=True, slots=True)
class Look:
    """The plain prompt once more after a shot: what it got, and the HTTP status it came with."""

    judgement: Judgement
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One shot, and where it did not pass whether the engine still answered afterwards."""

    judgement: Judgement
    aftermath: Judgement | None = None


def together(judgements: Sequence[Judgement]) -> Judgement:
    """What requests sent at once prove as one shot.

    It hung, or was cut off, when most of them were: one cut stream among a hundred is the network's.
    """
    whole = len(judgements)
    bad = [judgement for judgement in judgements if judgement.verdict is Verdict.FAILED]
    if bad:
        return failed(bad[0].reason, f"{len(bad)} of {whole} requests at once failed, the first: {bad[0].sentence}")
    open_ones = [judgement for judgement in judgements if not judgement.passed]
    if not open_ones:
        return Judgement(Verdict.PASSED, Reason.PASSED, f"{whole} requests at once were all answered")
    hung = [judgement for judgement in open_ones if judgement.reason in _HUNG]
    others = [judgement for judgement in open_ones if judgement.reason not in _HUNG]
    final = [judgement for judgement in open_ones if judgement.ends_at_once]
    most_hung = not final and 2 * len(hung) > whole
    chosen = (final or (hung if most_hung else others) or hung)[0]
    reason = Reason.TRANSPORT if chosen.reason in _HUNG and not most_hung else chosen.reason
    sentence = f"{len(open_ones)} of {whole} requests at once proved nothing, the first: {chosen.sentence}"
    return inconclusive(reason, sentence)


def conclude_rounds(rounds: Sequence[Round]) -> Judgement:
    """What up to three shots prove.

    Raises:
        ValueError: there are no shots.
    """
    if not rounds:
        raise ValueError("there is nothing to conclude from")
    last = rounds[-1]
    for one in rounds:
        if one.aftermath is not None and one.aftermath.verdict is Verdict.FAILED:
            return failed(Reason.DIED, f"{one.judgement.sentence}; {one.aftermath.sentence}")
    if last.judgement.passed or last.judgement.ends_at_once:
        return last.judgement
    count = f"({len(rounds)} shots: {', '.join(one.judgement.reason for one in rounds)})"
    if bad := [one.judgement for one in rounds if one.judgement.verdict is Verdict.FAILED]:
        return failed(bad[-1].reason, f"{bad[-1].sentence} {count}")
    if len(rounds) >= TRIES and all(_is_the_load(one) for one in rounds):
        sentence = f"{last.judgement.sentence} {count}, and the plain prompt was answered after each of them"
        return failed(last.judgement.reason, sentence)
    return inconclusive(last.judgement.reason, f"{last.judgement.sentence} {count}")


def _is_the_load(one: Round) -> bool:
    return one.judgement.reason in _HUNG and one.aftermath is not None and one.aftermath.passed


def conclude_looks(looks: Sequence[Look], *, is_last: bool) -> Judgement | None:
    """Whether the engine still answers after a shot; None while it is worth looking again.

    `is_last`: it had its time to settle.
    """
    last = looks[-1]
    if [look.status in _ABSENT for look in looks[-2:]] == [True, True]:
        return failed(Reason.DIED, f"the engine died: with the load gone, {last.judgement.sentence}")
    if last.judgement.passed:
        return last.judgement
    if not is_last:
        return None
    if last.judgement.reason in _SILENT or last.judgement.verdict is Verdict.FAILED:
        return failed(Reason.DIED, f"the engine died: it had its time to settle, and {last.judgement.sentence}")
    return last.judgement
