"""The terms of a verdict on memory: the model, how an engine runs it, the arithmetic, the verdict."""

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from typing import Final

from hfdeploy.catalog import Hardware
from hfdeploy.fit.card import GIB
from hfdeploy.fit.shape import Shape
from hfdeploy.fit.weights import Precision, Weights

UTILISATION: Final = Fraction(92, 100)
"""Share of GPU memory that the engine takes: vLLM's default `gpu_memory_utilization`, and TGI's."""

BATCHED_TOKENS: Final = 2048
"""Tokens of one forward pass, where the engine is not told otherwise."""

SEQUENCES: Final = 256
"""Sequences at once, where the engine is not told otherwise."""


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
    file: str = ""
    """Which of several files of weights this is, for GGUF."""


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
    """Data-parallel copies, each on GPUs of its own."""

    cache_element: int = 2
    """Bytes of one number in the cache."""

    utilisation: Fraction = UTILISATION
    batched_tokens: int = BATCHED_TOKENS
    sequences: int = SEQUENCES
    dtype: str = ""
    """What the engine is told to compute in, `bfloat16`, `float16` or `float32`; empty where it chooses itself."""

    by_layers: bool = False
    """Whether GPUs hold whole layers (llama.cpp), not a part of each (tensor parallelism)."""

    @property
    def element(self) -> int:
        """Bytes of one number that is computed with."""
        return 4 if self.dtype == "float32" else 2


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


def gib(size: Fraction | int) -> str:
    """Bytes as GiB with two decimals."""
    return f"{float(size) / GIB:.2f}"
