"""What is worth knowing beside a verdict on memory."""

from typing import Final

from hfdeploy.fit.attention import FullAttention, HybridAttention, WindowedAttention
from hfdeploy.fit.card import Card
from hfdeploy.fit.terms import Arithmetic, Load, Model, gib
from hfdeploy.fit.weights import Precision

_BFLOAT16: Final = 8.0
"""The least compute capability that has it."""


def lacks_bfloat16(card: Card | None) -> bool:
    """Whether it is known that a card does not compute in bfloat16."""
    return card is not None and card.capability is not None and card.capability < _BFLOAT16


def remarks(model: Model, card: Card, load: Load, tensor: int, length: int, sums: Arithmetic) -> list[str]:
    """Sentences about a judged model on a card; `length` is that of one sequence."""
    notes = []
    shape = model.shape
    dtypes = set(model.weights.dtypes)
    half = (shape.dtype if shape else "") == "bfloat16" or "BF16" in dtypes
    chooses = not load.dtype and load.precision is not Precision.INT4 and not load.by_layers
    if lacks_bfloat16(card) and load.dtype == "bfloat16":
        notes.append("This GPU does not compute in bfloat16, which the engine is told to do: tell it float16.")
    elif lacks_bfloat16(card) and half and chooses:
        notes.append("This GPU does not compute in bfloat16: engines take float16, and old releases have to be told.")
    if card.capability is not None and card.capability < 8.9 and any(one.startswith("F8") for one in dtypes):
        notes.append("This GPU stores FP8 weights, and computes with something wider.")
    if load.precision in {Precision.INT8, Precision.INT4}:
        notes.append("Weights made smaller while they are loaded are an estimate.")
    if load.by_layers:
        notes.append("How llama.cpp shares layers out over GPUs, and what it needs beside them, is an estimate.")
    elif shape is not None and shape.active_width % tensor:
        notes.append(f"The feed-forward width {shape.active_width} is not divided by {tensor}: some engines pad it.")
    whole = _without_windows(model, load, tensor, length)
    if sums.cache <= sums.free < whole:
        notes.append(
            f"Only with the model's windows: an engine that keeps all {length} tokens in every layer needs "
            f"{gib(whole)} GiB for one sequence."
        )
    return notes


def _without_windows(model: Model, load: Load, tensor: int, length: int) -> int:
    """What one sequence takes of an engine that knows no windows; 0 for models without them."""
    match model.shape.attention if model.shape else None:
        case WindowedAttention(layers, kv_heads, head_dim):
            every = FullAttention(layers, kv_heads, head_dim)
        case HybridAttention(full_layers, window_layers, kv_heads, head_dim):
            every = FullAttention(full_layers + window_layers, kv_heads, head_dim)
        case _:
            return 0
    return every.cache_bytes(length, tensor=tensor, element=load.cache_element)
