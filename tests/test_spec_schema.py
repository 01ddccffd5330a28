"""The shipped specs, and the JSON Schema that editors read: described, committed, and as strict as it can be."""

import json
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator
from spec_folder import BAD, FIELDS

from hfdeploy.spec import Security, TgiEngine, json_schema, load_specs

SPECS = Path(__file__).parent.parent / "specs"


# What is shipped


def test_the_shipped_specs_are_what_they_say() -> None:
    """They are the first thing a newcomer reads and runs."""
    loaded = {Path(one.file).stem: one.spec for one in load_specs([SPECS])}
    assert {name: (spec.name, spec.repository, spec.engine.type) for name, spec in loaded.items()} == {
        "falcon-40b": ("falcon-40b", "tiiuae/falcon-40b-instruct", "tgi"),
        "qwen-chat": ("qwen-chat", "Qwen/Qwen2.5-7B-Instruct", "vllm"),
        "bge-small": ("bge-small", "BAAI/bge-small-en-v1.5", "tei"),
        "smollm": ("smollm", "HuggingFaceTB/SmolLM2-360M-Instruct", "tgi"),
    }
    falcon = loaded["falcon-40b"]
    assert (falcon.instance, falcon.cloud, falcon.region) == ("GPU [xlarge] · 1x A100", "aws", "us-east-1")
    assert isinstance(falcon.engine, TgiEngine)
    assert (falcon.engine.quantize, falcon.autoscaling.min, falcon.autoscaling.max) == ("bitsandbytes", 0, 1)
    assert all(spec.security is Security.PRIVATE for spec in loaded.values())


def test_editors_find_the_schema_from_the_first_line() -> None:
    """Completion is how people learn the fields."""
    for file in SPECS.glob("*.yaml"):
        first = file.read_text().splitlines()[0]
        target = first.removeprefix("# yaml-language-server: $schema=")
        assert json.loads((file.parent / target).read_text()) == json_schema(), file.name


# The JSON Schema


def test_the_committed_schema_is_the_models() -> None:
    """`hfdeploy schema` would otherwise say something else than the file that editors read."""
    committed = (resources.files("hfdeploy") / "data" / "spec.schema.json").read_text()
    assert committed == json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    Draft202012Validator.check_schema(json_schema())


def sections(schema: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Every section of the schema with its properties."""
    yield "spec", schema["properties"]  # type: ignore[misc]
    for name, definition in schema["$defs"].items():  # type: ignore[attr-defined]
        yield name, definition.get("properties", {})


def test_every_field_of_the_schema_is_described() -> None:
    """It is what an editor shows when somebody hovers over a field."""
    bare = [
        f"{section}.{name}"
        for section, fields in sections(json_schema())
        for name, field in fields.items()
        if len(str(field.get("description", ""))) < 12  # type: ignore[attr-defined]
    ]
    assert bare == []


def test_the_schema_leaves_open_what_only_the_catalogue_knows() -> None:
    """A new region or GPU must not need a release."""
    properties = json_schema()["properties"]
    for field in ("cloud", "region", "instance", "task"):
        assert "enum" not in json.dumps(properties[field]), field
    assert not list(Draft202012Validator(json_schema()).iter_errors({**FIELDS, "cloud": "moon", "region": "sea-1"}))


@pytest.mark.parametrize("file", sorted(SPECS.glob("*.yaml")), ids=lambda file: file.stem)
def test_the_schema_accepts_the_shipped_specs(file: Path) -> None:
    """As an editor reads them: with YAML's own types."""
    errors = Draft202012Validator(json_schema()).iter_errors(yaml.safe_load(file.read_text()))
    assert [error.message for error in errors] == []


BEYOND_THE_SCHEMA = {
    "a credential or a loader by its name or shape": {
        "args-token", "command-token", "custom-registry-password-own-config", "custom-registry-password-own-token",
        "custom-registry-username-token", "env-loader", "env-token-name",
        "env-token-value", "secrets-from-config-token", "secrets-from-env-token", "secrets-loader", "tags-token",
        "verify-prompt-token",
    },
    "two fields that contradict each other": {
        "autoscaling-min-above-max", "env-and-secret", "length-llamacpp-argument", "length-llamacpp-own",
        "length-llamacpp-slots", "length-neuron-sequence", "length-no-room-for-the-prompt", "length-sglang-argument",
        "length-tgi-argument", "length-tgi-input", "length-tgi-total", "length-tgi-variable", "length-vllm-argument",
        "length-vllm-last-argument", "llamacpp-embeds-no-text", "llamacpp-rank-without-reranking", "parameters-tgi",
        "public-acknowledged-by-true", "public-acknowledged-for-another", "tgi-batch-too-small", "tgi-no-room",
        "verify-deep-bake-timeout", "verify-deep-concurrency-tei", "verify-deep-long-prompt-embeddings",
        "verify-deep-long-prompt-no-length", "verify-deep-long-prompt-no-room", "verify-deep-long-prompt-tei",
        "verify-deep-long-prompt-truncated",
        "verify-expect-of-labels", "verify-route-toolkit", "verify-route-vllm", "verify-speed-of-embeddings",
        "verify-speed-of-toolkit", "vllm-step-too-small",
    },
    "a value whose meaning has to be looked at": {
        "autoscaling-sleep-half-minute", "autoscaling-sleep-too-late", "autoscaling-sleep-too-soon",
        "instance-blank-around", "instance-too-long", "parameters-temperature-nan", "rollout-timeout-long",
        "sglang-chunk-zero", "tags-tab", "verify-expect-open", "verify-prompt-blank", "private-service-account",
        "verify-expect-too-long", "verify-deep-bake-long", "verify-deep-bake-short",
    },
    "YAML that other readers let pass or type in their own way": {
        "autoscaling-max-endless", "autoscaling-min-octal", "autoscaling-min-underscore", "llamacpp-layers-octal",
        "parameters-watermark", "parameters-zeros", "rollout-attempt-octal", "sglang-chunk-octal",
        "verify-tokens-octal",
        "private-service-shared", "tgi-kernels-yes",
    },
}  # fmt: skip
"""What the schema cannot refuse: an editor stays silent, and `hfdeploy validate` speaks."""


def test_the_schema_refuses_whatever_a_schema_can() -> None:
    """An editor that marks a mistake while it is typed saves a run."""
    schema = Draft202012Validator(json_schema())
    silent = set()
    for file in BAD.glob("[!y]*.yaml"):  # those that begin with `yaml-` are about the text, not about the fields
        try:
            data = json.loads(json.dumps(yaml.safe_load(file.read_bytes()), default=str))
        except (yaml.YAMLError, UnicodeDecodeError):
            continue  # a schema judges fields, and this file has none
        if not list(schema.iter_errors(data)):
            silent.add(file.stem)
    assert silent == set().union(*BEYOND_THE_SCHEMA.values())
