"""One list call for everybody who waits, and what it must not be trusted with."""

import threading

import pytest
from replies import endpoint_reply
from speaker import Speaker, http

from hfdeploy import client, errors, wire
from hfdeploy.client import Listing
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

PAGE = "/v2/endpoint/acme?limit=100"
TINY = "/v2/endpoint/acme/tiny"
NAMES = [f"endpoint-{number}" for number in range(20)]


@pytest.fixture
def speaker():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def api(speaker, clock):
    with client.connect(Settings(api_url=speaker.url, token=Secret("hf_made_up")), clock=clock) as api:
        yield api


def asked(speaker) -> list[str]:
    return [f"{heard.method} {heard.path}" for heard in speaker.heard]


def page(*replies: dict):
    return http(200, {"items": list(replies)})


def test_twenty_waiters_are_one_request(api, speaker) -> None:
    """Fifty endpoints that poll one by one run into the limiter."""

    def take_a_moment(line) -> None:
        line.wait(0.2)
        page(*map(endpoint_reply, NAMES))(line)

    speaker.on(PAGE, take_a_moment)
    listing, found = Listing(api), []
    threads = [
        threading.Thread(target=lambda name=name: found.append(listing.fetch("acme", name).name)) for name in NAMES
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == sorted(NAMES)
    assert asked(speaker) == [f"GET {PAGE}"]


def test_a_list_grows_old(api, speaker, clock) -> None:
    """A wait that looks at an old list never ends."""
    speaker.on(PAGE, page(endpoint_reply(state="pending")), page(endpoint_reply(state="running")))
    listing = Listing(api, max_age=4)

    first = listing.fetch("acme", "tiny").status.state
    clock.wind(3.9)
    second = listing.fetch("acme", "tiny").status.state
    clock.wind(0.2)
    third = listing.fetch("acme", "tiny").status.state

    assert (first, second, third) == (wire.State.PENDING, wire.State.PENDING, wire.State.RUNNING)


@pytest.mark.parametrize(
    "change",
    [
        lambda api: api.update("acme", "tiny", {}, is_applied=lambda _live: True),
        lambda api: api.create("acme", {"name": "tiny"}),
        lambda api: api.delete("acme", "tiny", is_same=lambda _seen: True),
        lambda api: api.pause("acme", "tiny"),
    ],
    ids=["update", "create", "delete", "pause"],
)
def test_what_was_listed_before_a_change_does_not_answer_for_it(api, speaker, change) -> None:
    """Else a rollout would take the running endpoint of before the update for the new one."""
    speaker.on(PAGE, page(endpoint_reply()), page(endpoint_reply(state="updating")))
    for path in (TINY, "/v2/endpoint/acme", f"{TINY}/pause"):
        speaker.on(path, http(200, endpoint_reply(state="updating")))
    listing = Listing(api)
    listing.fetch("acme", "tiny")

    change(api)

    assert listing.fetch("acme", "tiny").status.state is wire.State.UPDATING


def test_a_change_of_one_leaves_the_list_good_for_the_others(api, speaker) -> None:
    """Twenty rollouts at once would otherwise list for each PUT of each other."""
    speaker.on(PAGE, page(endpoint_reply("tiny"), endpoint_reply("other")))
    speaker.on(TINY, http(200, endpoint_reply()))
    listing = Listing(api)
    listing.fetch("acme", "other")
    api.update("acme", "tiny", {}, is_applied=lambda _live: True)

    listing.fetch("acme", "other")

    assert asked(speaker).count(f"GET {PAGE}") == 1


@pytest.mark.fault(15)
def test_absence_counts_only_when_a_look_agrees(api, speaker) -> None:
    """A page that moved while it was read must not delete an endpoint from the state."""
    speaker.on(PAGE, page())
    speaker.on(TINY, http(200, endpoint_reply()), http(404))
    listing = Listing(api)

    assert listing.fetch("acme", "tiny").name == "tiny"
    with pytest.raises(errors.NotFound):
        listing.fetch("acme", "tiny")


def test_a_list_that_failed_fails_for_all_who_waited_for_it(api, speaker, clock) -> None:
    """Each asking for itself would stand in line behind a minute of retries, one after the other."""
    speaker.on(PAGE, http(503, {"error": "down"}))
    listing = Listing(api)
    for _ in range(3):
        with pytest.raises(errors.Unreachable, match="503"):
            listing.fetch("acme", "tiny")
    attempts = len(speaker.heard)
    speaker.on(PAGE, page(endpoint_reply()))

    clock.wind(10)

    assert listing.fetch("acme", "tiny").name == "tiny"
    assert len(speaker.heard) == attempts + 1


def test_a_refused_token_is_not_remembered_as_a_list(api, speaker) -> None:
    """It is an error of another kind, and it is the caller's to see."""
    speaker.on(PAGE, http(403, {"error": "Forbidden: out of scope"}))

    with pytest.raises(errors.AuthError, match="out of scope"):
        Listing(api).fetch("acme", "tiny")


def test_namespaces_have_lists_of_their_own(api, speaker) -> None:
    """The same name may exist in two of them."""
    speaker.on(PAGE, page(endpoint_reply(state="running")))
    speaker.on("/v2/endpoint/other?limit=100", page(endpoint_reply(state="paused")))
    listing = Listing(api)

    states = [listing.fetch(namespace, "tiny").status.state for namespace in ("acme", "other")]

    assert states == [wire.State.RUNNING, wire.State.PAUSED]
