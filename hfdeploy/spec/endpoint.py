"""What a person writes about one endpoint, in this project's words; `hfdeploy.wire` speaks the API's.

The names and their meaning are fixed by the format's version 1. Nothing is fetched here: whether hardware, models and
regions exist is for `catalog` and `hub` to say.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter

from hfdeploy.spec import deep, length
from hfdeploy.spec.engine import ENGINES, Engine, HuggingfaceEngine
from hfdeploy.spec.naming import (
    Cloud,
    Moment,
    Name,
    Namespace,
    PublicVariable,
    Region,
    Repository,
    Revision,
    Tags,
    Task,
    Variable,
)
from hfdeploy.spec.network import PrivateService, Route
from hfdeploy.spec.rollout import RolloutSpec
from hfdeploy.spec.scalar import WHOLE, Anything, Count, Line, Shape, kind
from hfdeploy.spec.scaling import Autoscaling
from hfdeploy.spec.secret import SecretSource
from hfdeploy.spec.section import Objection, Section, relation
from hfdeploy.spec.tgi import TgiEngine, TgiNeuronEngine
from hfdeploy.spec.verification import VerifyRoute, VerifySpec, text_objections

_TGI_STOPS: Final = 4


class Security(StrEnum):
    """Who may call an endpoint, in the API's own words."""

    PRIVATE = "private"
    AUTHENTICATED = "authenticated"
    PUBLIC = "public"


def _version(value: int) -> int:
    if value != 1:
        raise ValueError(f"must be 1, the only version that this release reads; found {value}")
    return value


def _not_protected(value: object) -> object:
    if value == "protected":
        raise ValueError(
            "protected is no longer offered by the service: choose private (only the owner's token or that of a "
            "member of the owning organisation), authenticated (the token of any Hugging Face account) or public "
            "(anyone, without a token)"
        )
    return value


class InstanceChoice(Section):
    """Hardware by the catalogue's two names."""

    type: Annotated[Line, Shape("[^ ]+", "a type such as nvidia-a100, without blanks", at_most=64)]
    """The instance type, such as nvidia-a100 or intel-spr."""

    size: Annotated[Line, Shape("[^ ]+", "a size such as x1, without blanks", at_most=64)]
    """The size, such as x1: accelerators, or vCPUs where there are none."""


_LABEL: Final = TypeAdapter[str](Annotated[Line, Field(max_length=200)])


def _instance(value: object) -> object:
    match value:
        case InstanceChoice():
            return value
        case str():
            return _LABEL.validate_python(value)
        case Mapping():
            return InstanceChoice.model_validate(value)
        case _:
            raise ValueError(f"must be text such as nvidia-a100 x1, or {{type, size}}; found {kind(value)}")


def _mute(types: list[str]) -> dict[str, Any]:
    engine = {"properties": {"type": {"enum": types}}, "required": ["type"]}
    verify = {"properties": {"route": {"enum": ["auto"]}}}
    return {
        "if": {"properties": {"engine": engine}, "required": ["engine"]},
        "then": {"properties": {"verify": verify}},
    }


_FOR_EDITORS: Final[dict[str, Any]] = {
    "allOf": [
        {
            "if": {"properties": {"security": {"const": "public"}}, "required": ["security"]},
            "then": {"required": ["acknowledge_public"]},
            "else": {"properties": {"acknowledge_public": False}},
        },
        {"if": {"required": ["private_service"]}, "then": {"properties": {"cloud": {"const": "aws"}}}},
        _mute([name for name, engine in ENGINES.items() if not engine.text_routes]),
    ]
}
"""The rules between fields, as far as JSON Schema can say them."""


_CLOSED: Final[dict[str, Any]] = {"additionalProperties": False}


class EndpointSpec(Section):
    """One endpoint: what it serves, on what, for whom, and how a rollout of it is proved."""

    model_config = ConfigDict(json_schema_extra=_FOR_EDITORS)
    later: ClassVar[frozenset[str]] = frozenset({"operations", "expires"})

    version: Annotated[int, AfterValidator(_version), WHOLE, Field(json_schema_extra={"const": 1})] = 1
    """Version of this format; may be left out."""

    name: Name
    """The endpoint's name, unique in its namespace: 1 to 32 of a-z, 0-9 and hyphens. Changing it replaces it."""

    namespace: Namespace | None = None
    """The user or organisation that owns it; left out, the stack's. Changing it replaces the endpoint."""

    adopt: Moment | None = None
    """Takes over an endpoint of this name that is not this stack's: the one created at exactly this time, no other."""

    repository: Repository
    """The model on the Hub, org/name."""

    revision: Revision | None = None
    """A branch or commit of the model; resolved once, when the endpoint is created, and kept."""

    task: Task | None = None
    """The task in the Hub's spelling; left out, what the repository says."""

    cloud: Cloud
    """Whose hardware: aws, azure, gcp, or what else the catalogue has. Changing it replaces the endpoint."""

    region: Region
    """Where, such as us-east-1; the catalogue knows which exist. Changing it replaces the endpoint."""

    instance: Annotated[Line | InstanceChoice, BeforeValidator(_instance)]
    """The hardware of one replica: `nvidia-a100 x1`, a catalogue id, {type, size}, or a label of the old interface."""

    autoscaling: Autoscaling = Autoscaling()
    """How many replicas, and when they sleep; left out, at most one, asleep after 15 idle minutes."""

    security: Annotated[Security, BeforeValidator(_not_protected)] = Security.PRIVATE
    """Who may call it: private (owner or organisation), authenticated (any Hugging Face account), public (anyone)."""

    acknowledge_public: Line | None = None
    """The endpoint's name once more, which security public needs, so that nobody makes one public by a slip."""

    engine: Engine = HuggingfaceEngine()
    """What serves the model; left out, the service's own toolkit."""

    max_model_len: Count | None = None
    """Context length in tokens, prompt and answer; memory is judged by it and the engine is given it."""

    concurrency: Count | None = None
    """Requests at once that memory is judged by."""

    args: tuple[Anything, ...] = ()
    """Arguments for the container."""

    command: tuple[Anything, ...] = ()
    """What the container runs instead of its entry point."""

    env: Mapping[PublicVariable, Anything] = Field(default_factory=dict, json_schema_extra=_CLOSED)
    """Environment of the container, readable by whoever can see the endpoint."""

    secrets: Mapping[Variable, SecretSource] = Field(default_factory=dict, json_schema_extra=_CLOSED)
    """Environment of the container that must not be seen: where each value comes from, never the value."""

    route: Route | None = None
    """An address that survives replacements."""

    private_service: PrivateService | None = None
    """AWS PrivateLink. Changing it replaces the endpoint."""

    tags: Tags = ()
    """Tags for finding the endpoint; not hfdeploy's own."""

    verify: VerifySpec = VerifySpec()
    """What is asked of the endpoint after a deployment, and what the answer must be like."""

    rollout: RolloutSpec = RolloutSpec()
    """How long a deployment may take, and what is done when it fails."""

    state: Literal["running"] | None = None
    """running wakes and resumes it with each deployment; left out, a pause by a person is left alone and reported."""

    @relation("security", "acknowledge_public", "name")
    def _public_on_purpose(self) -> Iterator[Objection]:
        if self.security is not Security.PUBLIC:
            if self.acknowledge_public is not None:
                yield "acknowledge_public", f"belongs to security public, and security is {self.security}: take it out"
        elif self.acknowledge_public is None:
            yield "security", f"is public, which anyone may call: say so with `acknowledge_public: {self.name}`"
        elif self.acknowledge_public != self.name:
            yield "acknowledge_public", f"must repeat the endpoint's name, {self.name}; found another"

    @relation("private_service", "cloud")
    def _private_link_is_of_aws(self) -> Iterator[Objection]:
        if self.private_service is not None and self.cloud != "aws":
            yield "private_service", f"is AWS PrivateLink, and cloud is {self.cloud}: set cloud to aws or take it out"

    @relation("env", "secrets")
    def _one_value_per_variable(self) -> Iterator[Objection]:
        for name in sorted(self.env.keys() & self.secrets.keys()):
            yield f"env.{name}", "is in `secrets` too; keep one of them"

    @relation("max_model_len", "engine", "args", "env")
    def _one_length(self) -> Iterator[Objection]:
        if self.max_model_len is not None:
            yield from length.contradictions(self.max_model_len, self.engine, self.args, self.env)

    @relation("max_model_len", "verify")
    def _answer_fits(self) -> Iterator[Objection]:
        if self.max_model_len is not None and self.verify.max_new_tokens >= self.max_model_len:
            yield (
                "verify.max_new_tokens",
                f"is {self.verify.max_new_tokens}, which leaves no prompt within max_model_len, {self.max_model_len}",
            )

    @property
    def longest_prompt(self) -> int | None:
        """Tokens of the longest prompt that leaves room for the answer; None where the spec does not say a length."""
        new = self.verify.max_new_tokens
        return length.longest_prompt(self.max_model_len, self.engine, self.args, self.env, answer=new)

    @relation("max_model_len", "engine", "args", "env", "task", "verify", "rollout")
    def _deep_can_be_shown(self) -> Iterator[Objection]:
        if self.verify.deep is not None:
            room, timeout = self.longest_prompt, self.rollout.timeout
            yield from deep.objections(self.verify.deep, self.engine, self.task, room=room, timeout=timeout)

    @relation("engine", "verify")
    def _engine_has_the_route(self) -> Iterator[Objection]:
        route, served = self.verify.route, self.engine.served_routes
        if route is not VerifyRoute.AUTO and route not in served:
            has = f"has {', '.join(served)}" if served else "has no such routes, and auto is right"
            yield "verify.route", f"is {route}, and engine {self.engine.type} {has}"

    @relation("engine", "task", "verify")
    def _only_text_is_judged_as_text(self) -> Iterator[Objection]:
        yield from text_objections(self.verify, self.engine, self.task)

    @relation("engine", "verify")
    def _parameters_suit_tgi(self) -> Iterator[Objection]:
        # Its validation answers 422 to each of these.
        if not isinstance(self.engine, TgiEngine | TgiNeuronEngine):
            return
        given = self.verify.parameters
        if given.get("top_p") == 1:
            yield "verify.parameters.top_p", "must be below 1 for TGI; leave it out to sample from everything"
        if given.get("temperature") == 0 and self.verify.route in {VerifyRoute.AUTO, VerifyRoute.GENERATE}:
            yield "verify.parameters.temperature", "must be above 0 for TGI; leave it out for the most likely token"
        stop = given.get("stop", ())
        if isinstance(stop, tuple) and len(stop) > _TGI_STOPS:
            yield "verify.parameters.stop", f"has {len(stop)} texts, and TGI takes at most {_TGI_STOPS}"
