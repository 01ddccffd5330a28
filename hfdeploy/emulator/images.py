"""`model.image`: a union of exactly one key, whose fields each variant knows and whose other fields are dropped."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from hfdeploy.emulator.options import Options
from hfdeploy.emulator.patterns import matches
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.refusals import Refused, invalid, unparsable

Image = dict[str, Any]

_COMMON = {"url": str, "port": int, "healthRoute": str}
_TOKEN_LIMITS = {"maxBatchPrefillTokens": int, "maxBatchTotalTokens": int, "maxInputLength": int, "maxTotalTokens": int}

VARIANTS: Mapping[str, Mapping[str, type]] = {
    "huggingface": {},
    "huggingfaceNeuron": {"batchSize": int, "sequenceLength": int, "neuronCache": str},
    "tgi": {**_COMMON, **_TOKEN_LIMITS, "disableCustomKernels": bool, "quantize": str},
    "tgiNeuron": {**_COMMON, **_TOKEN_LIMITS, "hfAutoCastType": str, "hfNumCores": int},
    "tei": {**_COMMON, "maxBatchTokens": int, "maxConcurrentRequests": int, "pooling": str},
    "llamacpp": {
        **_COMMON,
        "ctxSize": int,
        "modelPath": str,
        "nParallel": int,
        "threadsHttp": int,
        "nGpuLayers": int,
        "mode": str,
        "pooling": str,
        "variant": str,
        "mmprojModelPath": str,
    },
    "vLLM": {
        **_COMMON,
        "tensorParallelSize": int,
        "dataParallelSize": int,
        "kvCacheDtype": str,
        "maxNumBatchedTokens": int,
        "maxNumSeqs": int,
    },
    "vLLMNeuron": _COMMON,
    "vLLMOmni": _COMMON,
    "hfServe": _COMMON,
    "sGLang": {
        **_COMMON,
        "tensorParallelSize": int,
        "chunkedPrefillSize": int,
        "kvCacheDtype": str,
        "maxPrefillTokens": int,
        "maxRunningRequests": int,
    },
    "custom": {**_COMMON, "credentials": dict},
}
"""Fields of each variant and their types (OAPI and the SDK); section 4.3 of the reference."""

_MANAGED = frozenset({"huggingface", "huggingfaceNeuron"})
_REQUIRED = {"llamacpp": ("ctxSize", "modelPath", "nParallel", "threadsHttp")}
_UNREAD = frozenset({"vLLMOmni", "hfServe"})
_PORTS = {"tgi": 80, "tgiNeuron": 80, "tei": 80, "vLLM": 8000, "vLLMNeuron": 8000, "custom": 80}
_UPSTREAM_PORTS = {"sGLang": 30000, "llamacpp": 8080}

_HEALTH_ROUTES: Mapping[str, frozenset[str]] = {
    "tgi": frozenset({"/", "/health", "/ping", "/info", "/metrics", "/v1/models", "/docs"}),
    "tgiNeuron": frozenset({"/", "/health", "/ping", "/info", "/metrics", "/v1/models", "/docs"}),
    "tei": frozenset({"/health", "/info", "/metrics"}),
    "vLLM": frozenset({"/health", "/ping", "/v1/models", "/metrics", "/version"}),
    "sGLang": frozenset({"/health", "/health_generate", "/ping", "/v1/models", "/get_model_info", "/get_server_info"}),
    "llamacpp": frozenset({"/", "/health", "/v1/health", "/v1/models", "/props", "/slots", "/metrics"}),
}
"""GET routes that answer 200 once an engine is up; section 12.3. Engines that are not here answer anywhere."""


def parse_image(value: Json, options: Options, previous: Image | None = None) -> Image:
    """An image as the service keeps it: known fields only, defaults filled in.

    `previous` is the image that a PUT replaces.

    Raises:
        Refused: not exactly one known variant, a missing or ill-typed field.
    """
    if not isinstance(value, dict):
        raise unparsable("model.image", "expected a map")
    if len(value) != 1:
        raise invalid("model.image", f"expected exactly one variant, got {len(value)}")
    [(variant, sent)] = value.items()
    if variant not in VARIANTS:
        raise unparsable("model.image", f"unknown variant `{variant}`, expected one of {', '.join(VARIANTS)}")
    if not isinstance(sent, dict):
        raise unparsable(f"model.image.{variant}", "expected a map")
    fields = _fields(variant, sent, options)
    if previous and variant in previous and options["variant_fields_left_out"] == "kept":
        fields = previous[variant] | fields
    for name in _REQUIRED.get(variant, ()) if variant in _MANAGED else ("url", *_REQUIRED.get(variant, ())):
        if fields.get(name) is None:
            raise invalid(f"model.image.{variant}", f"missing field {name}")
    return {variant: _filled(variant, fields, options)}


def redacted(image: Image) -> Image:
    """The image as replies show it."""
    return {
        variant: fields | {"credentials": {"username": "", "password": None}}
        if "credentials" in fields
        else dict(fields)
        for variant, fields in image.items()
    }


def is_reachable(image: Image, args: tuple[str, ...], env: Mapping[str, str], options: Options) -> bool:
    """Whether the platform's health check finds the container: port and route are those it listens on."""
    [(variant, fields)] = image.items()
    container = _container(fields, options)
    listens_on = container.get("port") or _port_in(args, env) or _default_port(variant)
    asked, route = fields.get("port"), fields.get("healthRoute")
    if asked is not None and listens_on is not None and asked != listens_on:
        return False
    routes = frozenset({container["health_route"]}) if "health_route" in container else _HEALTH_ROUTES.get(variant)
    return route is None or routes is None or route in routes


def health_route(image: Image) -> str:
    """The endpoint's `healthRoute`."""
    [fields] = image.values()
    return str(fields.get("healthRoute") or "/health")


def check_parallel_sizes(image: Image, accelerators: int, options: Options) -> None:
    """Refuse parallel sizes that do not multiply to the accelerators of one replica, or fill them in.

    Raises:
        Refused: vLLM or SGLang on several accelerators, by option also with the sizes unset.
    """
    [(variant, fields)] = image.items()
    if variant not in {"vLLM", "sGLang"} or accelerators == 1:
        return
    tensor, data = fields.get("tensorParallelSize"), fields.get("dataParallelSize")
    if tensor is None and data is None and options["parallel_sizes"] == "optional":
        fields["tensorParallelSize"] = accelerators
    elif (tensor or 1) * (data or 1) != accelerators:
        raise Refused(
            "VALIDATION_FAILED",
            f"model.image.{variant}: tensorParallelSize x dataParallelSize must be {accelerators}, "
            f"the number of accelerators; got {tensor or 1} x {data or 1}",
        )


def _fields(variant: str, sent: Mapping[str, Any], options: Options) -> dict[str, Any]:
    known = VARIANTS[variant]
    fields = {}
    for name, value in sent.items():
        if name not in known:
            if variant in _UNREAD and options["new_variant_fields"] == "kept":
                fields[name] = value
            continue
        if value is None:
            continue
        if not isinstance(value, known[name]) or (isinstance(value, bool) and known[name] is not bool):
            raise unparsable(f"model.image.{variant}.{name}", f"expected {known[name].__name__}")
        fields[name] = dict(value) if isinstance(value, dict) else value
    return fields


def _filled(variant: str, fields: dict[str, Any], options: Options) -> dict[str, Any]:
    filled = dict(fields)
    ports = _PORTS | (_UPSTREAM_PORTS if options["default_ports"] == "upstream" else {})
    if variant in ports:
        filled.setdefault("port", ports[variant])
    if variant not in _MANAGED and variant != "custom":
        filled.setdefault("healthRoute", "/health")
    if variant == "tgi":
        filled.setdefault("disableCustomKernels", False)
    return filled


def _container(fields: Mapping[str, Any], options: Options) -> Mapping[str, Any]:
    for pattern, container in options["containers"].items():
        if matches(str(fields.get("url", "")), pattern):
            found: Mapping[str, Any] = container
            return found
    return {}


def _default_port(variant: str) -> int | None:
    return None if variant == "custom" else (_PORTS | _UPSTREAM_PORTS).get(variant)


def _port_in(args: tuple[str, ...], env: Mapping[str, str]) -> int | None:
    """The port that arguments or environment make the container listen on."""
    words = [word for arg in args for word in arg.split("=", 1)]
    for word, following in pairwise(words):
        if word == "--port" and following.isdigit():
            return int(following)
    port = env.get("PORT", "")
    return int(port) if port.isdigit() else None
