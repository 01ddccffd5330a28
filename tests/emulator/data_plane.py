"""The data plane on a port, over a small store of its own: what the tests of one engine need and no more.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import httpx2
import openai
import pytest
import uvicorn
from starlette.applications import Starlette

from hfdeploy.emulator import inference
from hfdeploy.emulator.serving import Account, Serving
from hfdeploy.emulator.switches import OPTIONS

MEMBER = {"Authorization": "Bearer hf_member"}
STRANGER = {"Authorization": "Bearer hf_stranger"}
ACCOUNTS = {
    "hf_member": Account("ann", frozenset({"ann", "acme"})),
    "hf_stranger": Account("bob", frozenset({"bob"})),
}
REVISION = "a" * 40


@dataclass
class World:
    """Endpoints as tests set them; implements `hfdeploy.emulator.serving.Endpoints`."""

    base: str
    endpoints: dict[tuple[str, str], Serving] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    woken: list[str] = field(default_factory=list)
    ended: list[tuple[str, int, float]] = field(default_factory=list)

    def account(self, token):
        return ACCOUNTS.get(token)

    def serving(self, namespace, name):
        return self.endpoints.get((namespace, name))

    def wake(self, namespace, name):
        self.woken.append(f"{namespace}/{name}")

    def used(self, namespace, name, *, status, seconds):
        self.ended.append((f"{namespace}/{name}", status, seconds))

    def option(self, name):
        return self.options[name]

    def add(self, engine="tgi", **given) -> str:
        """A new endpoint that is running and public unless told otherwise; its URL."""
        name = f"endpoint-{next(_NUMBERS)}"
        fields = {
            "namespace": "acme",
            "name": name,
            "access": "public",
            "state": "running",
            "is_ready": True,
            "replica_id": f"{name}-0",
            "engine": engine,
            "image": {"url": ""},
            "repository": "acme/model",
            "revision": REVISION,
            "task": "text-generation",
            "health_route": "/health",
        }
        self.endpoints["acme", name] = Serving(**(fields | given))
        return f"{self.base}/endpoints/acme/{name}"

    def change(self, url: str, **given) -> None:
        """Another state, script or revision of an endpoint."""
        name = url.rpartition("/")[2]
        self.endpoints["acme", name] = replace(self.endpoints["acme", name], **given)

    def statuses(self, url: str) -> list[int]:
        """The statuses of the requests that ended at that endpoint."""
        return [status for ended, status, _ in self.ended if url.endswith(ended)]

    def reset(self) -> None:
        """Nothing exists, every option has its default, and tokens come fast."""
        for known in (self.endpoints, self.woken, self.ended):
            known.clear()
        self.options.update({option.name: option.default for option in OPTIONS})
        self.options.update(first_token_ms=0, token_interval_ms=1)


_NUMBERS = count()

http = httpx2.Client(timeout=20)
"""For all tests: a client for each request would spend most of their time on certificates nobody needs."""


def until(holds) -> None:
    """Wait for something that another thread is about to do; ten seconds mean that it never will."""
    for _ in range(1000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen within ten seconds")


@contextmanager
def served(app) -> Iterator[tuple[str, uvicorn.Server]]:
    """The app on a free port of this machine, in a thread of its own."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", timeout_graceful_shutdown=1, lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", server
    finally:
        server.should_exit = True
        thread.join()


def pytest_unconfigure() -> None:
    """The end of the session."""
    http.close()


@pytest.fixture(scope="session")
def plane_server() -> Iterator[World]:
    """One server for all tests of the data plane."""
    world = World("")
    with served(Starlette(routes=inference.routes(world))) as (base, _):
        world.base = base
        yield world


@pytest.fixture
def plane(plane_server: World) -> World:
    """An empty data plane."""
    plane_server.reset()
    return plane_server


@pytest.fixture
def connect():
    """OpenAI clients, closed after the test."""
    clients = []

    def one(url, **given):
        clients.append(openai.OpenAI(base_url=url + "/v1", api_key="hf_member", max_retries=0, **given))
        return clients[-1]

    yield one
    for client in clients:
        client.close()
