"""Proving an endpoint: its measurements and its evidence, and up to three tries that conclude."""

import json
from dataclasses import replace

import pytest
from exchange import TOKEN
from proof import EMPTY, GOOD, LONG, check_of, tries, well
from speaker import http, opening, tgi_token

from hfdeploy.stream import Prompt, Route
from hfdeploy.verdict import Reason, Verdict, Wanted
from hfdeploy.verify import prove

server = pytest.fixture(well)


def test_a_good_endpoint_is_proved_with_its_measurements(server, clock) -> None:
    """These are the outputs of a rollout."""
    heard = []

    proof = prove(check_of(server), clock=clock, deadlines=LONG, on_text=heard.append)

    assert (proof.passed, proof.verdict, proof.reason) == (True, Verdict.PASSED, Reason.PASSED)
    assert (proof.tokens, proof.counted_by, proof.finish_reason, proof.text_length) == (3, "details", "eos_token", 7)
    assert proof.ttft_ms is not None
    assert proof.ttft_ms > 0
    assert proof.tokens_per_s is not None
    assert (proof.woke, proof.wake_seconds) == (False, 0)
    assert (proof.started_at, proof.ended_at) == ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00")
    assert proof.prompt_sha256 == Prompt("Say something.").sha256
    assert heard == ["The", " cat"]
    assert [request.path for request in server.heard] == ["/health", "/info", "/generate_stream"]
    assert clock.naps == []


def test_the_evidence_holds_the_text_and_never_the_token(server, clock) -> None:
    """It is written to a file that people send around."""
    evidence = json.dumps(prove(check_of(server), clock=clock, deadlines=LONG).as_dict())

    assert "The cat" in evidence
    assert TOKEN.reveal() not in evidence
    assert json.loads(evidence)["tries"][0]["verdict"] == "passed"


def test_neither_sentence_nor_repr_hold_generated_text(server, clock) -> None:
    """Both end up in outputs and logs."""
    proof = prove(replace(check_of(server), wanted=Wanted(expect="dog")), clock=clock, deadlines=LONG)

    assert proof.reason is Reason.UNEXPECTED_TEXT
    assert "The cat" not in f"{proof!r}{proof.sentence}"


@pytest.mark.fault(24)
def test_one_good_try_is_enough(server, clock) -> None:
    """Fault 24: a flake is no failure."""
    server.on("/generate_stream", EMPTY, http(500), GOOD)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert proof.passed
    assert [judgement.reason for judgement in proof.judgements] == [Reason.EMPTY, Reason.SERVER_ERROR, Reason.PASSED]
    assert clock.naps == [1, 2]


@pytest.mark.fault(24)
def test_a_steady_wrong_answer_fails_after_three_tries(server, clock) -> None:
    """And not after one, nor after four."""
    server.on("/generate_stream", EMPTY)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.FAILED, Reason.EMPTY, 3)
    assert "(3 tries: empty, empty, empty)" in proof.sentence


@pytest.mark.fault(24)
def test_errors_without_evidence_are_inconclusive(server, clock) -> None:
    """Nothing is restored or deleted because of them."""
    server.on("/generate_stream", http(500), lambda _line: None, http(429))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.OVERLOADED, 3)
    assert "server_error, transport, overloaded" in proof.sentence


@pytest.mark.fault(24, 26)
def test_an_engine_that_hangs_in_every_try_after_a_healthy_start_fails(server, clock) -> None:
    """It loaded, it says it is well, and it does not answer: that is evidence."""
    server.on("/generate_stream", lambda line: line.wait())

    proof = prove(check_of(server), clock=clock, deadlines=replace(LONG, first_token=0.3))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.FIRST_TOKEN_TIMEOUT)


def test_a_container_without_a_health_route_that_hangs_is_inconclusive(server, clock) -> None:
    """Nothing said that it had started: a 404 on its root only says that somebody is there."""
    server.on("/generate_stream", lambda line: (line.say(opening(), tgi_token("a")), line.wait()))
    check = replace(check_of(server, engine="custom", health_route=None), route=Route.GENERATE)

    proof = prove(check, clock=clock, deadlines=replace(LONG, stall=0.2))

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.STALL, 3)


@pytest.mark.fault(10)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_ends_everything_at_once(server, clock, status) -> None:
    """After a 401 there is at most one more request."""
    server.on("/health", http(status, {"error": "no"}))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.AUTH)
    assert len(server.heard) == 1


def test_a_token_refused_in_a_try_ends_the_tries(server, clock) -> None:
    """It may be revoked in between."""
    server.on("/generate_stream", http(401))

    assert prove(check_of(server), clock=clock, deadlines=LONG).reason is Reason.AUTH
    assert tries(server) == 1


def test_a_paused_endpoint_is_left_alone(server, clock) -> None:
    """A person paused it; more requests would not start it."""
    server.on("/health", http(400, {"error": "Bad Request: The endpoint is paused, ask a maintainer to restart it"}))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.PAUSED)
    assert len(server.heard) == 1


def test_the_wait_a_busy_server_asks_for_is_kept_within_reason(server, clock) -> None:
    """Coming back earlier makes it busier; coming back in an hour helps nobody."""
    server.on("/generate_stream", http(429, retry_after="12"), http(429, retry_after="3600"), GOOD)

    assert prove(check_of(server), clock=clock, deadlines=LONG).passed
    assert clock.naps == [12, 30]
