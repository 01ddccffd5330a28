"""Creates, updates, deletes and actions on the management API: what is sent, and when it is done."""

import pytest
from client_calls import ALL, BODY, TINY, asked, connected, failing, service, settings_for
from replies import endpoint_reply
from speaker import http

from hfdeploy import errors, wire

speaker = pytest.fixture(service)
settings = pytest.fixture(settings_for)
api = pytest.fixture(connected)


def test_a_create_sends_the_body_as_it_is(api, speaker) -> None:
    """The plan decides about nulls; the SDK would add some of its own."""
    speaker.on(ALL, http(200, endpoint_reply(state="pending")))

    live = api.create("acme", BODY)

    (heard,) = speaker.heard
    assert (heard.method, heard.json) == ("POST", BODY)
    assert live.status.state is wire.State.PENDING


@pytest.mark.fault(4, 5)
def test_a_taken_name_is_told_from_quota_by_looking(api, speaker) -> None:
    """Both are 409; the text about names was never recorded, so only a look can tell."""
    speaker.on(ALL, failing(409, "Conflict: something"))
    speaker.on(TINY, http(200, endpoint_reply()))

    with pytest.raises(errors.NameTaken, match=r"made 2026-11-01T09:00:00.000Z by alice"):
        api.create("acme", BODY)
    assert asked(speaker) == [f"POST {ALL}", f"GET {TINY}"]


def test_a_conflict_about_a_name_that_nobody_has_is_no_taken_name(api, speaker) -> None:
    """The name may be free only a moment after a delete: whoever creates looks again."""
    speaker.on(ALL, failing(409, "Conflict: something"))
    speaker.on(TINY, failing(404))

    with pytest.raises(errors.ApiError) as problem:
        api.create("acme", BODY)
    assert type(problem.value) is errors.ApiError


def test_an_update_sends_what_it_is_given(api, speaker) -> None:
    """Partial merge: what is not in the body is not touched."""
    speaker.on(TINY, http(200, endpoint_reply(state="updating")))

    live = api.update("acme", "tiny", {"model": {"revision": None}}, is_applied=lambda _live: False)

    (heard,) = speaker.heard
    assert (heard.method, heard.json) == ("PUT", {"model": {"revision": None}})
    assert live.status.state is wire.State.UPDATING


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "answer", [http(200, {}), http(202), http(204), failing(404)], ids=["200", "202", "204", "404"]
)
def test_a_delete_is_done_when_it_is_gone(api, speaker, answer) -> None:
    """Which status it is has never been recorded; and gone already is gone."""
    speaker.on(TINY, answer)

    api.delete("acme", "tiny", is_same=lambda _seen: True)

    assert asked(speaker) == [f"DELETE {TINY}"]


@pytest.mark.fault(22)
def test_a_busy_endpoint_is_deleted_when_it_is_free(api, speaker, clock) -> None:
    """An update under way is no reason to leave a bill behind."""
    there = http(200, endpoint_reply())
    speaker.on(TINY, failing(409, "busy"), there, failing(409, "busy"), there, http(200))

    api.delete("acme", "tiny", is_same=lambda _seen: True)

    assert asked(speaker) == [f"DELETE {TINY}", f"GET {TINY}"] * 2 + [f"DELETE {TINY}"]
    assert clock.elapsed < 30


@pytest.mark.fault(22)
def test_an_endpoint_that_stays_busy_is_reported(api, speaker, clock) -> None:
    """It stays in the state, and the run ends red."""
    busy, there = failing(409, "an update is under way"), http(200, endpoint_reply())
    speaker.on(TINY, lambda line: (busy if speaker.heard[-1].method == "DELETE" else there)(line))

    with pytest.raises(errors.TimedOut, match=r"600 s.*an update is under way"):
        api.delete("acme", "tiny", is_same=lambda _seen: True)
    assert clock.elapsed == pytest.approx(600)


@pytest.mark.parametrize(
    ("action", "path", "state"),
    [("pause", "pause", "paused"), ("resume", "resume", "pending"), ("scale_to_zero", "scale-to-zero", "scaledToZero")],
)
def test_an_action_is_one_post(api, speaker, action, path, state) -> None:
    """Pausing stops a bill, resuming starts one: once is what was meant."""
    speaker.on(f"{TINY}/{path}", http(200, endpoint_reply(state=state)))

    live = getattr(api, action)("acme", "tiny")

    assert live.status.state == state
    assert asked(speaker) == [f"POST {TINY}/{path}"]


def test_resuming_what_runs_already_is_no_error(api, speaker) -> None:
    """The service answers 400; the wish is fulfilled all the same."""
    speaker.on(f"{TINY}/resume", failing(400, "Bad Request: endpoint is already running"))
    speaker.on(TINY, http(200, endpoint_reply()))

    assert api.resume("acme", "tiny").status.state is wire.State.RUNNING
