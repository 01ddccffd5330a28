"""Streams that never end: each deadline ends them when it says, on this machine's own clock."""

import pytest
from exchange import answer
from speaker import ALIVE, Answer, Speaker, opening, tgi_token

from hfdeploy.stream import Deadlines
from hfdeploy.verdict import Deadline, Reason, Verdict, Wanted, judge

FIRST, STALL, TOTAL = 1.0, 1.5, 3.0
ENDLESS: dict[str, tuple[Answer, Deadline, float]] = {
    "pings before the first token": (
        lambda line: (line.say(opening()), line.repeat(ALIVE, 0.05)),
        Deadline.FIRST_TOKEN,
        FIRST,
    ),
    "silence before the first token": (lambda line: line.wait(), Deadline.FIRST_TOKEN, FIRST),
    "pings after a token": (
        lambda line: (line.say(opening(), tgi_token("a")), line.repeat(ALIVE, 0.05)),
        Deadline.STALL,
        STALL,
    ),
    "a drip of tokens": (
        lambda line: (line.say(opening()), line.repeat(tgi_token("a"), 0.1)),
        Deadline.TOTAL,
        TOTAL,
    ),
}


@pytest.mark.fault(26)
@pytest.mark.parametrize("shape", ENDLESS)
def test_an_endless_stream_ends_at_its_deadline(shape: str, record_property) -> None:
    """Half a second later at the most; tenfold on a busy machine. It is no evidence either way."""
    said, deadline, after = ENDLESS[shape]
    with Speaker() as server:
        sample = answer(server, said, deadlines=Deadlines(first_token=FIRST, stall=STALL, total=TOTAL, after_end=1))

    assert sample.deadline is deadline
    assert after <= sample.duration < after + 5.0
    judgement = judge(sample, Wanted())
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.reason in {Reason.FIRST_TOKEN_TIMEOUT, Reason.STALL, Reason.TOTAL_TIMEOUT}
    record_property("faults", 1)
