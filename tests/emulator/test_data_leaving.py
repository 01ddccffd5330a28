"""What ends when a caller leaves or the server stops."""

import socket

import httpx2
import pytest
from data_plane import World, http, served, until
from scripted_calls import NATIVE
from starlette.applications import Starlette

from hfdeploy.emulator import inference

pytest_plugins = ["data_plane"]


@pytest.mark.parametrize("script", [{}, {"stream": "stall_after_first"}, {"stream": "keepalive_forever"}])
def test_work_ends_when_the_caller_leaves(plane, script) -> None:
    """A stall that nobody watches must not count as a request in flight for ever."""
    plane.options["token_interval_ms"] = 300
    url = plane.add(behaviour=script)
    with http.stream("POST", url, json=NATIVE | {"stream": True}) as reply:
        pieces = reply.iter_raw()
        next(pieces)
        assert "tgi_batch_current_size 1" in http.get(url + "/metrics").text

    until(lambda: "tgi_batch_current_size 0" in http.get(url + "/metrics").text)
    assert 200 in plane.statuses(url)


def test_a_caller_who_leaves_before_the_answer_is_reported_as_such(plane) -> None:
    """Held requests are left too."""
    url = plane.add(state="scaledToZero", is_ready=False)

    with pytest.raises(httpx2.ReadTimeout):
        http.post(url, json=NATIVE, headers={"X-Scale-Up-Timeout": "600"}, timeout=httpx2.Timeout(5, read=0.1))

    until(lambda: plane.statuses(url) == [499])


def test_a_caller_who_leaves_in_the_middle_of_a_body_is_no_error(plane) -> None:
    """Half a request reaches no engine."""
    url = httpx2.URL(plane.add())
    with socket.create_connection((url.host, url.port)) as caller:
        caller.sendall(f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())

    until(lambda: plane.statuses(str(url)) == [499])


def test_stalls_end_when_the_server_stops() -> None:
    """`make down` must not wait for a scripted silence."""
    world = World("")
    world.reset()
    with served(Starlette(routes=inference.routes(world))) as (base, server):
        world.base = base
        with http.stream(
            "POST", world.add(behaviour={"stream": "stall_after_first"}), json=NATIVE | {"stream": True}
        ) as reply:
            pieces = reply.iter_raw()
            next(pieces)
            server.should_exit = True
            with pytest.raises(httpx2.RemoteProtocolError):
                next(pieces)

    assert [status for _, status, _ in world.ended] == [200]
