"""State on disk, so that a restart loses nothing: one file for the world, one that the request log is appended to."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_STATE = "state.json"
_REQUESTS = "requests.jsonl"


class DataFolder:
    """The folder of `--data`. Files are for the owner only: they hold the secrets of emulated endpoints."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The world as it was saved last, or None for a new folder.

        Raises:
            ValueError: the file is not one that the emulator wrote.
        """
        try:
            text = (self.path / _STATE).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            state: dict[str, Any] = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{self.path / _STATE} is not a saved state of the emulator: {error}.") from error
        return state

    def save(self, state: dict[str, Any]) -> None:
        """Replace the saved world; a crash leaves the previous one or this one, never half of it."""
        temporary = self.path / f"{_STATE}.{os.getpid()}.tmp"
        with _private(temporary).open("w", encoding="utf-8") as file:
            json.dump(state, file, separators=(",", ":"))
        temporary.replace(self.path / _STATE)

    def requests(self) -> Iterator[dict[str, Any]]:
        """The logged requests, oldest first; a line that a crash cut short is left out."""
        try:
            lines = (self.path / _REQUESTS).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            yield entry

    def append_request(self, entry: dict[str, Any]) -> None:
        """Log a request, or what became of it: the last line of a number counts."""
        with _private(self.path / _REQUESTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry, separators=(",", ":")) + "\n")

    def rewrite_requests(self, entries: list[dict[str, Any]]) -> None:
        """Replace the log by these requests."""
        temporary = self.path / f"{_REQUESTS}.{os.getpid()}.tmp"
        with _private(temporary).open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        temporary.replace(self.path / _REQUESTS)


def _private(path: Path) -> Path:
    """The file, there and readable by its owner only."""
    path.touch(mode=0o600)
    return path
