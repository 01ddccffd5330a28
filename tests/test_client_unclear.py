"""Changes whose fate is unknown: what is looked at first, what is repeated, and what is never sent twice."""

import socket

import pytest
from client_calls import ALL, TINY, TOKEN
from client_faults import BODY, GOOD, SPOILED, UNCLEAR, asked, failing, hang_up, update
from replies import endpoint_reply
from speaker import http

from hfdeploy import client, errors, wire
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

pytest_plugins = ["client_faults"]


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
    """The look shows it there still; 404 on the second delete is success."""
    speaker.on(TINY, (UNCLEAR | {"429": failing(429)})[fault], GOOD, failing(404))

    api.delete("acme", "tiny", is_same=lambda _seen: True)

    assert asked(speaker) == ["DELETE", "GET", "DELETE"]


@pytest.mark.fault(22)
@pytest.mark.parametrize("fault", UNCLEAR)
def test_a_delete_that_was_done_is_not_sent_again(api, speaker, fault) -> None:
    """The look finds nothing, or an endpoint that took the name since."""
    for found in (failing(404), GOOD):
        speaker.heard.clear()
        speaker.on(TINY, UNCLEAR[fault], found)

        api.delete("acme", "tiny", is_same=lambda _seen: False)

        assert asked(speaker) == ["DELETE", "GET"]


@pytest.mark.fault(22)
def test_a_delete_whose_look_cannot_be_read_is_not_sent_again(api, speaker) -> None:
    """Whose endpoint it is now is not known, nor whether the first one was done."""
    speaker.on(TINY, failing(502), SPOILED["a page"])

    with pytest.raises(errors.UnclearOutcome, match="unreadable"):
        api.delete("acme", "tiny", is_same=lambda _seen: True)
    assert asked(speaker).count("DELETE") == 1


@pytest.mark.fault(23)
def test_a_delete_that_never_works_is_an_error(api, speaker) -> None:
    """The endpoint stays in the state and the run ends red."""
    speaker.on(TINY, failing(500))

    with pytest.raises(errors.UnclearOutcome, match="500"):
        api.delete("acme", "tiny", is_same=lambda _seen: True)
    assert len(speaker.heard) >= 2


@pytest.mark.parametrize("fault", UNCLEAR)
def test_a_pause_that_was_made_is_not_sent_again(api, speaker, fault) -> None:
    """The look shows it paused."""
    speaker.on(f"{TINY}/pause", UNCLEAR[fault])
    speaker.on(TINY, http(200, endpoint_reply(state="paused")))

    assert api.pause("acme", "tiny").status.state is wire.State.PAUSED
    assert asked(speaker) == ["POST", "GET"]
