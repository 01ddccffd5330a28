"""The management API when it misbehaves: what is asked again, and what a refusal, a limit and a redirect end."""

import pytest
from client_calls import TINY
from client_faults import GOOD, OPERATIONS, PATHS, SPOILED, UNCLEAR, asked, failing
from speaker import Speaker, http

from hfdeploy import errors
from hfdeploy.client.retry import ATTEMPTS

pytest_plugins = ["client_faults"]


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
