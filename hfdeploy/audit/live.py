"""A live endpoint in the words of a spec, so that the rules for specs judge it too and are written once.

A spec is stricter than what lives: a person may have made what no spec may say. Such a field is left out and named,
and an engine that this release does not know is judged as a custom container, of which nothing is assumed. Of
environment variables and arguments only those are taken over that rules read, so no output can show the others.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from pydantic.alias_generators import to_snake

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus
from hfdeploy.errors import SpecError
from hfdeploy.fit import loaded_beside, read_variables
from hfdeploy.owner import user_tags
from hfdeploy.plan import ENGINE_KEYS
from hfdeploy.review.exposure import level_of
from hfdeploy.review.memory import stretches
from hfdeploy.spec import LoadedSpec, Security, parse_spec
from hfdeploy.spec.engine import ENGINES
from hfdeploy.spec.scaling import LONGEST_IDLE, SHORTEST_IDLE
from hfdeploy.wire import REDACTED, Endpoint

_NAMES: Final = {key: engine for engine, key in ENGINE_KEYS.items()}

NOT_SHOWN: Final = "(not shown)"
"""In the place of an argument that is nobody's business here; its position stays."""

_NO_IMAGE: Final = f"image.not.known@sha256:{'0' * 64}"
"""Of a container whose image is hidden or cannot be written in a spec."""

_UNKNOWN: Final = {"type": "custom", "image": _NO_IMAGE}
"""An engine of which nothing is assumed."""

_REQUIRED: Final = frozenset({"name", "repository", "cloud", "region", "instance"})
_MOST_ROUNDS: Final = 12
_ENGINE_FIELDS: Final = frozenset({"type", "image"})

_ABOUT_MEMORY: Final = frozenset(
    {
        "--max-model-len", "--context-length", "--max-total-tokens", "--max-input-length", "--max-num-seqs",
        "--max-num-batched-tokens", "--max-batch-prefill-tokens", "--max-running-requests", "--chunked-prefill-size",
        "--gpu-memory-utilization", "--mem-fraction-static", "--cuda-memory-fraction", "--kv-cache-dtype", "--dtype",
        "--quantization", "-q", "--quantize", "--tensor-parallel-size", "-tp", "--tp", "--tp-size",
        "--data-parallel-size", "-dp", "--dp", "--dp-size", "--pipeline-parallel-size", "-pp", "--pp", "--pp-size",
        "--num-shard", "--sharded",
        "-ctk", "-ctv", "--cache-type-k", "--cache-type-v", "--ctx-size",
    }
)  # fmt: skip
"""Flags whose values rules read; hyphens for underscores."""

_TRUST: Final = "--trust-remote-code"
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Projection:
    """What the rules for specs can judge of an endpoint."""

    loaded: LoadedSpec | None
    """Its file is `namespace/name`, and it has no lines. None where no spec can be made of it."""

    unjudged: tuple[str, ...] = ()
    """What could not be taken over and is judged by nobody, one sentence each."""


def project_live(namespace: str, live: Endpoint) -> Projection:
    """Say an endpoint as a spec."""
    place = f"{namespace}/{live.name}"
    words = _words(live)
    notes = _foreign(live)
    for _ in range(_MOST_ROUNDS):
        try:
            spec = parse_spec(words, source=place)
        except SpecError as error:
            fields = [problem.field for problem in error.problems]
            if hopeless := sorted(_REQUIRED & {field.partition(".")[0] for field in fields}):
                notes.append(f"its {', '.join(hopeless)}: no spec may say that, so no rule for specs judges it")
                return Projection(None, tuple(notes))
            notes += [f"its {field}: no spec may say that, so nobody judges it" for field in _leave_out(words, fields)]
            continue
        return Projection(LoadedSpec(spec, place, {}), tuple(dict.fromkeys(notes)))
    return Projection(None, (*notes, "too little of it can be written in a spec for the rules to judge it"))


def placed(endpoint: Endpoint, catalog: Catalog) -> Hardware:
    """The row of what an endpoint runs on; `catalog` is one that `with_live` made."""
    compute, where = endpoint.compute, endpoint.provider
    row = catalog.find(where.vendor, where.region, compute.instance_type, compute.instance_size)
    return row or _unlisted(endpoint)


def with_live(catalog: Catalog, endpoints: Iterable[Endpoint]) -> Catalog:
    """The catalogue with the hardware of endpoints that it lists no more, which no new endpoint can have.

    Their price is that of the snapshot where it knows one.
    """
    rows = {row.key: row for row in catalog.rows}
    for one in endpoints:
        row = _unlisted(one)
        rows.setdefault(row.key, row)
    return replace(catalog, rows=tuple(rows.values()))


def _unlisted(endpoint: Endpoint) -> Hardware:
    compute, where = endpoint.compute, endpoint.provider
    names = (where.vendor, where.region, compute.instance_type, compute.instance_size)
    past = Catalog.snapshot().find(*names)
    if past is not None:
        return past.model_copy(update={"status": HardwareStatus.NOT_AVAILABLE})
    vendor, region, instance_type, size = names
    return Hardware(
        id="-".join(names),
        vendor=vendor,
        region=region,
        accelerator=compute.accelerator,
        instance_type=instance_type,
        instance_size=size,
        status=HardwareStatus.NOT_AVAILABLE,
    )


def _words(live: Endpoint) -> dict[str, Any]:
    compute, scaling, model, engine = live.compute, live.compute.scaling, live.model, _engine(live)
    words: dict[str, Any] = {
        "name": live.name,
        "repository": model.repository,
        "revision": model.revision,
        "task": model.task,
        "cloud": live.provider.vendor,
        "region": live.provider.region,
        "instance": {"type": compute.instance_type, "size": compute.instance_size},
        "autoscaling": {"min": scaling.min_replica, "max": scaling.max_replica},
        "security": level_of(live.type).value,
        "engine": engine,
        "args": _args(model.args or [], engine["type"]),
        "env": dict(_env(model.env, engine["type"])),
        "tags": list(dict.fromkeys(user_tags(live.tags))),
    }
    if words["security"] == Security.PUBLIC:
        words["acknowledge_public"] = live.name
    idle = scaling.scale_to_zero_timeout
    if scaling.min_replica == 0 and idle is not None and SHORTEST_IDLE <= timedelta(minutes=idle) <= LONGEST_IDLE:
        words["autoscaling"]["scale_to_zero_after"] = f"{idle}m"
    return words


def _engine(live: Endpoint) -> dict[str, Any]:
    key = live.model.engine
    name, variant = _NAMES.get(key), live.model.image.get(key) or {}
    if name is None:
        return _UNKNOWN | ({"image": variant["url"]} if variant.get("url") else {})
    known = ENGINES[name].model_fields.keys() - _ENGINE_FIELDS
    engine = {to_snake(field): value for field, value in variant.items() if field not in REDACTED | {"url"}}
    engine = {"type": name, **{field: value for field, value in engine.items() if field in known}}
    if "image" in ENGINES[name].model_fields:
        engine["image"] = variant.get("url") or (_NO_IMAGE if name == "custom" else None)
    return engine


def _args(args: Sequence[str], engine: str) -> list[str]:
    """The arguments about memory, of some only that they are there; the others only keep their places."""
    shown, follows = [], False
    for text in args:
        flag, equals, _ = text.partition("=")
        if flag.startswith("-") and _is_by_name(flag, engine):
            shown.append(flag)
            follows = False
            continue
        is_ours = flag.replace("_", "-") in _ABOUT_MEMORY
        is_trust = flag.replace("_", "-") == _TRUST and text.partition("=")[2].lower() in {"", *_TRUE}
        shown.append(text if is_ours or is_trust or (follows and not text.startswith("-")) else NOT_SHOWN)
        follows = is_ours and not equals
    return shown


def _env(env: Mapping[str, str], engine: str) -> Iterator[tuple[str, str]]:
    """The variables about memory that the engine reads, of some only that they are there, and those that trust code."""
    read = read_variables(engine)
    for name, value in env.items():
        if _is_by_name(name, engine):
            yield name, NOT_SHOWN
        elif name in read or _is_trusting(name, value):
            yield name, value


def _is_by_name(name: str, engine: str) -> bool:
    """Whether rules ask of a flag or a variable no more than whether it is there."""
    return bool(loaded_beside(name, engine)) or stretches(name)


def _is_trusting(name: str, value: str) -> bool:
    """Whether a variable has an engine run a repository's code."""
    return name.upper().endswith("TRUST_REMOTE_CODE") and value.strip().lower() in _TRUE


def _foreign(live: Endpoint) -> list[str]:
    """What has no word in a spec."""
    notes = []
    if live.model.engine not in _NAMES:
        shown = live.model.engine or "its reply names none"
        notes.append(f"its engine is not known to this release ({shown}), so its memory is judged by nobody")
    return notes


def _leave_out(words: dict[str, Any], fields: Sequence[str]) -> list[str]:
    """Take out what a spec may not say; the names of what went."""
    gone = []
    for field in dict.fromkeys(fields):
        head, _, rest = field.partition(".")
        section = words.get(head)
        inner = rest.partition(".")[0]
        if head == "engine" and inner == "image":
            words["engine"]["image"] = _NO_IMAGE
        elif isinstance(section, dict) and inner in section and inner != "type":
            del section[inner]
        elif head == "tags" and inner and isinstance(section, list):
            section[int(inner)] = None
        elif head == "engine":
            if section == _UNKNOWN:
                continue
            # A part that a spec cannot do without is not there: nothing is assumed of such an engine.
            words["engine"] = dict(_UNKNOWN)
        elif head in words:
            del words[head]
        else:
            continue
        gone.append(f"{head}.{inner}" if isinstance(section, dict) and inner else head)
    if "tags" in words:
        words["tags"] = [tag for tag in words["tags"] if tag is not None]
    return gone
