"""What was measured on a running endpoint, and what it proves: passed, failed or inconclusive.

`hfdeploy.stream` measures and fills in a `Sample`; `judge` says what one try proves and `conclude` what up to three
tries prove about a rollout; `deep` has the rules for length, number and time. Nothing here knows a socket, a clock or
an engine.

failed        evidence about the model or its route: the only verdict that may undo something
inconclusive  no evidence either way (network, load, credentials, sleep): never green, never a reason to undo anything
"""

from hfdeploy.verdict.deep import Look, Round, conclude_looks, conclude_rounds, together
from hfdeploy.verdict.judgement import Judgement, Reason, Verdict, Wanted, failed, inconclusive
from hfdeploy.verdict.refusals import is_paused, quote, refusal
from hfdeploy.verdict.rollout import TRIES, conclude
from hfdeploy.verdict.sample import Deadline, Kind, Sample, Vectors
from hfdeploy.verdict.tries import judge

__all__ = [
    "TRIES",
    "Deadline",
    "Judgement",
    "Kind",
    "Look",
    "Reason",
    "Round",
    "Sample",
    "Vectors",
    "Verdict",
    "Wanted",
    "conclude",
    "conclude_looks",
    "conclude_rounds",
    "failed",
    "inconclusive",
    "is_paused",
    "judge",
    "quote",
    "refusal",
    "together",
]
