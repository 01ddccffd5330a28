"""Waiting on a wound clock: what ends it, when, and what is known at its end."""

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy import errors, wire
from hfdeploy.wait import Outcome, SystemClock, is_live, poll, wait_until_live


def endpoint(
    state: str, *, url: str | None = "http://x", ready: int = 1, target: int = 1, least: int = 1
) -> wire.Endpoint:
    """A reply of the service, as far as waiting looks at it."""
    return wire.parse_endpoint(
        {
            "name": "tiny",
            "type": "private",
            "provider": {"vendor": "aws", "region": "us-east-1"},
            "compute": {
                "accelerator": "gpu",
                "instanceType": "nvidia-l4",
                "instanceSize": "x1",
                "scaling": {"minReplica": least, "maxReplica": 4},
            },
            "model": {"repository": "acme/tiny"},
            "status": {"state": state, "url": url, "readyReplica": ready, "targetReplica": target},
        }
    )


class Service:
    """Answers one after the other; the last one for ever."""

    def __init__(self, *answers: wire.Endpoint | Exception) -> None:
        self.answers = list(answers)
        self.looks = 0

    def __call__(self) -> wire.Endpoint:
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_start_is_waited_for_until_it_serves(clock) -> None:
    """The usual rollout: minutes in between, and everybody may see how far it is."""
    seen = []
    service = Service(endpoint("pending", url=None), endpoint("initializing"), endpoint("running"))

    waited = wait_until_live(
        service, timeout_s=600, clock=clock, on_state=lambda live, seconds: seen.append((live.status.state, seconds))
    )

    assert waited.outcome is Outcome.LIVE
    assert waited.was_past_pending
    assert waited.trouble is None
    assert [state for state, _ in seen] == ["pending", "initializing", "running"]
    assert [seconds for _, seconds in seen] == sorted(seconds for _, seconds in seen)
    assert waited.seconds == pytest.approx(clock.elapsed)


@pytest.mark.parametrize("state", ["paused", "scaledToZero", "failed", "updateFailed"])
def test_a_state_that_time_does_not_change_ends_the_wait_at_once(clock, state) -> None:
    """The SDK's own wait never ends on the first two."""
    waited = wait_until_live(Service(endpoint(state)), timeout_s=600, clock=clock)

    assert (waited.outcome, waited.seconds) == (Outcome.ENDED, 0)


@pytest.mark.fault(12)
@pytest.mark.parametrize("state", ["initializing", "updating", "brandNewWord", "running"])
def test_the_deadline_ends_a_wait_that_nothing_else_ends(clock, state) -> None:
    """A stuck rollout costs money by the minute."""
    waited = wait_until_live(Service(endpoint(state, url=None)), timeout_s=600, clock=clock)

    assert waited.outcome is Outcome.DEADLINE
    assert waited.seconds == pytest.approx(600)


@pytest.mark.fault(12)
@pytest.mark.parametrize(
    ("states", "was_past"),
    [(["pending"], False), (["brandNewWord"], False), (["pending", "initializing", "pending"], True)],
)
def test_a_start_that_never_left_pending_is_told_apart(clock, states, was_past) -> None:
    """Hardware that does not come is no evidence against a configuration."""
    waited = wait_until_live(Service(*map(endpoint, states)), timeout_s=60, clock=clock)

    assert waited.was_past_pending is was_past


def test_a_service_that_is_away_for_a_while_is_no_reason_to_give_up(clock) -> None:
    """An outage of the API says nothing about the endpoint."""
    away = errors.Unreachable("GET answered 503")

    waited = wait_until_live(Service(away, away, endpoint("running")), timeout_s=600, clock=clock)

    assert (waited.outcome, waited.trouble) == (Outcome.LIVE, None)


def test_a_service_that_is_away_at_the_end_is_part_of_the_result(clock) -> None:
    """The state shown is then an old one, and must not be judged as if it were the present."""
    away = errors.Unreachable("GET answered 503")

    waited = wait_until_live(Service(endpoint("initializing"), away), timeout_s=60, clock=clock)

    assert waited.outcome is Outcome.DEADLINE
    assert waited.endpoint.status.state is wire.State.INITIALIZING
    assert waited.trouble is away


def test_a_service_that_never_answers_is_inconclusive(clock) -> None:
    """There is nothing to return then, and nothing to hold against anybody."""
    with pytest.raises(errors.Unreachable, match="503"):
        wait_until_live(Service(errors.Unreachable("GET answered 503")), timeout_s=60, clock=clock)


@pytest.mark.parametrize(
    "problem", [errors.NotFound("GET", 404, "gone"), errors.AuthError("no"), errors.Cancelled("stop")]
)
def test_what_time_does_not_heal_ends_the_wait(clock, problem) -> None:
    """Deleted behind our back, a revoked token, Ctrl-C."""
    service = Service(endpoint("initializing"), problem)

    with pytest.raises(type(problem)):
        wait_until_live(service, timeout_s=600, clock=clock)
    assert service.looks == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (endpoint("running"), True),
        (endpoint("running", url=None), False),
        (endpoint("running", ready=0), False),
        (endpoint("running", ready=1, target=2, least=2), False),
        (endpoint("running", ready=2, target=2, least=2), True),
        (endpoint("running", ready=1, target=4, least=0), True),
        (endpoint("running", ready=0, target=0, least=0), True),
        (endpoint("updating"), False),
    ],
    ids=["up", "no address", "nobody ready", "one of two", "two of two", "scaling up", "counts not given", "updating"],
)
def test_live_means_an_address_and_the_replicas_it_must_have(reply, expected) -> None:
    """`running` alone comes too early, and what the autoscaler adds is not waited for."""
    assert is_live(reply) is expected


@settings(deadline=None)
@given(every=st.floats(0.5, 30), limit=st.floats(1, 100), spread=st.floats(0, 1))
def test_a_poll_asks_last_at_its_deadline_and_never_sleeps_past_it(every, limit, spread) -> None:
    """An answer that comes in the last moment counts."""
    naps: list[float] = []

    class Wound:
        def now(self) -> float:
            return sum(naps)

        def sleep(self, seconds: float) -> None:
            naps.append(seconds)

    asked: list[float] = []
    jitter = lambda low, high: max(0.05, low + spread * (high - low))  # noqa: E731

    assert poll(lambda: asked.append(sum(naps)), deadline=limit, clock=Wound(), every=every, jitter=jitter) is None

    assert asked[-1] == pytest.approx(limit)
    assert all(0 < nap <= max(0.05, 2 * every) for nap in naps)


def test_pauses_are_spread_so_that_waiters_do_not_march_in_step(clock) -> None:
    """Fifty endpoints that come up at once would otherwise ask in one burst."""
    wait_until_live(Service(endpoint("pending")), timeout_s=3600, clock=clock)

    pauses = clock.naps[:-1]
    assert 200 < len(pauses) < 3600
    assert max(pauses) <= 10
    assert max(pauses) - min(pauses) > 5


@pytest.mark.fault(43)
def test_a_sleeper_wakes_when_somebody_asks_to_stop() -> None:
    """The plugin is killed five seconds after Ctrl-C; an hour's sleep has to end before."""
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()

    with pytest.raises(errors.Cancelled, match="run again"):
        SystemClock(stop.is_set).sleep(3600)


def test_the_clock_of_the_machine_sleeps_and_tells_the_time() -> None:
    """What every deadline rests on."""
    clock = SystemClock()
    before = clock.now()

    clock.sleep(0.02)

    assert clock.now() - before >= 0.02
    assert clock.utcnow().utcoffset().total_seconds() == 0
