"""What exists and what may be done with it. Knows time, options and quota; knows no HTTP.

Everything a caller sees of an endpoint has aged to the present before it is shown. All methods are quick and are
called from one thread.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from hfdeploy.emulator import reply
from hfdeploy.emulator.accounts import Accounts, user
from hfdeploy.emulator.ageing import Ageing
from hfdeploy.emulator.clock import Clock
from hfdeploy.emulator.configuration import Configurations
from hfdeploy.emulator.hardware import Catalogue
from hfdeploy.emulator.lifecycle import MOVING, PAUSED, Journey
from hfdeploy.emulator.options import Options
from hfdeploy.emulator.quota import Quota
from hfdeploy.emulator.records import Config, Json, Record, load_record
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.repositories import Repositories


class Store:
    """All endpoints of all namespaces."""

    def __init__(self, options: Options, clock: Clock, repositories: Repositories, *, speed: float = 1.0) -> None:
        self.options = options
        self.clock = clock
        self.speed = speed
        self.accounts = Accounts(options)
        self.catalogue = Catalogue(options)
        self.quota = Quota(options, self.catalogue, self.accounts)
        self.configurations = Configurations(options, self.catalogue, repositories)
        self.domains: Callable[[str], set[str]] = lambda _: set()
        """The custom domains of a namespace."""
        self.ageing = Ageing(options, self._price, speed)
        self.on_change: Callable[[], None] = lambda: None
        """Called after every change that must survive a restart."""
        self.on_use: Callable[[], None] = lambda: None
        """Called after a change that may be lost: an endpoint was called."""
        self._records: dict[tuple[str, str], Record] = {}
        self._born = 0
        self._last_created = 0.0

    def all(self) -> list[Record]:
        """Every endpoint of every namespace."""
        return [record for (namespace, name) in list(self._records) if (record := self.find(namespace, name))]

    def find(self, namespace: str, name: str) -> Record | None:
        """The endpoint, aged to now; None when there is none or it was deleted."""
        record = self._records.get((namespace, name))
        now = self.clock.now()
        if record is None or self._is_gone(record, now):
            return None
        if self.ageing.settle(record, now):
            self.on_change()
        return record

    def get(self, namespace: str, name: str) -> Record:
        """The endpoint.

        Raises:
            Refused: 404.
        """
        record = self.find(namespace, name)
        if record is None:
            raise Refused("NOT_FOUND", f"Endpoint {name} not found in namespace {namespace}")
        return record

    def create(self, namespace: str, body: Json, by: str) -> Record:
        """A new endpoint, pending.

        Raises:
            Refused: 400, 422; 409 for a taken name or for quota.
        """
        name, config = self.configurations.create(body, self.domains(namespace))
        if self._is_taken(namespace, name):
            status = self.options["name_taken_status"]
            code = "CONFLICT" if status == 409 else "BAD_REQUEST"
            raise Refused(code, f"Endpoint name {name} already exists in namespace {namespace}", status=status)
        self.check_quota(namespace, config, but=None)
        return self.add(namespace, name, config, by=user(by))

    def add(
        self, namespace: str, name: str, config: Config, *, by: dict[str, str], created: float | None = None
    ) -> Record:
        """Put an endpoint into the world, unchecked, at the start of its life."""
        now = self.clock.now()
        # A namesake of a deleted endpoint never has its creation time, which clients take for its identity.
        moment = created if created is not None else max(now, self._last_created + 0.001)
        self._last_created = max(self._last_created, moment)
        self._born += 1
        identity = hashlib.sha256(f"{namespace}/{name}/{self._born}".encode()).hexdigest()[:24]
        record = Record(
            namespace, name, identity, config, moment, by, moment, by, stage=PAUSED, entered=moment, accounted=moment
        )
        self.ageing.begin(record, "create", moment)
        record.url_known = False
        self._records[record.key] = record
        self.ageing.settle(record, now)
        self.on_change()
        return record

    def update(self, namespace: str, name: str, body: Json, by: str) -> Record:
        """A PUT: partial, and all or nothing.

        Raises:
            Refused: 400, 404, 409, 422.
        """
        record = self.get(namespace, name)
        config = self.configurations.update(record.config, body, self.domains(namespace))
        self._check_put(record)
        if self._holds_quota(record.state):
            self.check_quota(namespace, config, but=record)
        self.apply(record, config, by=user(by))
        return record

    def apply(self, record: Record, config: Config, *, by: dict[str, str]) -> None:
        """Take a configuration over and roll it out as the state has it."""
        now = self.clock.now()
        record.config = config
        self.touch(record, by)
        journey = self._journey_of_put(record)
        if journey is not None:
            self.ageing.begin(record, journey, now)
        self.on_change()

    def delete(self, namespace: str, name: str) -> None:
        """Remove an endpoint, at once or by option after a while.

        Raises:
            Refused: 404.
        """
        record = self.get(namespace, name)
        record.deleted = self.clock.now()
        self.on_change()

    def touch(self, record: Record, by: dict[str, str]) -> None:
        """Note who changed the endpoint, and when."""
        record.updated, record.updated_by = self.clock.now(), by

    def object(self, record: Record, base: str) -> dict[str, Any]:
        """The endpoint as replies show it."""
        return reply.endpoint(record, self.clock.now(), self.options, base, self.speed)

    def private_services(self, namespace: str, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
        """The private services of a namespace; `wanted` may name `account-id` and `shared`."""
        services = []
        for record in self.present(namespace):
            service = record.config.get("privateService")
            if service is None or wanted.get("account-id") not in {None, service["accountId"]}:
                continue
            if "shared" in wanted and wanted["shared"] != str(bool(service.get("shared"))).lower():
                continue
            named = self.object(record, "")["status"]["private"]
            status = {
                "region": service.get("region", record.config["provider"]["region"]),
                "stage": "ready" if named else "pending",
                "lb_ips": [],
            }
            if named:
                status["service_name"] = named["serviceName"]
            services.append({"id": f"vpce-{record.identity[:12]}", "accountId": service["accountId"], "status": status})
        return services

    def remove_private_service(self, namespace: str, identity: str) -> None:
        """Raises: Refused, 404."""
        for record in self.present(namespace):
            if "privateService" in record.config and identity == f"vpce-{record.identity[:12]}":
                del record.config["privateService"]
                self.on_change()
                return
        raise Refused("NOT_FOUND", f"Private service {identity} not found")

    def dump(self) -> dict[str, Any]:
        """All endpoints as JSON values."""
        return {
            "records": [record.dump() for record in self._records.values()],
            "born": self._born,
            "last_created": self._last_created,
        }

    def load(self, values: Mapping[str, Any]) -> None:
        """The inverse of `dump`."""
        records = [load_record(record) for record in values["records"]]
        self._records = {record.key: record for record in records}
        self._born, self._last_created = values["born"], values["last_created"]

    def clear(self) -> None:
        """Nothing exists."""
        self._records.clear()

    def present(self, namespace: str) -> list[Record]:
        """The endpoints of a namespace, aged to now, in order of their creation."""
        return [
            record for (space, name) in list(self._records) if space == namespace and (record := self.find(space, name))
        ]

    def check_quota(self, namespace: str, config: Config, *, but: Record | None) -> None:
        """Refuse a configuration whose hardware is unknown or does not fit beside all endpoints `but` one.

        Raises:
            Refused: 400, 409.
        """
        hardware = self.configurations.hardware(config)
        others = [record for record in self.present(namespace) if record is not but]
        self.quota.check(namespace, others, hardware, self.quota.replicas(config))

    def _check_put(self, record: Record) -> None:
        rules = {"paused": "put_on_paused", "scaledToZero": "put_on_scaled_to_zero", "failed": "put_on_failed"}
        rule = "put_while_moving" if record.state in MOVING else rules.get(record.state)
        if rule is not None and self.options[rule] == "refused":
            raise Refused("BAD_REQUEST", f"Endpoint {record.name} is {record.state} and cannot be updated")

    def _journey_of_put(self, record: Record) -> Journey | None:
        """What a PUT starts; None where the new configuration waits for the next start."""
        match record.state:
            case "paused":
                return "resume" if self.options["put_on_paused"] == "starts" else None
            case "scaledToZero":
                return "wake" if self.options["put_on_scaled_to_zero"] == "starts" else None
            case "running" | "updateFailed" | "updating":
                return "update"
        # An update may be shown as `pending`, by option: the replicas tell it from a first start.
        return "update" if record.served is not None else "create"

    def _holds_quota(self, state: str) -> bool:
        return state != "paused" or self.options["quota_counts_paused"] == "yes"

    def _price(self, config: Config) -> float:
        found = self.catalogue.find(config["provider"], config["compute"])
        return found.price if found else 0.0

    def _is_gone(self, record: Record, now: float) -> bool:
        return record.deleted is not None and now >= record.deleted + self.options["delete_visible_seconds"]

    def _is_taken(self, namespace: str, name: str) -> bool:
        record = self._records.get((namespace, name))
        if record is None or record.deleted is None:
            return record is not None
        wait = max(self.options["delete_visible_seconds"], self.options["name_free_after_seconds"])
        return bool(self.clock.now() < record.deleted + wait)
