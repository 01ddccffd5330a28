"""Pause, resume and scale-to-zero: the changes of state that people ask for."""

from hfdeploy.emulator.accounts import user
from hfdeploy.emulator.lifecycle import MOVING, PAUSED, SCALED_TO_ZERO, Journey
from hfdeploy.emulator.records import Record
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.store import Store

_RESTARTS: dict[str, Journey] = {"paused": "resume", "scaledToZero": "wake", "failed": "create"}


def pause(store: Store, namespace: str, name: str, by: str) -> Record:
    """Pause, from any state.

    Raises:
        Refused: 404; 400 by option when already paused.
    """
    record = store.get(namespace, name)
    if record.state == "paused":
        if store.options["pause_when_paused"] == "refused":
            raise Refused("BAD_REQUEST", f"Endpoint {name} is already paused")
        return record
    if store.options["resume_replicas"] == "both_one":
        _bound(record, 0)
    store.ageing.stop(record, PAUSED, store.clock.now())
    store.touch(record, user(by))
    store.on_change()
    return record


def resume(store: Store, namespace: str, name: str, by: str) -> Record:
    """Start a paused or sleeping endpoint, or one that failed.

    Raises:
        Refused: 404; 400 while running, by option also while moving; 409 for quota.
    """
    record = store.get(namespace, name)
    if record.state in MOVING and store.options["resume_while_moving"] == "accepted":
        return record
    if record.state in {"running", "updateFailed", *MOVING}:
        raise Refused("BAD_REQUEST", f"Endpoint {name} is already running")
    if record.state == "paused" and store.options["resume_replicas"] == "both_one":
        _bound(record, 1)
    store.check_quota(namespace, record.config, but=record)
    journey = _RESTARTS[record.state]
    store.ageing.begin(record, journey, store.clock.now())
    store.touch(record, user(by))
    store.on_change()
    return record


def scale_to_zero(store: Store, namespace: str, name: str, by: str) -> Record:
    """Put a running endpoint to sleep at once.

    Raises:
        Refused: 404; 400 by option when it is not running.
    """
    record = store.get(namespace, name)
    asleep = record.state in {"scaledToZero", "paused"}
    if record.state not in {"running", "updateFailed"} and store.options["scale_to_zero_when_not_running"] == "refused":
        raise Refused("BAD_REQUEST", f"Endpoint {name} is {record.state} and cannot be scaled to zero")
    if not asleep:
        store.ageing.stop(record, SCALED_TO_ZERO, store.clock.now())
        store.touch(record, user(by))
        store.on_change()
    return record


def _bound(record: Record, replicas: int) -> None:
    """Overwrite both replica bounds, as the service is said to have done until 2025-06."""
    record.config["compute"]["scaling"].update(minReplica=replicas, maxReplica=replicas)
