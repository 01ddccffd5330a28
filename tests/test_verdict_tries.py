"""What several tries prove together: up to three verdicts in, one out."""

import random

import pytest

from hfdeploy.verdict import Judgement, Reason, Verdict, conclude, failed, inconclusive

PASS = Judgement(Verdict.PASSED, Reason.PASSED, "fine")
FAIL = failed(Reason.EMPTY, "no text")
STALL = inconclusive(Reason.STALL, "the stream stalled")
SLOW_START = inconclusive(Reason.FIRST_TOKEN_TIMEOUT, "no token")
LOST = inconclusive(Reason.TRANSPORT, "connection refused")
DENIED = inconclusive(Reason.AUTH, "401")


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    ("tries", "healthy", "verdict", "reason"),
    [
        ([PASS], True, Verdict.PASSED, Reason.PASSED),
        ([FAIL, FAIL, PASS], True, Verdict.PASSED, Reason.PASSED),
        ([LOST, STALL, PASS], True, Verdict.PASSED, Reason.PASSED),
        ([FAIL, FAIL, FAIL], True, Verdict.FAILED, Reason.EMPTY),
        ([LOST, FAIL, LOST], True, Verdict.FAILED, Reason.EMPTY),
        ([FAIL, LOST, LOST], False, Verdict.FAILED, Reason.EMPTY),
        ([STALL, SLOW_START, STALL], True, Verdict.FAILED, Reason.STALL),
        ([SLOW_START] * 3, True, Verdict.FAILED, Reason.FIRST_TOKEN_TIMEOUT),
        ([SLOW_START] * 3, False, Verdict.INCONCLUSIVE, Reason.FIRST_TOKEN_TIMEOUT),
        ([SLOW_START] * 2, True, Verdict.INCONCLUSIVE, Reason.FIRST_TOKEN_TIMEOUT),
        ([STALL, LOST, STALL], True, Verdict.INCONCLUSIVE, Reason.STALL),
        ([LOST] * 3, True, Verdict.INCONCLUSIVE, Reason.TRANSPORT),
        ([DENIED], True, Verdict.INCONCLUSIVE, Reason.AUTH),
        ([FAIL, DENIED], True, Verdict.INCONCLUSIVE, Reason.AUTH),
    ],
)
def test_up_to_three_tries_make_one_verdict(tries, healthy, verdict, reason) -> None:
    """Section 6.4 of the reliability reference, line by line."""
    judgement = conclude(tries, healthy_start=healthy)

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


def test_the_verdict_of_several_tries_names_them_all() -> None:
    """One line has to tell a flaky network from an endpoint that hangs."""
    assert conclude([LOST, STALL, LOST], healthy_start=True).sentence == (
        "connection refused (3 tries: transport, stall, transport)"
    )


def test_nothing_concludes_from_no_tries() -> None:
    """A check that was not made is never a verdict."""
    with pytest.raises(ValueError, match="nothing to conclude"):
        conclude([], healthy_start=True)


@pytest.mark.parametrize("reason", [Reason.AUTH, Reason.PAUSED, Reason.FOREIGN_HOST, Reason.NOT_AS_ASKED])
def test_what_another_try_cannot_change_ends_them(reason) -> None:
    """After a 401 there is at most one more request."""
    assert inconclusive(reason, "").ends_at_once
    assert not LOST.ends_at_once


@pytest.mark.fault(24)
def test_a_tenth_of_flakes_causes_false_failures_below_a_fifth_of_a_percent() -> None:
    """Fault 24: a false failure undoes a working deployment."""
    chance = random.Random(2026)  # noqa: S311 - a simulation
    runs = 20_000

    def rollout() -> Judgement:
        judgements: list[Judgement] = []
        while len(judgements) < 3 and not (judgements and judgements[-1].passed):
            judgements.append(chance.choice([FAIL, STALL, LOST]) if chance.random() < 0.1 else PASS)
        return conclude(judgements, healthy_start=True)

    verdicts = [rollout().verdict for _ in range(runs)]

    assert verdicts.count(Verdict.FAILED) / runs < 0.002
    assert verdicts.count(Verdict.PASSED) / runs > 0.998


@pytest.mark.fault(24)
def test_a_steady_wrong_answer_always_fails() -> None:
    """Fault 24, the other side: with flakes around it, a wrong answer is still found every time."""
    chance = random.Random(2026)  # noqa: S311 - a simulation

    for _ in range(5_000):
        tries = [chance.choice([STALL, LOST]) if chance.random() < 0.1 else FAIL for _ in range(3)]
        if any(judgement is FAIL for judgement in tries):
            assert conclude(tries, healthy_start=True).verdict is Verdict.FAILED
