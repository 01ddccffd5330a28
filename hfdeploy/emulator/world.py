"""Everything one emulator holds, and how it is saved and put back."""

import json
import os
from pathlib import Path
from typing import Any

from hfdeploy.emulator.clock import Clock, Now
from hfdeploy.emulator.faults import Faults
from hfdeploy.emulator.journal import Entry, Journal
from hfdeploy.emulator.network import Network
from hfdeploy.emulator.options import Definition, Options
from hfdeploy.emulator.persistence import DataFolder
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.repositories import Repositories
from hfdeploy.emulator.shapes import check_shapes
from hfdeploy.emulator.store import Store

VERSION = 1
"""Of the saved state."""


class World:
    """The store and all that surrounds it. One per application; used from one thread."""

    def __init__(
        self,
        definitions: list[Definition],
        *,
        now: Now,
        options: dict[str, Any],
        folder: DataFolder | None,
        speed: float,
    ) -> None:
        self.folder = folder
        self.speed = speed
        self.initial_options = options
        self.clock = Clock(now)
        self.options = Options(definitions)
        self.repositories = Repositories()
        self.store = Store(self.options, self.clock, self.repositories, speed=speed)
        self.network = Network(self.options, self.clock)
        self.store.domains = self.network.domain_names
        self.faults = Faults()
        self.journal = Journal(self.options["request_log_size"])
        self._is_dirty = self._is_stale = False
        self._appended = 0
        self.store.on_change = self.network.on_change = self.touched
        self.store.on_use = self._used
        self._load()
        self.set_options(options)

    def set_options(self, values: dict[str, Any]) -> None:
        """Change options, all or none.

        Raises:
            ValueError: an unknown name or a value that does not fit.
        """
        check_shapes(values, set(self.options.durations()))
        self.options.update(values)
        self.journal.resize(int(self.options["request_log_size"]))
        self.touched()

    def reset(self) -> None:
        """Back to an empty world with the options it was started with; the clock stays, and so do request numbers."""
        self.store.clear()
        self.network.clear()
        self.repositories.load({"branches": {}, "gated": {}})
        self.faults.clear()
        self.options.clear()
        self.clear_log()
        self.set_options(self.initial_options)

    def log(self, entry: Entry) -> None:
        """Write a request of the journal to disk, when it came and when it is answered."""
        if self.folder is None:
            return
        self._appended += 1
        if self._appended > 4 * self.options["request_log_size"]:
            self._appended = 0
            self.folder.rewrite_requests(self.journal.since())
        self.folder.append_request(entry.dump())

    def clear_log(self) -> None:
        """Forget the requests."""
        self.journal.clear()
        if self.folder is not None:
            self.folder.rewrite_requests([])
        self.touched()

    def save(self, *, all_of_it: bool = False) -> None:
        """Write the world to disk where something has changed since the last time.

        What callers of endpoints leave behind (last use, metrics) alone is no reason, unless `all_of_it`.
        """
        if self.folder is not None and (self._is_dirty or (all_of_it and self._is_stale)):
            self.folder.save(self.dump())
            self._is_dirty = self._is_stale = False

    def dump(self) -> dict[str, Any]:
        """The world as JSON values."""
        return {
            "version": VERSION,
            "clock_offset": self.clock.offset,
            "options": self.options.changed(),
            "store": self.store.dump(),
            "network": self.network.dump(),
            "repositories": self.repositories.dump(),
            "faults": self.faults.listing(),
            "requests": self.journal.count,
        }

    def identity(self) -> dict[str, Any]:
        """Who answers here, so that a launcher can recognise its own emulator."""
        return {
            "name": "hfdeploy-emulator",
            "version": VERSION,
            "pid": os.getpid(),
            "data": str(self.folder.path.resolve()) if self.folder else None,
            "speed": self.speed,
            "clock_offset": self.clock.offset,
            "now": self.clock.now(),
        }

    def touched(self) -> None:
        """Something has changed that must be on disk before the answer leaves."""
        self._is_dirty = True

    def _used(self) -> None:
        self._is_stale = True

    def _load(self) -> None:
        state = self.folder.load() if self.folder else None
        if self.folder is None or state is None:
            return
        if state.get("version") != VERSION:
            raise ValueError(
                f"{self.folder.path} holds version {state.get('version')} of the emulator's state, this one reads "
                f"{VERSION}; remove the folder or name another with --data."
            )
        self.clock.offset = state["clock_offset"]
        self.options.update(state["options"])
        self.store.load(state["store"])
        self.network.load(state["network"])
        self.repositories.load(state["repositories"])
        for rule in state["faults"]:
            self.faults.add(rule)
        self.journal.resize(int(self.options["request_log_size"]))
        self.journal.load(state["requests"], self.folder.requests())
        self.folder.rewrite_requests(self.journal.since())


def read_options(path: Path) -> dict[str, Any]:
    """The values of an options file (JSON).

    Raises:
        ValueError: the file is missing or is no JSON object.
    """
    try:
        values: Json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ValueError(f"The options file {path} cannot be read: {error}.") from error
    if not isinstance(values, dict):
        raise ValueError(f"The options file {path} holds no JSON object.")  # noqa: TRY004  what the file says, not a type
    return values
