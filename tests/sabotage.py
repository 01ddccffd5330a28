"""What goes wrong at which request of a run, to the request exactly: faults, kills, and somebody else's hands.

It stands in the emulator's own place for faults, on its event loop, so that the same seed is the same course of
events however loaded the machine is.
"""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from control_plane import Running

from hfdeploy.emulator import outside
from hfdeploy.emulator.faults import Fault
from hfdeploy.emulator.records import Record

FAULTS: Final[Mapping[str, dict[str, Any]]] = {
    "429": {"kind": "too_many_requests"},
    "429 with Retry-After": {"kind": "too_many_requests", "retry_after": 20},
    "429 for a while": {"kind": "too_many_requests", "retry_after": 2, "times": 6},
    "500": {"kind": "server_error"},
    "500 after commit": {"kind": "server_error", "commit": True},
    "502": {"kind": "bad_gateway", "times": 2},
    "503 for long": {"kind": "unavailable", "times": 12},
    "reset": {"kind": "reset"},
    "reset after commit": {"kind": "reset", "commit": True},
    "half a body": {"kind": "half_body"},
    "too slow": {"kind": "slow", "seconds": 2.0},
    "silence": {"kind": "hang", "times": 2},
    "silence after commit": {"kind": "hang", "commit": True},
    "html": {"kind": "html"},
    "a list instead of an error": {"kind": "not_an_object", "status": 500},
    "401 once": {"kind": "not_an_object", "status": 401},
    "401 from now on": {"kind": "not_an_object", "status": 401, "times": None},
    "403": {"kind": "not_an_object", "status": 403},
    "409": {"kind": "not_an_object", "status": 409},
    "400": {"kind": "not_an_object", "status": 400},
    "killed before": {"kind": "hang"},
    "killed after commit": {"kind": "hang", "commit": True},
}
"""By the words of a schedule. A kill is a silence in which the plugin process is killed."""

OUTCOMES: Final = ("broken_image", "update_failed", "stuck_pending", "stuck_initializing", "long_hardware_wait")
"""How the next journey of an endpoint may end; `late_health` is only slow."""

STREAMS: Final = ("error_event", "cut", "reset", "empty", "html", "json_error_200", "stall_before_first", "drip")
"""What the next answers of an endpoint may be like."""

CHANGES: Final = (
    "env edited",
    "image edited",
    "scaled up",
    "paused",
    "put to sleep",
    "deleted",
    "recreated by somebody",
    "tags stripped",
    "owner tag forged",
    "namesake made first",
    "another endpoint made",
)
"""What somebody else may do; the target is one of ours, except for the last."""

_DATA: Final = "/endpoints/acme/"

FOREIGN: Final[dict[str, Any]] = {"compute": {"scaling": {"minReplica": 1}}, "model": {"env": {"THEIRS": "kept"}}}
"""Somebody else's endpoint: it never sleeps, so nothing about it changes by itself."""


@dataclass(frozen=True)
class Injury:
    """One fault: `kind` of FAULTS at the request number `at` of the run (from 0), an outcome, or a stream."""

    kind: str
    at: int = 0
    target: str = ""


@dataclass(frozen=True)
class Change:
    """What somebody else does, as soon as it can be done from request `at` on."""

    kind: str
    at: int
    target: str


@dataclass
class Sabotage:
    """One run's worth of trouble, and what came of it."""

    world: Running
    injuries: tuple[Injury, ...]
    change: Change | None
    pid: Callable[[], int]
    note_foreign: Callable[[str], None] = lambda _name: None
    silent_image: str = ""
    """Whatever runs it answers prompts with nothing, during the trouble and after it."""
    count: int = 0
    hits: list[tuple[int, str, bool]] = field(default_factory=list)
    """(request number of the log, words, whether it was carried out) of every fault that hit."""
    was_changed: bool = False
    changed_at: int = -1
    """The request number before which somebody else acted."""

    is_on: bool = False

    def __post_init__(self) -> None:
        faults = [one for one in self.injuries if one.kind in FAULTS]
        self._left = [(one, FAULTS[one.kind].get("times", 1)) for one in faults]
        self._streams = [one for one in self.injuries if one.kind in STREAMS]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Within this block every request passes here."""
        faults = self.world.app.world.faults
        faults.next = self._next
        try:
            yield
        finally:
            del faults.next

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Within this block requests are counted and met by what was planned."""
        self.is_on = True
        try:
            yield
        finally:
            self.is_on = False

    def _next(self, number: int, method: str, path: str) -> Fault | None:
        if method == "POST" and path.startswith(_DATA):
            self._script_answers(path.removeprefix(_DATA).partition("/")[0])
        if not self.is_on:
            return None
        at, self.count = self.count, self.count + 1
        self._let_others_act(at, number)
        for place, (one, left) in enumerate(self._left):
            if at >= one.at and left != 0:
                self._left[place] = (one, None if left is None else left - 1)
                return self._fault(one, number)
        return None

    def _script_answers(self, name: str) -> None:
        """Just before a prompt is answered: how."""
        record = self.world.app.world.store.find("acme", name)
        if record is None:
            return
        if self.silent_image:
            record.behaviour = {"stream": "empty", "only": self.silent_image}
        for one in [one for one in self._streams if self.is_on and one.target == name]:
            self._streams.remove(one)
            record.behaviour = {"stream": one.kind, "times": 1 + one.at % 4}

    def _fault(self, one: Injury, number: int) -> Fault:
        rule = {key: value for key, value in FAULTS[one.kind].items() if key != "times"}
        fault = Fault(**rule)
        self.hits.append((number, one.kind, fault.commit or fault.kind in {"half_body", "slow"}))
        if one.kind.startswith("killed"):
            os.kill(self.pid(), signal.SIGKILL)
        return fault

    def _let_others_act(self, at: int, number: int) -> None:
        if self.change is None or self.was_changed or at < self.change.at:
            return
        store, name = self.world.app.world.store, self.change.target
        record = store.find("acme", name)
        match self.change.kind:
            case "another endpoint made":
                outside.seed(store, "acme", "somebodys", FOREIGN)
                self.note_foreign("somebodys")
            case "namesake made first" if record is None:
                outside.seed(store, "acme", name, FOREIGN)
                self.note_foreign(name)
            case "namesake made first":
                return
            case _ if record is None:
                return
            case kind:
                self._meddle(kind, record)
        self.was_changed, self.changed_at = True, number

    def _meddle(self, kind: str, record: Record) -> None:
        store = self.world.app.world.store
        tags = [tag for tag in record.config["tags"] if not tag.startswith("hfd-")]
        match kind:
            case "env edited":
                outside.mutate(store, record, {"model": {"env": {"MEDDLED": "1"}}, "rollout": True})
            case "image edited":
                key, variant = next(iter(record.config["model"]["image"].items()))
                image = {key: {**variant, "url": "acme/somebodys-image:9"}}
                outside.mutate(store, record, {"model": {"image": image}})
            case "scaled up":
                outside.mutate(store, record, {"compute": {"scaling": {"maxReplica": 5}}})
            case "paused":
                outside.mutate(store, record, {"state": "paused"})
            case "put to sleep":
                outside.mutate(store, record, {"state": "scaledToZero"})
            case "deleted":
                store.delete("acme", record.name)
            case "recreated by somebody":
                store.delete("acme", record.name)
                outside.seed(store, "acme", record.name, FOREIGN)
                self.note_foreign(record.name)
            case "tags stripped":
                outside.mutate(store, record, {"tags": tags})
            case "owner tag forged":
                outside.mutate(store, record, {"tags": ["hfd-o-ffffffffffff", f"hfd-l-{record.name}", *tags]})
