"""Fifty starts of ten minutes: they wait side by side, so that the longest is what they all take."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from control_plane import Running, running
from plugin_process import Plugin, Resource
from plugin_stack import SPEC

pytest_plugins = ["plugin_stack"]

MANY = 50
START = 10.0
"""Seconds here for ten minutes there: the emulator is sixty times as fast."""


@pytest.fixture
def world() -> Iterator[Running]:
    with running(speed=60) as emulator:
        emulator.set(durations={"pending": 300, "initializing": 300}, request_log_size=100_000)
        yield emulator


@pytest.mark.fault(45)
def test_fifty_slow_starts_take_as_long_as_one(world: Running, plugin: Plugin, record_property: Any) -> None:
    """Four at a time would take 125 s of these; all at once takes ten, and a machine that is busy some more."""
    owner = plugin.create("guard", {"members": []}).outs["owner"]
    creates: list[float] = []

    def bring(number: int) -> Resource:
        name = f"tiny-{number}"
        scaling = {"autoscaling": {"max": 1}, "verify": {"when": "never"}}
        inputs = {**SPEC, **scaling, "name": name, "owner": owner, "logical_name": name}
        began = time.monotonic()
        identity = plugin.create("identity", inputs, timeout=200)
        creates.append(time.monotonic() - began)
        return plugin.create("endpoint", {**inputs, "generation": identity.outs["generation"]}, timeout=200)

    began = time.monotonic()
    with ThreadPoolExecutor(MANY) as pool:
        pending = [pool.submit(bring, number) for number in range(MANY)]
        most = 0
        while not all(one.done() for one in pending):
            listed = world.owner.get("/v2/endpoint/acme?limit=100").json()["items"]
            states = [one["status"]["state"] for one in listed]
            most = max(most, sum(state in {"pending", "initializing"} for state in states))
            time.sleep(0.2)
        ended = [one.result().outs["state"] for one in pending]
    took = time.monotonic() - began

    assert ended == ["running"] * MANY
    assert most == MANY, "all were under way at one time"
    assert took < 10 * START < MANY * START / 4
    assert max(creates) < 20, "a create returns in two seconds; tenfold here"
    record_property("faults", MANY)
