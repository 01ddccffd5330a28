"""The API's own words: what is sent, what is read, nothing of ours.

Field names are the API's (camelCase through aliases); shapes from its OpenAPI document (Inference Endpoints 2.0.0)
and from recorded replies. Objects that are read ignore what they do not know, and an unknown state is
`State.UNKNOWN`, so that a new word of the service never breaks a refresh.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

Body: TypeAlias = dict[str, Any]
"""A JSON object as it goes over the wire."""

Json: TypeAlias = Any
"""Any JSON value: what it is, only the field it stands in knows."""

REDACTED: Final = frozenset({"credentials"})
"""Keys of an image variant that come back blanked: never compared, never sent back as read."""


def _shown(text: str) -> str:
    """On one line, without what a terminal would obey: these words end up in sentences."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


Words: TypeAlias = Annotated[str, AfterValidator(_shown)]
"""Text of a reply that is shown to people and compared with nothing."""


class State(StrEnum):
    """`status.state`; `transitions` in the API's documentation, 'foundations'."""

    PENDING = "pending"
    INITIALIZING = "initializing"
    UPDATING = "updating"
    UPDATE_FAILED = "updateFailed"
    RUNNING = "running"
    PAUSED = "paused"
    FAILED = "failed"
    SCALED_TO_ZERO = "scaledToZero"
    UNKNOWN = "unknown"

    @property
    def is_moving(self) -> bool:
        """Whether the service is still at work, so that waiting makes sense."""
        return self in {State.PENDING, State.INITIALIZING, State.UPDATING, State.UNKNOWN}

    @property
    def is_failure(self) -> bool:
        """Whether the service itself gave up."""
        return self in {State.FAILED, State.UPDATE_FAILED}


class Received(BaseModel):
    """A part of a reply: unknown keys are news, not errors, and null is the same as absent."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, Mapping) else value


class Provider(Received):
    """Where an endpoint runs; fixed for its life."""

    vendor: str
    region: str


class Scaling(Received):
    """Replica bounds. `scale_to_zero_timeout` is in minutes; `measure` has exactly one key."""

    min_replica: int = 1
    max_replica: int = 1
    scale_to_zero_timeout: int | None = None
    measure: dict[str, float | None] | None = None


class Compute(Received):
    """The hardware of one replica."""

    accelerator: str
    instance_type: str
    instance_size: str
    scaling: Scaling = Scaling()


class Model(Received):
    """What is served. `image` has exactly one key, the engine; secret values never come back."""

    repository: str
    revision: str | None = None
    framework: str | None = None
    task: str | None = None
    image: dict[str, dict[str, Any]] = Field(default_factory=dict)
    env: dict[str, str] = Field(default_factory=dict)
    command: list[str] | None = None
    args: list[str] | None = None
    secret_names: frozenset[str] = Field(default=frozenset(), alias="secrets")
    """Where the service lists them; empty says nothing. What stands beside them is never read."""

    @field_validator("secret_names", mode="before")
    @classmethod
    def _names_only(cls, value: object) -> object:
        return frozenset(map(str, value)) if isinstance(value, Mapping) else frozenset()

    @property
    def engine(self) -> str:
        """The key of the image union, '' when the reply shows none."""
        return next(iter(self.image), "")


class Person(Received):
    """Who did something: an id of the service, and the name people know."""

    id: str = ""
    name: Words = ""


class Status(Received):
    """What the service reports; times are RFC 3339 texts as received, since they serve as identity too."""

    state: State = State.UNKNOWN
    message: Words = ""
    error_message: Words | None = None
    url: Words | None = None
    ready_replica: int = 0
    target_replica: int = 0
    created_at: str = ""
    created_by: Person = Person()
    updated_at: str = ""
    updated_by: Person = Person()
    last_used_at: str | None = None

    @field_validator("state", mode="before")
    @classmethod
    def _new_states_are_unknown(cls, value: object) -> object:
        return value if isinstance(value, str) and value in set(State) else State.UNKNOWN


class Endpoint(Received):
    """One endpoint as GET, POST and PUT answer it."""

    name: str
    type: str
    provider: Provider
    compute: Compute
    model: Model
    tags: list[str] = Field(default_factory=list)
    route: dict[str, Any] | None = None
    private_service: dict[str, Any] | None = None
    health_route: str | None = None
    status: Status

    @field_validator("route")
    @classmethod
    def _without_nulls(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        return value and {key: part for key, part in value.items() if part is not None}

    @property
    def generation(self) -> str:
        """What tells this endpoint from an earlier or later one of the same name: its creation time."""
        return self.status.created_at


class Point(Received):
    """One figure of a graph; the time as text (RFC 3339) or as a number, which of the two is not documented."""

    x: str | float
    y: float | None = None
    """None where there is a gap."""


class Series(Received):
    """One line of a graph; only one of the labels is there, by the graph."""

    status_code: str | int = ""
    status: str = ""
    replica_id: str = ""
    data: list[Point] = Field(default_factory=list)


class Graph(Received):
    """One graph of a period."""

    series: list[Series] = Field(default_factory=list)


class Metrics(Received):
    """What the service measured of an endpoint in a period; a graph that it does not give is empty."""

    response_status_code_grouped: Graph | None = None
    """None where requests were not counted, which is not the same as none."""

    replicas_running: Graph = Graph()
    hardware_cpu: Graph = Graph()
    hardware_gpu: Graph = Graph()


def parse_metrics(reply: Mapping[str, Any]) -> Metrics:
    """Read the graphs of an endpoint.

    Raises:
        pydantic.ValidationError: not in the shape that was ever seen.
    """
    return Metrics.model_validate(reply)


def parse_endpoint(reply: Mapping[str, Any]) -> Endpoint:
    """Read one endpoint object; secrets and everything unknown are left behind.

    Raises:
        pydantic.ValidationError: a required key is missing. To the caller that is an unclear answer.
    """
    return Endpoint.model_validate(reply)
