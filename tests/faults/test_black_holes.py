"""A service that takes requests and says nothing, or takes no connection: every verb ends at its deadline.

By the wall clock, and with bounds ten times as long as what is promised, since the machine has other work.
"""

import select
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from client_calls import TOKEN
from speaker import Line, Speaker
from test_bursts import READS, ROUTES, VERBS

from hfdeploy import client, errors
from hfdeploy.client import Deadlines
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

DEADLINES = Deadlines(connect=0.3, read=0.3, call=1.0, delete=1.0)
BOUND = 10 * (DEADLINES.call + 1.0)


def ended(url: str, verb: str) -> errors.HfdeployError:
    """What a verb ends with, in time."""
    settings = Settings(api_url=url, token=Secret(TOKEN))
    began = time.monotonic()
    with client.connect(settings, deadlines=DEADLINES) as api, pytest.raises(errors.HfdeployError) as caught:
        VERBS[verb](api)
    assert time.monotonic() - began < BOUND
    return caught.value


@pytest.mark.fault(9)
@pytest.mark.parametrize("verb", VERBS)
def test_silence_ends_at_the_deadline(verb: str) -> None:
    """A read was not answered; of a change nobody knows whether it was made, and no POST or PUT goes out twice."""
    with Speaker() as speaker:
        for route in ROUTES:
            speaker.on(route, lambda line: line.wait())

        problem = ended(speaker.url, verb)

        sent = [heard.method for heard in speaker.heard]
    assert type(problem) is (errors.Unreachable if verb in READS else errors.UnclearOutcome), problem
    assert sent.count("POST") + sent.count("PUT") <= 1


@pytest.mark.fault(9)
@pytest.mark.parametrize("verb", VERBS)
def test_a_drip_ends_at_the_deadline(verb: str) -> None:
    """A byte now and then keeps every socket timeout from running out."""

    def drip(line: Line) -> None:
        line.say(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        line.repeat(b" ", 0.1)

    with Speaker() as speaker:
        for route in ROUTES:
            speaker.on(route, drip)

        problem = ended(speaker.url, verb)

    assert isinstance(problem, errors.Unreachable | errors.UnclearOutcome), problem


@pytest.fixture
def deaf() -> Iterator[str]:
    """A port whose queue is full: the system drops every further attempt to connect, as a firewall does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        callers = []
        for _ in range(8):
            caller = socket.socket()
            caller.setblocking(False)
            with suppress(BlockingIOError):  # nobody waits here for the connection
                caller.connect(listener.getsockname())
            callers.append(caller)
        is_waiting = [caller for caller in callers if not select.select([], [caller], [], 0.2)[1]]
        assert is_waiting, "the queue took every caller"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        for caller in callers:
            caller.close()


@pytest.mark.fault(9)
@pytest.mark.parametrize("verb", VERBS)
def test_a_connection_that_is_swallowed_ends_at_the_deadline(deaf: str, verb: str) -> None:
    """Nothing was sent, so no outcome is unclear: a create may be tried again without a look."""
    problem = ended(deaf, verb)

    assert type(problem) is errors.Unreachable, problem
    assert problem.exit_code == 9
