"""One emulator for all system tests, empty at the start of each, and somebody who calls its endpoints."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from callers import Caller
from control_plane import Running, running


@pytest.fixture(scope="session")
def session_emulator() -> Iterator[Running]:
    with running() as emulator:
        yield emulator


@pytest.fixture
def caller(session_emulator: Running, tmp_path: Path) -> Caller:
    """Somebody with the owner's token; nothing exists yet."""
    session_emulator._script("POST", "/reset")
    return Caller(session_emulator, tmp_path)
