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


def find_locks(backend: Path, project: str, stack: str) -> dict[Path, Lock | None]:
    """The lock files on `stack` in the file backend at `backend`; None for one that cannot be understood."""
    folder = backend / ".pulumi" / "locks" / "organization" / project / stack
    return {file: _read(file) for file in sorted(folder.glob("*.json"))}


def read_locks(backend: Path, project: str, stack: str) -> list[Lock | None]:
    """The locks themselves."""
    return list(find_locks(backend, project, stack).values())


def is_stale(lock: Lock | None, *, hostname: str, is_alive: Callable[[int], bool]) -> bool:
    """Whether nobody can still be working under `lock`: it names this host and a process that is gone.

    A lock of another host, of a living process or one that cannot be read is somebody's until a person says
    otherwise. A process number that was given out again counts as living: the mistake then costs a question.
    """
    return lock is not None and lock.hostname == hostname and not is_alive(lock.pid)


def remove_stale(file: Path, *, hostname: str) -> Lock | None:
    """Remove one lock file, if it is still that of a dead engine of this host; returns whose it was.

    `pulumi cancel` removes every lock of the stack, so that of an engine that started meanwhile too. A lock file has
    a name of its own: this one is removed, or none.
    """
    lock = _read(file)
    if lock is None or not is_stale(lock, hostname=hostname, is_alive=is_alive):
        return None
    file.unlink(missing_ok=True)
    file.with_name(f"{file.name}.attrs").unlink(missing_ok=True)
    return lock


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


def _read(file: Path) -> Lock | None:
    try:
        fields = json.loads(file.read_text("utf-8"))
        pid = int(fields["pid"])
        if not 0 < pid < 2**31:
            return None  # no process's number
        return Lock(pid, str(fields["hostname"]), str(fields["username"]), str(fields["timestamp"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
