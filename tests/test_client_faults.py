"""The management API when it misbehaves: what is repeated, what is never repeated, and when it ends."""

import socket
import threading

import pytest
from replies import endpoint_reply
from speaker import Line, Speaker, http

from hfdeploy import client, errors, wire
from hfdeploy.client import Deadlines
from hfdeploy.client.retry import ATTEMPTS
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

TOKEN = "hf_made0up0token0of0this0very0test"
ALL = "/v2/endpoint/acme"
TINY = f"{ALL}/tiny"
BODY = {"name": "tiny"}
GOOD = http(200, endpoint_reply())


@pytest.fixture
def speaker():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def api(speaker, clock):
    with connect(speaker, clock) as api:
        yield api


def connect(speaker, clock, **more):
    settings = Settings(api_url=speaker.url, token=Secret(TOKEN))
    return client.connect(settings, clock=clock, deadlines=Deadlines(connect=2, read=0.2), **more)


def failing(status: int, **headers: str):
    return http(status, {"error": "no reason"}, x_request_id="req-17", **headers)


def hang(line: Line) -> None:
    line.wait()


def reset(line: Line) -> None:
    line.reset()


def hang_up(_line: Line) -> None:
    """End the connection without a word."""


def half_a_body(line: Line) -> None:
    line.say(b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{"name": "ti')


LOST = {"hang": hang, "reset": reset, "hang up": hang_up, "half a body": half_a_body}
FIVES = {str(status): failing(status) for status in (500, 502, 503, 504, 520)}
SPOILED = {
    "nothing": http(200),
    "a page": http(200, b"<html>", "text/html"),
    "not an endpoint": http(200, {"name": "tiny"}),
}
UNCLEAR = LOST | FIVES | {"408": failing(408)}


def asked(speaker) -> list[str]:
    return [heard.method for heard in speaker.heard]


def update(api):
    return api.update("acme", "tiny", {"type": "public"}, is_applied=lambda live: live.type == "public")


OPERATIONS = {
    "get": lambda api: api.get("acme", "tiny"),
    "list": lambda api: api.list("acme"),
    "hardware": lambda api: api.hardware("acme"),
    "create": lambda api: api.create("acme", BODY),
    "update": update,
    "delete": lambda api: api.delete("acme", "tiny"),
    "pause": lambda api: api.pause("acme", "tiny"),
}
PATHS = {
    "get": TINY,
    "list": f"{ALL}?limit=100",
    "hardware": "/v2/provider/acme",
    "create": ALL,
    "update": TINY,
    "delete": TINY,
    "pause": f"{TINY}/pause",
}


@pytest.mark.fault(8)
@pytest.mark.parametrize("fault", UNCLEAR | {"429": failing(429), "425": failing(425)})
def test_a_read_survives_a_passing_fault(api, speaker, fault) -> None:
    """A rollout of half an hour meets a few of them."""
    answer = (UNCLEAR | {"429": failing(429), "425": failing(425)})[fault]
    speaker.on(TINY, answer, answer, GOOD)

    assert api.get("acme", "tiny").name == "tiny"
    assert asked(speaker) == ["GET"] * 3


@pytest.mark.fault(8)
def test_a_service_that_stays_down_is_reported_with_its_request_id(api, speaker, clock) -> None:
    """After a bounded number of attempts, within the deadline, and without a verdict about anything."""
    speaker.on(TINY, failing(503))

    with pytest.raises(errors.Unreachable, match=r"GET .*tiny \(request req-17\) answered 503: no reason"):
        api.get("acme", "tiny")
    assert 2 <= len(speaker.heard) <= ATTEMPTS
    assert clock.elapsed <= 60


def test_a_route_that_is_not_implemented_is_not_asked_again(api, speaker) -> None:
    """501 never passes."""
    speaker.on(TINY, failing(501))

    with pytest.raises(errors.ApiError) as problem:
        api.get("acme", "tiny")
    assert (problem.value.status, len(speaker.heard)) == (501, 1)


@pytest.mark.parametrize("spoiled", SPOILED)
def test_an_answer_that_cannot_be_read_is_not_asked_for_again(api, speaker, spoiled) -> None:
    """Nothing of the transport failed: the same question gets the same answer."""
    speaker.on(TINY, SPOILED[spoiled])

    with pytest.raises(errors.Unreachable, match="unreadable"):
        api.get("acme", "tiny")
    assert len(speaker.heard) == 1


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "20"}, 20),
        ({"retry_after": "Thu, 01 Jan 2026 00:00:30 GMT"}, 30),
        ({"ratelimit": '"api";r=0;t=25'}, 25),
        ({"ratelimit": '"api";r=0;t=25', "retry_after": "40"}, 40),
        ({"ratelimit": '"api";r=3;t=25'}, 0),
        ({"retry_after": "soon"}, 0),
        ({"retry_after": "nan"}, 0),
        ({"retry_after": "inf"}, 0),
        ({"retry_after": "-5"}, 0),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else str(value),
)
def test_the_service_is_left_alone_as_long_as_it_asks(api, speaker, clock, headers, seconds) -> None:
    """Asking earlier keeps the limiter shut, for everybody in the namespace."""
    speaker.on(TINY, failing(429, **headers), GOOD)

    api.get("acme", "tiny")

    assert clock.elapsed >= seconds
    assert clock.elapsed <= max(seconds, 1)


@pytest.mark.fault(7)
def test_a_pause_longer_than_the_deadline_is_not_waited_for(api, speaker, clock) -> None:
    """The sentence says how long the service wants to be left alone."""
    speaker.on(TINY, failing(429, retry_after="3600"), GOOD)

    with pytest.raises(errors.Unreachable, match="pause of 3600 s"):
        api.get("acme", "tiny")
    assert (len(speaker.heard), clock.elapsed) == (1, 0)


@pytest.mark.fault(3)
@pytest.mark.parametrize("fault", UNCLEAR | SPOILED)
def test_a_create_whose_fate_is_unknown_is_not_sent_twice(api, speaker, fault) -> None:
    """Two endpoints cost twice; whoever creates looks by name first."""
    speaker.on(ALL, (UNCLEAR | SPOILED)[fault], GOOD)

    with pytest.raises(errors.UnclearOutcome, match="look before repeating"):
        api.create("acme", BODY)
    assert asked(speaker) == ["POST"]


@pytest.mark.fault(7)
def test_a_create_that_was_turned_away_is_sent_again(api, speaker) -> None:
    """429 says that nothing was accepted."""
    speaker.on(ALL, failing(429), failing(429), GOOD)

    assert api.create("acme", BODY).name == "tiny"
    assert asked(speaker) == ["POST"] * 3


@pytest.mark.fault(7)
def test_a_create_that_is_always_turned_away_was_not_made(api, speaker) -> None:
    """There is nothing to look for then, and the next run may try again."""
    speaker.on(ALL, failing(429))

    with pytest.raises(errors.Unreachable, match="429") as problem:
        api.create("acme", BODY)
    assert not isinstance(problem.value, errors.UnclearOutcome)


def test_a_create_that_nobody_heard_is_sent_again_and_then_given_up(clock) -> None:
    """A refused connection carries nothing, so this is no unclear outcome."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = Settings(api_url=f"http://127.0.0.1:{port}", token=Secret(TOKEN))

    with client.connect(settings, clock=clock) as api, pytest.raises(errors.Unreachable, match="refused") as problem:
        api.create("acme", BODY)

    assert not isinstance(problem.value, errors.UnclearOutcome)
    assert len(clock.naps) >= 2


@pytest.mark.fault(8)
@pytest.mark.parametrize("fault", UNCLEAR | SPOILED)
def test_an_update_that_was_made_is_not_sent_again(api, speaker, fault) -> None:
    """A second PUT may start a second rollout."""
    speaker.on(TINY, (UNCLEAR | SPOILED)[fault], http(200, endpoint_reply() | {"type": "public"}))

    assert update(api).type == "public"
    assert asked(speaker) == ["PUT", "GET"]


@pytest.mark.fault(8)
@pytest.mark.parametrize("fault", UNCLEAR | SPOILED)
def test_an_update_that_was_not_made_is_sent_again(api, speaker, fault) -> None:
    """The look shows the old values: nothing was lost but the request."""
    speaker.on(TINY, (UNCLEAR | SPOILED)[fault], GOOD, http(200, endpoint_reply() | {"type": "public"}))

    assert update(api).type == "public"
    assert asked(speaker) == ["PUT", "GET", "PUT"]


def test_an_update_into_the_dark_has_an_unclear_outcome(api, speaker) -> None:
    """No answer and no look: it may have been made."""
    speaker.on(TINY, hang_up)

    with pytest.raises(errors.UnclearOutcome):
        update(api)
    assert asked(speaker)[:2] == ["PUT", "GET"]
    assert asked(speaker).count("PUT") == 1


def test_an_update_of_what_was_deleted_meanwhile_says_so(api, speaker) -> None:
    """The look after the lost answer finds nothing."""
    speaker.on(TINY, failing(502), failing(404))

    with pytest.raises(errors.ApiError, match="404"):
        update(api)


@pytest.mark.fault(22)
@pytest.mark.parametrize("fault", UNCLEAR | {"429": failing(429)})
def test_a_delete_is_repeated_until_it_is_gone(api, speaker, fault) -> None:
    """Deleting twice deletes once; 404 on the second is success."""
    speaker.on(TINY, (UNCLEAR | {"429": failing(429)})[fault], failing(404))

    api.delete("acme", "tiny")

    assert asked(speaker) == ["DELETE"] * 2


@pytest.mark.fault(23)
def test_a_delete_that_never_works_is_an_error(api, speaker) -> None:
    """The endpoint stays in the state and the run ends red."""
    speaker.on(TINY, failing(500))

    with pytest.raises(errors.UnclearOutcome, match="500"):
        api.delete("acme", "tiny")
    assert len(speaker.heard) >= 2


@pytest.mark.parametrize("fault", UNCLEAR)
def test_a_pause_that_was_made_is_not_sent_again(api, speaker, fault) -> None:
    """The look shows it paused."""
    speaker.on(f"{TINY}/pause", UNCLEAR[fault])
    speaker.on(TINY, http(200, endpoint_reply(state="paused")))

    assert api.pause("acme", "tiny").status.state is wire.State.PAUSED
    assert asked(speaker) == ["POST", "GET"]


@pytest.mark.fault(10)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_refused_token_ends_the_run(api, speaker, operation) -> None:
    """At most one more request: accounts are locked for less."""
    for path in PATHS.values():
        speaker.on(path, failing(401))

    for _ in range(3):
        with pytest.raises(errors.AuthError):
            OPERATIONS[operation](api)
    for other in OPERATIONS.values():
        with pytest.raises(errors.AuthError, match="twice"):
            other(api)

    assert len(speaker.heard) == 2


def test_a_single_refusal_may_be_a_glitch(api, speaker) -> None:
    """Half an hour of waiting should not end for one bad moment, on whichever request it comes."""
    speaker.on(TINY, failing(401), GOOD, failing(401), GOOD)

    assert [api.get("acme", "tiny").name for _ in range(2)] == ["tiny"] * 2


@pytest.mark.fault(10)
@pytest.mark.parametrize("operation", ["create", "update", "delete", "pause"])
def test_a_change_with_a_refused_token_is_not_repeated(api, speaker, operation) -> None:
    """Only reads are."""
    speaker.on(PATHS[operation], failing(401))

    with pytest.raises(errors.AuthError, match="HF_TOKEN"):
        OPERATIONS[operation](api)
    assert len(speaker.heard) == 1


@pytest.mark.fault(33)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_redirect_is_not_followed(api, speaker, operation, status) -> None:
    """The token would follow it."""
    with Speaker() as other:
        path = PATHS[operation]
        other.on(path, GOOD)
        speaker.on(path, http(status, location=f"{other.url}{path}"))

        with pytest.raises(errors.ApiError, match=r"redirect to 127.0.0.1, which is not followed"):
            OPERATIONS[operation](api)

        assert other.callers == 0
    assert len(speaker.heard) == 1


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
    settings = Settings(api_url=speaker.url, token=Secret(TOKEN))
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
    settings = Settings(api_url=speaker.url, token=Secret(TOKEN))

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
    settings = Settings(api_url=speaker.url, token=Secret(TOKEN))

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

    with client.connect(Settings(api_url=speaker.url, token=Secret(TOKEN)), clock=clock, stopped=stop.is_set) as api:
        assert api.create("acme", BODY).name == "tiny"
