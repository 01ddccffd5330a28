"""What arguments and environment tell an engine about memory, and what they make it load beside the model."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hfdeploy.spec import EndpointSpec
from hfdeploy.spec.length import VARIABLES

_OF_TGI: Final = (
    "QUANTIZE", "DTYPE", "KV_CACHE_DTYPE", "MAX_BATCH_PREFILL_TOKENS", "CUDA_MEMORY_FRACTION", "LORA_ADAPTERS",
    "NUM_SHARD", "SHARDED",
)  # fmt: skip
_FLAGS: Final[Mapping[str, Mapping[str, str]]] = {
    "tgi": {name: f"--{name.lower().replace('_', '-')}" for name in _OF_TGI},
    "tei": {"DTYPE": "--dtype"},
    "llamacpp": {
        "LLAMA_ARG_CACHE_TYPE_K": "--cache-type-k",
        "LLAMA_ARG_CACHE_TYPE_V": "--cache-type-v",
        "LLAMA_ARG_MODEL_DRAFT": "--model-draft",
        "LLAMA_ARG_HFD_REPO": "--hf-repo-draft",
        "LLAMA_ARG_SPEC_DRAFT_MODEL": "--spec-draft-model",
        "LLAMA_ARG_SPEC_DRAFT_HF_REPO": "--spec-draft-hf",
        "LLAMA_ARG_SPEC_TYPE": "--spec-type",
    },
}
"""Environment variables that an engine reads in the place of a flag; a flag counts before its variable.

TGI and TEI (clap's `env` in their main.rs) name them after the flag, llama.cpp (common/arg.cpp) in its own way.
"""

_ADAPTERS: Final = frozenset(
    {"--enable-lora", "--lora-modules", "--lora-paths", "--lora-adapters", "--lora", "--lora-scaled"}
)
_DRAFTS: Final = frozenset({"-sc", "-md", "--model-draft", "-hfd", "-hfrd", "--hf-repo-draft"})
_SPECULATIONS: Final = ("--speculative-", "--spec-")
"""How flags of speculative decoding begin, by whatever draft it is."""


def given_flags(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every flag with its value, as `--flag value` or `--flag=value`; underscores are hyphens."""
    for position, text in enumerate(args):
        flag, equals, value = text.partition("=")
        if flag.startswith("-"):
            following = args[position + 1] if position + 1 < len(args) else ""
            yield flag.replace("_", "-"), value if equals else following


def told_flags(spec: EndpointSpec) -> dict[str, str]:
    """Every flag that the engine is given with its value, and those that its environment stands for."""
    known = _FLAGS.get(spec.engine.type, {})
    return {known[name]: value for name, value in spec.env.items() if name in known} | dict(given_flags(spec.args))


def read_variables(engine: str) -> frozenset[str]:
    """The environment variables whose values are read of an engine."""
    return frozenset({*_FLAGS.get(engine, ()), *VARIABLES.get(engine, ())})


def loaded_beside(name: str, engine: str) -> str:
    """What a flag or a variable makes an engine load beside the model, as the subject of a sentence; empty for none."""
    flag = _FLAGS.get(engine, {}).get(name, name).replace("_", "-")
    if flag in _ADAPTERS:
        return "Adapters"
    if flag in _DRAFTS or flag.startswith(_SPECULATIONS):
        return "Speculative decoding"
    return ""


def beside(spec: EndpointSpec) -> str:
    """Why nobody can tell what the engine holds beside the model; empty where it is told to hold nothing."""
    flags = [flag for flag, _ in given_flags(spec.args)]
    for name in (*flags, *spec.env):
        if what := loaded_beside(name, spec.engine.type):
            return f"{what} ({name}) takes memory beside the model, and how much is not modelled."
    return ""
