"""What up to three tries prove about a rollout."""

from collections.abc import Sequence
from typing import Final

from hfdeploy.verdict.judgement import Judgement, Reason, Verdict, failed, inconclusive

TRIES: Final = 3
"""Tries of one rollout; the first pass ends them."""


def conclude(judgements: Sequence[Judgement], *, healthy_start: bool) -> Judgement:
    """What the tries prove together.

    One pass is enough. Failed: at least one try failed, or all three ended at the first-token or stall deadline of
    an endpoint that had started healthily, since then it is the engine that hangs. Everything else is inconclusive.

    Raises:
        ValueError: there are no judgements.
    """
    if not judgements:
        raise ValueError("there is nothing to conclude from")
    for judgement in judgements:
        if judgement.passed or judgement.ends_at_once:
            return judgement
    if failures := [judgement for judgement in judgements if judgement.verdict is Verdict.FAILED]:
        return failed(failures[-1].reason, _together(judgements, failures[-1]))
    last = judgements[-1]
    hangs = {Reason.FIRST_TOKEN_TIMEOUT, Reason.STALL}
    if healthy_start and len(judgements) >= TRIES and all(judgement.reason in hangs for judgement in judgements):
        return failed(last.reason, f"{_together(judgements, last)}; the endpoint had started healthily")
    return inconclusive(last.reason, _together(judgements, last))


def _together(judgements: Sequence[Judgement], chosen: Judgement) -> str:
    if len(judgements) == 1:
        return chosen.sentence
    reasons = ", ".join(judgement.reason for judgement in judgements)
    return f"{chosen.sentence} ({len(judgements)} tries: {reasons})"
