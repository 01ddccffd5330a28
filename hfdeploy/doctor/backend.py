"""A file backend after a crash: locks of dead engines, a checkpoint that cannot be read, and what its run left open.

The files are read directly, because the engine cannot say what is wrong with them: an empty `.attrs` beside an intact
checkpoint makes every command end with `failed to load checkpoint: EOF`. Broken files are moved aside, never deleted.
Other backends (buckets, databases, Pulumi Cloud) are their own affair: only the engine can read them.
"""

import gzip
import json
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hfdeploy.doctor.finding import Finding, Mend, fine, obstacle, remark, skipped
from hfdeploy.engine import find_locks, is_alive, is_stale, remove_stale
from hfdeploy.errors import EngineError

_LAYOUT: Final = "version: 1\n"
"""What `meta.yaml` of every backend with projects holds; without it the engine calls the store corrupt."""

_ADVICE: Final = "`pulumi stack import --file` takes one; `hfdeploy status --namespace NAME` lists what is alive."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where one stack's state is in a file backend."""

    backend: Path
    project: str
    stack: str

    @property
    def folder(self) -> Path:
        """The engine's own folder."""
        return self.backend / ".pulumi"

    @property
    def file(self) -> Path:
        """The state; compressed where somebody asked the engine for that."""
        plain = self.folder / "stacks" / self.project / f"{self.stack}.json"
        packed = plain.with_name(f"{plain.name}.gz")
        return packed if packed.exists() else plain

    @property
    def backup(self) -> Path:
        """The state before the last write."""
        return self.file.with_name(f"{self.file.name}.bak")


def look_at_locks(at: Checkpoint) -> list[Finding]:
    """A lock of a dead engine of this host can go; every other one is somebody's."""
    host = socket.gethostname()
    found = []
    for file, lock in find_locks(at.backend, at.project, at.stack).items():
        cancel = f"If nothing runs there any more: `pulumi cancel --stack {at.stack}`."
        if lock is None:
            found.append(obstacle("lock", f"A lock of {at.stack} cannot be read: {file}.", cancel))
        elif is_stale(lock, hostname=host, is_alive=is_alive):
            text = f"{at.stack} is locked by an engine that was killed ({lock})."
            found.append(obstacle("lock", text, _fix(at), Mend(f"remove the lock of {lock}", _unlocking(file, host))))
        elif lock.hostname == host:
            text = f"{at.stack} is locked by a process that is alive ({lock})."
            found.append(obstacle("lock", text, f"Wait for it to end. {cancel}"))
        else:
            found.append(obstacle("lock", f"{at.stack} is locked from another machine ({lock}).", f"Wait. {cancel}"))
    return found or [fine("lock", f"Nobody holds {at.stack}.")]


def look_at_checkpoint(at: Checkpoint) -> tuple[list[Finding], dict[str, Any] | None]:
    """What is wrong with the files of a state, and the state (as `pulumi stack export` has it) if it can be read.

    The state is None where there is none, and where the file is not one.
    """
    is_held = any(
        not is_stale(lock, hostname=socket.gethostname(), is_alive=is_alive)
        for lock in find_locks(at.backend, at.project, at.stack).values()
    )
    found = [*_look_at_layout(at), *_look_at_companions(at)]
    if is_held:  # an engine may be writing at this moment
        found = [Finding(one.check, one.level, one.text, one.cure) for one in found]
    if not at.file.exists():
        return [*found, _absent(at, is_held=is_held)], None
    state = read_state(at.file)
    if state is None:
        return [*found, _unreadable(at, is_held=is_held)], None
    if not found:
        found.append(fine("checkpoint", f"{at.file.name} can be read: {_count(state)} resources."))
    return found, state


def look_at_pending(state: Mapping[str, Any], stack: str) -> Finding:
    """What a killed run had begun: `up` looks for it by its owner tag, `destroy` does not know of it."""
    deployment = state.get("deployment")
    pending = deployment.get("pending_operations") if isinstance(deployment, dict) else None
    if not pending:
        return fine("pending", "The state has no pending operations.")
    begun = [f"{one.get('type', 'changing')} {_name(one)}" for one in pending if isinstance(one, dict)]
    text = f"A run was ended in the middle; pending in the state: {', '.join(begun)}."
    cure = (
        f"`pulumi up --stack {stack}` takes up what was made and finishes it; "
        f"`pulumi refresh --clear-pending-creates --stack {stack}` only forgets them."
    )
    return remark("pending", text, cure)


def read_state(file: Path) -> dict[str, Any] | None:
    """The state in a checkpoint file, in the shape of `pulumi stack export`; None when it is not one."""
    try:
        data = file.read_bytes()
        held = json.loads(gzip.decompress(data) if file.name.partition(".json")[2].startswith(".gz") else data)
        latest = held["checkpoint"].get("latest") or {}
        is_one = all(isinstance(resource, dict) for resource in latest.get("resources") or [])
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return {"deployment": latest} if is_one else None


def _look_at_layout(at: Checkpoint) -> list[Finding]:
    """`meta.yaml`, without whose number the engine reads nothing of the backend."""
    file = at.folder / "meta.yaml"
    if not file.exists() or file.read_bytes().strip():
        return []

    def write() -> None:
        if not file.read_bytes().strip():
            file.write_text(_LAYOUT, "utf-8")

    mend = Mend(f"write {_LAYOUT.strip()!r} into {file}", write)
    return [obstacle("checkpoint", f"{file} is empty, so Pulumi calls the backend corrupt.", _fix(at), mend)]


def _look_at_companions(at: Checkpoint) -> list[Finding]:
    """Attributes that the engine keeps beside each file: an empty one is an error, a missing one is not."""
    found = []
    for file in (at.folder / "meta.yaml", at.file, at.backup):
        attributes = file.with_name(f"{file.name}.attrs")
        if attributes.exists() and file.exists() and not _is_json(attributes):
            text = f"{attributes} is broken ({attributes.stat().st_size} bytes): `failed to load checkpoint: EOF`."
            mend = Mend(f"move {attributes} aside, which is only about {file.name}", _moving(attributes))
            tell = remark if file == at.backup else obstacle
            found.append(tell("checkpoint", text, _fix(at), mend))
    return found


def _absent(at: Checkpoint, *, is_held: bool) -> Finding:
    if at.backup.exists() and read_state(at.backup) is not None:
        return _restorable(at, f"{at.file} is missing, its backup is there.", is_held=is_held)
    return skipped("checkpoint", f"{at.stack} has no state yet.")


def _unreadable(at: Checkpoint, *, is_held: bool) -> Finding:
    text = f"{at.file} is no checkpoint ({at.file.stat().st_size} bytes)"
    backup = read_state(at.backup)
    if backup is None:
        kept = at.folder / "backups" / at.project / at.stack
        return obstacle("checkpoint", f"{text}, and it has no backup that is one.", f"Look into {kept}. {_ADVICE}")
    return _restorable(at, f"{text}; its backup has {_count(backup)} resources.", is_held=is_held)


def _restorable(at: Checkpoint, text: str, *, is_held: bool) -> Finding:
    cure = f"{_fix(at)} The backup lacks the last step; `pulumi up` takes up by its owner tag what that one made."
    if is_held:
        return obstacle("checkpoint", f"{text} A lock is held, so nothing is mended now.", cure)

    def restore() -> None:
        state = at.backup.read_bytes()
        for file in (at.file, at.file.with_name(f"{at.file.name}.attrs")):
            if file.exists():
                _moving(file)()
        fresh = at.file.with_name(f"{at.file.name}.new")
        fresh.write_bytes(state)
        fresh.replace(at.file)

    intention = f"move {at.file.name} aside and put {at.backup.name}, the state before the last write, in its place"
    return obstacle("checkpoint", text, cure, Mend(intention, restore))


def _unlocking(file: Path, host: str) -> Callable[[], None]:
    def unlock() -> None:
        if remove_stale(file, hostname=host) is None and file.exists():
            raise EngineError(f"{file} is not a dead engine's lock any more.")

    return unlock


def _moving(file: Path) -> Callable[[], None]:
    def move() -> None:
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        file.rename(file.with_name(f"{file.name}.broken-{stamp}"))

    return move


def _is_json(file: Path) -> bool:
    try:
        return isinstance(json.loads(file.read_bytes()), dict)
    except (OSError, ValueError, RecursionError):
        return False


def _count(state: Mapping[str, Any]) -> int:
    return len(state["deployment"].get("resources") or [])


def _name(operation: Mapping[str, Any]) -> str:
    resource = operation.get("resource")
    urn = str(resource.get("urn", "")) if isinstance(resource, dict) else ""
    return urn.rpartition("::")[2] or "something"


def _fix(at: Checkpoint) -> str:
    return f"`hfdeploy doctor --stack {at.stack} --fix` mends it."
