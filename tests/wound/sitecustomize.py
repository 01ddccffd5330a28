"""Loaded by the plugin process at its start, where PYTHONPATH names this folder: a clock that is wound, short silences.

A sleep takes no time here. It winds this process's clock and the emulator's by the same amount, so that backoff,
`Retry-After`, deadlines and deployments keep their proportions while hundreds of runs fit into a minute. What waits on
a socket cannot be wound; those bounds are made short instead. Nothing else of the product is touched.
"""

import json
import os
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta

import hfdeploy.transport
import hfdeploy.wait
from hfdeploy import errors

_SILENCE_S = 1.5
"""For a server that says nothing, instead of 30; first in the file, since others copy it when they are imported."""
hfdeploy.transport.READ = _SILENCE_S


class WoundClock(hfdeploy.wait.SystemClock):
    """The process's one time; every sleep of any thread moves it."""

    _ahead = 0.0
    _lock = threading.Lock()

    def now(self) -> float:
        return time.monotonic() + WoundClock._ahead

    def utcnow(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=WoundClock._ahead)

    def sleep(self, seconds: float) -> None:
        if self._stopped():
            raise errors.Cancelled("Interrupted while waiting; run again to continue.")
        with WoundClock._lock:
            WoundClock._ahead += seconds
        body = json.dumps({"advance_seconds": max(0.0, seconds)}).encode()
        request = urllib.request.Request(  # noqa: S310 - the emulator of the test
            f"{os.environ['TEST_EMULATOR']}/_emulator/clock",
            data=body,
            headers={"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - the emulator of the test


hfdeploy.wait.SystemClock = WoundClock

from hfdeploy.stream import Deadlines  # noqa: E402
from hfdeploy.verify.proof import prove  # noqa: E402
from hfdeploy.verify.waking import Patience  # noqa: E402

prove.__kwdefaults__["deadlines"] = Deadlines(first_token=1.5, stall=1.0, total=6.0, after_end=0.2)
prove.__kwdefaults__["patience"] = Patience(wake=60.0, hold=1.0, answer=_SILENCE_S)
