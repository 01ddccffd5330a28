"""How a model attends, and what its cache of keys and values takes: bytes per GPU for the tokens of one sequence.

Formulas: docs/sizing.md. `tensor` is the tensor-parallel size; heads that cannot be divided further are replicated.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeAlias

__all__ = ["Attention", "FullAttention", "HybridAttention", "LatentAttention", "NoCache", "WindowedAttention"]


@dataclass(frozen=True, slots=True)
class FullAttention:
    """Every layer looks at everything: multi-head, grouped-query and multi-query attention."""

    layers: int
    kv_heads: int
    head_dim: int

    def cache_bytes(self, tokens: int, *, tensor: int, element: int) -> int:
        """What `tokens` of one sequence take on one GPU, at `element` bytes for each number."""
        return self.layers * _token(self.kv_heads, self.head_dim, tensor, element) * tokens


@dataclass(frozen=True, slots=True)
class WindowedAttention:
    """Every layer looks at the last `window` tokens only."""

    layers: int
    kv_heads: int
    head_dim: int
    window: int

    def cache_bytes(self, tokens: int, *, tensor: int, element: int) -> int:
        """What `tokens` of one sequence take on one GPU, at `element` bytes for each number."""
        return self.layers * _token(self.kv_heads, self.head_dim, tensor, element) * min(tokens, self.window)


@dataclass(frozen=True, slots=True)
class HybridAttention:
    """Some layers look at everything, the others at the last `window` tokens."""

    full_layers: int
    window_layers: int
    kv_heads: int
    head_dim: int
    window: int

    def cache_bytes(self, tokens: int, *, tensor: int, element: int) -> int:
        """What `tokens` of one sequence take on one GPU, at `element` bytes for each number."""
        positions = self.full_layers * tokens + self.window_layers * min(tokens, self.window)
        return _token(self.kv_heads, self.head_dim, tensor, element) * positions


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Multi-head latent attention: one compressed vector per token, which every GPU holds whole."""

    layers: int
    kv_lora_rank: int
    rope_dim: int

    def cache_bytes(self, tokens: int, *, tensor: int, element: int) -> int:  # noqa: ARG002 - not divided by it
        """What `tokens` of one sequence take on one GPU, at `element` bytes for each number."""
        return self.layers * (self.kv_lora_rank + self.rope_dim) * element * tokens


@dataclass(frozen=True, slots=True)
class NoCache:
    """Nothing is kept between tokens: embeddings, rerankers, classifiers, diffusion."""

    def cache_bytes(self, tokens: int, *, tensor: int, element: int) -> int:  # noqa: ARG002 - whatever it is
        """Nothing."""
        return 0


Attention: TypeAlias = FullAttention | WindowedAttention | HybridAttention | LatentAttention | NoCache

_KINDS: Final[Mapping[str, type[Attention]]] = {
    "full": FullAttention,
    "windowed": WindowedAttention,
    "hybrid": HybridAttention,
    "latent": LatentAttention,
    "none": NoCache,
}


def attention_document(attention: Attention) -> dict[str, Any]:
    """As JSON values, for the lock file; `read_attention` is the inverse."""
    kind = next(name for name, type_ in _KINDS.items() if type_ is type(attention))
    return {"kind": kind, **asdict(attention)}


def read_attention(document: Mapping[str, Any]) -> Attention:
    """The inverse of `attention_document`.

    Raises:
        KeyError, TypeError: it is not one.
    """
    fields = {name: value for name, value in document.items() if name != "kind"}
    if not all(type(value) is int for value in fields.values()):
        raise TypeError("the numbers of an attention are whole")
    return _KINDS[document["kind"]](**fields)


def _token(kv_heads: int, head_dim: int, tensor: int, element: int) -> int:
    """Keys and values of one token in one layer on one GPU."""
    return 2 * max(1, -(-kv_heads // tensor)) * head_dim * element
