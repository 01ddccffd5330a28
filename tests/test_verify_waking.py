"""Waking: a sleeping or loading endpoint is waited for, and waiting is no try."""

import threading
from dataclasses import replace

import pytest
from proof import ASLEEP, GOOD, LONG, check_of, tries, well
from speaker import http, opening, tgi_token

from hfdeploy import errors
from hfdeploy.stream import Route
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import Patience, prove

server = pytest.fixture(well)


@pytest.mark.fault(27)
def test_a_sleeping_endpoint_is_woken_and_waiting_is_no_try(server, clock) -> None:
    """Fault 27: 503, n times, then 200."""
    server.on("/health", *[ASLEEP] * 6, http(200))
    steps = []

    proof = prove(check_of(server), clock=clock, deadlines=LONG, on_step=steps.append)

    assert (proof.passed, proof.woke, proof.wake_seconds) == (True, True, 30)
    assert len(proof.judgements) == 1
    assert steps == ["waking", "try 1 of 3"]
    asked = [heard.headers.get("x-scale-up-timeout") for heard in server.asked("/health")]
    assert asked == [None, *["60"] * 6], "the proxy holds the request once it is known to be needed"


@pytest.mark.fault(27)
def test_an_endpoint_that_does_not_wake_is_inconclusive(server, clock) -> None:
    """Missing hardware is nobody's fault; nothing may be undone because of it."""
    server.on("/health", ASLEEP)

    proof = prove(check_of(server), clock=clock, patience=Patience(wake=100, every=20))

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.WAKING, 0)
    assert "did not wake within 100 s" in proof.sentence
    assert len(server.asked("/health")) == 6
    assert server.heard[-1].headers["x-scale-up-timeout"] == "1"


def test_a_held_request_that_ends_in_a_timeout_is_still_waking(server, clock) -> None:
    """What the proxy says when the time is over is not known."""
    server.on("/health", ASLEEP, http(504), http(502), http(408), lambda _line: None, http(200))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.passed, proof.woke) == (True, True)


def test_an_engine_that_is_still_loading_is_waited_for(server, clock) -> None:
    """TGI and llama.cpp say 503 in their own words while they load."""
    server.on("/health", http(503, {"error": "unhealthy", "error_type": "healthcheck"}), http(200))

    assert prove(check_of(server), clock=clock, deadlines=LONG).passed


def test_a_container_of_unknown_routes_is_woken_by_its_root(server, clock) -> None:
    """Any answer that is not the proxy's says that somebody is there."""
    server.on("/", ASLEEP, ASLEEP, http(405))
    check = replace(check_of(server, engine="custom", health_route=None), route=Route.GENERATE)

    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.passed, proof.woke) == (True, True)


def test_an_endpoint_that_falls_asleep_between_health_and_prompt_is_woken_again(server, clock) -> None:
    """The idle timeout may end at any moment; that is no failed try."""
    server.on("/health", http(200), ASLEEP, http(200))
    server.on("/generate_stream", ASLEEP, GOOD)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.passed, proof.woke, len(proof.judgements)) == (True, True, 1)


def test_a_prompt_that_is_refused_as_asleep_while_health_is_well_counts_as_a_try(server, clock) -> None:
    """Otherwise a broken proxy would be waited for till the end of the rollout."""
    server.on("/generate_stream", ASLEEP)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.SERVER_ERROR, 3)
    assert clock.elapsed < 10


def test_a_host_that_cannot_be_reached_is_given_up_after_a_minute(server, clock) -> None:
    """A new name takes a moment to be known, but not a quarter of an hour."""
    server.on("/health", lambda _line: None)

    proof = prove(check_of(server), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.TRANSPORT)
    assert "could not be reached for 60 s" in proof.sentence
    assert 55 <= clock.elapsed <= 65


@pytest.mark.fault(43)
def test_a_stop_request_ends_waking(server, clock) -> None:
    """Ctrl-C has five seconds."""
    asked = threading.Event()
    server.on("/health", lambda line: (asked.set(), line.wait()))

    with pytest.raises(errors.Cancelled):
        prove(check_of(server), clock=clock, patience=Patience(answer=10, trouble=1), stopped=asked.is_set)

    assert server.hung_up.wait(10)


@pytest.mark.fault(43)
def test_a_stop_request_ends_a_try(server, clock) -> None:
    """The same while a prompt is being answered."""
    asked = threading.Event()
    server.on("/generate_stream", lambda line: (line.say(opening(), tgi_token("a")), asked.set(), line.wait()))

    with pytest.raises(errors.Cancelled):
        prove(check_of(server), clock=clock, deadlines=LONG, stopped=asked.is_set)

    assert server.hung_up.wait(10)
