"""The management API when it misbehaves: its faults, every call that may meet them, and a client to make it.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import pytest
from client_calls import ALL, TINY, settings_for
from replies import endpoint_reply
from speaker import Line, Speaker, http

from hfdeploy import client
from hfdeploy.client import Deadlines

BODY = {"name": "tiny"}
GOOD = http(200, endpoint_reply())


@pytest.fixture
def speaker():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def api(speaker, clock):
    with connect(speaker, clock) as api:
        yield api


def connect(speaker, clock, *, read: float = 1, **more):
    """`read` is real time, in seconds: short where a service stays silent, long where it answers on a slow machine."""
    settings = settings_for(speaker)
    return client.connect(settings, clock=clock, deadlines=Deadlines(connect=10, read=read), **more)


def failing(status: int, **headers: str):
    return http(status, {"error": "no reason"}, x_request_id="req-17", **headers)


def hang(line: Line) -> None:
    line.wait()


def reset(line: Line) -> None:
    line.reset()


def hang_up(_line: Line) -> None:
    """End the connection without a word."""


def half_a_body(line: Line) -> None:
    line.say(b'HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{"name": "ti')


LOST = {"hang": hang, "reset": reset, "hang up": hang_up, "half a body": half_a_body}
FIVES = {str(status): failing(status) for status in (500, 502, 503, 504, 520)}
SPOILED = {
    "nothing": http(200),
    "a page": http(200, b"<html>", "text/html"),
    "not an endpoint": http(200, {"name": "tiny"}),
}
UNCLEAR = LOST | FIVES | {"408": failing(408)}


def asked(speaker) -> list[str]:
    return [heard.method for heard in speaker.heard]


def update(api):
    return api.update("acme", "tiny", {"type": "public"}, is_applied=lambda live: live.type == "public")


OPERATIONS = {
    "get": lambda api: api.get("acme", "tiny"),
    "list": lambda api: api.list("acme"),
    "hardware": lambda api: api.hardware("acme"),
    "create": lambda api: api.create("acme", BODY),
    "update": update,
    "delete": lambda api: api.delete("acme", "tiny", is_same=lambda _seen: True),
    "pause": lambda api: api.pause("acme", "tiny"),
}
PATHS = {
    "get": TINY,
    "list": f"{ALL}?limit=100",
    "hardware": "/v2/provider/acme",
    "create": ALL,
    "update": TINY,
    "delete": TINY,
    "pause": f"{TINY}/pause",
}
