"""One plugin process: its settings, its one client, its catalogue. Built on first use, shared by every operation.

The token comes from the stack's configuration through `configure()`, or from the environment; it is never a property,
an attribute of a provider or part of a message.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hfdeploy import settings
from hfdeploy.catalog import Catalog
from hfdeploy.client import Api, Deadlines, Listing, connect
from hfdeploy.errors import ApiError, Inconclusive, NotFound, UnknownHardware
from hfdeploy.plan import Plan, make_plan
from hfdeploy.provider.absence import Absences
from hfdeploy.provider.branch import Branches
from hfdeploy.provider.host import is_stopped
from hfdeploy.redact import Secret
from hfdeploy.settings import Safeguards, load_safeguards
from hfdeploy.spec import EndpointSpec, FromConfig, SecretSource
from hfdeploy.wait import Clock, SystemClock
from hfdeploy.wire import Endpoint


@dataclass
class Roll:
    """The members that the guard judged before anything was touched, and how many endpoints more may go."""

    members: Sequence[str]
    lost: int
    """How many of them this run removes or replaces."""
    unlisted: int = 0
    """How many endpoints were deleted in it that are not among them."""


@dataclass
class Session:
    """What the operations of one plugin process share."""

    config: Mapping[str, str]
    """Every key of the stack as `namespace:key`, and those of the program's own project by their bare name, too."""
    clock: Clock = field(default_factory=lambda: SystemClock(is_stopped))
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _api: Api | None = None
    _listing: Listing | None = None
    _settings: settings.Settings | None = None
    _safeguards: Safeguards | None = None
    _catalogs: dict[str, Catalog] = field(default_factory=dict)
    _turns: dict[str, threading.Lock] = field(default_factory=dict)
    """Who reads the hardware of a namespace."""
    _deleted: set[tuple[str, str]] = field(default_factory=set)
    counting: threading.Lock = field(default_factory=threading.Lock)
    """Held while the deletions of a run are counted."""
    _members: int = 0
    _roll: "Roll | None" = None
    _retained: dict[str, bool] = field(default_factory=dict)
    _absences: Absences | None = None
    _branches: Branches | None = None
    drifted: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """Outputs of the endpoints that this process read and found changed, by `namespace/name`."""
    program: Path = field(default_factory=Path)
    """The folder of the stack program: the working directory of a plugin process."""

    @property
    def _own(self) -> dict[str, str]:
        """What is said to hfdeploy. A `token` of the program's own project is another service's."""
        return {key: value for key, value in self.config.items() if key.startswith("hfdeploy:")}

    @property
    def settings(self) -> settings.Settings:
        """Addresses and token of this stack."""
        with self._lock:
            if self._settings is None:
                self._settings = settings.load(self._own)
            return self._settings

    @property
    def safeguards(self) -> Safeguards:
        """How much this run may do by itself."""
        with self._lock:
            if self._safeguards is None:
                self._safeguards = load_safeguards(self._own)
            return self._safeguards

    @property
    def api(self) -> Api:
        """The client; connecting sends nothing yet."""
        with self._lock:
            if self._api is None:
                self._api = connect(self.settings, clock=self.clock, stopped=is_stopped)
            return self._api

    @property
    def listing(self) -> Listing:
        """The shared view on the namespace: one list call answers all reads of a refresh, and all waiters."""
        with self._lock:
            if self._listing is None:
                self._listing = Listing(self.api)
            return self._listing

    @property
    def branches(self) -> Branches:
        """What branches of repositories stand for now; each is asked for once."""
        with self._lock:
            if self._branches is None:
                self._branches = Branches(self.settings, clock=self.clock, stopped=is_stopped)
            return self._branches

    def find(self, namespace: str, name: str) -> Endpoint | None:
        """The endpoint as listed a moment ago; None only where a GET of it says 404."""
        try:
            return self.listing.fetch(namespace, name)
        except NotFound:
            return None

    def find_same(self, namespace: str, name: str, generation: str) -> Endpoint | None:
        """The endpoint of that creation time; None where it is gone, though a later one may have its name.

        Raises:
            Inconclusive: many of the stack's endpoints are gone at once.
        """

        def find() -> Endpoint | None:
            live = self.find(namespace, name)
            return live if live is not None and live.generation == generation else None

        with self._lock:
            absences = self._absences = self._absences or Absences(self.clock)
        return absences.look(f"{namespace}/{name}", find, most=lambda: self.safeguards.most_removals(self._members))

    def note_deleted(self, place: str, generation: str) -> None:
        """This process deleted that endpoint."""
        with self._lock:
            self._deleted.add((place, generation))

    def was_deleted(self, place: str, generation: str) -> bool:
        """Whether this process deleted that endpoint; the service may list it a while longer."""
        with self._lock:
            return (place, generation) in self._deleted

    @property
    def roll(self) -> "Roll | None":
        """Who the run may lose, as the guard judged it; None where no program ran, as in `destroy`."""
        with self._lock:
            return self._roll

    def note_roll(self, roll: "Roll") -> None:
        """The guard judged this run."""
        with self._lock:
            self._roll = roll

    def note_retention(self, place: str, *, is_kept: bool) -> None:
        """Whether the program retains that endpoint, as its identity was registered."""
        with self._lock:
            self._retained[place] = is_kept

    def is_retained(self, place: str) -> bool | None:
        """Whether the program retains that endpoint; None where its identity was not registered in this process."""
        with self._lock:
            return self._retained.get(place)

    @property
    def deletion_seconds(self) -> float:
        """How long a deleted endpoint may go on being listed."""
        return Deadlines().delete

    @property
    def is_refreshing(self) -> bool:
        """Whether this run reads what is live: the guard, which is read first, had members then."""
        with self._lock:
            return self._members > 0

    def note_members(self, count: int) -> None:
        """How many endpoints the stack has, as its guard remembers it."""
        with self._lock:
            self._members = count

    def plan_offline(self, spec: EndpointSpec) -> Plan:
        """The plan by the dated snapshot: no socket is opened.

        Raises:
            UnknownHardware: the snapshot has no such instance.
        """
        return make_plan(spec, Catalog.snapshot())

    def plan(self, spec: EndpointSpec, namespace: str) -> Plan:
        """The plan by the live catalogue where it can be read, by the snapshot where not."""
        return make_plan(spec, self.catalog(namespace))

    def plan_for_reading(self, spec: EndpointSpec, namespace: str) -> Plan:
        """The plan that an existing endpoint is compared with: the snapshot first, so that reading stays cheap."""
        try:
            return self.plan_offline(spec)
        except UnknownHardware:
            return self.plan(spec, namespace)

    def catalog(self, namespace: str) -> Catalog:
        """The hardware on offer, read once per process and namespace.

        Under a lock of its own: a service that is slow here must hold up nobody who asks for something else.
        """
        with self._lock:
            turn = self._turns.setdefault(namespace, threading.Lock())
        with turn:
            found = self._catalogs.get(namespace)
            if found is None:
                found = self._catalogs[namespace] = self._read_catalog(namespace)
            return found

    def _read_catalog(self, namespace: str) -> Catalog:
        try:
            return Catalog.from_vendors(self.api.hardware(namespace))
        except (ApiError, Inconclusive):
            # Unreadable hardware must not stop a rollout: what is asked for is judged by the service anyway.
            return Catalog.snapshot()

    def secret(self, source: SecretSource) -> Secret | None:
        """The value that a source names, None where it is missing; a bare key is the program's own project's."""
        config = self.config
        if isinstance(source, FromConfig) and source.from_config in config:
            config = {source.from_config: config[source.from_config]}
        return settings.secret_value(source, config=config)


_sessions: dict[str, Session] = {}
_sessions_lock = threading.Lock()


def open_session(config: Mapping[str, str]) -> Session:
    """The session of this process; configuring a second provider class finds the one of the first."""
    with _sessions_lock:
        return _sessions.setdefault("stack", Session(dict(config)))


def session() -> Session:
    """The session that `configure` opened; without configuration the environment alone decides."""
    return open_session({})
