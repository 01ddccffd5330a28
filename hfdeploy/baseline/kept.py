"""The endpoints that a state knows, as the refresh of the next run would leave them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hfdeploy.errors import UsageError
from hfdeploy.plan import Plan
from hfdeploy.provider.outputs import as_declared
from hfdeploy.provider.props import Props, plain
from hfdeploy.provider.refreshed import refreshed
from hfdeploy.provider.session import Session
from hfdeploy.provider.unfinished import Note
from hfdeploy.recover.state import SIGNATURE, State
from hfdeploy.recover.wanted import ENDPOINT, IDENTITY, Resource
from hfdeploy.spec import parse_spec
from hfdeploy.wire import Endpoint


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that a comparison with a state needs to know."""

    name: str
    program: Path
    """The folder of the stack program."""

    state: State
    """As `pulumi stack export --show-secrets` prints it."""

    session: Session
    live: Mapping[str, Endpoint] | None = None
    """Every endpoint of the stack's namespaces by `namespace/name`; None where nobody asked the service."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One endpoint of the state."""

    logical: str
    existence: Props
    """What the state has of its existence: the outputs of its identity."""

    outs: Props | None
    """What it has of its configuration; None where none was ever brought live."""

    live: Endpoint | None
    """None where nobody looked."""

    is_gone: bool = False
    """Whether the service does not have it any more; a refresh takes it out of the state."""

    is_protected: bool = False
    is_retained: bool = False

    @property
    def place(self) -> str:
        """`namespace/name`."""
        return f"{self.existence.get('namespace')}/{self.existence.get('name')}"


def kept(stack: Stack) -> Iterator[Kept]:
    """Every endpoint of the state."""
    resources = [one for one in stack.state.resources if not one.get("delete")]
    configurations = {str(one.get("parent")): one for one in resources if one.get("type") == ENDPOINT}
    for identity in resources:
        if identity.get("type") != IDENTITY or identity.get("pendingReplacement"):
            continue
        existence = _outputs(identity)
        live = _same(existence, stack.live)
        found = configurations.get(str(identity["urn"]))
        outs = None if found is None else _outputs(found)
        if outs is not None and live is not None:
            outs = _refreshed(outs, live, stack)
        yield Kept(
            logical=str(identity["urn"]).rpartition("::")[2],
            existence=existence,
            outs=outs,
            live=live,
            is_gone=live is None and stack.live is not None,
            is_protected=bool(identity.get("protect")),
            is_retained=bool(identity.get("retainOnDelete")),
        )


def plan_as_declared(outs: Props, session: Session) -> Plan | None:
    """The plan of what was last brought live, by the snapshot; None where this release cannot say it."""
    try:
        return session.plan_offline(parse_spec(as_declared(outs)))
    except UsageError:
        return None


def _same(existence: Props, live: Mapping[str, Endpoint] | None) -> Endpoint | None:
    found = (live or {}).get(f"{existence.get('namespace')}/{existence.get('name')}")
    return found if found is not None and found.generation == existence.get("generation") else None


def _refreshed(outs: Props, live: Endpoint, stack: Stack) -> Props:
    """The outputs as `EndpointProvider.read` leaves them."""
    plan = plan_as_declared(outs, stack.session)
    if plan is None:
        return outs
    return refreshed(outs, plan, live, Note(stack.name, plan.name, stack.program))


def _outputs(resource: Resource) -> Props:
    opened = _opened(resource.get("outputs") or {})
    return dict(plain(opened))


def _opened(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """A value of an exported state with its secrets readable."""
    match value:
        case {"plaintext": str(text), **marked} if SIGNATURE in marked:
            return json.loads(text)
        case Mapping():
            return {key: _opened(item) for key, item in value.items()}
        case list():
            return [_opened(item) for item in value]
        case _:
            return value
