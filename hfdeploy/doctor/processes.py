"""Plugin processes that have outlived their engine: a killed engine ends none of them.

Ours notice within two seconds and leave after a grace of five. One that is still there has hung, or never got as far.
"""

import errno
import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from hfdeploy.doctor.finding import Finding, Mend, fine, remark, skipped
from hfdeploy.errors import EngineError

_PROCESSES: Final = Path("/proc")
_ADDRESS: Final = re.compile(rb"(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A running `python -m pulumi.dynamic`, and its engine's port on this machine."""

    pid: int
    folder: Path
    """Where it works: the stack program's folder."""
    host: str
    port: int

    @property
    def is_orphaned(self) -> bool:
        """Whether its engine is gone: an engine listens as long as it lives."""
        try:
            socket.create_connection((self.host, self.port), timeout=1).close()
        except OSError as error:
            return error.errno == errno.ECONNREFUSED
        return False


def look_at_plugins(program: Path) -> list[Finding]:
    """Those of this stack program, by this user; of others nothing is said."""
    if not _PROCESSES.is_dir():
        return [skipped("plugins", "Processes are looked up in /proc, which this system does not have.")]
    own = [one for one in find_plugins() if one.folder == program.resolve() and one.is_orphaned]
    found = [
        remark(
            "plugins",
            f"Plugin process {one.pid} works on although its engine is gone.",
            f"It ends by itself within ten seconds; if not: `kill {one.pid}`.",
            Mend(f"end plugin process {one.pid}", partial(_end, one)),
        )
        for one in own
    ]
    return found or [fine("plugins", "No plugin process has outlived its engine.")]


def find_plugins() -> Iterator[Plugin]:
    """Every plugin process of this user."""
    for entry in _PROCESSES.iterdir():
        if entry.name.isdigit() and (plugin := _read(int(entry.name))):
            yield plugin


def _read(pid: int) -> Plugin | None:
    entry = _PROCESSES / str(pid)
    try:
        words = (entry / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        if entry.stat().st_uid != os.getuid() or b"pulumi.dynamic" not in words or b"python" not in words[0]:
            return None
        folder = (entry / "cwd").resolve()
    except OSError:
        return None  # it ended while it was looked at
    address = _ADDRESS.fullmatch(words[-1])
    return Plugin(pid, folder, address[1].decode().strip("[]"), int(address[2])) if address else None


def _end(plugin: Plugin) -> None:
    """End it, if it is still that process and still without an engine."""
    now = _read(plugin.pid)
    if now is None:
        return
    if now != plugin or not now.is_orphaned:
        raise EngineError(f"Process {plugin.pid} is another one by now.")
    os.kill(plugin.pid, signal.SIGTERM)
