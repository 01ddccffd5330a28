"""Who may do what: tokens, the users they belong to, and the namespaces there are."""

import hashlib
from typing import Any

from hfdeploy.emulator.options import Options
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.serving import Account


class Accounts:
    """The accounts that the options define."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def of(self, token: str | None) -> Account | None:
        """The account of a token, or None when it is missing or unknown."""
        entry = self._options["accounts"].get(token)
        if entry is None:
            return None
        return Account(entry["user"], frozenset({entry["user"], *entry["organisations"]}))

    def admit(self, token: str | None, namespace: str, *, free: bool = False) -> Account:
        """The account, when it may act in the namespace; `free` for what costs nothing, such as the catalogue.

        Raises:
            Refused: 401 for an unknown token, 403 without access or payment method, 404 for an absent namespace.
        """
        account = self.known(token)
        if namespace not in account.namespaces:
            if namespace not in self._namespaces():
                raise Refused("NOT_FOUND", f"Namespace {namespace} not found")
            raise self._no_access(f"Not allowed to access namespace: {namespace}")
        if not free and not self.pays(namespace):
            raise self._no_access(f"Payment method required for namespace: {namespace}")
        return account

    def known(self, token: str | None) -> Account:
        """The account of a token.

        Raises:
            Refused: 401, the token is missing or unknown.
        """
        account = self.of(token)
        if account is None:
            raise Refused("UNAUTHORIZED", "Invalid token" if token else "Missing token")
        return account

    def pays(self, namespace: str) -> bool:
        """Whether the namespace has a payment method."""
        return namespace not in self._options["unpaid_namespaces"]

    def whoami(self, token: str | None) -> dict[str, Any]:
        """The Hub's reply to whoami-v2."""
        account = self.known(token)
        return {
            "type": "user",
            "id": user(account.user)["id"],
            "name": account.user,
            "fullname": account.user,
            "isPro": False,
            "canPay": self.pays(account.user),
            "billingMode": "postpaid",
            "orgs": [
                {
                    "type": "org",
                    "id": user(name)["id"],
                    "name": name,
                    "fullname": name,
                    "plan": self._options["plan"],
                    "roleInOrg": "admin",
                    "canPay": self.pays(name),
                }
                for name in sorted(account.namespaces - {account.user})
            ],
            "auth": {
                "type": "access_token",
                "accessToken": {"displayName": "emulated", "role": "write", "createdAt": "2026-01-01T00:00:00.000Z"},
            },
        }

    def _no_access(self, text: str) -> Refused:
        return Refused("FORBIDDEN" if self._options["no_access_status"] == 403 else "UNAUTHORIZED", text)

    def _namespaces(self) -> set[str]:
        known = {*self._options["other_namespaces"], *self._options["unpaid_namespaces"]}
        for entry in self._options["accounts"].values():
            known |= {entry["user"], *entry["organisations"]}
        return known


def user(name: str) -> dict[str, str]:
    """A user as `createdBy` names them: an id of 24 hex digits, and the name."""
    return {"id": hashlib.sha256(name.encode()).hexdigest()[:24], "name": name}
