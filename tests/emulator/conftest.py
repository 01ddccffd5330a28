"""Fixtures of the emulator's tests.

One server for the session; each test starts with an empty world and default options. The clock is the wall clock
plus what tests wind forward with `advance`, so nothing waits.
"""

from collections.abc import Iterator

import huggingface_hub.constants
import pytest
from control_plane import Running, running
from huggingface_hub import HfApi


@pytest.fixture(scope="session")
def session_emulator() -> Iterator[Running]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def emulator(session_emulator: Running, monkeypatch: pytest.MonkeyPatch) -> Running:
    """An emulator with an empty world; huggingface_hub's module constants point at it."""
    session_emulator._script("POST", "/reset")
    monkeypatch.setattr(huggingface_hub.constants, "INFERENCE_ENDPOINTS_ENDPOINT", f"{session_emulator.url}/v2")
    monkeypatch.setattr(
        huggingface_hub.constants, "INFERENCE_CATALOG_ENDPOINT", f"{session_emulator.url}/api/v1/catalog"
    )
    return session_emulator


@pytest.fixture
def api(emulator: Running) -> HfApi:
    """huggingface_hub's client, as the owner."""
    return emulator.api
