"""From a body to the configuration that the service keeps: checked, merged, and with the gaps filled in.

Every refusal leaves the configuration as it was: these functions return new values and change none.
"""

import copy
import re
from typing import Protocol

from hfdeploy.emulator.hardware import DEPLOYABLE, Catalogue, Hardware
from hfdeploy.emulator.images import check_parallel_sizes, parse_image
from hfdeploy.emulator.options import Options
from hfdeploy.emulator.records import Config, Json
from hfdeploy.emulator.refusals import Refused, invalid, unparsable
from hfdeploy.emulator.schema import Body, parse_body

_PLAIN = re.compile(r"[a-z0-9-]{1,32}")
_DNS_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")
_TYPES = ("public", "authenticated", "private")
_FRAMEWORKS: dict[str, tuple[str, ...]] = {"current": ("pytorch", "custom", "llamacpp")}
_FRAMEWORKS["with_older"] = (*_FRAMEWORKS["current"], "tensorflow", "vllm")
_TASKS = frozenset(
    {
        "text-classification",
        "zero-shot-classification",
        "token-classification",
        "question-answering",
        "fill-mask",
        "summarization",
        "translation",
        "text2text-generation",
        "text-generation",
        "feature-extraction",
        "image-classification",
        "automatic-speech-recognition",
        "audio-classification",
        "object-detection",
        "image-segmentation",
        "table-question-answering",
        "conversational",
        "sentence-similarity",
        "sentence-embeddings",
        "sentence-ranking",
        "text-to-image",
        "custom",
    }
)
_ACCELERATORS: dict[str, tuple[str, ...]] = {"current": ("cpu", "gpu", "neuron")}
_ACCELERATORS["with_zero_gpu_and_tpu"] = (*_ACCELERATORS["current"], "zero_gpu", "tpu")


class Repositories(Protocol):
    """What a configuration asks of the Hub."""

    def resolve(self, repository: str, revision: str | None) -> str | None:
        """The commit of a branch (None: the default one), or None when repository or branch are not known."""

    def made_up(self, repository: str, revision: str | None) -> str:
        """A commit for what is not known: the same for the same names."""

    def task(self, repository: str) -> str | None:
        """The pipeline tag, or None when the repository is not known."""


class Configurations:
    """The rules of POST and PUT bodies, with the options, the hardware and the Hub they depend on."""

    def __init__(self, options: Options, catalogue: Catalogue, repositories: Repositories) -> None:
        self._options = options
        self._catalogue = catalogue
        self._repositories = repositories

    def create(self, body: Json, domains: set[str]) -> tuple[str, Config]:
        """Name and whole configuration of a new endpoint.

        Raises:
            Refused: 400 or 422, nothing was created.
        """
        parsed = parse_body(body, creating=True, unknown_fields=self._options["unknown_fields"])
        name = parsed.pop("name")
        self.check_name(name)
        config = self.filled(self._parsed_parts(parsed, None))
        self._check(config, parsed, domains)
        return name, config

    def update(self, config: Config, body: Json, domains: set[str]) -> Config:
        """The configuration after a PUT.

        Raises:
            Refused: 400 or 422, `config` is still what holds.
        """
        parsed = parse_body(body, creating=False, unknown_fields=self._options["unknown_fields"])
        self._drop_fixed(parsed)
        if self._options["tags_survive_update"] == "no":
            parsed.setdefault("tags", [])
        parts = self._parsed_parts(parsed, config)
        if self._options["accelerator_change"] == "refused":
            wanted = parts.get("compute", {}).get("accelerator", config["compute"]["accelerator"])
            if wanted != config["compute"]["accelerator"]:
                raise invalid("compute.accelerator", "cannot be changed once the endpoint exists")
        merged = self.filled(merge(config, parts, maps=self._options["maps_in_put"]))
        self._check(merged, parsed, domains)
        return merged

    def filled(self, config: Config) -> Config:
        """The configuration with what the server puts where nothing was sent."""
        whole = copy.deepcopy(config)
        whole["tags"] = whole.get("tags") or []
        for key in ("experimentalFeatures", "notifications"):
            whole.setdefault(key, {})
        scaling, model = whole["compute"]["scaling"], whole["model"]
        if scaling.get("scaleToZeroTimeout") is None:
            scaling["scaleToZeroTimeout"] = self._options["scale_to_zero_fill"]
        if scaling.get("measure") is None:
            scaling["measure"] = {scaling.get("metric") or "hardwareUsage": scaling.get("threshold")}
        [scaling["metric"]] = scaling["measure"]
        scaling.pop("threshold", None)
        for key in ("env", "secrets"):
            model[key] = model.get(key) or {}
        if model.get("task") is None:
            model["task"] = self._repositories.task(model["repository"])
        model["revision"] = self._commit(model["repository"], model.get("revision"))
        whole["compute"].pop("id", None)
        return whole

    def hardware(self, config: Config) -> Hardware:
        """The compute that a configuration names.

        Raises:
            Refused: 400, in the words of the service, when there is none or it cannot be deployed.
        """
        compute, provider = config["compute"], config["provider"]
        found = self._catalogue.find(provider, compute)
        if found is None:
            raise Refused(
                "BAD_REQUEST",
                f"Instance compute '{compute['accelerator'].capitalize()}' - '{compute['instanceType']}' - "
                f"'{compute['instanceSize']}' in '{provider['vendor']}' - '{provider['region']}' not found",
            )
        if found.status not in DEPLOYABLE:
            raise Refused("BAD_REQUEST", f"Compute instance not available yet: {found.id} is {found.status}")
        return found

    def check_name(self, name: str) -> None:
        """Refuse a name that breaks the rule in force.

        Raises:
            Refused: 400.
        """
        rule = _DNS_LABEL if self._options["name_rule"] == "dns_label" else _PLAIN
        if not rule.fullmatch(name):
            raise invalid("name", f"must match ^{rule.pattern}$, got {name!r}")

    def _parsed_parts(self, parsed: Body, previous: Config | None) -> Body:
        """The parts with image, private service and router in the form they are kept in."""
        parts = copy.deepcopy(parsed)
        if "image" in parts.get("model", {}):
            old = previous["model"]["image"] if previous else None
            parts["model"]["image"] = parse_image(parts["model"]["image"], self._options, old)
        if "privateService" in parts:
            self._check_private_service(parts["privateService"])
        router = parts.get("customRouter")
        if router is not None and router.get("tag"):
            router.setdefault("port", 3000)
        if previous is not None and "repository" in parts.get("model", {}):
            parts["model"].setdefault(
                "revision",
                None
                if parts["model"]["repository"] != previous["model"]["repository"]
                else previous["model"]["revision"],
            )
        if (
            previous is not None
            and "measure" not in (scaling := parts.get("compute", {}).get("scaling", {}))
            and (scaling.get("metric") or scaling.get("threshold") is not None)
        ):
            metric = scaling.get("metric") or previous["compute"]["scaling"]["metric"]
            scaling["measure"] = {metric: scaling.get("threshold")}
        return parts

    def _check_private_service(self, service: Body) -> None:
        with_region = self._options["private_service_fields"] == "account_and_region"
        if with_region and "region" not in service:
            raise invalid("privateService", "missing field region")
        if not with_region:
            service.pop("region", None)

    def _drop_fixed(self, parsed: Body) -> None:
        """Take out of a PUT what it cannot change, or refuse it."""
        rules = {
            "name": "put_name_provider",
            "provider": "put_name_provider",
            "privateService": "put_private_service",
            "network": "put_opaque",
            "notifications": "put_opaque",
        }
        for key, option in rules.items():
            if key not in parsed or self._options[option] == "accepted":
                continue
            if self._options[option] == "refused":
                raise unparsable("", f"unknown field `{key}`")
            del parsed[key]

    def _commit(self, repository: str, revision: str | None) -> str:
        found = self._repositories.resolve(repository, revision)
        if found is None and self._options["unknown_repository"] == "refused":
            raise invalid("model", f"revision {revision or 'main'} of {repository} not found")
        return found or self._repositories.made_up(repository, revision)

    def _check(self, config: Config, sent: Body, domains: set[str]) -> None:
        types = (*_TYPES, "verified") if self._options["type_verified"] == "accepted" else _TYPES
        # An old `protected` endpoint keeps its type until somebody names another.
        if "type" in sent:
            _one_of("type", config["type"], types)
        self._check_model(config, sent)
        self._check_scaling(config, sent)
        if self._options["tag_rule"] == "lowercase_32":
            for tag in config["tags"]:
                if not _PLAIN.fullmatch(tag):
                    raise invalid("tags", f"must match ^{_PLAIN.pattern}$, got {tag!r}")
        route = config.get("route") or {}
        if (route.get("path") or "/")[0] != "/":
            raise invalid("route.path", "must start with /")
        if route.get("domain") and self._options["route_domain"] == "must_exist" and route["domain"] not in domains:
            raise invalid("route.domain", f"domain {route['domain']} not found")

    def _check_model(self, config: Config, sent: Body) -> None:
        model = config["model"]
        frameworks = _FRAMEWORKS.get(self._options["framework_check"])
        if frameworks is not None:
            _one_of("model.framework", model["framework"], frameworks)
        if self._options["task_check"] == "listed" and "task" in sent.get("model", {}):
            _one_of("model.task", model["task"], tuple(sorted(_TASKS)))
        _one_of("compute.accelerator", config["compute"]["accelerator"], _ACCELERATORS[self._options["accelerators"]])
        if not re.fullmatch(r"[\w.-]+/[\w.-]+|[\w.-]+", model["repository"]):
            raise invalid("model.repository", f"not a repository: {model['repository']!r}")
        check_parallel_sizes(model["image"], self.hardware(config).accelerators, self._options)

    def _check_scaling(self, config: Config, sent: Body) -> None:
        scaling = config["compute"]["scaling"]
        low, high, bound = scaling["minReplica"], scaling["maxReplica"], self._options["max_replica_bound"]
        if low < 0 or high < 1:
            raise invalid("compute.scaling", "minReplica must be at least 0 and maxReplica at least 1")
        if low > high:
            raise invalid("compute.scaling", f"minReplica ({low}) must not be above maxReplica ({high})")
        if bound is not None and high > bound:
            raise invalid("compute.scaling.maxReplica", f"must be at most {bound:g}")
        if not 15 <= scaling["scaleToZeroTimeout"] <= 2880:
            raise invalid("compute.scaling.scaleToZeroTimeout", "must be between 15 and 2880 minutes")
        timeout_sent = sent.get("compute", {}).get("scaling", {}).get("scaleToZeroTimeout") is not None
        if timeout_sent and low > 0 and self._options["timeout_with_min_replica"] == "refused":
            raise invalid("compute.scaling.scaleToZeroTimeout", "requires minReplica to be 0")


def merge(config: Config, parts: Body, *, maps: str = "replace") -> Config:
    """The configuration with `parts` in it: sections by key, lists, images and unions whole, maps as asked."""
    merged = copy.deepcopy(config)
    for key, value in parts.items():
        if key == "customRouter" and not value.get("tag"):
            merged.pop(key, None)
        elif key in {"compute", "model", "route", "scaling"} and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value, maps=maps)
        elif key in {"env", "secrets"} and maps == "merge":
            merged[key] = {**merged.get(key, {}), **value}
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def _one_of(path: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise unparsable(path, f"unknown variant `{value}`, expected one of {', '.join(known)}")
