"""Whether an engine starts with a model on an instance, with the arithmetic; nothing about speed.

weights + overhead + one sequence of the wanted length against the share of each GPU that the engine may use. Formulas
and their sources: docs/sizing.md. Integers and fractions of bytes throughout; GiB only where they are shown.
"""

from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import Final

from hfdeploy.catalog import Hardware
from hfdeploy.fit.card import GIB, Card, card_of
from hfdeploy.fit.remarks import remarks
from hfdeploy.fit.shape import Shape
from hfdeploy.fit.terms import Arithmetic, Fit, FitVerdict, Load, Model, gib
from hfdeploy.fit.weights import Precision, UnknownWeights

_FIXED: Final = Fraction("0.61") * GIB
"""Runtime 0.25 and CUDA graphs 0.36: estimates."""

_COLLECTIVES: Final = Fraction("0.5") * GIB
"""NCCL's buffers with more than one GPU: an estimate."""

_LOGIT: Final = 4
_SCORE: Final = 4
_HEADROOM: Final = Fraction(125, 100)
_LEAST_FREE: Final = Fraction(3, 100)
_BLOCK: Final = 16
"""Tokens that are taken at once."""


def judge(model: Model, hardware: Hardware, load: Load) -> Fit:
    """Whether the engine starts with this model on one replica of this hardware."""
    if hardware.accelerator == "cpu":
        return _on_cpu(model, hardware, load)
    card, count = card_of(hardware), hardware.num_accelerators or 0
    if hardware.accelerator != "gpu" or card is None:
        why = f"the memory of {hardware.spelling} that a process can use is not known"
        return Fit(FitVerdict.UNKNOWN, "unknown_hardware", _sentence(why), hardware, load)
    tensor = load.tensor or max(1, count // load.copies)
    if count and tensor > count:
        why = f"the engine is told to share each copy out over {tensor} GPUs, and {hardware.spelling} has {count}"
        return Fit(FitVerdict.UNKNOWN, "unknown_engine", _sentence(why), hardware, load, tensor)
    shape = model.shape
    if shape is not None and not load.by_layers and (undivided := _undivided(shape, tensor, count)):
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
    total = model.weights.at(load.precision, vocabulary=vocabulary, hidden=hidden, element=load.element)

    budget, weights = card.bytes * load.utilisation, total * _part(shape, tensor, load)
    each = Fraction(3 * width, 1 if load.by_layers else tensor) + 3 * hidden
    activation = load.batched_tokens * load.element * each
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
        cache=Fraction(_cached(shape, length or 0, tensor, load)),
        overhead=overhead,
        free=budget - weights - overhead,
    )


def _part(shape: Shape | None, tensor: int, load: Load) -> Fraction:
    """What the fullest GPU holds of the weights."""
    if not load.by_layers or shape is None or not shape.layers:
        return Fraction(1, tensor)
    return Fraction(-(-shape.layers // tensor), shape.layers)


def _cached(shape: Shape | None, tokens: int, tensor: int, load: Load) -> int:
    """What so many tokens of one sequence take on one GPU."""
    if shape is None:
        return 0
    if not load.by_layers:
        return shape.attention.cache_bytes(tokens, tensor=tensor, element=load.cache_element)
    whole = shape.attention.cache_bytes(tokens, tensor=1, element=load.cache_element)
    return ceil(whole * _part(shape, tensor, load))


def _scores(shape: Shape | None, load: Load, length: int) -> int:
    """What llama.cpp needs besides where it works without flash attention, which it decides by itself."""
    return shape.heads * load.batched_tokens * length * _SCORE if shape and load.by_layers else 0


_FAR: Final = 2**40
"""A position beyond every window."""


def _verdict(
    model: Model, hardware: Hardware, load: Load, tensor: int, length: int | None, card: Card, sums: Arithmetic
) -> Fit:
    verdict, reason, sentence = _judged(sums, load, hardware, length)
    if verdict is FitVerdict.FIT and not card.is_known:
        verdict, reason = FitVerdict.TIGHT, "unknown_card"
        sentence = f"It should fit, but how much of {hardware.instance_type} a process can use was never looked at."
    scores = _scores(model.shape, load, length or 0)
    if verdict is FitVerdict.FIT and sums.free < sums.cache + scores:
        verdict, reason = FitVerdict.TIGHT, "without_flash_attention"
        sentence = f"Without flash attention {gib(scores)} GiB more are needed: it has to be on."
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
        notes=tuple(remarks(model, card, load, tensor, length or 0, sums)),
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


def _undivided(shape: Shape, tensor: int, count: int) -> str:
    """Why the heads cannot be shared out; empty where they can. The way out uses all GPUs of the instance."""
    legal = [size for size in range(1, tensor + 1) if count % size == 0 and _divides(shape, size)]
    copies = f" and data_parallel_size {count // legal[-1]}" if legal else ""
    way_out = f"use tensor_parallel_size {legal[-1]}{copies}" if legal else "use an instance with one GPU"
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

    def cached(tokens: int) -> int:
        return _cached(shape, tokens, tensor, load)

    if cached(_FAR * _BLOCK) <= free:
        return None
    far = cached(_FAR)
    if each := cached(_FAR + 1) - far:
        # Beyond every window each token takes as much, so that one division finds it.
        low = (free - far + each * _FAR) // each // _BLOCK
        if low >= 0 and cached(low * _BLOCK) <= free < cached((low + 1) * _BLOCK):
            return low * _BLOCK
    low, high = 0, _FAR
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if cached(middle * _BLOCK) <= free else (low, middle)
    return low * _BLOCK


def _on_cpu(model: Model, hardware: Hardware, load: Load) -> Fit:
    """No calibrated rule exists: half of the machine's memory is taken to be safe, for the weights as stored."""
    load = replace(load, precision=Precision.STORED)
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


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}, so nobody can say whether it fits."
