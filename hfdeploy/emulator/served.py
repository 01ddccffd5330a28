"""What the data plane asks of the store: `serving.Endpoints`, answered from the records."""

from hfdeploy.emulator.images import health_route
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.serving import Account, Serving
from hfdeploy.emulator.store import Store

SAMPLES = 1000
"""Data-plane requests kept per endpoint, for the metrics."""

_UNAUTHORISED = frozenset({401, 403})


class ServedEndpoints:
    """The store as the data plane sees it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def account(self, token: str | None) -> Account | None:
        """The account of a bearer token, or None when it is missing or unknown."""
        return self._store.accounts.of(token)

    def serving(self, namespace: str, name: str) -> Serving | None:
        """The endpoint as callers see it now, or None when there is none."""
        record = self._store.find(namespace, name)
        if record is None:
            return None
        config = record.served or record.config
        model = config["model"]
        [(engine, image)] = model["image"].items()
        return Serving(
            namespace=namespace,
            name=name,
            access=record.config["type"],
            state=record.state,
            is_ready=record.answers(self._store.clock.now()),
            replica_id=next(iter(record.replicas), ""),
            engine=engine,
            image=image,
            repository=model["repository"],
            revision=model["revision"],
            task=model["task"] or "custom",
            health_route=health_route(model["image"]),
            env=model["env"],
            args=tuple(model.get("args", ())),
            behaviour=record.behaviour,
        )

    def wake(self, namespace: str, name: str) -> None:
        """An authorised request reached an endpoint that is scaled to zero."""
        record = self._store.find(namespace, name)
        if record is not None and record.state == "scaledToZero":
            self._store.ageing.begin(record, "wake", self._store.clock.now())
            self._store.on_change()

    def used(self, namespace: str, name: str, *, status: int, seconds: float) -> None:
        """A request ended: for `lastUsedAt`, the idle timeout and the metrics."""
        record = self._store.find(namespace, name)
        if record is not None:
            now = self._store.clock.now()
            # Whoever may not call must not be able to keep a sleeper awake either.
            record.last_used = record.last_used if status in _UNAUTHORISED else now
            record.samples.append([now, status, seconds])
            del record.samples[:-SAMPLES]
            self._store.on_use()

    def option(self, name: str) -> Json:
        """The value of a named option."""
        return self._store.options[name]
