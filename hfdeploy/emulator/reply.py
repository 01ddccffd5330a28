"""An endpoint as replies show it: `EndpointWithStatus` of the API's OpenAPI document."""

import copy
from typing import Any

from hfdeploy.emulator.ageing import target_replicas
from hfdeploy.emulator.clock import timestamp
from hfdeploy.emulator.images import health_route, redacted
from hfdeploy.emulator.options import Options
from hfdeploy.emulator.records import Config, Record

REDACTED = "***"
_FEATURES = ("cacheHttpResponses", "kvRouter", "mcpLb", "skipRepoDownload")


def endpoint(record: Record, now: float, options: Options, base: str, speed: float) -> dict[str, Any]:
    """The object; `base` is the address under which callers reach the emulator."""
    config = copy.deepcopy(record.config)
    model = config["model"]
    route = health_route(model["image"])
    model["image"] = redacted(model["image"])
    shown = options["secrets_in_reply"] == "keys"
    model["secrets"] = dict.fromkeys(model["secrets"], REDACTED) if shown else {}
    provider, compute = config["provider"], config["compute"]
    compute["id"] = f"{provider['vendor']}-{provider['region']}-{compute['instanceType']}-{compute['instanceSize']}"
    _place_uncertain(config, options)
    return {"name": record.name, **config, "healthRoute": route, "status": _status(record, now, options, base, speed)}


def replicas(record: Record, now: float, options: Options) -> list[dict[str, Any]]:
    """The items of GET EP/replica."""
    words = {"state": ("running", "initializing"), "kubernetes": ("Running", "Pending")}[options["replica_stage"]]
    live = record.answers(now)
    items = [{"id": one, "status": {"stage": words[0], "live": live}} for one in record.replicas]
    items += [
        {"id": one, "status": {"stage": words[1], "live": False}}
        for one in record.starting
        if one not in record.replicas and record.state != "pending"
    ]
    return items


def _place_uncertain(config: Config, options: Options) -> None:
    """What comes back in more than one way, by option."""
    features = config["experimentalFeatures"]
    if options["experimental_features_reply"] == "filled":
        config["experimentalFeatures"] = features = dict.fromkeys(_FEATURES, False) | features
    cache = config.pop("cacheHttpResponses", None)
    match options["cache_http_responses_reply"]:
        case "top_level" if cache is not None:
            config["cacheHttpResponses"] = cache
        case "experimental" if cache is not None:
            features["cacheHttpResponses"] = cache
    if options["custom_router_reply"] == "hidden":
        config.pop("customRouter", None)


def _status(record: Record, now: float, options: Options, base: str, speed: float) -> dict[str, Any]:
    digits = options["timestamp_digits"]
    target = target_replicas(record)
    status: dict[str, Any] = {
        "state": record.state,
        "message": record.stage.message,
        "readyReplica": len(record.replicas) if record.served is not None else 0,
        "targetReplica": target,
        "private": _private(record, now, options.seconds("private_service") / speed),
        "createdAt": timestamp(record.created, digits),
        "createdBy": record.created_by,
        "updatedAt": timestamp(record.updated, digits),
        "updatedBy": record.updated_by,
    }
    if record.stage.error is not None:
        status["errorMessage"] = record.stage.error
    if record.last_used is not None:
        status["lastUsedAt"] = timestamp(record.last_used, digits)
    if record.url_known and not (record.state == "paused" and options["url_while_paused"] == "absent"):
        status["url"] = f"{base}/endpoints/{record.namespace}/{record.name}"
    return status


def _private(record: Record, now: float, after: float) -> dict[str, str] | None:
    service = record.config.get("privateService")
    if service is None or now < record.created + after:
        return None
    region = service.get("region", record.config["provider"]["region"])
    return {"serviceName": f"com.amazonaws.vpce.{region}.vpce-svc-{record.identity[:17]}"}
