"""How the engine of a plan is going to run the model, read from the fields and arguments of its spec."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Final

from hfdeploy.fit.judgement import judge
from hfdeploy.fit.terms import BATCHED_TOKENS, SEQUENCES, UTILISATION, Fit, FitVerdict, Load, Model
from hfdeploy.fit.weights import Precision
from hfdeploy.plan import Plan
from hfdeploy.spec import LlamacppEngine

_LLAMACPP_STEP: Final = 512
"""Tokens of one forward pass of llama.cpp (`--ubatch-size`), where nobody says otherwise."""

_SMALLER: Final[Mapping[str, Precision]] = {
    "bitsandbytes": Precision.INT8,
    "eetq": Precision.INT8,
    "fp8": Precision.INT8,
    "bitsandbytes-nf4": Precision.INT4,
    "bitsandbytes-fp4": Precision.INT4,
}
"""What engines make of 16-bit weights while they load them; the other schemes need files prepared for them."""

_VLLM: Final[Mapping[str, Precision]] = {"fp8": Precision.INT8, "bitsandbytes": Precision.INT4}
"""vLLM's `--quantization`; its bitsandbytes packs four bits unless the files say otherwise."""

_DTYPES: Final[Mapping[str, str]] = {"bfloat16": "bfloat16", "float16": "float16", "half": "float16"}
"""What `--dtype` has the engine compute in."""

_LENGTHS: Final = ("--max-model-len", "--context-length", "--max-total-tokens")
_UTILISATIONS: Final = ("--gpu-memory-utilization", "--mem-fraction-static", "--cuda-memory-fraction")
_NOT_JUDGED: Final[Mapping[str, str]] = {
    "custom": "a custom container may load anything",
    "tgi_neuron": "Neuron's memory is laid out when a model is compiled",
    "vllm_neuron": "Neuron's memory is laid out when a model is compiled",
    "huggingface_neuron": "Neuron's memory is laid out when a model is compiled",
}


def judge_plan(plan: Plan, model: Model | None, unknown: str = "") -> Fit:
    """Whether the plan's engine starts with its model; `unknown` says why nothing is known of that."""
    load = load_of(plan)
    if reason := _NOT_JUDGED.get(plan.spec.engine.type):
        return _unknown(plan, load, "unknown_engine", f"{reason[:1].upper()}{reason[1:]}.")
    if model is None:
        return _unknown(plan, load, "unknown_model", unknown)
    if isinstance(plan.spec.engine, LlamacppEngine) and (sentence := _beside(plan.spec.engine, model)):
        return _unknown(plan, load, "unknown_engine", sentence)
    if model.weights.is_packed and load.precision in {Precision.INT8, Precision.INT4}:
        load = replace(load, precision=Precision.STORED)
    return judge(model, plan.hardware, load)


def load_of(plan: Plan) -> Load:
    """What the spec tells the engine; where it tells nothing, what engines do by themselves."""
    spec, engine = plan.spec, plan.spec.engine
    given = dict(_given(spec.args))
    if isinstance(engine, LlamacppEngine):
        return replace(llamacpp_load(engine.ctx_size or None), cache_element=_cache_element(given))
    shared = plan.parallel_sizes
    length = spec.max_model_len or getattr(engine, "max_total_tokens", None) or _whole(given, *_LENGTHS)
    batched = _first(engine, "max_num_batched_tokens", "max_batch_prefill_tokens", "chunked_prefill_size")
    cached = getattr(engine, "kv_cache_dtype", None) or given.get("--kv-cache-dtype", "auto")
    return Load(
        max_model_len=length,
        concurrency=spec.concurrency or 1,
        precision=_precision(engine.type, getattr(engine, "quantize", None), given),
        tensor=shared.sizes.get("tensor_parallel_size") if shared else None,
        copies=shared.sizes.get("data_parallel_size", 1) if shared else 1,
        cache_element=1 if cached.startswith("fp8") else 2,
        dtype=_DTYPES.get(given.get("--dtype") or (spec.env.get("DTYPE", "") if engine.type == "tgi" else ""), ""),
        utilisation=_share(given),
        batched_tokens=batched or _whole(given, "--max-num-batched-tokens") or BATCHED_TOKENS,
        sequences=_first(engine, "max_num_seqs", "max_running_requests") or SEQUENCES,
    )


def llamacpp_load(context: int | None) -> Load:
    """How llama.cpp runs a model with so many tokens over all slots; None: what the model allows.

    It takes the cache of all of them at its start, works on 512 tokens in one step, and takes no share of the memory.
    """
    return Load(
        max_model_len=context,
        utilisation=Fraction(1),
        batched_tokens=_LLAMACPP_STEP,
        sequences=_LLAMACPP_STEP,
        by_layers=True,
    )


def _cache_element(given: Mapping[str, str]) -> int:
    """Bytes of one number in llama.cpp's cache; packed caches count as sixteen bits."""
    flags = ("-ctk", "-ctv", "--cache-type-k", "--cache-type-v")
    return 4 if any(given.get(flag) == "f32" for flag in flags) else 2


def _beside(engine: LlamacppEngine, model: Model) -> str:
    """What llama.cpp is told that nobody can judge; empty where there is nothing."""
    layers = model.shape.layers if model.shape else 0
    if engine.mmproj_model_path:
        return "The encoder beside the language model (engine.mmproj_model_path) is not modelled."
    if engine.n_gpu_layers is not None and 0 <= engine.n_gpu_layers < layers:
        return f"Only {engine.n_gpu_layers} of {layers} layers go to the GPU, and no rule says what the others take."
    return ""


def _unknown(plan: Plan, load: Load, reason: str, sentence: str) -> Fit:
    return Fit(FitVerdict.UNKNOWN, reason, sentence, plan.hardware, load, max_model_len=load.max_model_len)


def _precision(engine: str, quantize: str | None, given: Mapping[str, str]) -> Precision:
    if quantize is not None:
        return _SMALLER.get(quantize, Precision.STORED)
    asked = given.get("--quantization") or given.get("-q") or given.get("--quantize") or ""
    schemes = _VLLM if engine == "vllm" else _SMALLER
    return schemes.get(asked, Precision.STORED)


def _given(args: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Every flag with its value, as `--flag value` or `--flag=value`; underscores are hyphens."""
    for position, text in enumerate(args):
        flag, equals, value = text.partition("=")
        if flag.startswith("-"):
            following = args[position + 1] if position + 1 < len(args) else ""
            yield flag.replace("_", "-"), value if equals else following


def _whole(given: Mapping[str, str], *flags: str) -> int | None:
    for flag in flags:
        if given.get(flag, "").isascii() and given.get(flag, "").isdigit():
            return int(given[flag]) or None
    return None


def _share(given: Mapping[str, str]) -> Fraction:
    """The share of GPU memory that the engine is told to use; one that is no share is the engine's own affair."""
    for flag in _UTILISATIONS:
        try:
            share = Fraction(given.get(flag, ""))
        except (ValueError, ZeroDivisionError):
            continue
        if 0 < share <= 1:
            return share
    return UTILISATION


def _first(engine: object, *names: str) -> int | None:
    """The first of these fields that the engine has and that is set to something above 0."""
    for name in names:
        value = getattr(engine, name, None)
        if isinstance(value, int) and value > 0:
            return value
    return None
