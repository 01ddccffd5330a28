"""Whether an engine starts with a model on an instance, with the arithmetic; nothing about speed.

weights + overhead + one sequence of the wanted length against the share of each GPU that the engine may use. Formulas
and their sources: docs/sizing.md. Integers and fractions of bytes throughout; GiB only where they are shown.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Final

from hfdeploy.catalog import Hardware
from hfdeploy.fit.card import GIB, Card, card_of
from hfdeploy.fit.shape import Shape
from hfdeploy.fit.weights import Precision, UnknownWeights, Weights

UTILISATION: Final = Fraction(92, 100)
"""Share of GPU memory that the engine takes: vLLM's default `gpu_memory_utilization`, and TGI's."""

BATCHED_TOKENS: Final = 2048
"""Tokens of one forward pass, where the engine is not told otherwise."""

SEQUENCES: Final = 256
"""Sequences at once, where the engine is not told otherwise."""

_FIXED: Final = Fraction("0.61") * GIB
"""Runtime 0.25 and CUDA graphs 0.36: estimates."""

_COLLECTIVES: Final = Fraction("0.5") * GIB
"""NCCL's buffers with more than one GPU: an estimate."""

_LOGIT: Final = 4
_ACTIVATION: Final = 2
_HEADROOM: Final = Fraction(125, 100)
_LEAST_FREE: Final = Fraction(3, 100)
_BLOCK: Final = 16
"""Tokens that are taken at once."""


class FitVerdict(StrEnum):
    """Whether it starts. `UNKNOWN` is never read as a yes."""

    FIT = "fit"
    TIGHT = "tight"
    NO_FIT = "no_fit"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a repository at one commit."""

    repository: str
    weights: Weights
    shape: Shape | None
    """None for repositories of several parts (diffusers), which have no configuration of their own."""

    commit: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """How the engine is going to run it."""

    max_model_len: int | None = None
    """Tokens of one sequence; None: what the model itself allows."""

    concurrency: int = 1
    """Sequences of that length that are wanted at once."""

    precision: Precision = Precision.STORED
    tensor: int | None = None
    """GPUs that share one copy; None: all of the instance."""

    copies: int = 1
    """Data-parallel copies: `tensor` times `copies` is the number of GPUs."""

    cache_element: int = 2
    """Bytes of one number in the cache."""

    utilisation: Fraction = UTILISATION
    batched_tokens: int = BATCHED_TOKENS
    sequences: int = SEQUENCES


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Bytes on one GPU."""

    visible: Fraction
    budget: Fraction
    weights: Fraction
    activation: Fraction
    logits: Fraction
    fixed: Fraction
    cache: Fraction
    """One sequence of the wanted length."""

    overhead: Fraction
    """Activation, logits and what is fixed."""

    free: Fraction
    """For the cache of all sequences: what the budget leaves beside weights and overhead."""


@dataclass(frozen=True, slots=True)
class Fit:
    """The verdict on one model on one instance."""

    verdict: FitVerdict
    reason: str
    """A stable word: fits, low_headroom, kv_pool_too_small, weights_exceed_budget, heads_not_divisible and the like."""

    sentence: str
    hardware: Hardware
    load: Load
    tensor: int = 1
    max_model_len: int | None = None
    """The length that was judged."""

    arithmetic: Arithmetic | None = None
    full_sequences: int | None = None
    """Sequences of the judged length that the cache holds at once; None without a cache."""

    longest_context: int | None = None
    """Tokens of one sequence that would still start; None without a cache or without a bound."""

    notes: tuple[str, ...] = field(default=())


def judge(model: Model, hardware: Hardware, load: Load) -> Fit:
    """Whether the engine starts with this model on one replica of this hardware."""
    if hardware.accelerator == "cpu":
        return _on_cpu(model, hardware, load)
    card, count = card_of(hardware), hardware.num_accelerators or 0
    if hardware.accelerator != "gpu" or card is None:
        why = f"the memory of {hardware.spelling} that a process can use is not known"
        return Fit(FitVerdict.UNKNOWN, "unknown_hardware", _sentence(why), hardware, load)
    tensor = load.tensor or max(1, count // load.copies)
    shape = model.shape
    if shape is not None and (undivided := _undivided(shape, tensor)):
        return Fit(FitVerdict.NO_FIT, "heads_not_divisible", undivided, hardware, load, tensor)
    length = load.max_model_len or (shape.context if shape else None)
    if shape is not None and _has_cache(shape) and length is None:
        why = "neither the spec nor the model says how long a sequence may be"
        return Fit(FitVerdict.UNKNOWN, "unknown_context", _sentence(why), hardware, load, tensor)
    try:
        sums = _arithmetic(model, card, load, tensor, length)
    except UnknownWeights as problem:
        return Fit(FitVerdict.UNKNOWN, "unknown_weights", _sentence(str(problem)), hardware, load, tensor)
    return _verdict(model, hardware, load, tensor, length, card, sums)


def _arithmetic(model: Model, card: Card, load: Load, tensor: int, length: int | None) -> Arithmetic:
    shape = model.shape
    hidden, vocabulary = (shape.hidden, shape.vocabulary) if shape else (0, 0)
    width = shape.active_width if shape else 0
    total = model.weights.at(load.precision, vocabulary=vocabulary, hidden=hidden)

    def cache(tokens: int) -> Fraction:
        if shape is None:
            return Fraction(0)
        return Fraction(shape.attention.cache_bytes(tokens, tensor=tensor, element=load.cache_element))

    budget, weights = card.bytes * load.utilisation, Fraction(total, tensor)
    activation = load.batched_tokens * _ACTIVATION * (Fraction(3 * width, tensor) + 3 * hidden)
    logits = Fraction(load.sequences * vocabulary * _LOGIT)
    fixed = _FIXED + (_COLLECTIVES if tensor > 1 else 0)
    overhead = activation + logits + fixed
    return Arithmetic(
        visible=card.bytes,
        budget=budget,
        weights=weights,
        activation=activation,
        logits=logits,
        fixed=fixed,
        cache=cache(length or 0),
        overhead=overhead,
        free=budget - weights - overhead,
    )


_FAR: Final = 2**40
"""A position beyond every window."""


def _verdict(
    model: Model, hardware: Hardware, load: Load, tensor: int, length: int | None, card: Card, sums: Arithmetic
) -> Fit:
    verdict, reason, sentence = _judged(sums, load, hardware, length)
    if verdict is FitVerdict.FIT and not card.is_known:
        verdict, reason = FitVerdict.TIGHT, "unknown_card"
        sentence = f"It should fit, but how much of {hardware.instance_type} a process can use was never looked at."
    cached = bool(sums.cache)
    return Fit(
        verdict,
        reason,
        sentence,
        hardware,
        load,
        tensor,
        length,
        sums,
        full_sequences=max(0, sums.free // sums.cache) if cached else None,
        longest_context=_longest(model.shape, sums, tensor, load) if cached else None,
        notes=tuple(_notes(model, card, load, tensor)),
    )


def _judged(sums: Arithmetic, load: Load, hardware: Hardware, length: int | None) -> tuple[FitVerdict, str, str]:
    each = f"each GPU of {hardware.spelling}"
    if sums.weights > sums.budget:
        return (
            FitVerdict.NO_FIT,
            "weights_exceed_budget",
            f"The weights take {gib(sums.weights)} GiB on {each}, and {gib(sums.budget)} GiB of it can be used.",
        )
    if sums.free < sums.cache or sums.free < 0:
        what = f"one sequence of {length} tokens needs {gib(sums.cache)} GiB" if sums.cache else "nothing is left"
        return (
            FitVerdict.NO_FIT,
            "kv_pool_too_small",
            f"Beside weights and overhead {gib(sums.free)} GiB are left on {each}, and {what}.",
        )
    if sums.free < load.concurrency * sums.cache:
        return (
            FitVerdict.TIGHT,
            "concurrency_too_high",
            (
                f"{sums.free // sums.cache} sequences of {length} tokens fit at once, and concurrency is "
                f"{load.concurrency}: the engine starts, and lets the others wait."
            ),
        )
    if sums.free < _HEADROOM * sums.cache or sums.free < _LEAST_FREE * sums.budget:
        return (
            FitVerdict.TIGHT,
            "low_headroom",
            f"Only {gib(sums.free)} GiB are left on {each} for {gib(sums.cache)} GiB of cache.",
        )
    return FitVerdict.FIT, "fits", f"{gib(sums.free)} GiB are left on {each} for the cache."


def _undivided(shape: Shape, tensor: int) -> str:
    """Why the heads cannot be shared out; empty where they can."""
    legal = [size for size in range(1, tensor + 1) if _divides(shape, size)]
    way_out = f"use tensor_parallel_size {legal[-1]}" if legal else "use an instance with one GPU"
    if shape.heads % tensor:
        return f"{shape.heads} attention heads cannot be shared out over {tensor} GPUs: {way_out}."
    if not _divides(shape, tensor):
        return f"{shape.kv_heads} key-value heads cannot be shared out over {tensor} GPUs: {way_out}."
    return ""


def _divides(shape: Shape, tensor: int) -> bool:
    kv = shape.kv_heads or tensor
    return shape.heads % tensor == 0 and (kv % tensor == 0 or tensor % kv == 0)


def _longest(shape: Shape | None, sums: Arithmetic, tensor: int, load: Load) -> int | None:
    """The longest sequence that starts, in whole blocks; None where a window bounds what any length needs."""
    if shape is None or sums.free <= 0:
        return 0
    free = floor(sums.free)

    def held(blocks: int) -> bool:
        return shape.attention.cache_bytes(blocks * _BLOCK, tensor=tensor, element=load.cache_element) <= free

    if held(_FAR):
        return None
    far = shape.attention.cache_bytes(_FAR, tensor=tensor, element=load.cache_element)
    if each := shape.attention.cache_bytes(_FAR + 1, tensor=tensor, element=load.cache_element) - far:
        # Beyond every window each token takes as much, so that one division finds it.
        low = (free - far + each * _FAR) // each // _BLOCK
        if low >= 0 and held(low) and not held(low + 1):
            return low * _BLOCK
    low, high = 0, _FAR
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if held(middle) else (low, middle)
    return low * _BLOCK


def _notes(model: Model, card: Card, load: Load, tensor: int) -> list[str]:
    notes = []
    shape = model.shape
    dtypes = set(model.weights.dtypes)
    half = (shape.dtype if shape else "") == "bfloat16" or "BF16" in dtypes
    if card.capability is not None and card.capability < 8.0 and half and load.precision is not Precision.INT4:
        notes.append("This GPU does not compute in bfloat16: the engine has to be told float16.")
    if card.capability is not None and card.capability < 8.9 and any(one.startswith("F8") for one in dtypes):
        notes.append("This GPU stores FP8 weights, and computes with something wider.")
    if load.precision in {Precision.INT8, Precision.INT4}:
        notes.append("Weights made smaller while they are loaded are an estimate.")
    if shape is not None and shape.active_width % tensor:
        notes.append(f"The feed-forward width {shape.active_width} is not divided by {tensor}: some engines pad it.")
    return notes


def _on_cpu(model: Model, hardware: Hardware, load: Load) -> Fit:
    """No calibrated rule exists: half of the machine's memory is taken to be safe."""
    if hardware.memory_gb is None:
        why = f"the memory of {hardware.spelling} is not known"
        return Fit(FitVerdict.UNKNOWN, "unknown_hardware", _sentence(why), hardware, load)
    memory, size = Fraction(str(hardware.memory_gb)) * 10**9, model.weights.bytes
    held = f"The weights take {gib(Fraction(size))} GiB of the machine's {gib(memory)} GiB"
    if size > memory:
        return Fit(FitVerdict.NO_FIT, "weights_exceed_budget", f"{held}.", hardware, load)
    if 2 * size > memory:
        return Fit(FitVerdict.TIGHT, "low_headroom", f"{held}, more than half.", hardware, load)
    if model.shape is not None and _has_cache(model.shape):
        why = "no rule says what the cache takes of a CPU's memory, nor how slowly it answers"
        return Fit(FitVerdict.TIGHT, "no_rule", f"{held}; {why}.", hardware, load)
    return Fit(FitVerdict.FIT, "fits", f"{held}.", hardware, load)


def _has_cache(shape: Shape) -> bool:
    return shape.attention.cache_bytes(1, tensor=1, element=1) > 0


def gib(size: Fraction | int) -> str:
    """Bytes as GiB with two decimals."""
    return f"{float(size) / GIB:.2f}"


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}, so nobody can say whether it fits."
