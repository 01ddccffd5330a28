"""The client against the emulator: the life of an endpoint, as the rollout goes through it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "emulator"))  # where pytest looks only for the tests beside it

from control_plane import BODY, OWNER, STRANGER, running

from hfdeploy import client, errors, wire
from hfdeploy.client import Listing
from hfdeploy.hub import Hub
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings
from hfdeploy.wait import Outcome, wait_until_live

NAMESPACE = "acme"


@pytest.fixture(scope="module")
def emulator():
    with running() as emulator:
        yield emulator


@pytest.fixture
def settings(emulator) -> Settings:
    emulator._script("POST", "/reset")
    token = Secret(OWNER)
    return Settings(api_url=emulator.url, hub_url=emulator.url, token=token, hub_token=token)


@pytest.fixture
def api(settings):
    with client.connect(settings) as api:
        yield api


class Winding:
    """A clock whose sleep winds the emulator too, so that minutes of rollout take no time."""

    def __init__(self, clock, emulator) -> None:
        self._clock, self._emulator = clock, emulator

    def now(self):
        return self._clock.now()

    def utcnow(self):
        return self._clock.utcnow()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._emulator.advance(seconds)


def test_an_endpoint_lives_its_whole_life(settings, emulator, clock) -> None:
    """Create, wait, change, pause, resume, put to sleep, delete: what a stack does over months."""
    time = Winding(clock, emulator)
    with client.connect(settings, clock=time) as api:
        listing = Listing(api)
        created = api.create(NAMESPACE, BODY)

        def live():
            return wait_until_live(lambda: listing.fetch(NAMESPACE, "demo"), timeout_s=1800, clock=time)

        started = live()
        updated = api.update(
            NAMESPACE,
            "demo",
            {"compute": {"scaling": {"maxReplica": 2}}},
            is_applied=lambda now: now.compute.scaling.max_replica == 2,
        )
        restarted = live()
        paused = api.pause(NAMESPACE, "demo")
        waited_for_paused = live()
        resumed = api.resume(NAMESPACE, "demo")
        woken = live()
        again = api.resume(NAMESPACE, "demo")
        asleep = api.scale_to_zero(NAMESPACE, "demo")
        lines = api.logs(NAMESPACE, "demo", tail=5)
        api.delete(NAMESPACE, "demo", is_same=lambda _seen: True)
        api.delete(NAMESPACE, "demo", is_same=lambda _seen: True)

        assert created.status.state is wire.State.PENDING
        assert (started.outcome, started.was_past_pending) == (Outcome.LIVE, True)
        assert started.seconds > 0
        assert updated.compute.scaling.max_replica == 2
        assert restarted.outcome is Outcome.LIVE
        assert paused.status.state is wire.State.PAUSED
        assert (waited_for_paused.outcome, waited_for_paused.seconds) == (Outcome.ENDED, 0)
        assert resumed.status.state.is_moving
        assert woken.outcome is Outcome.LIVE
        assert again.status.state is wire.State.RUNNING
        assert asleep.status.state is wire.State.SCALED_TO_ZERO
        assert 0 < len(lines) <= 5
        assert api.find(NAMESPACE, "demo") is None


def test_a_taken_name_and_a_full_quota_are_two_errors(api) -> None:
    """Both are 409; one is adopted or refused, the other is nobody's fault."""
    api.create(NAMESPACE, BODY)
    greedy = BODY["compute"] | {"scaling": {"minReplica": 0, "maxReplica": 500}}

    with pytest.raises(errors.NameTaken, match="there is one, made"):
        api.create(NAMESPACE, BODY)
    with pytest.raises(errors.QuotaExceeded, match="Quota exceeded"):
        api.create(NAMESPACE, BODY | {"name": "other", "compute": greedy})


def test_more_endpoints_than_a_page_are_all_listed(api, emulator) -> None:
    """Twenty is where huggingface_hub stops."""
    names = {f"endpoint-{number}" for number in range(45)}
    for name in names:
        emulator.seed(name, NAMESPACE)

    assert {endpoint.name for endpoint in api.list(NAMESPACE)} == names


def test_hardware_and_replicas_are_read(api, emulator) -> None:
    """The catalogue and the identity of containers come from them."""
    emulator.seed("demo", NAMESPACE)

    assert api.hardware(NAMESPACE)["vendors"]
    assert [replica.is_live for replica in api.replicas(NAMESPACE, "demo")] == [True]


@pytest.mark.fault(11)
def test_a_wrong_token_and_a_foreign_namespace_are_refused(settings) -> None:
    """401 and 403 say two things."""
    for token, status in {STRANGER: "403", "hf_wrong": "401"}.items():
        other = Settings(api_url=settings.api_url, token=Secret(token))
        with client.connect(other) as api, pytest.raises(errors.AuthError, match=status):
            api.list(NAMESPACE)


def test_the_hub_knows_the_models_of_the_emulator(settings) -> None:
    """A plan resolves branches there."""
    with Hub(settings) as hub:
        facts = hub.model("HuggingFaceTB/SmolLM2-360M-Instruct", "main")

        assert facts.sha == hub.commit("HuggingFaceTB/SmolLM2-360M-Instruct")
        assert facts.task == "text-generation"
        with pytest.raises((errors.NotFound, errors.AuthError)):
            hub.commit("acme/nothing-of-that-name")
