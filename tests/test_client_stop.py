"""When a call ends: at its deadline whatever the service does, and soon after somebody asked to stop."""

import threading

import pytest
from client_calls import ALL, TINY, settings_for
from client_faults import BODY, GOOD, OPERATIONS, PATHS, connect, failing, hang
from speaker import Line

from hfdeploy import client, errors
from hfdeploy.client import Deadlines

pytest_plugins = ["client_faults"]


def drip_head(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\nx-drip: ")
    _drip(line, b"x", b"\r\n\r\n")


def drip_body(line: Line) -> None:
    line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 52\r\n\r\n[")
    _drip(line, b" ", b"]")


def _drip(line: Line, drop: bytes, end: bytes) -> None:
    for _ in range(50):
        if line.wait(0.05):
            return
        line.say(drop)
    line.say(end)


@pytest.mark.fault(9)
@pytest.mark.parametrize("drip", [drip_head, drip_body, hang], ids=["head", "body", "black hole"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_call_outlives_its_deadline(speaker, operation, drip) -> None:
    """Each byte comes in time and the whole never: a socket timeout alone would wait to the end of it."""
    for path in {*PATHS.values()}:
        speaker.on(path, drip)
    settings = settings_for(speaker)
    deadlines = Deadlines(connect=0.3, read=0.3, call=0.3, delete=0.3)

    with client.connect(settings, deadlines=deadlines) as api, pytest.raises(errors.Unreachable, match="Timeout"):
        OPERATIONS[operation](api)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_after_a_stop_nothing_more_is_sent(speaker, clock, operation) -> None:
    """A plugin outlives its engine; what it sends then, nobody records."""
    with (
        connect(speaker, clock, stopped=lambda: True) as api,
        pytest.raises(errors.Cancelled, match="nothing more is sent"),
    ):
        OPERATIONS[operation](api)

    assert speaker.callers == 0


@pytest.mark.fault(43)
@pytest.mark.parametrize("operation", ["get", "create", "pause"])  # one per way of sending; each takes its grace
def test_a_stop_ends_what_is_under_way(speaker, clock, operation) -> None:
    """Two seconds are promised, whatever the server does."""
    stop = threading.Event()

    def hang_and_stop(line: Line) -> None:
        stop.set()
        line.wait()

    speaker.on(PATHS[operation], hang_and_stop)
    settings = settings_for(speaker)

    with (
        client.connect(settings, clock=clock, stopped=stop.is_set) as api,
        pytest.raises(errors.Cancelled, match="under way"),
    ):
        OPERATIONS[operation](api)

    assert len(speaker.heard) == 1


@pytest.mark.fault(43)
def test_a_stop_between_two_attempts_is_heard(speaker) -> None:
    """Waiting for a limiter is where most of the time goes."""
    stop = threading.Event()

    def refuse_and_stop(line: Line) -> None:
        failing(429, retry_after="50")(line)
        stop.set()

    speaker.on(TINY, refuse_and_stop, GOOD)
    settings = settings_for(speaker)

    with client.connect(settings, stopped=stop.is_set) as api, pytest.raises(errors.Cancelled):
        api.get("acme", "tiny")
    assert len(speaker.heard) == 1


def test_an_answer_under_way_at_a_stop_still_counts(speaker, clock) -> None:
    """A create that was accepted should be recorded rather than forgotten."""
    stop = threading.Event()

    def stop_and_answer(line: Line) -> None:
        stop.set()
        line.wait(0.3)
        GOOD(line)

    speaker.on(ALL, stop_and_answer)

    with client.connect(settings_for(speaker), clock=clock, stopped=stop.is_set) as api:
        assert api.create("acme", BODY).name == "tiny"
