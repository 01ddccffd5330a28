"""What is asked again, when, and how often: each row of the retry table, against a server that says what it is told."""

import logging
from typing import Any

import pytest
from client_calls import TINY, TOKEN
from client_faults import BODY, GOOD, OPERATIONS, PATHS, UNCLEAR, asked, connect, failing, update
from replies import endpoint_reply
from speaker import Line, http

from hfdeploy import errors
from hfdeploy.client import Listing
from hfdeploy.client.retry import ATTEMPTS
from hfdeploy.hub import Hub
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings
from hfdeploy.wait import wait_until_live

pytest_plugins = ["client_faults"]

ALL = PATHS["list"]


def at(clock, times: list[float], answer):
    """The answer, with a note of the time at which it was asked for."""

    def say(line: Line) -> None:
        times.append(clock.elapsed)
        answer(line)

    return say


FINAL = (400, 403, 405, 409, 413, 422, 501)
WRITES = ("create", "update", "pause")


@pytest.mark.parametrize("status", FINAL)
@pytest.mark.parametrize("operation", [name for name in OPERATIONS if name != "delete"])
def test_a_refusal_is_an_answer(api, speaker, operation, status) -> None:
    """The same request would be refused the same way; a write is not even followed by a look, but for the name's."""
    for path in PATHS.values():
        speaker.on(path, failing(status))

    with pytest.raises((errors.ApiError, errors.AuthError)):
        OPERATIONS[operation](api)

    methods = asked(speaker)
    looks = 1 if (operation, status) == ("create", 409) else 0
    assert len(methods) == 1 + looks


@pytest.mark.parametrize("status", [status for status in FINAL if status != 409])
def test_a_delete_that_is_refused_is_not_repeated(api, speaker, status) -> None:
    """409 means busy and is waited for; 404 is success; all else is an answer."""
    speaker.on(TINY, failing(status))

    with pytest.raises((errors.ApiError, errors.AuthError)):
        api.delete("acme", "tiny", is_same=lambda _seen: True)
    assert asked(speaker) == ["DELETE"]


@pytest.mark.fault(22)
def test_a_busy_endpoint_is_deleted_when_it_is_free(api, speaker, clock) -> None:
    """409, then 409, then done: with pauses, within the time for deletes, and a look before each further one."""
    speaker.on(TINY, failing(409), GOOD, failing(409), GOOD, http(200, {}))

    api.delete("acme", "tiny", is_same=lambda _seen: True)

    assert asked(speaker) == ["DELETE", "GET"] * 2 + ["DELETE"]
    assert 0 < clock.elapsed <= 600


@pytest.mark.fault(8)
@pytest.mark.parametrize("count", range(ATTEMPTS + 2))
def test_a_burst_of_errors_is_survived_or_reported(api, speaker, clock, count) -> None:
    """Up to five for certain; more as long as the time lasts; then an error with the service's own request id."""
    speaker.on(TINY, *[failing(503)] * count, GOOD)

    met = ""
    try:
        assert api.get("acme", "tiny").name == "tiny"
    except errors.Unreachable as error:
        met = str(error)
    if met:
        assert count > 5  # 1 + 2 + 4 + 8 + 16 s of pauses at most, in a minute
        assert "(request req-17) answered 503" in met
    else:
        assert len(speaker.heard) == count + 1
    assert len(speaker.heard) <= min(count + 1, ATTEMPTS)
    assert clock.elapsed <= 60


@pytest.mark.fault(8)
def test_pauses_grow_and_are_spread(speaker, clock) -> None:
    """Full jitter from one second to thirty: two hundred clients must not come back in step."""
    runs = []
    for _ in range(8):
        clock.naps.clear()
        with connect(speaker, clock) as api:
            speaker.on(TINY, failing(502))
            with pytest.raises(errors.Unreachable):
                api.get("acme", "tiny")
        runs.append(tuple(clock.naps))

    assert len(set(runs)) == len(runs)
    for naps in runs:
        assert all(0 <= nap <= min(30, 2**number) for number, nap in enumerate(naps))
        assert len(naps) >= 5
    assert any(nap > 4 for naps in runs for nap in naps[3:])


@pytest.mark.fault(7)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("other", ["list", "create", "update", "pause", "delete", "hardware"])
def test_a_limiter_that_closed_is_shut_for_every_request(api, speaker, clock, other, status) -> None:
    """It counts the account's requests, not those of one path."""
    times: list[float] = []
    for path in PATHS.values():
        speaker.on(path, at(clock, times, http(200, endpoint_reply() | {"items": [], "vendors": [], "type": "public"})))
    speaker.on(f"{TINY}/replica", failing(status, retry_after="3600"))
    with pytest.raises(errors.Unreachable, match="pause of 3600 s"):
        api.replicas("acme", "tiny")

    with pytest.raises(errors.Unreachable, match="was not sent"):
        OPERATIONS[other](api)
    assert times == []
    clock.wind(3590)
    OPERATIONS[other](api)

    assert times == [3600]


@pytest.mark.fault(7)
def test_a_wait_of_half_an_hour_leaves_a_limiter_alone(api, speaker, clock) -> None:
    """Polling goes on without asking; the endpoint is found running afterwards."""
    times: list[float] = []
    page = http(200, {"items": [endpoint_reply(state="running", url="https://x.endpoints.huggingface.cloud")]})
    speaker.on(ALL, at(clock, times, failing(429, retry_after="300")), at(clock, times, page))
    listing = Listing(api)

    waited = wait_until_live(lambda: listing.fetch("acme", "tiny"), timeout_s=1800, clock=clock)

    assert waited.endpoint.name == "tiny"
    assert len(times) == 2
    assert times[1] == pytest.approx(310, abs=11)  # the pause of the service, and at most one of ours


def test_every_try_is_seen_at_debug_level(api, speaker, caplog) -> None:
    """What took a minute and what was asked must be found afterwards; the token must not."""
    caplog.set_level(logging.DEBUG, logger="hfdeploy")
    speaker.on(TINY, failing(500), failing(429), GOOD)

    api.get("acme", "tiny")

    tries = [record.getMessage() for record in caplog.records if ": try " in record.getMessage()]
    assert [line.partition(",")[0] for line in tries] == [f"GET {TINY}: try {number}" for number in (1, 2, 3)]
    reasons = [record.getMessage() for record in caplog.records if "asking again" in record.getMessage()]
    assert ["500" in reasons[0], "429" in reasons[1]] == [True, True]
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("fault", UNCLEAR)
def test_a_put_is_repeated_only_after_a_look(api, speaker, fault) -> None:
    """However often the answer is lost: between two PUTs there is always a GET that shows the old values."""
    speaker.on(TINY, *[UNCLEAR[fault], GOOD] * 3, http(200, endpoint_reply() | {"type": "public"}))

    update(api)

    methods = asked(speaker)
    assert methods == ["PUT", "GET"] * 3 + ["PUT"]


@pytest.mark.parametrize(
    ("action", "state"), [("pause", "paused"), ("scale-to-zero", "scaledToZero"), ("resume", "initializing")]
)
def test_an_action_is_repeated_only_after_a_look(api, speaker, action, state) -> None:
    """The look shows that the state is not reached yet."""
    before = http(200, endpoint_reply(state="paused" if action == "resume" else "running"))
    speaker.on(f"{TINY}/{action}", failing(502), http(200, endpoint_reply(state=state)))
    speaker.on(TINY, before)

    done = getattr(api, action.replace("-", "_"))("acme", "tiny")

    assert done.status.state.value == state
    assert asked(speaker) == ["POST", "GET", "POST"]


def test_what_runs_already_was_resumed(api, speaker) -> None:
    """400 "already running" is the wanted state in other words."""
    speaker.on(f"{TINY}/resume", http(400, {"error": "Bad Request: Endpoint is already running"}))
    speaker.on(TINY, GOOD)

    assert api.resume("acme", "tiny").name == "tiny"
    assert asked(speaker) == ["POST", "GET"]


@pytest.mark.parametrize("text", ["Compute instance not available yet: x", "Quota exceeded: x"])
def test_a_create_without_hardware_or_quota_is_not_repeated(api, speaker, text) -> None:
    """A create returns at once; the next run asks again."""
    status = 400 if text.startswith("Compute") else 409
    speaker.on(PATHS["create"], http(status, {"error": text}))

    with pytest.raises((errors.CapacityMissing, errors.QuotaExceeded)) as problem:
        api.create("acme", BODY)
    assert problem.value.exit_code == 9
    assert asked(speaker) == ["POST"]


HUB_MODEL = "/api/models/acme/tiny"


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"retry_after": "20"}, 20), ({"ratelimit": '"api";r=0;t=25'}, 25), ({"retry_after": "300"}, None)],
    ids=str,
)
def test_the_hub_is_left_alone_as_long_as_it_asks(speaker, clock, headers: dict[str, str], seconds: int | None) -> None:
    """Its limiter says how long in a header of its own; longer than a question may take is not waited for."""
    times: list[float] = []
    reply: dict[str, Any] = {"sha": "1" * 40}
    speaker.on(HUB_MODEL, at(clock, times, failing(429, **headers)), at(clock, times, http(200, reply)))
    settings = Settings(api_url=speaker.url, hub_url=speaker.url, token=Secret(TOKEN))

    with Hub(settings, clock=clock) as hub:
        if seconds is None:
            with pytest.raises(errors.Unreachable, match="429"):
                hub.commit("acme/tiny")
            assert times == [0]
        else:
            assert hub.commit("acme/tiny") == "1" * 40
            assert times == [0, seconds]
