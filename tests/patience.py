"""Waiting in tests for what real processes do in their own time."""

import time
from typing import Any


def soon(check: Any) -> bool:
    """Whether it becomes true within a minute."""
    deadline = time.monotonic() + 60
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
