"""From a spec to the body of the POST, with the hardware it means and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydantic.alias_generators import to_camel

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.labels import Resolution, resolve
from hfdeploy.plan.images import default_image
from hfdeploy.plan.parallel import ParallelSizes, share_out
from hfdeploy.spec import EndpointSpec, SecretSource, Section
from hfdeploy.wire import Body

ENGINE_KEYS: Final[Mapping[str, str]] = {
    "tgi": "tgi",
    "vllm": "vLLM",
    "sglang": "sGLang",
    "llamacpp": "llamacpp",
    "tei": "tei",
    "huggingface": "huggingface",
    "custom": "custom",
    "tgi_neuron": "tgiNeuron",
    "vllm_neuron": "vLLMNeuron",
    "huggingface_neuron": "huggingfaceNeuron",
}
"""Our engine names and the keys of the API's image union; the CLI of the service has the same pairs."""

OPENAI_ENGINES: Final = frozenset({"tgi", "vllm", "sglang", "llamacpp", "tei", "tgi_neuron", "vllm_neuron"})
"""Engines that serve `/v1`."""

REGISTRY: Final = "registry password"
"""What the image registry's password is called among the secrets; no environment name has a blank in it."""

_FRAMEWORKS: Final[Mapping[str, str]] = {"custom": "custom", "llamacpp": "llamacpp"}
_MANAGED: Final = frozenset({"huggingface", "huggingface_neuron"})
"""Engines whose container the service chooses: their variant has no url."""

_NOT_OF_THE_VARIANT: Final = frozenset({"type", "image", "registry"})
"""Fields of an engine that its variant has under another name, or only at the moment of sending."""

_LENGTH_FIELD: Final[Mapping[str, str]] = {
    "tgi": "maxTotalTokens",
    "tgi_neuron": "maxTotalTokens",
    "huggingface_neuron": "sequenceLength",
}
_LENGTH_OPTION: Final[Mapping[str, str]] = {
    "vllm": "--max-model-len",
    "vllm_neuron": "--max-model-len",
    "sglang": "--context-length",
}


def sources_of(spec: EndpointSpec) -> Mapping[str, SecretSource]:
    """Where every value of a spec comes from that is sent and kept nowhere, by what it is called."""
    registry = getattr(spec.engine, "registry", None)
    return {**spec.secrets, **({REGISTRY: registry.password} if registry else {})}


@dataclass(frozen=True, slots=True)
class Plan:
    """One endpoint as it will be asked for."""

    spec: EndpointSpec
    """As its file has it: of a review, the body names the commit that is locked."""

    hardware: Hardware
    resolution: Resolution
    body: Body
    """The POST's body but for what only the moment of sending knows: own tags and secret values."""

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.spec.name

    @property
    def sources(self) -> Mapping[str, SecretSource]:
        """Where every value comes from that is sent and kept nowhere, by what it is called."""
        return sources_of(self.spec)

    @property
    def secrets(self) -> Mapping[str, SecretSource]:
        """Where the values of the container's secrets come from."""
        return self.spec.secrets

    @property
    def registry_password(self) -> SecretSource | None:
        """Where the password of the image's registry comes from."""
        return self.sources.get(REGISTRY)

    @property
    def speaks_openai(self) -> bool:
        """Whether the engine serves OpenAI's routes below `/v1`."""
        return self.spec.engine.type in OPENAI_ENGINES

    @property
    def parallel_sizes(self) -> ParallelSizes | None:
        """How the engine shares out the accelerators of a replica; None where it is not told."""
        return share_out(self.spec.engine, self.hardware)

    @property
    def hourly_ceiling(self) -> Decimal | None:
        """USD per hour with every replica up; None where the price is not known."""
        price = self.hardware.price_per_hour
        return None if price is None else price * self.spec.autoscaling.max


def make_plan(spec: EndpointSpec, catalog: Catalog) -> Plan:
    """Turn a spec into the exact request, by the rows of a catalogue.

    Raises:
        UnknownHardware: the catalogue has no such instance in that cloud and region.
        UsageError: the spec names no image, and the package has none of its engine for this hardware.
    """
    resolution = resolve(spec.instance, cloud=spec.cloud, region=spec.region, catalog=catalog)
    hardware = resolution.hardware
    body: Body = {
        "name": spec.name,
        "type": spec.security.value,
        "provider": {"vendor": hardware.vendor, "region": hardware.region},
        "compute": {
            "accelerator": hardware.accelerator,
            "instanceType": hardware.instance_type,
            "instanceSize": hardware.instance_size,
            "scaling": _scaling(spec),
        },
        "model": _model(spec, hardware),
        "tags": list(spec.tags),
    }
    if spec.route:
        body["route"] = spec.route.model_dump(exclude_none=True)
    if spec.private_service:
        body["privateService"] = _in_camel(spec.private_service)
    return Plan(spec, hardware, resolution, body)


def _scaling(spec: EndpointSpec) -> Body:
    scaling = spec.autoscaling
    body: Body = {"minReplica": scaling.min, "maxReplica": scaling.max}
    if scaling.scale_to_zero_after is not None:
        body["scaleToZeroTimeout"] = int(scaling.scale_to_zero_after.total_seconds() // 60)
    if scaling.measure is not None:
        body["measure"] = _in_camel(scaling.measure)
    return body


def _in_camel(section: Section, *, exclude: frozenset[str] = frozenset()) -> Body:
    """What a section sets, under the API's names; a field left out is absent, since the API refuses some nulls."""
    plain = section.model_dump(mode="json", exclude=set(exclude), exclude_none=True)
    return {to_camel(name): value for name, value in plain.items()}


def _model(spec: EndpointSpec, hardware: Hardware) -> Body:
    """The model part. `task` is absent rather than null, which the API refuses; revision and task may be filled in."""
    engine = spec.engine.type
    body: Body = {
        "repository": spec.repository,
        "framework": _FRAMEWORKS.get(engine, "pytorch"),
        "image": {ENGINE_KEYS[engine]: _variant(spec, hardware)},
        "env": dict(spec.env),
    }
    if spec.revision is not None:
        body["revision"] = spec.revision
    if spec.task is not None:
        body["task"] = spec.task
    if spec.command:
        body["command"] = list(spec.command)
    if args := _args(spec):
        body["args"] = args
    return body


def _args(spec: EndpointSpec) -> list[str]:
    """The container's arguments; the context length goes there for engines whose variant has no field for it."""
    args = list(spec.args)
    option = _LENGTH_OPTION.get(spec.engine.type)
    given = {arg.partition("=")[0].replace("_", "-") for arg in args}
    if option and option not in given and spec.max_model_len is not None:
        args += [option, str(spec.max_model_len)]
    return args


def _variant(spec: EndpointSpec, hardware: Hardware) -> Body:
    """The image variant, whole: the API keeps nothing of an earlier one."""
    engine = spec.engine
    variant = _in_camel(engine, exclude=_NOT_OF_THE_VARIANT)
    if engine.type not in _MANAGED:
        variant = _container(spec, hardware) | variant
    length_field = _LENGTH_FIELD.get(engine.type)
    if length_field and spec.max_model_len is not None:
        variant.setdefault(length_field, spec.max_model_len)
    shared = share_out(engine, hardware)
    if shared and shared.accelerators > 1:
        variant |= {to_camel(name): size for name, size in shared.sizes.items()}
    return variant


def _container(spec: EndpointSpec, hardware: Hardware) -> Body:
    """The image, and for one of ours where it listens: what the service assumes of a port left out is not known."""
    chosen = getattr(spec.engine, "image", None)
    if chosen:
        return {"url": chosen}
    image = default_image(spec.engine.type, hardware)
    return {"url": image.url, "port": image.port, "healthRoute": image.health_route}
