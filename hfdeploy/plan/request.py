"""From a spec to the body of the POST, with the hardware it means and what it costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from pydantic.alias_generators import to_camel

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.labels import Resolution, resolve
from hfdeploy.plan.images import default_image
from hfdeploy.spec import EndpointSpec, SecretSource
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

_FRAMEWORKS: Final[Mapping[str, str]] = {"custom": "custom", "llamacpp": "llamacpp"}
_MANAGED: Final = frozenset({"huggingface", "huggingface_neuron"})
"""Engines whose container the service chooses: their variant has no url."""

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
_PARALLEL: Final = frozenset({"vllm", "sglang"})


@dataclass(frozen=True, slots=True)
class Plan:
    """One endpoint as it will be asked for."""

    spec: EndpointSpec
    hardware: Hardware
    resolution: Resolution
    body: Body
    """The POST's body but for what only the moment of sending knows: own tags and secret values."""

    @property
    def name(self) -> str:
        """The endpoint's name."""
        return self.spec.name

    @property
    def secrets(self) -> Mapping[str, SecretSource]:
        """Where the values of the container's secrets come from."""
        return self.spec.secrets

    @property
    def registry_password(self) -> SecretSource | None:
        """Where the password of the image's registry comes from."""
        registry = getattr(self.spec.engine, "registry", None)
        return registry.password if registry else None

    @property
    def speaks_openai(self) -> bool:
        """Whether the engine serves OpenAI's routes below `/v1`."""
        return self.spec.engine.type in OPENAI_ENGINES

    @property
    def hourly_ceiling(self) -> Decimal | None:
        """USD per hour with every replica up; None where the price is not known."""
        price = self.hardware.price_per_hour
        return None if price is None else price * self.spec.autoscaling.max


def make_plan(spec: EndpointSpec, catalog: Catalog) -> Plan:
    """Turn a spec into the exact request, by the rows of a catalogue.

    Raises:
        UnknownHardware: the catalogue has no such instance in that cloud and region.
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
        body["privateService"] = spec.private_service.model_dump(exclude_none=True, by_alias=False)
        body["privateService"] = {to_camel(key): value for key, value in body["privateService"].items()}
    return Plan(spec, hardware, resolution, body)


def _scaling(spec: EndpointSpec) -> Body:
    scaling = spec.autoscaling
    body: Body = {"minReplica": scaling.min, "maxReplica": scaling.max}
    if scaling.min == 0 and scaling.scale_to_zero_after is not None:
        body["scaleToZeroTimeout"] = int(scaling.scale_to_zero_after.total_seconds() // 60)
    if scaling.measure is not None:
        body["measure"] = {to_camel(key): value for key, value in scaling.measure.model_dump(exclude_none=True).items()}
    return body


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
    if option and spec.max_model_len is not None and not any(arg.split("=")[0].replace("_", "-") == option for arg in args):
        args += [option, str(spec.max_model_len)]
    return args


def _variant(spec: EndpointSpec, hardware: Hardware) -> Body:
    """The image variant, whole: the API keeps nothing of an earlier one."""
    engine = spec.engine
    own = engine.model_dump(mode="json", exclude={"type", "image", "registry"}, exclude_none=True)
    variant = {to_camel(name): value for name, value in own.items()}
    if engine.type not in _MANAGED:
        variant = _container(spec, hardware) | variant
    length_field = _LENGTH_FIELD.get(engine.type)
    if length_field and spec.max_model_len is not None:
        variant.setdefault(length_field, spec.max_model_len)
    if engine.type in _PARALLEL and (hardware.num_accelerators or 1) > 1:
        _fill_parallel_sizes(variant, hardware.num_accelerators or 1, has_data=engine.type == "vllm")
    return variant


def _container(spec: EndpointSpec, hardware: Hardware) -> Body:
    """The image, and for one of ours where it listens: what the service assumes of a port left out is not known."""
    chosen = getattr(spec.engine, "image", None)
    if chosen:
        return {"url": chosen}
    image = default_image(spec.engine.type, hardware)
    return {"url": image.url, "port": image.port, "healthRoute": image.health_route}


def _fill_parallel_sizes(variant: Body, accelerators: int, *, has_data: bool) -> None:
    """Write the parallel sizes: unset ones on several accelerators are reported as refused (huggingface_hub#4661)."""
    data = variant.get("dataParallelSize", 1)
    variant.setdefault("tensorParallelSize", max(1, accelerators // data))
    if has_data:
        variant.setdefault("dataParallelSize", max(1, accelerators // variant["tensorParallelSize"]))
