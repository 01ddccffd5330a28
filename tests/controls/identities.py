"""Ways to make an endpoint exist that others use: A, B and C of the reference (reliability, 2.5), and two more."""

import secrets
from typing import Any

from pulumi.dynamic import CreateResult, DiffResult

from controls.patched import replaced
from hfdeploy.client import api as client_api
from hfdeploy.client import retry
from hfdeploy.errors import ApiError, HfdeployError
from hfdeploy.provider import IdentityProvider, identity
from hfdeploy.provider.boundary import guarded
from hfdeploy.provider.host import current_row
from hfdeploy.provider.memory import require_values
from hfdeploy.provider.props import plain, spec_fields
from hfdeploy.provider.session import session
from hfdeploy.spec import parse_spec
from hfdeploy.wait import Outcome, wait_until_live
from hfdeploy.wire import Body

Props = dict[str, Any]


def _asked(props: Props) -> tuple[Props, Body]:
    """The spec's fields and the POST's body, as the stock provider makes them."""
    declared = spec_fields(props)
    plan = session().plan(parse_spec(declared), declared["namespace"])
    values = require_values(plan, session())
    return declared, identity._creation(plan, props["owner"], props["logical_name"], values)


def _made(declared: Props, live: Any, props: Props) -> CreateResult:
    outs = identity.outputs(declared, live, owner=props["owner"], logical=props["logical_name"])
    return CreateResult(f"{declared['namespace']}/{live.name}", {**outs, "name": live.name})


class _DeletesByName(IdentityProvider):
    @guarded
    def delete(self, _id: str, props: Props) -> None:
        session().api.delete(props["namespace"], props["name"], is_same=lambda _seen: True)


class RandomSuffix(_DeletesByName):
    """A: another name at each attempt, no owner tag, and waiting inside create(), so that the state comes last."""

    @guarded
    def diff(self, _id: str, _olds: Props, _news: Props) -> DiffResult:
        return DiffResult(changes=False)

    @guarded
    def create(self, props: Props) -> CreateResult:
        declared, body = _asked(props)
        namespace, api = declared["namespace"], session().api
        body["name"] = f"{body['name']}-{secrets.token_hex(3)}"
        body["tags"] = [tag for tag in body["tags"] if not tag.startswith("hfd-o-")]
        live = api.create(namespace, body)
        waited = wait_until_live(lambda: api.get(namespace, live.name), timeout_s=60, clock=session().clock)
        if waited.outcome is not Outcome.LIVE:
            raise HfdeployError(f"{namespace}/{live.name} is {waited.endpoint.status.state}.")
        return _made(declared, live, props)


class ConflictIsAnError(IdentityProvider):
    """B: a fixed name, and no look before or after: 409 is an error like any other."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        declared, body = _asked(props)
        return _made(declared, session().api.create(declared["namespace"], body), props)


class AdoptsAnything(_DeletesByName):
    """C: 409 takes over whatever has the name."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        declared, body = _asked(props)
        api, namespace = session().api, declared["namespace"]
        try:
            live = api.create(namespace, body)
        except ApiError as refusal:
            if refusal.status != 409:
                raise
            live = api.get(namespace, body["name"])
        return _made(declared, live, props)


class DeletesByName(_DeletesByName):
    """Neither the creation time nor the tag is looked at before a DELETE; nor at a refresh."""

    @guarded
    def read(self, id_: str, props: Props) -> Any:
        from pulumi.dynamic import ReadResult

        found = session().find(props["namespace"], props["name"])
        return ReadResult("", {}) if found is None else ReadResult(id_, props)


class PostsBlindly(IdentityProvider):
    """A POST of unknown fate is sent again without a look."""

    @guarded
    def create(self, props: Props) -> CreateResult:
        with replaced(client_api.retry, "was_not_accepted", retry.may_pass):
            outs = identity.ensure(plain(props), session(), current_row())
        return CreateResult(f"{outs['namespace']}/{outs['name']}", outs)
