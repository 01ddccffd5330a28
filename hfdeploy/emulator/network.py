"""Custom domains, CIDR lists, private services and the audit log: a simple, true form of the neighbouring routes.

The API's documents name these routes and few of their fields (section 2.4 of the reference).
"""

from collections.abc import Callable, Mapping
from typing import Any

from hfdeploy.emulator.accounts import user
from hfdeploy.emulator.clock import Clock, timestamp
from hfdeploy.emulator.options import Options
from hfdeploy.emulator.refusals import Refused, invalid

AUDIT_ENTRIES = 1000
"""Audit entries kept."""


class Network:
    """What namespaces own besides endpoints."""

    def __init__(self, options: Options, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self.on_change: Callable[[], None] = lambda: None
        self.clear()

    def clear(self) -> None:
        """Nothing of anybody."""
        self._domains: dict[str, dict[str, dict[str, Any]]] = {}
        self._lists: dict[str, dict[str, dict[str, Any]]] = {}
        self._audit: list[dict[str, Any]] = []
        self._count = 0

    def domains(self, namespace: str) -> list[dict[str, Any]]:
        """The custom domains of a namespace."""
        return list(self._domains.get(namespace, {}).values())

    def domain_names(self, namespace: str) -> set[str]:
        """Their names."""
        return set(self._domains.get(namespace, {}))

    def add_domain(self, namespace: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A new domain.

        Raises:
            Refused: 400 without a name, 409 for one that is there.
        """
        name = body.get("domain")
        if not isinstance(name, str) or not name:
            raise invalid("", "missing field domain")
        if name in self._domains.get(namespace, {}):
            raise Refused("CONFLICT", f"Domain {name} already exists")
        domain = {"domain": name, "status": self._options["domain_status"], "createdAt": self._now()}
        self._domains.setdefault(namespace, {})[name] = domain
        self.on_change()
        return domain

    def remove_domain(self, namespace: str, name: str) -> None:
        """Raises: Refused, 404."""
        if self._domains.get(namespace, {}).pop(name, None) is None:
            raise Refused("NOT_FOUND", f"Domain {name} not found")
        self.on_change()

    def lists(self, namespace: str) -> list[dict[str, Any]]:
        """The CIDR lists of a namespace."""
        return list(self._lists.get(namespace, {}).values())

    def put_list(self, namespace: str, body: Mapping[str, Any], identity: str | None = None) -> dict[str, Any]:
        """A new CIDR list, or another content for one.

        Raises:
            Refused: 400 for a malformed body, 404 for an unknown `identity`.
        """
        name, cidrs = body.get("name"), body.get("cidrList")
        if not isinstance(name, str) or not isinstance(cidrs, list):
            raise invalid("", "name and cidrList are required")
        known = self._lists.setdefault(namespace, {})
        if identity is not None and identity not in known:
            raise Refused("NOT_FOUND", f"CIDR list {identity} not found")
        if identity is None:
            identity = f"cidr-{self.next_number()}"
        known[identity] = {"id": identity, "name": name, "cidrList": cidrs}
        self.on_change()
        return known[identity]

    def next_number(self) -> int:
        """A number that nothing here has had before."""
        self._count += 1
        self.on_change()
        return self._count

    def remove_list(self, namespace: str, identity: str) -> None:
        """Raises: Refused, 404."""
        if self._lists.get(namespace, {}).pop(identity, None) is None:
            raise Refused("NOT_FOUND", f"CIDR list {identity} not found")
        self.on_change()

    def audit(self, namespace: str, endpoint: str, by: str, action: str, request_id: str) -> None:
        """Note a change that somebody made."""
        self._audit.append(
            {
                "namespace": namespace,
                "endpoint": endpoint,
                "user": user(by),
                "action": action,
                "requestId": request_id,
                "createdAt": self._now(),
            }
        )
        del self._audit[:-AUDIT_ENTRIES]
        self.on_change()

    def audit_log(self, namespace: str, endpoint: str | None, username: str | None) -> list[dict[str, Any]]:
        """The changes in a namespace, newest first."""
        return [
            {key: value for key, value in entry.items() if key != "namespace"}
            for entry in reversed(self._audit)
            if entry["namespace"] == namespace
            and endpoint in {None, entry["endpoint"]}
            and username in {None, entry["user"]["name"]}
        ]

    def dump(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"domains": self._domains, "lists": self._lists, "audit": self._audit, "count": self._count}

    def load(self, values: Mapping[str, Any]) -> None:
        """The inverse of `dump`."""
        self._domains, self._lists = dict(values["domains"]), dict(values["lists"])
        self._audit, self._count = list(values["audit"]), values["count"]

    def _now(self) -> str:
        return timestamp(self._clock.now(), self._options["timestamp_digits"])
