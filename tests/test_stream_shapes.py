"""Answers of every shape are judged: only a good stream passes, and each other has a named cause."""

from dataclasses import replace

import pytest
from exchange import PATIENT, QUICK, answer, listening
from speaker import DONE, chat, chat_chunk, event, http, opening, stream
from stream_shapes import OPEN, SHAPES

from hfdeploy.stream.dialect import Dialect
from hfdeploy.verdict import Reason, Verdict, Wanted, judge

server = pytest.fixture(listening)

BRIEF = replace(PATIENT, after_end=0.2, total=60)
"""For lines that stay open after all was said."""


@pytest.mark.fault(25, 26)
@pytest.mark.parametrize("shape", SHAPES)
def test_only_a_good_stream_passes(server, shape) -> None:
    """Fault 25 and 26: most of these are a normal end to the official client, or never end at all."""
    said, verdict, reason = SHAPES[shape]
    deadlines = BRIEF if shape in OPEN else QUICK.get(reason, PATIENT)

    judgement = judge(answer(server, said, deadlines=deadlines), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason), judgement.sentence
    assert shape not in OPEN or server.hung_up.wait(10), "what was said is enough; the line is not held"


@pytest.mark.fault(25)
def test_of_a_page_only_the_beginning_is_read(server) -> None:
    """Its type is the evidence; some pages have no end."""
    sample = answer(server, lambda line: (line.say(opening("text/html"), b"<h1>Welcome" * 2000), line.wait()))

    assert judge(sample, Wanted()).reason is Reason.WRONG_CONTENT_TYPE
    assert sample.reply.startswith("<h1>Welcome")
    assert len(sample.reply) == 512
    assert server.hung_up.wait(10)


OPENAI_SHAPES = {
    "good": (chat("a", tokens=3), Verdict.PASSED, Reason.PASSED),
    "without [DONE]": (chat("a")[:-1], Verdict.PASSED, Reason.PASSED),
    "without a finish reason": ([chat_chunk({"content": "a"}), DONE], Verdict.PASSED, Reason.PASSED),
    "without either": ([chat_chunk({"content": "a"})], Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "role only": (chat(), Verdict.FAILED, Reason.EMPTY),
    "usage without text": (chat(tokens=9), Verdict.FAILED, Reason.EMPTY),
    "an error, then [DONE]": (
        [chat_chunk({"content": "a"}), event({"error": {"message": "boom", "code": 500}}), DONE],
        Verdict.FAILED,
        Reason.ERROR_EVENT,
    ),
}


@pytest.mark.fault(25)
@pytest.mark.parametrize("shape", OPENAI_SHAPES)
def test_only_a_good_chat_passes(server, shape) -> None:
    """The same for the engines that speak OpenAI."""
    said, verdict, reason = OPENAI_SHAPES[shape]

    judgement = judge(answer(server, stream(*said), dialect=Dialect.CHAT), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason), judgement.sentence


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (400, {"error": "Bad Request: The endpoint is paused, ask a maintainer"}, "inconclusive", "paused"),
        (400, {"error": "bad"}, "failed", "refused"),
        (401, {"error": "401 Unauthorized"}, "inconclusive", "auth"),
        (403, {"error": "403 Forbidden"}, "inconclusive", "auth"),
        (404, {"error": "no"}, "failed", "not_found"),
        (408, {}, "inconclusive", "server_error"),
        (422, {"error": "Input validation error", "error_type": "validation"}, "failed", "refused"),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, "inconclusive", "overloaded"),
        (500, {"error": "Incomplete generation"}, "inconclusive", "server_error"),
        (503, {"error": "503 Service Unavailable"}, "inconclusive", "server_error"),
    ],
)
def test_a_status_maps_to_a_named_cause(server, status, body, verdict, reason) -> None:
    """Fault 28."""
    judgement = judge(answer(server, http(status, body)), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


def test_the_wait_the_server_asks_for_is_kept(server) -> None:
    """As seconds or as a date; anything else is nothing."""
    assert answer(server, http(429, retry_after="7")).retry_after == 7
    assert answer(server, http(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")).retry_after == 0
    assert answer(server, http(429, retry_after="soon")).retry_after is None
