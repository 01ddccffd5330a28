"""What befalls an endpoint from outside: somebody's change in the web interface, an old endpoint, a script.

Nothing is validated: an outside hand may make what the API would refuse, such as an endpoint of type `protected`.
"""

import copy
from typing import Any

from hfdeploy.emulator.accounts import user
from hfdeploy.emulator.behaviour import parse as parse_behaviour
from hfdeploy.emulator.clock import parse_timestamp
from hfdeploy.emulator.configuration import merge
from hfdeploy.emulator.images import parse_image
from hfdeploy.emulator.lifecycle import OUTCOMES, PAUSED, RUNNING, SCALED_TO_ZERO, Stage
from hfdeploy.emulator.records import Config, Record
from hfdeploy.emulator.store import Store

_STAGES = {
    "running": RUNNING,
    "paused": PAUSED,
    "scaledToZero": SCALED_TO_ZERO,
    "pending": Stage("pending", None, "Endpoint waiting to be scheduled"),
    "initializing": Stage("initializing", None, "Endpoint is initializing"),
    "updating": Stage("updating", None, "Endpoint waiting for the update", "old"),
    "failed": Stage("failed", None, "Endpoint failed to deploy", error="Endpoint failed to start"),
    "updateFailed": Stage("updateFailed", None, "Endpoint failed to deploy", "old", "Endpoint failed to start"),
}
_PAST = ("lastUsedAt", "requests", "replicaCounts", "usage")
"""What an endpoint went through before anybody looked: when it was last called, its requests as `[time, status,
seconds]`, its numbers of replicas as `[time, number]`, and what its graphs show in percent."""

_CONTROLS = frozenset({"state", "outcome", "behaviour", "rollout", "by", "createdAt", "createdBy", *_PAST})

_SEED: Config = {
    "type": "private",
    "provider": {"vendor": "aws", "region": "us-east-1"},
    "compute": {
        "accelerator": "gpu",
        "instanceType": "nvidia-l4",
        "instanceSize": "x1",
        "scaling": {"minReplica": 0, "maxReplica": 1},
    },
    "model": {
        "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
        "framework": "pytorch",
        "image": {"huggingface": {}},
    },
}


def inner(store: Store, record: Record, base: str) -> dict[str, Any]:
    """Everything the emulator knows of an endpoint, secrets in the clear."""
    return record.dump() | {"state": record.state, "object": store.object(record, base)}


def seed(store: Store, namespace: str, name: str, body: dict[str, Any]) -> Record:
    """An endpoint that has been there for a while; what `body` leaves out is filled in.

    `state` (running) is where it stands; `createdAt` and `createdBy` say since when and by whom. `lastUsedAt`,
    `requests`, `replicaCounts` and `usage` are its past.

    Raises:
        ValueError: an unknown state, outcome or behaviour.
    """
    controls = _controls(body)
    if store.find(namespace, name) is not None:
        raise ValueError(f"There is an endpoint {namespace}/{name} already; PATCH changes it.")
    config = store.configurations.filled(merge(_SEED, _config(store, body)))
    created = parse_timestamp(controls["createdAt"]) if "createdAt" in controls else None
    by = controls.get("createdBy") or store.options["outside_user"]
    record = store.add(namespace, name, config, by=user(by) if isinstance(by, str) else by, created=created)
    _control(store, record, {"state": "running", **controls})
    _remember(record, controls)
    return record


def mutate(store: Store, record: Record, body: dict[str, Any]) -> Record:
    """Somebody else changes the endpoint.

    Keys of a configuration are merged into it: at once, as if the roll-out were over, or with `rollout` true through
    the stages of an update. `state` puts it there; `outcome` scripts its next journeys; `behaviour` its replicas.

    Raises:
        ValueError: an unknown state, outcome or behaviour.
    """
    controls, changes = _controls(body), _config(store, body)
    by = controls.get("by") or store.options["outside_user"]
    by = user(by) if isinstance(by, str) else by
    if "outcome" in controls or "behaviour" in controls:
        _script(record, controls)
    if changes:
        config = merge(record.config, changes)
        if controls.get("rollout"):
            store.apply(record, config, by=by)
        else:
            record.config = config
            record.served = copy.deepcopy(config) if record.served is not None else None
    if changes or "state" in controls:
        store.touch(record, by)
    _control(store, record, {key: controls[key] for key in controls if key == "state"})
    return record


def _control(store: Store, record: Record, controls: dict[str, Any]) -> None:
    _script(record, controls)
    if "state" in controls:
        stage = _STAGES[controls["state"]]
        if stage.serves == "new" and not record.starting:
            record.starting = store.ageing.replicas(record)
        store.ageing.stop(record, stage, store.clock.now())
    store.on_change()


def _remember(record: Record, controls: dict[str, Any]) -> None:
    """Give an endpoint a past."""
    if "lastUsedAt" in controls:
        record.last_used = parse_timestamp(controls["lastUsedAt"])
    if "requests" in controls:
        record.samples = [[parse_timestamp(when), status, seconds] for when, status, seconds in controls["requests"]]
    if "replicaCounts" in controls:
        record.counts = [[parse_timestamp(when), number] for when, number in controls["replicaCounts"]]
    record.usage = dict(controls.get("usage") or {})


def _script(record: Record, controls: dict[str, Any]) -> None:
    if "outcome" in controls:
        record.outcome = controls["outcome"]
    if "behaviour" in controls:
        record.behaviour = dict(controls["behaviour"] or {})


def _controls(body: dict[str, Any]) -> dict[str, Any]:
    """What in a body is no configuration, checked."""
    controls = {key: value for key, value in body.items() if key in _CONTROLS}
    if controls.get("outcome") is not None and controls["outcome"] not in OUTCOMES:
        raise ValueError(f"There is no outcome {controls['outcome']!r}; there are {', '.join(OUTCOMES)}.")
    if "state" in controls and controls["state"] not in _STAGES:
        raise ValueError(f"There is no state {controls['state']!r}; there are {', '.join(_STAGES)}.")
    parse_behaviour(controls.get("behaviour") or {})
    return controls


def _config(store: Store, body: dict[str, Any]) -> Config:
    """What in a body is configuration, an image with its gaps filled."""
    config = {key: value for key, value in body.items() if key not in _CONTROLS and key not in {"name", "status"}}
    if "image" in config.get("model", {}):
        image = parse_image(config["model"]["image"], store.options)
        config["model"] = config["model"] | {"image": image}
    return config
