"""A running emulator for tests: the real application in uvicorn, in a thread, on a free port of the loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi

from hfdeploy.emulator.app import Emulator, create_app
from hfdeploy.emulator.listener import listen
from hfdeploy.emulator.server import EmulatorServer

OWNER = "hf_emulator_owner"
STRANGER = "hf_emulator_stranger"

BODY: dict[str, Any] = {
    "name": "demo",
    "type": "private",
    "provider": {"vendor": "aws", "region": "us-east-1"},
    "compute": {
        "accelerator": "gpu",
        "instanceType": "nvidia-l4",
        "instanceSize": "x1",
        "scaling": {"minReplica": 0, "maxReplica": 1},
    },
    "model": {
        "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
        "framework": "pytorch",
        "image": {"tgi": {"url": "ghcr.io/huggingface/text-generation-inference:3.3.7"}},
    },
}
"""What a POST needs, and no more. `merged(BODY, {...})` makes variations."""

STARTED = 400
"""Seconds after which every healthy journey has ended."""


class Running:
    """An emulator that answers on `url`, with clients for its faces."""

    def __init__(self, url: str, app: Emulator) -> None:
        self.url = url
        self.app = app
        self.owner = _client(url, OWNER)
        self.stranger = _client(url, STRANGER)
        self.anonymous = _client(url, None)
        self.api = HfApi(endpoint=url, token=OWNER)

    def close(self) -> None:
        for client in (self.owner, self.stranger, self.anonymous):
            client.close()

    def advance(self, seconds: float) -> None:
        """Wind the emulator's clock."""
        self._script("POST", "/clock", {"advance_seconds": seconds})

    def set(self, **options: Any) -> None:
        """Set named options."""
        self._script("PUT", "/options", options)

    def fault(self, kind: str, **rule: Any) -> None:
        """Script a fault."""
        self._script("POST", "/faults", {"kind": kind, **rule})

    def seed(self, name: str = "demo", namespace: str = "acme", **body: Any) -> dict[str, Any]:
        """An endpoint that is running already; its inner state."""
        return self._script("POST", f"/endpoints/{namespace}/{name}", body)

    def mutate(self, name: str = "demo", namespace: str = "acme", **body: Any) -> dict[str, Any]:
        """A change from outside; the inner state afterwards."""
        return self._script("PATCH", f"/endpoints/{namespace}/{name}", body)

    def inner(self, name: str = "demo", namespace: str = "acme") -> dict[str, Any]:
        """What the emulator knows of an endpoint, secrets in the clear."""
        return self._script("GET", f"/endpoints/{namespace}/{name}")

    def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """The request log."""
        logged: list[dict[str, Any]] = self._script("GET", f"/requests?since={since}")["requests"]
        return logged

    def create(self, name: str = "demo", **changes: Any) -> dict[str, Any]:
        """POST an endpoint in `acme`; the object that came back."""
        response = self.post(merged(BODY, {"name": name, **changes}))
        assert response.status_code == 200, response.text
        created: dict[str, Any] = response.json()
        return created

    def started(self, name: str = "demo", **changes: Any) -> dict[str, Any]:
        """As `create`, and wait until it runs."""
        self.create(name, **changes)
        self.advance(STARTED)
        return self.get(name)

    def post(self, body: Any, namespace: str = "acme") -> httpx2.Response:
        return self.owner.post(f"/v2/endpoint/{namespace}", json=body)

    def put(self, body: Any, name: str = "demo") -> httpx2.Response:
        return self.owner.put(f"/v2/endpoint/acme/{name}", json=body)

    def get(self, name: str = "demo") -> dict[str, Any]:
        response = self.owner.get(f"/v2/endpoint/acme/{name}")
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def state(self, name: str = "demo") -> str:
        return str(self.get(name)["status"]["state"])

    def act(self, action: str, name: str = "demo") -> httpx2.Response:
        return self.owner.post(f"/v2/endpoint/acme/{name}/{action}")

    def _script(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        response = self.anonymous.request(method, f"/_emulator{path}", json=body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """`one` with `other` in it, section by section; `...` takes a key out. An image is replaced whole."""
    result = dict(one)
    for key, value in other.items():
        if value is ...:
            result.pop(key, None)
        elif isinstance(value, dict) and isinstance(result.get(key), dict) and key != "image":
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


@contextmanager
def running(data_dir: Path | None = None, **arguments: Any) -> Iterator[Running]:
    """An emulator of one's own, e.g. with another speed or a data folder; stopped at the end."""
    app = create_app(data_dir=data_dir, **arguments)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = EmulatorServer(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    emulator = Running(url, app)
    try:
        yield emulator
    finally:
        emulator.close()
        server.should_exit = True
        thread.join(timeout=20)
        assert not thread.is_alive(), "the emulator did not stop"


def _client(url: str, token: str | None) -> httpx2.Client:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx2.Client(base_url=url, headers=headers, timeout=20)
