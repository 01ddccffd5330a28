"""Bursts of 429 and 5xx of every length, up to one more than is tried: each verb, and what the service then has.

The service here fails its first requests, whatever they are, and works from then on. Some failures carry the request
out first and only lose the answer, which is where a second request would be a second endpoint or a second rollout.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise
from typing import Any

import pytest
from client_calls import ALL, TINY
from client_faults import BODY, PATHS, connect, update
from clocks import Clock
from replies import endpoint_reply
from speaker import Heard, Line, Speaker, http

from hfdeploy import errors
from hfdeploy.client import Api
from hfdeploy.client.retry import ATTEMPTS

CERTAIN = 5
"""Failures that are always survived: 1 + 2 + 4 + 8 + 16 seconds of pauses, in a minute."""

PAUSE = 5
"""Seconds for which the service asks to be left alone."""


@dataclass(frozen=True)
class Burst:
    """How requests fail: the status, how `Retry-After` is said if it is, and whether they are carried out first."""

    status: int
    pause: str = ""
    commit: bool = False


BURSTS = {
    "429": Burst(429),
    "429, seconds": Burst(429, "seconds"),
    "429, date": Burst(429, "date"),
    "500": Burst(500),
    "502 after the commit": Burst(502, commit=True),
    "503, seconds": Burst(503, "seconds"),
    "504 after the commit": Burst(504, commit=True),
}

VERBS: dict[str, Callable[[Api], Any]] = {
    "get": lambda api: api.get("acme", "tiny"),
    "list": lambda api: api.list("acme"),
    "hardware": lambda api: api.hardware("acme"),
    "replicas": lambda api: api.replicas("acme", "tiny"),
    "logs": lambda api: api.logs("acme", "tiny", tail=5),
    "create": lambda api: api.create("acme", BODY),
    "update": update,
    "delete": lambda api: api.delete("acme", "tiny", is_same=lambda _seen: True),
    "pause": lambda api: api.pause("acme", "tiny"),
    "resume": lambda api: api.resume("acme", "tiny"),
    "scale to zero": lambda api: api.scale_to_zero("acme", "tiny"),
}
READS = {"get", "list", "hardware", "replicas", "logs"}
ACTIONS = {"pause": "paused", "resume": "initializing", "scale-to-zero": "scaledToZero"}
ROUTES = {*PATHS.values(), *(f"{TINY}/{action}" for action in ACTIONS), f"{TINY}/replica"} | {
    f"/{version}/endpoint/acme/tiny/logs?tail=5" for version in ("v2", "v3")
}


@dataclass
class Service:
    """Endpoints behind a speaker. `length` requests fail; `log` has each with the time at which it came."""

    speaker: Speaker
    clock: Clock
    burst: Burst
    length: int
    endpoint: dict[str, Any] | None
    log: list[tuple[float, Heard]] = field(default_factory=list)
    made: int = 0
    """Changes that were carried out, whether or not somebody heard of it."""

    def __post_init__(self) -> None:
        for route in ROUTES:
            self.speaker.on(route, self.answer)

    def answer(self, line: Line) -> None:
        heard = self.speaker.heard[-1]
        self.log.append((self.clock.elapsed, heard))
        is_failing = len(self.log) <= self.length
        reply = self._carried_out(heard) if not is_failing or self.burst.commit else http(200)
        if is_failing:
            # A date has whole seconds: the next one, so that it is never too soon.
            told = format_datetime(self.clock.utcnow() + timedelta(seconds=PAUSE + 0.999999), usegmt=True)
            wait = {"seconds": str(PAUSE), "date": told}.get(self.burst.pause)
            headers = {"x_request_id": "req-17"} | ({"retry_after": wait} if wait else {})
            reply = http(self.burst.status, {"error": "no reason"}, **headers)
        reply(line)

    def _carried_out(self, heard: Heard) -> Callable[[Line], None]:
        path, _, action = heard.path.partition("?")[0].partition(f"{TINY}/")
        if heard.method == "GET" and (action or path != TINY):
            return http(200, [] if path.endswith("/logs") else {"items": [], "vendors": []})
        if heard.method == "POST" and path == ALL:
            self.endpoint = endpoint_reply()
        if self.endpoint is None:
            return http(404, {"error": "Endpoint not found"})
        if heard.method != "GET":
            self.made += 1
        if heard.method == "PUT":
            self.endpoint |= heard.json
        if heard.method == "DELETE":
            self.endpoint = None
            return http(200, {})
        if action:
            self.endpoint["status"]["state"] = ACTIONS[action]
        return http(200, self.endpoint)

    def sent(self, method: str) -> int:
        return sum(heard.method == method for _, heard in self.log)


@pytest.mark.fault(7, 8)
@pytest.mark.parametrize("kind", BURSTS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_burst_is_survived_or_reported_and_nothing_is_made_twice(clock: Clock, verb: str, kind: str) -> None:
    """Up to five failures for certain, more as long as the minute lasts, then one sentence with the request's id.

    No request comes earlier than the service asked for. A POST of unknown fate is not repeated, any other change only
    after a look.
    """
    burst = BURSTS[kind]
    for length in range(ATTEMPTS + 2):
        before = endpoint_reply(state="paused" if verb == "resume" else "running")
        began = clock.elapsed
        with Speaker() as speaker, connect(speaker, clock, read=30) as api:
            service = Service(speaker, clock, burst, length, None if verb == "create" else before)
            met: errors.HfdeployError | None = None
            try:
                VERBS[verb](api)
            except errors.HfdeployError as error:
                met = error
        case = f"{length} failures: {[heard.method for _, heard in service.log]}, {met}"

        assert clock.elapsed - began <= 60, case
        assert len(service.log) <= 2 * ATTEMPTS, case
        require_patience(service, case)
        if verb == "create" and length and burst.status != 429:
            assert isinstance(met, errors.UnclearOutcome), case
            assert service.sent("POST") == 1, case
        elif met:
            assert length > CERTAIN, case
            assert isinstance(met, errors.Unreachable), case
        if met:
            assert f"(request req-17) answered {burst.status}" in str(met), case
            assert met.exit_code == 9, case
        if not met and verb not in READS:
            assert_done(verb, service, case)
        if verb in READS:
            assert service.made == 0, case
            assert len(service.log) <= min(length + 1, ATTEMPTS), case
        else:
            require_no_blind_repeat(verb, service, case)


def require_patience(service: Service, case: str) -> None:
    """After an answer that asked for a pause, nothing comes before its end."""
    if service.burst.pause:
        for (earlier, _), (later, _) in list(pairwise(service.log))[: service.length]:
            assert later - earlier > PAUSE - 0.001, case  # a wound clock adds up floats


def require_no_blind_repeat(verb: str, service: Service, case: str) -> None:
    """A second POST or PUT follows 429, or a look that showed the old state; what is carried out, is so once.

    A second DELETE always follows a look.
    """
    assert service.made <= 1, case
    methods = [heard.method for _, heard in service.log]
    assert ("DELETE", "DELETE") not in pairwise(methods), case
    if service.burst.status != 429:
        assert ("POST", "POST") not in pairwise(methods), case
        assert ("PUT", "PUT") not in pairwise(methods), case


def assert_done(verb: str, service: Service, case: str) -> None:
    """The service is as it was asked to be, by one change."""
    assert service.made == 1, case
    assert (service.endpoint is None) is (verb == "delete"), case
    if service.endpoint:
        wanted = {"update": ("public", "running"), "pause": ("private", "paused")}
        wanted |= {"resume": ("private", "initializing"), "scale to zero": ("private", "scaledToZero")}
        found = service.endpoint["type"], service.endpoint["status"]["state"]
        assert found == wanted.get(verb, ("private", "running")), case
