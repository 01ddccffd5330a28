"""The wall clock jumps (time change, new year, a corrected clock): rollouts neither end early nor wait an hour.

The providers' own functions with a session whose wall clock jumps at every look; service and streams are real.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from control_plane import Running
from plugin_stack import SPEC, config
from test_wait import Service, endpoint

from hfdeploy import errors
from hfdeploy.owner import new_owner_id
from hfdeploy.provider import configuration, identity
from hfdeploy.provider.host import Row
from hfdeploy.provider.session import Session
from hfdeploy.wait import Outcome, SystemClock, wait_until_live

pytest_plugins = ["project"]

HOUR = timedelta(hours=1)
NEW_YEAR = datetime(2026, 12, 31, 23, 59, 59, 900_000, tzinfo=UTC)

JUMPS: dict[str, Callable[[int, datetime], datetime]] = {
    "steady": lambda _look, now: now,
    "an hour on": lambda look, now: now + HOUR * (look % 2),
    "an hour back": lambda look, now: now - HOUR * (look % 2),
    "back and forth": lambda look, now: now + HOUR * (look % 3 - 1),
    "new year": lambda look, _now: NEW_YEAR + timedelta(seconds=look),
}


class Jumping(SystemClock):
    """The machine's monotonic clock, and a wall clock that is another at each look."""

    def __init__(self, jump: Callable[[int, datetime], datetime]) -> None:
        super().__init__()
        self._jump, self.looks = jump, count()

    def utcnow(self) -> datetime:
        return self._jump(next(self.looks), super().utcnow())


@pytest.fixture
def told(world: Running) -> Iterator[Callable[..., tuple[str, list[str]]]]:
    """Creates an endpoint and brings it live on that wall clock; how it ended, and what was sent."""
    opened: list[Session] = []

    def roll_out(jump: str, **changes: Any) -> tuple[str, list[str]]:
        world._script("DELETE", "/endpoints/acme/tiny") if world._script("GET", "/endpoints")["items"] else None
        before = int(world._script("GET", "/requests?since=1000000000")["count"])
        session = Session(config(world), clock=Jumping(JUMPS[jump]))
        opened.append(session)
        props = {**SPEC, **changes, "owner": new_owner_id(), "logical_name": "tiny"}
        try:
            made = identity.ensure(props, session, Row(""))
            outs = configuration.bring({**props, "generation": made["generation"]}, None, session, Row(""))
            ended = str(outs["verdict"])
        except errors.HfdeployError as error:
            ended = type(error).__name__
        sent = [f"{one['method']} {one['path']}" for one in world.requests(before)]
        return ended, [one for one in sent if not one.startswith("GET") or "/info" in one]

    yield roll_out
    for session in opened:
        session.api.__exit__(None, None, None)


@pytest.mark.fault(44)
def test_a_rollout_is_the_same_on_every_wall_clock(told: Callable[..., Any], tmp_path: Any, monkeypatch: Any) -> None:
    """Same requests, same verdict: nothing is decided by the time of day."""
    monkeypatch.chdir(tmp_path)  # where the evidence goes

    ended = {jump: told(jump) for jump in JUMPS}

    assert ended == dict.fromkeys(JUMPS, ended["steady"])
    assert ended["steady"][0] == "passed"
    assert ended["steady"][1][0] == "POST /v2/endpoint/acme"


@pytest.mark.fault(44)
@pytest.mark.parametrize("jump", ["an hour on", "an hour back"])
def test_a_deadline_is_as_long_as_it_says(world: Running, told: Callable[..., Any], jump: str) -> None:
    """An hour back must not make three seconds an hour, nor an hour on half an hour nothing."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "stuck_pending"}])
    assert told(jump, rollout={"timeout": "2s"})[0] == "TimedOut"
    assert world.state("tiny") == "paused"


@pytest.mark.fault(44)
@pytest.mark.parametrize("jump", JUMPS)
def test_waiting_counts_on_the_clock_that_never_jumps(clock: Any, jump: str) -> None:
    """Half an hour is half an hour, on the wound clock to the second."""
    looks = count()
    clock.utcnow = lambda: JUMPS[jump](next(looks), datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC))

    waited = wait_until_live(Service(endpoint("initializing")), timeout_s=1800, clock=clock)

    assert (waited.outcome, waited.seconds) == (Outcome.DEADLINE, pytest.approx(1800))
