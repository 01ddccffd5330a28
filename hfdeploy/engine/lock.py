"""The lock of a file backend, and whether the engine that took it is dead.

The engine never waits for a lock and never removes another's: after SIGKILL each later command fails until somebody
types `pulumi cancel`. Doing so is safe only when the lock's process is known to be gone, which can be known only on
the host that took it.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Lock:
    """Who holds a stack: the fields of the engine's lock file (`pid`, `username`, `hostname`, `timestamp`)."""

    pid: int
    hostname: str
    username: str
    since: str

    def __str__(self) -> str:
        return f"{self.username}@{self.hostname}, process {self.pid}, since {self.since}"


def read_locks(backend: Path, project: str, stack: str) -> list[Lock | None]:
    """The locks on `stack` in the file backend at `backend`; None for a file that cannot be understood."""
    folder = backend / ".pulumi" / "locks" / "organization" / project / stack
    return [_parse(file.read_text("utf-8")) for file in sorted(folder.glob("*.json"))]


def is_stale(lock: Lock | None, *, hostname: str, is_alive: Callable[[int], bool]) -> bool:
    """Whether nobody can still be working under `lock`: it names this host and a process that is gone.

    A lock of another host, of a living process or one that cannot be read is somebody's until a person says
    otherwise. A process number that was given out again counts as living: the mistake then costs a question.
    """
    return lock is not None and lock.hostname == hostname and not is_alive(lock.pid)


def is_alive(pid: int) -> bool:
    """Whether a process of that number still works on this host, whoever owns it.

    A zombie does not: in containers whose first process never waits for orphans, a killed engine stays one for ever.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not _is_zombie(pid)


def _is_zombie(pid: int) -> bool:
    """Read from /proc; where there is none (macOS) the system itself waits for orphans."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[:1] == ["Z"]


def _parse(text: str) -> Lock | None:
    try:
        fields = json.loads(text)
        return Lock(int(fields["pid"]), fields["hostname"], fields["username"], fields["timestamp"])
    except (ValueError, KeyError, TypeError):
        return None
