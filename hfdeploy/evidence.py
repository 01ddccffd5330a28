"""The evidence files of rollouts: what was asked and answered, kept with the run and in no output or state.

`<stack program>/.hfdeploy/evidence/<stack>/<endpoint>/<start in UTC>-<verdict>.json`, one for each rollout and the
newest `KEPT` of an endpoint; `<endpoint>.json` beside that folder is always the newest. They hold the generated text
and the container's last lines, which nothing else of ours holds; a token, a secret or a value of `env` never. Each is
written whole or not at all.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hfdeploy import redact

_FOLDER: Final = Path(".hfdeploy")

KEPT: Final = 20
"""Rollouts of one endpoint whose evidence is kept."""


def beside(program: Path, stack: str, *, folder: str) -> Path:
    """A folder for documents that are kept beside a program and in no state, by stack.

    `stack` may be qualified (`org/project/stack`).
    """
    return program / _FOLDER / folder / stack.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The evidence of one endpoint; `stack` may be qualified (`org/project/stack`)."""

    program: Path
    stack: str
    name: str

    @property
    def newest(self) -> Path:
        """Where the newest rollout's is, always."""
        return self._folder.parent / f"{self.name}.json"

    @property
    def _folder(self) -> Path:
        return beside(self.program, self.stack, folder="evidence") / self.name

    def files(self) -> list[Path]:
        """One per rollout, the newest first."""
        return sorted(self._folder.glob("[0-9]*-*.json"), reverse=True)

    def keep(self, document: Mapping[str, object], verdict: str, begun: datetime) -> Path:
        """Write down a rollout that began then; what it had kept under another verdict goes, and so do the oldest.

        Raises:
            OSError: it could not be written; what was there before is still there.
        """
        stamp = begun.astimezone(UTC).strftime("%Y%m%dT%H%M%S%fZ")
        file = self._folder / f"{stamp}-{verdict}.json"
        clean = _scrubbed(document)
        write(file, clean)
        write(self.newest, clean)
        drafts_of_the_killed = self._folder.glob(".*")
        for old in [*self._folder.glob(f"{stamp}-*.json"), *self.files()[KEPT:], *drafts_of_the_killed]:
            if old != file:
                old.unlink(missing_ok=True)
        return file

    def proof(self, ended_at: str | None) -> dict[str, Any]:
        """What the verification that ended then saw; {} where it was not kept, or cannot be read."""
        for file in self.files() if ended_at else []:
            proof = read(file).get("proof")
            if isinstance(proof, dict) and proof.get("ended_at") == ended_at:
                return proof
        return {}


def read(file: Path) -> dict[str, Any]:
    """The evidence; {} where there is none, or none that can be read."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}


def write(file: Path, document: object) -> None:
    """Write one document, whole or not at all.

    Raises:
        OSError: it could not be written; what was there before is still there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft, path = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        # Half a character, as the end of a cut line may be, must not keep the rest from being written.
        with os.fdopen(draft, "w", encoding="utf-8", errors="replace") as stream:
            json.dump(document, stream, indent=2, ensure_ascii=False)
            stream.flush()
            os.fsync(stream.fileno())
        Path(path).replace(file)
    finally:
        Path(path).unlink(missing_ok=True)


def _scrubbed(value: object) -> object:
    """The same without any known secret: models and containers repeat what they were given."""
    match value:
        case str():
            return redact.known.scrub(value)
        case Mapping():
            return {str(key): _scrubbed(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_scrubbed(inner) for inner in value]
        case _:
            return value
