"""Ageing of one record: which journey it is on, when it enters which stage, what that costs and what it logs."""

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hfdeploy.emulator.images import is_reachable
from hfdeploy.emulator.lifecycle import BILLED, OUTCOMES, RUNNING, SCALED_TO_ZERO, Journey, Outcome, Stage, stages
from hfdeploy.emulator.options import Options
from hfdeploy.emulator.patterns import matches
from hfdeploy.emulator.records import Config, Json, Record

LOG_LINES = 2000
"""Log lines kept per endpoint."""

COUNTS = 5000
"""Changes of the number of replicas kept per endpoint, for its graphs."""

Price = Callable[[Config], float]
"""USD per replica and hour of a configuration."""


class Ageing:
    """The passage of time for records; `speed` divides the durations of deployments and nothing else."""

    def __init__(self, options: Options, price: Price, speed: float) -> None:
        self._options = options
        self._price = price
        self.speed = speed

    def begin(self, record: Record, journey: Journey, now: float) -> None:
        """Start a journey; what was left of the previous one is dropped."""
        outcome, seconds = self._outcome(record, journey)
        way = stages(
            journey,
            outcome,
            {name: value / self.speed for name, value in seconds.items()},
            update_state=self._options["state_after_put"],
            rolling=self._options["update_strategy"] == "rolling",
            keeps_serving=self._options["update_failed_serves"] == "old",
        )
        record.ran = copy.deepcopy(record.served) or record.ran
        record.starting = self.replicas(record)
        record.upcoming = way[1:]
        self.enter(record, way[0], now)

    def stop(self, record: Record, stage: Stage, now: float) -> None:
        """Leave the journey for a stage that somebody asked for."""
        record.upcoming = []
        self.enter(record, stage, now)

    def settle(self, record: Record, now: float) -> bool:
        """Let the record reach `now`; whether it entered another stage on the way."""
        moved = False
        while (step := self._next(record)) is not None and step[0] <= now:
            self.enter(record, step[1], step[0])
            moved = True
        self._account(record, now)
        return moved

    def enter(self, record: Record, stage: Stage, at: float) -> None:
        """Enter a stage, with all that changes for callers."""
        self._account(record, at)
        if record.upcoming and record.upcoming[0] == stage:
            record.upcoming = record.upcoming[1:]
        record.stage, record.entered = stage, at
        record.url_known = record.url_known or stage.state not in {"pending", "failed", "paused"}
        if stage.state == "updateFailed" and self._options["update_failed_configuration"] == "rolled_back":
            # Of replicas that were stopped first nothing runs any more, and their configuration is known all the same.
            record.config = copy.deepcopy(record.ran or record.config)
        match stage.serves:
            case "new":
                record.served, record.replicas, record.starting = copy.deepcopy(record.config), record.starting, []
            case "nothing":
                record.served, record.replicas = None, []
        if stage.state not in {"pending", "initializing", "updating"}:
            record.starting = []
        if not record.counts or record.counts[-1][1] != len(record.replicas):
            record.counts.append([at, len(record.replicas)])
            del record.counts[:-COUNTS]
        self._log(record, stage, at)

    def _next(self, record: Record) -> tuple[float, Stage] | None:
        """When the record enters which stage, if nothing happens until then."""
        stage = record.stage
        if stage.seconds is not None and record.upcoming:
            return record.entered + stage.seconds, record.upcoming[0]
        scaling = record.config["compute"]["scaling"]
        if stage.state == RUNNING.state and scaling["minReplica"] == 0:
            timeout = self._options["idle_timeout_seconds"]
            if timeout is None:
                timeout = 60 * scaling["scaleToZeroTimeout"]
            return max(record.entered, record.last_used or 0.0) + timeout, SCALED_TO_ZERO
        return None

    def _outcome(self, record: Record, journey: Journey) -> tuple[Outcome, Mapping[str, float]]:
        """How this journey ends and the durations it takes."""
        seconds = self._options.durations()
        if record.outcome is not None:
            return OUTCOMES[record.outcome], seconds
        document = {"namespace": record.namespace, "name": record.name, **record.config}
        for rule in self._options["outcomes"]:
            if rule.get("journey", journey) != journey or rule.get("times") == 0:
                continue
            if all(_has(document, path.split("."), wanted) for path, wanted in rule.get("match", {}).items()):
                if rule.get("times") is not None:
                    rule["times"] -= 1
                return OUTCOMES[rule["outcome"]], seconds | rule.get("seconds", {})
        model = record.config["model"]
        if not is_reachable(model["image"], tuple(model.get("args", ())), model["env"], self._options):
            return OUTCOMES["stuck_initializing"], seconds
        return OUTCOMES["healthy"], seconds

    def replicas(self, record: Record) -> list[str]:
        """Ids of the replicas that will run the configuration; those that already do stay."""
        count = max(1, int(record.config["compute"]["scaling"]["minReplica"]))
        kept = record.replicas if record.served is not None and _same_replicas(record.served, record.config) else []
        started = []
        for _ in range(count - len(kept)):
            record.replica_count += 1
            digest = hashlib.sha256(f"{record.identity}/{record.replica_count}".encode()).hexdigest()
            started.append(f"{digest[:8]}-{digest[8:13]}")
        return [*kept[:count], *started]

    def _account(self, record: Record, until: float) -> None:
        """Bring the cost up to `until`."""
        elapsed = until - record.accounted
        if elapsed <= 0:
            return
        entry = record.cost.setdefault(record.state, {"seconds": 0.0, "usd": 0.0})
        entry["seconds"] += elapsed
        if record.state in BILLED:
            price = self._price(record.served or record.config)
            entry["usd"] += price * target_replicas(record) * elapsed / 3600
        record.accounted = until

    def _log(self, record: Record, stage: Stage, at: float) -> None:
        replica = next(iter([*record.starting, *record.replicas]), "")
        for level, line in _lines(record, stage):
            stream = "stderr" if level == "ERROR" else "stdout"
            record.logs.append({"timestamp": at, "line": line, "stream": stream, "replica_id": replica, "level": level})
        del record.logs[:-LOG_LINES]


def target_replicas(record: Record) -> int:
    """`status.targetReplica`: what the autoscaler wants without load."""
    if record.state in {"paused", "scaledToZero"}:
        return 0
    return max(1, int(record.config["compute"]["scaling"]["minReplica"]))


def quietened(stage: Stage) -> Stage:
    """The stage without an end and with nothing to serve, e.g. for a state forced from outside."""
    return replace(stage, seconds=None, serves="nothing")


def _same_replicas(served: Config, config: Config) -> bool:
    """Whether replicas of one configuration can go on for the other: only bounds, access, tags or route differ."""

    def essence(one: Config) -> list[Any]:
        compute = {key: value for key, value in one["compute"].items() if key != "scaling"}
        return [one["model"], compute, one.get("customRouter"), one["experimentalFeatures"]]

    return essence(served) == essence(config)


def _has(value: Json, path: list[str], wanted: Json) -> bool:
    """Whether the value at a path, in which `*` is any key, is what a rule wants."""
    if not path:
        if isinstance(value, str) and isinstance(wanted, str):
            return matches(value, wanted)
        return bool(value == wanted)
    if not isinstance(value, Mapping):
        return False
    keys = list(value) if path[0] == "*" else [path[0]]
    return any(key in value and _has(value[key], path[1:], wanted) for key in keys)


def _lines(record: Record, stage: Stage) -> list[tuple[str, str]]:
    model = record.config["model"]
    match stage.state:
        case "initializing" | "updating":
            return [
                ("INFO", f"Starting container for {model['repository']} at {model['revision']}"),
                ("INFO", "Downloading files to /repository"),
            ]
        case "running":
            return [("INFO", "Model loaded"), ("INFO", "Connected: ready to accept requests")]
        case "failed" | "updateFailed":
            return [("WARN", "Container is not answering its health check"), ("ERROR", stage.error or stage.message)]
        case "paused" | "scaledToZero":
            return [("INFO", "Signal received: shutting down")]
    return []
