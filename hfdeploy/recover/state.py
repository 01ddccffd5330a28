"""The state as `pulumi stack export` prints it, and the same with lost resources put back.

The file is the engine's: the root, the provider with its configuration and the secrets manager are what an `up` of the
guard alone wrote. Only the guard's owner id and the endpoints' resources are written here. Outputs that have to be
secret are marked so, and `pulumi stack import` encrypts them with the stack's own secrets manager.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hfdeploy.errors import EngineError
from hfdeploy.owner import KEEP as KEEP_TAG
from hfdeploy.owner import is_owner_id
from hfdeploy.provider import guard, identity, outputs
from hfdeploy.provider.props import KEEP, SECRET_OUTPUTS, Props
from hfdeploy.recover.wanted import GUARD, IDENTITY, Resource, Wanted, known_inputs

if TYPE_CHECKING:
    from hfdeploy.recover.review import Review, Row

_PICKLE: Final = "__provider"
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key by which the engine marks a special value in a state file."""

_SECRET: Final = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270"}
"""How it marks a secret one."""


@dataclass(frozen=True, slots=True)
class State:
    """What an exported state says."""

    resources: tuple[Resource, ...]

    @property
    def guard(self) -> Resource | None:
        """The stack's guard."""
        return next((one for one in self.resources if one.get("type") == GUARD), None)

    @property
    def owner(self) -> str | None:
        """The owner id: the guard's, or that of the endpoints where the guard is gone."""
        holders = [*filter(None, [self.guard]), *self._identities()]
        ids = [(one.get("outputs") or {}).get("owner") for one in holders]
        return next((str(one) for one in ids if is_owner_id(one)), None)

    @property
    def tracked(self) -> dict[str, str]:
        """`namespace/name` of the endpoints in it, with their creation times."""
        outs = [one.get("outputs") or {} for one in self._identities()]
        return {f"{one.get('namespace')}/{one.get('name')}": str(one.get("generation")) for one in outs}

    @property
    def namespaces(self) -> set[str]:
        """Where the stack's endpoints are, as far as the state knows."""
        outs = (self.guard or {}).get("outputs") or {}
        return {*(outs.get("namespaces") or []), *(place.partition("/")[0] for place in self.tracked)}

    @property
    def urns(self) -> set[str]:
        """Of every resource."""
        return {str(one["urn"]) for one in self.resources}

    def provider_of(self, resource: Resource) -> str | None:
        """The reference (`urn::id`) of the provider that a previewed resource would have; None where it is not here.

        The default one is there as soon as the guard is.
        """
        urn = str(resource.get("provider", "")).rpartition("::")[0]
        found = next((one for one in self.resources if one["urn"] == urn), None)
        if found is not None:
            return f"{urn}::{found.get('id')}"
        return urn if urn.endswith("::default") and self.guard is None else None

    def _identities(self) -> list[Resource]:
        return [one for one in self.resources if one.get("type") == IDENTITY]


def read_state(export: Mapping[str, Any]) -> State:
    """Read the exported document."""
    return State(tuple((export.get("deployment") or {}).get("resources") or []))


def rebuild(export: Mapping[str, Any], wanted: Wanted, review: "Review") -> dict[str, Any]:
    """The document to import: the guard with the old owner id, and the resources of every recovered endpoint.

    Raises:
        EngineError: the exported state has no guard or says nothing about its secrets.
    """
    state = read_state(export)
    document: dict[str, Any] = copy.deepcopy(dict(export))
    deployment = document["deployment"]
    if state.guard is None or not deployment.get("secrets_providers"):
        raise EngineError("The state has no guard or no secrets provider, so nothing was put into it.")
    made = _made(wanted, review, state)
    deployment["resources"] = [
        _guard(one, wanted, review) if one["urn"] == state.guard["urn"] else one for one in deployment["resources"]
    ]
    present = state.urns
    for urn in wanted.order:
        if urn in made:
            present.add(urn)
            deployment["resources"].append(_linked(made[urn], present))
    return document


def _made(wanted: Wanted, review: "Review", state: State) -> dict[str, dict[str, Any]]:
    made: dict[str, dict[str, Any]] = {}
    for row in review.recovered:
        one = row.intent
        assert one is not None  # noqa: S101 - what is recovered has both
        made |= {str(part["urn"]): part for part in _pair(row, review.owner, state)}
        parent = str(one.identity.get("parent"))
        while parent in wanted.components and parent not in state.urns:
            made[parent] = dict(wanted.components[parent])
            parent = str(made[parent].get("parent"))
    return made


def _pair(row: "Row", owner: str, state: State) -> Iterable[dict[str, Any]]:
    """The two resources of an endpoint, as a run that brought live what is live would have left them."""
    one, live, plan, found = row.intent, row.live, row.plan, row.found
    assert one is not None and live is not None and plan is not None and found is not None  # noqa: S101, PT018
    provider = state.provider_of(one.identity)
    inputs = known_inputs(found, one, owner, live.generation)
    identity_inputs = {**one.identity["inputs"], **found, "owner": owner}
    existence = identity.outputs(found, live, owner=owner, logical=one.logical)
    configured = _secretly(outputs.recovered(inputs, plan, live))
    if identity_inputs.get(KEEP) and KEEP_TAG in live.tags:
        configured[KEEP] = True
    for resource, said, outs in (
        (one.identity, identity_inputs, existence),
        (one.configuration, inputs, configured),
    ):
        pickle = {_PICKLE: resource["inputs"][_PICKLE]}
        yield {**resource, "id": row.place, "provider": provider, "inputs": said | pickle, "outputs": outs | pickle}


def _guard(found: dict[str, Any], wanted: Wanted, review: "Review") -> dict[str, Any]:
    """The guard with the owner id; members are added to those that it has, and none is forgotten."""
    asked = (wanted.guard or found).get("inputs") or {}
    old = found.get("outputs") or {}
    news = {
        key: sorted({*(old.get(key) or []), *(asked.get(key) or [])})
        for key in ("members", "retained")
        if old.get(key) or asked.get(key)
    }
    pickle = {_PICKLE: found["inputs"][_PICKLE]}
    outs = guard.outputs(review.owner, news, old)
    return {**found, "id": review.owner, "inputs": news | pickle, "outputs": outs | pickle}


def _linked(resource: dict[str, Any], present: set[str]) -> dict[str, Any]:
    """Without references to what is not in the state, which the engine would refuse; the next `up` writes them."""
    linked = dict(resource)
    linked["dependencies"] = [urn for urn in resource.get("dependencies") or [] if urn in present]
    linked["propertyDependencies"] = {
        name: [urn for urn in urns or [] if urn in present]
        for name, urns in (resource.get("propertyDependencies") or {}).items()
    }
    if linked.get("deletedWith") not in present:
        linked.pop("deletedWith", None)
    return linked


def _secretly(outs: Props) -> Props:
    return {
        key: {**_SECRET, "plaintext": json.dumps(value)} if key in SECRET_OUTPUTS else value
        for key, value in outs.items()
    }
