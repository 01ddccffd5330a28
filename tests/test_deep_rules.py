"""The rules of the deeper proofs without a server: what answers prove together, and when an engine counts as dead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.verdict import (
    Judgement,
    Look,
    Reason,
    Round,
    Verdict,
    conclude_looks,
    conclude_rounds,
    failed,
    inconclusive,
    together,
)

PASSED = Judgement(Verdict.PASSED, Reason.PASSED, "fine")
BAD = failed(Reason.ERROR_EVENT, "it broke")
BUSY = inconclusive(Reason.OVERLOADED, "too much to do")
HUNG = inconclusive(Reason.STALL, "it stalled")
LOST = inconclusive(Reason.TRUNCATED, "cut off")
UNREACHED = inconclusive(Reason.TRANSPORT, "no connection")
GONE = failed(Reason.DIED, "the engine died")


@pytest.mark.parametrize(
    ("parts", "verdict", "reason"),
    [
        ([PASSED] * 4, Verdict.PASSED, Reason.PASSED),
        ([PASSED, PASSED, PASSED, BAD], Verdict.FAILED, Reason.ERROR_EVENT),
        ([HUNG, HUNG, HUNG, PASSED], Verdict.INCONCLUSIVE, Reason.STALL),
        ([LOST, PASSED, PASSED, PASSED], Verdict.INCONCLUSIVE, Reason.TRANSPORT),
        ([LOST, BUSY, PASSED, PASSED], Verdict.INCONCLUSIVE, Reason.OVERLOADED),
        ([BUSY, BUSY, BUSY, LOST], Verdict.INCONCLUSIVE, Reason.OVERLOADED),
    ],
)
def test_what_requests_at_once_prove_together(parts, verdict, reason) -> None:
    """One cut stream in a hundred is the network's; most of them are the engine's."""
    judgement = together(parts)

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("rounds", "verdict", "reason"),
    [
        ([Round(PASSED)], Verdict.PASSED, Reason.PASSED),
        ([Round(BAD, PASSED), Round(BUSY, PASSED), Round(PASSED)], Verdict.PASSED, Reason.PASSED),
        ([Round(BUSY, GONE)], Verdict.FAILED, Reason.DIED),
        ([Round(BUSY, PASSED), Round(BAD, PASSED), Round(BUSY, PASSED)], Verdict.FAILED, Reason.ERROR_EVENT),
        ([Round(HUNG, PASSED)] * 3, Verdict.FAILED, Reason.STALL),
        ([Round(LOST, PASSED)] * 3, Verdict.FAILED, Reason.TRUNCATED),
        ([Round(LOST, PASSED)] * 2, Verdict.INCONCLUSIVE, Reason.TRUNCATED),
        ([Round(LOST, PASSED), Round(LOST, UNREACHED), Round(LOST, PASSED)], Verdict.INCONCLUSIVE, Reason.TRUNCATED),
        ([Round(BUSY, PASSED)] * 3, Verdict.INCONCLUSIVE, Reason.OVERLOADED),
        ([Round(UNREACHED, PASSED)] * 3, Verdict.INCONCLUSIVE, Reason.TRANSPORT),
    ],
)
def test_what_shots_prove_together(rounds, verdict, reason) -> None:
    """Evidence undoes something, so only what cannot be the network or a queue is evidence."""
    judgement = conclude_rounds(rounds)

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("looks", "is_last", "verdict"),
    [
        ([Look(PASSED, 200)], False, Verdict.PASSED),
        ([Look(UNREACHED)], False, None),
        ([Look(UNREACHED), Look(UNREACHED)], True, Verdict.INCONCLUSIVE),
        ([Look(inconclusive(Reason.SERVER_ERROR, "503"), 503)] * 2, False, Verdict.FAILED),
        ([Look(inconclusive(Reason.SERVER_ERROR, "503"), 503), Look(PASSED, 200)], False, Verdict.PASSED),
        ([Look(BUSY, 429)] * 2, True, Verdict.INCONCLUSIVE),
        ([Look(BAD, 200)] * 2, True, Verdict.FAILED),
        ([Look(BAD, 200)], False, None),
    ],
)
def test_when_an_engine_counts_as_dead(looks, is_last, verdict) -> None:
    """One 503 is a queue that drains; a network of ours that is away says nothing."""
    concluded = conclude_looks(looks, is_last=is_last)

    assert (concluded.verdict if concluded else None) == verdict


open_judgements = st.sampled_from([BUSY, HUNG, LOST, UNREACHED, inconclusive(Reason.SERVER_ERROR, "500")])


@given(st.lists(st.builds(Round, open_judgements, st.sampled_from([PASSED, UNREACHED, BUSY])), min_size=1, max_size=3))
def test_without_evidence_only_three_crowds_that_hung_or_were_cut_off_fail(rounds) -> None:
    """The law of every verdict here: no evidence, no failure; and what did not pass never passes."""
    judgement = conclude_rounds(rounds)

    is_load = len(rounds) == 3 and all(one.judgement in (HUNG, LOST) and one.aftermath is PASSED for one in rounds)
    assert judgement.verdict is (Verdict.FAILED if is_load else Verdict.INCONCLUSIVE)
