"""How the engine of a plan is going to run the model, read from the fields and arguments of its spec."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from hfdeploy.fit.judgement import judge
from hfdeploy.fit.sharing import idle_gpus, shards, unmodelled
from hfdeploy.fit.terms import BATCHED_TOKENS, SEQUENCES, UTILISATION, Fit, FitVerdict, Load, Model
from hfdeploy.fit.told import beside, told_flags
from hfdeploy.fit.weights import Precision, Weights
from hfdeploy.plan import Plan
from hfdeploy.spec import EndpointSpec, LlamacppEngine
from hfdeploy.spec.length import is_left_to_engine, read_count, told

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

_DTYPES: Final[Mapping[str, str]] = {
    "bfloat16": "bfloat16",
    "float16": "float16",
    "half": "float16",
    "float32": "float32",
    "float": "float32",
}
"""What `--dtype` has the engine compute in."""

_WIDE: Final = frozenset({"F32", "F64"})
_STEPS: Final = ("--max-num-batched-tokens", "--max-batch-prefill-tokens", "--chunked-prefill-size")
_AT_ONCE: Final = ("--max-num-seqs", "--max-running-requests")
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
    load = replace(load, precision=_held(model.weights, load))
    fit = judge(model, plan.hardware, load)
    if (
        fit.reason == "kv_pool_too_small"
        and fit.longest_context
        and is_left_to_engine(plan.spec.engine, plan.spec.args)
    ):
        fit = judge(model, plan.hardware, replace(load, max_model_len=fit.longest_context))
    if fit.verdict is not FitVerdict.NO_FIT and (sentence := beside(plan.spec)):
        # What does not fit by itself does not fit with more beside it, and stays an error.
        return _unknown(plan, load, "unknown_engine", sentence)
    if fit.reason != "weights_exceed_budget" and (sentence := unmodelled(plan.spec)):
        # An even share is the least that the fullest GPU holds: what exceeds it does so however it is shared out.
        return _unknown(plan, load, "unknown_engine", sentence)
    if fit.verdict is FitVerdict.NO_FIT and (told := idle_gpus(plan.spec, plan.hardware)):
        return replace(fit, sentence=f"{fit.sentence} {told}")
    return fit


def can_be_judged(spec: EndpointSpec) -> bool:
    """Whether the weights and the cache of its model are all that the engine holds, and it is known on which GPUs."""
    return spec.engine.type not in _NOT_JUDGED and not beside(spec) and not unmodelled(spec)


def load_of(plan: Plan) -> Load:
    """What the spec tells the engine; where it tells nothing, what engines do by themselves."""
    spec, engine = plan.spec, plan.spec.engine
    given, length = told_flags(spec), told(engine, spec.args, spec.env)
    tokens = length[1] if length else None
    if isinstance(engine, LlamacppEngine):
        return replace(llamacpp_load(tokens), cache_element=_cache_element(given))
    shared = plan.parallel_sizes
    batched = _first(engine, "max_num_batched_tokens", "max_batch_prefill_tokens", "chunked_prefill_size")
    cached = getattr(engine, "kv_cache_dtype", None) or given.get("--kv-cache-dtype", "auto")
    load = Load(
        max_model_len=spec.max_model_len or tokens,
        concurrency=spec.concurrency or 1,
        precision=_precision(engine.type, getattr(engine, "quantize", None), given),
        tensor=shared.sizes.get("tensor_parallel_size") if shared else shards(spec),
        copies=shared.sizes.get("data_parallel_size", 1) if shared else 1,
        cache_element=1 if cached.startswith("fp8") else 2,
        dtype=_DTYPES.get(given.get("--dtype", ""), ""),
        utilisation=_share(given),
        batched_tokens=batched or _whole(engine.type, given, *_STEPS) or BATCHED_TOKENS,
        sequences=_first(engine, "max_num_seqs", "max_running_requests")
        or _whole(engine.type, given, *_AT_ONCE)
        or SEQUENCES,
    )
    return _in_full(load, cached) if load.dtype == "float32" else load


def _in_full(load: Load, cached: str) -> Load:
    """In thirty-two bits, but for what is told to be smaller; left to the engine, the cache is of the model's type."""
    precision = Precision.FULL if load.precision is Precision.STORED else load.precision
    return replace(load, precision=precision, cache_element=load.element if cached == "auto" else load.cache_element)


def _held(weights: Weights, load: Load) -> Precision:
    """What the engine makes of these weights: packed ones stay as they are, wide ones become what it computes in."""
    if weights.is_packed:
        return Precision.STORED
    is_narrowed = load.dtype in {"float16", "bfloat16"} and not _WIDE.isdisjoint(weights.dtypes[:1])
    return Precision.HALF if is_narrowed and load.precision is Precision.STORED else load.precision


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


def _whole(engine: str, given: Mapping[str, str], *flags: str) -> int | None:
    """The first of these flags that has a number above 0."""
    counts = (read_count(given[flag], engine) for flag in flags if flag in given)
    return next((count for count in counts if count), None)


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
