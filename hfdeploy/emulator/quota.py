"""Quota: accelerators per namespace, vendor and instance type, and who holds how many of them."""

from collections.abc import Iterable
from typing import Any

from hfdeploy.emulator.accounts import Accounts
from hfdeploy.emulator.ageing import target_replicas
from hfdeploy.emulator.hardware import Catalogue, Hardware
from hfdeploy.emulator.options import Options
from hfdeploy.emulator.records import Config, Record
from hfdeploy.emulator.refusals import Refused


class Quota:
    """Counting, by the options in force."""

    def __init__(self, options: Options, catalogue: Catalogue, accounts: Accounts) -> None:
        self._options = options
        self._catalogue = catalogue
        self._accounts = accounts

    def maximum(self, namespace: str, hardware: Hardware) -> int:
        """Accelerators of the type that the namespace may hold; 0 without a payment method."""
        if not self._accounts.pays(namespace):
            return 0
        limits = self._options["quota"]
        vendor, kind = hardware.vendor, hardware.instance_type
        for key in (f"{namespace}/{vendor}/{kind}", f"{vendor}/{kind}", kind, hardware.accelerator):
            if key in limits:
                return int(limits[key])
        return int(self._options.definitions["quota"].default[hardware.accelerator])

    def used(self, records: Iterable[Record], hardware: Hardware) -> int:
        """Accelerators of the type that `records`, all of one namespace, hold."""
        return sum(
            self._need(record, record.config)
            for record in records
            if self._counts(record)
            and record.config["provider"]["vendor"] == hardware.vendor
            and record.config["compute"]["instanceType"] == hardware.instance_type
        )

    def check(self, namespace: str, others: Iterable[Record], hardware: Hardware, wanted: int) -> None:
        """Refuse what does not fit beside the others of the namespace; `wanted` counts replicas.

        Raises:
            Refused: 409, with the numbers.
        """
        maximum, used = self.maximum(namespace, hardware), self.used(others, hardware)
        need = wanted * hardware.accelerators
        if used + need > maximum:
            raise Refused(
                "CONFLICT",
                f"Quota exceeded for namespace: {namespace}: {need} {hardware.instance_type} accelerators on "
                f"{hardware.vendor} requested, {used} of {maximum} in use",
            )

    def replicas(self, config: Config) -> int:
        """Replicas of a configuration that must fit."""
        scaling = config["compute"]["scaling"]
        if self._options["quota_measure"] == "current_replicas":
            return max(1, int(scaling["minReplica"]))
        return int(scaling["maxReplica"])

    def listing(self, namespace: str, records: Iterable[Record]) -> dict[str, Any]:
        """The reply of GET /v2/provider/quotas/{namespace}."""
        held = list(records)
        vendors: dict[str, dict[str, dict[str, Any]]] = {}
        for one in self._catalogue.all():
            vendors.setdefault(one.vendor, {})[one.instance_type] = {
                "architecture": one.architecture,
                "instanceType": one.instance_type,
                "maxAccelerators": self.maximum(namespace, one),
                "usedAccelerators": self.used(held, one),
            }
        return {"vendors": [{"name": name, "quotas": list(quotas.values())} for name, quotas in vendors.items()]}

    def _need(self, record: Record, config: Config) -> int:
        found = self._catalogue.find(config["provider"], config["compute"])
        replicas = target_replicas(record) if self._options["quota_measure"] == "current_replicas" else None
        if replicas is None:
            replicas = int(config["compute"]["scaling"]["maxReplica"])
        return replicas * (found.accelerators if found else 0)

    def _counts(self, record: Record) -> bool:
        if record.state == "paused":
            return bool(self._options["quota_counts_paused"] == "yes")
        return record.state != "failed"
