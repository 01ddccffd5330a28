"""Many requests at once: what passes, what fails, and what proves nothing."""

import threading

import pytest
from deep_proof import OUT_OF_MEMORY, at_once, dig
from proof import ASLEEP, GOOD, tries, well
from speaker import Line, http, stream, tgi, tgi_token

from hfdeploy.stream import Deadlines
from hfdeploy.verdict import Reason, Verdict, Wanted
from hfdeploy.verify import Depth

server = pytest.fixture(well)

CUT = stream(tgi_token("The"))


def test_many_requests_at_once_pass_when_each_of_them_does(server, clock) -> None:
    """They are really under way together: none is answered before the last has come."""
    together_now = threading.Barrier(6)

    def answer(line: Line) -> None:
        together_now.wait(timeout=20)
        GOOD(line)

    server.on("/generate_stream", GOOD, answer)

    proof = dig(server, clock, Depth(concurrency=6))

    assert proof.passed
    assert [str(shown) for shown in proof.deep] == [
        "verify.deep.concurrency passed: 6 requests at once were all answered"
    ]
    assert tries(server) == 7


def test_the_spec_s_demands_hold_for_each_of_many(server, clock) -> None:
    """`min_tokens_per_second` and `expect` say what a caller must get, however many there are."""
    at_once(server, 4, stream(*tgi("Some", " dog")))

    proof = dig(server, clock, Depth(concurrency=4), check={"wanted": Wanted(expect="cat")})

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.UNEXPECTED_TEXT)


def test_an_engine_that_reports_an_error_to_each_of_four_fails(server, clock) -> None:
    """Three times, so that it is no flake; the plain prompt is answered in between."""
    at_once(server, 4, OUT_OF_MEMORY)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.ERROR_EVENT)
    assert "the plain prompt passed, verify.deep.concurrency failed: 4 of 4 requests at once failed" in proof.sentence
    assert "(3 shots: error_event, error_event, error_event)" in proof.sentence
    assert tries(server) == 1 + 3 * 5


def test_a_flake_under_load_is_a_flake(server, clock) -> None:
    """One bad answer among many, and none the second time."""
    server.on("/generate_stream", GOOD, OUT_OF_MEMORY, GOOD)

    assert dig(server, clock, Depth(concurrency=4)).passed


def test_an_engine_whose_replica_is_gone_after_the_load_has_died(server, clock) -> None:
    """Fault 24: the requests themselves met resets and 503, which alone would prove nothing."""
    server.on("/generate_stream", GOOD, CUT, CUT, CUT, CUT, ASLEEP)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.DIED)
    assert "4 of 4 requests at once proved nothing" in proof.sentence
    assert "the engine died: with the load gone, no replica answers yet" in proof.sentence
    assert tries(server) == 1 + 4 + 2, "one death is enough"


def test_an_engine_that_came_back_within_seconds_has_died_all_the_same(server, clock) -> None:
    """A small model restarts quickly; its callers were cut off."""
    server.on("/generate_stream", GOOD, CUT, CUT, ASLEEP, ASLEEP, GOOD)

    assert dig(server, clock, Depth(concurrency=2)).reason is Reason.DIED


def test_the_service_s_word_about_a_stopped_replica_is_evidence(server, clock) -> None:
    """With two replicas the other one answers, and only the service knows."""
    server.on("/generate_stream", GOOD, CUT, CUT, GOOD)
    words = iter(["", "is initializing, with 1 of 2 replicas ready"])

    proof = dig(server, clock, Depth(concurrency=2), fallen=lambda: next(words))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.DIED)
    assert "the endpoint is initializing, with 1 of 2 replicas ready" in proof.sentence


def test_what_the_service_said_before_the_load_says_nothing_about_it(server, clock) -> None:
    """A status that lags behind must not fail a rollout."""
    server.on("/generate_stream", GOOD, CUT, CUT, GOOD)

    assert dig(server, clock, Depth(concurrency=2), fallen=lambda: "is initializing").passed


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(429, {"error": "Model is overloaded", "error_type": "overloaded"}), Reason.OVERLOADED),
        (http(500), Reason.SERVER_ERROR),
        (lambda _line: None, Reason.TRANSPORT),
    ],
)
def test_an_endpoint_that_is_busy_and_goes_on_answering_proves_nothing(server, clock, answer, reason) -> None:
    """Too much to do is not broken: not green, and nothing is undone."""
    at_once(server, 4, answer)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, reason), proof.sentence
    assert not proof.is_final


def test_an_engine_that_cuts_everybody_off_each_time_fails(server, clock) -> None:
    """Three crowds cut off and three single callers served: it is the crowd."""
    at_once(server, 4, CUT)

    proof = dig(server, clock, Depth(concurrency=4))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.TRUNCATED)
    assert "and the plain prompt was answered after each of them" in proof.sentence


def test_an_engine_that_answers_nobody_after_the_load_fails(server, clock) -> None:
    """It hangs although the load is gone, and had its time to settle."""
    server.on("/generate_stream", GOOD, lambda line: line.wait(5))

    proof = dig(server, clock, Depth(concurrency=2), deadlines=Deadlines(first_token=0.3, stall=30, total=40))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.DIED)
    assert "the engine died: it had its time to settle, and no token came" in proof.sentence


def test_a_token_refused_meanwhile_ends_it_without_evidence(server, clock) -> None:
    """Nothing is learnt by asking again."""
    server.on("/generate_stream", GOOD, http(401))

    proof = dig(server, clock, Depth(concurrency=3))

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.AUTH, 4)
