"""What the program would make, as `pulumi preview --json` shows it: inputs, parents and options as the engine has them.

The program's own words are used rather than the specs alone: only with the very inputs that the next run registers
does that run find nothing to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hfdeploy.provider.props import IDENTITY as IDENTITY_INPUTS
from hfdeploy.provider.props import SPEC_FIELDS, Props, spec_fields

GUARD: Final = "pulumi-python:dynamic/hfdeploy:StackGuard"
IDENTITY: Final = "pulumi-python:dynamic/hfdeploy:EndpointIdentity"
ENDPOINT: Final = "pulumi-python:dynamic/hfdeploy:InferenceEndpoint"

_UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that is not known yet."""
_SECRET: Final = "[secret]"  # noqa: S105 - how a preview hides one

Resource = Mapping[str, Any]
"""One resource in the state's format."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One endpoint that the program has: its two resources."""

    identity: Resource
    configuration: Resource

    @property
    def declared(self) -> Props:
        """The spec's fields."""
        return spec_fields(self.configuration["inputs"])

    @property
    def logical(self) -> str:
        """The logical name."""
        return str(self.identity["urn"]).rpartition("::")[2]

    @property
    def place(self) -> str:
        """`namespace/name`."""
        return f"{self.declared.get('namespace')}/{self.declared.get('name')}"

    @property
    def hidden(self) -> list[str]:
        """Fields whose value only a run knows: Outputs of other resources, and secrets."""
        inputs = self.configuration["inputs"]
        return [name for name in SPEC_FIELDS if name in inputs and _is_hidden(inputs[name])]


@dataclass(frozen=True, slots=True)
class Wanted:
    """All of it, in the order in which the program registers it."""

    guard: Resource | None
    intents: tuple[Intent, ...]
    components: Mapping[str, Resource] = field(default_factory=dict)
    """What groups other resources and is nowhere but in the state, by URN."""
    order: tuple[str, ...] = ()

    @property
    def namespaces(self) -> set[str]:
        """Where the endpoints are to be, as far as it is known."""
        return {str(one.declared["namespace"]) for one in self.intents if "namespace" not in one.hidden}


def read_wanted(preview: Mapping[str, Any]) -> Wanted:
    """Read the preview's document."""
    steps: Sequence[Mapping[str, Any]] = preview.get("steps") or []
    states: dict[str, Resource] = {one["urn"]: one["newState"] for one in steps if one.get("newState")}
    kinds = {urn: state.get("type") for urn, state in states.items()}
    configurations = {states[urn].get("parent"): states[urn] for urn, kind in kinds.items() if kind == ENDPOINT}
    return Wanted(
        guard=next((states[urn] for urn, kind in kinds.items() if kind == GUARD), None),
        intents=tuple(
            Intent(states[urn], configurations[urn])
            for urn, kind in kinds.items()
            if kind == IDENTITY and urn in configurations
        ),
        components={urn: state for urn, state in states.items() if not state.get("custom")},
        order=tuple(states),
    )


def known_inputs(declared: Props, intent: Intent, owner: str, generation: str) -> Props:
    """The inputs of the configuration as the next run registers them, with what a preview cannot know filled in."""
    known = {"logical_name": intent.logical, "owner": owner, "generation": generation}
    return declared | {name: known[name] for name in IDENTITY_INPUTS}


def _is_hidden(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    match value:
        case str():
            return value in {_UNKNOWN, _SECRET}
        case Mapping():
            return any(_is_hidden(item) for item in value.values())
        case list():
            return any(_is_hidden(item) for item in value)
        case _:
            return False
