"""A guard that guards nothing, and a session that never stops."""

from typing import Any

from pulumi.dynamic import CheckResult, CreateResult

from controls.patched import replaced
from hfdeploy.client import session as client_session
from hfdeploy.provider import GuardProvider, IdentityProvider, guard
from hfdeploy.provider.boundary import guarded

Props = dict[str, Any]


class NeverSweeps(GuardProvider):
    """A stack ends whether or not something of it is alive."""

    @guarded
    def delete(self, _id: str, _props: Props) -> None:
        """Nothing is looked for."""


class LetsAllGo(GuardProvider):
    """A run may remove as many as it likes."""

    @guarded
    def check(self, _olds: Props, news: Props) -> CheckResult:
        return CheckResult(guard.inputs_of(news), [])


class NeverStops(IdentityProvider):
    """A refused token is tried again and again."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        with replaced(client_session, "_MOST_DOUBTS", 1000):
            return IdentityProvider.create.__wrapped__(self, props)
