"""GGUF files of a model repository, reconstructed: tensors, types and facts of the real ones, so that sizes are too.

Which tensors have which type follows from the scheme's name as llama.cpp's quantiser mixes them; the vocabulary lists
as many words as the real one, all made up.
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Any

_NUMBERS = {"F32": 0, "F16": 1, "Q8_0": 8, "Q4_K": 12, "Q6_K": 14}
_BLOCKS = {"F32": (1, 4), "F16": (1, 2), "Q8_0": (32, 34), "Q4_K": (256, 144), "Q6_K": (256, 210)}
_ALIGNMENT = 32
_TEXT, _LIST, _WORD, _SHORT = 8, 9, 4, 2


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a header."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Its elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Its size, with what aligns the next one."""
        block, size = _BLOCKS[self.dtype]
        return -(-(self.count // block * size) // _ALIGNMENT) * _ALIGNMENT


@dataclass(frozen=True)
class Gguf:
    """A GGUF file: a header, and then bytes that nobody has."""

    facts: tuple[tuple[str, int | str], ...]
    tensors: tuple[Tensor, ...]
    words: int
    """Of the vocabulary, which the first file of a model lists."""

    @cached_property
    def header(self) -> bytes:
        """All before the tensors."""
        pairs = [_pair(key, value) for key, value in self.facts]
        if self.words:
            listed = b"".join(_text(f"<{number}>") for number in range(self.words))
            pairs.append(_text("tokenizer.ggml.tokens") + struct.pack("<IIQ", _LIST, _TEXT, self.words) + listed)
        text = b"GGUF" + struct.pack("<IQQ", 3, len(self.tensors), len(pairs)) + b"".join(pairs)
        offset = 0
        for tensor in self.tensors:
            extents = struct.pack(f"<I{len(tensor.shape)}Q", len(tensor.shape), *tensor.shape)
            text += _text(tensor.name) + extents + struct.pack("<IQ", _NUMBERS[tensor.dtype], offset)
            offset += tensor.bytes
        return text + bytes(-len(text) % _ALIGNMENT)

    @property
    def size(self) -> int:
        """Of the whole file, in bytes."""
        return len(self.header) + sum(tensor.bytes for tensor in self.tensors)


def summary(model: dict[str, Any]) -> dict[str, Any]:
    """What the Hub says of a model's GGUF files by itself; nothing where there are none."""
    if "gguf" not in model:
        return {}
    config = model["gguf"].get("config") or model["config"]
    count = sum(tensor.count for tensor in _tensors(config, "F16"))
    return {"gguf": {"total": count, "architecture": "llama", "context_length": config["max_position_embeddings"]}}


def ggufs(model: dict[str, Any]) -> dict[str, Gguf]:
    """The GGUF files of a model, by name; none of most models."""
    return _made(json.dumps({name: model.get(name) for name in ("gguf", "config")})) if "gguf" in model else {}


@cache
def _made(text: str) -> dict[str, Gguf]:
    """The files of a model that is JSON here: a header takes a while, and a client asks for it in pieces."""
    model = json.loads(text)
    config = model["gguf"].get("config") or model["config"]
    files: dict[str, Gguf] = {}
    for entry in model["gguf"]["files"]:
        tensors = list(_tensors(config, entry["scheme"]))
        parts = entry.get("parts", 1)
        each = -(-len(tensors) // parts)
        for part in range(parts):
            facts = _facts(config) if part == 0 else []
            if parts > 1:
                facts += [("split.no", part), ("split.count", parts), ("split.tensors.count", len(tensors))]
            name = entry["file"] if parts == 1 else f"{entry['file']}-{part + 1:05d}-of-{parts:05d}.gguf"
            words = 0 if part else config["vocab_size"]
            files[name] = Gguf(tuple(facts), tuple(tensors[part * each : (part + 1) * each]), words)
    return files


def _facts(config: dict[str, Any]) -> list[tuple[str, int | str]]:
    return [
        ("general.architecture", "llama"),
        ("general.reconstructed", "by an emulator from published sizes; not the file of the Hub"),
        ("llama.block_count", config["num_hidden_layers"]),
        ("llama.context_length", config["max_position_embeddings"]),
        ("llama.embedding_length", config["hidden_size"]),
        ("llama.feed_forward_length", config["intermediate_size"]),
        ("llama.attention.head_count", config["num_attention_heads"]),
        ("llama.attention.head_count_kv", config["num_key_value_heads"]),
        ("llama.vocab_size", config["vocab_size"]),
    ]


def _tensors(config: dict[str, Any], scheme: str) -> Iterator[Tensor]:
    """Those of a model of llama's kind, of one type, or of Q4_K with some in Q6_K."""
    hidden, width, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    keys = hidden // config["num_attention_heads"] * config["num_key_value_heads"]
    mixed = scheme == "Q4_K_M"
    most, better = ("Q4_K", "Q6_K") if mixed else (scheme, scheme)
    yield Tensor("rope_freqs.weight", "F32", (hidden // config["num_attention_heads"] // 2,))
    yield Tensor("token_embd.weight", most, (hidden, config["vocab_size"]))
    for layer in range(layers):
        dtype = better if mixed and _gets_more(layer, layers) else most
        yield Tensor(f"blk.{layer}.attn_norm.weight", "F32", (hidden,))
        yield Tensor(f"blk.{layer}.ffn_norm.weight", "F32", (hidden,))
        yield Tensor(f"blk.{layer}.attn_q.weight", most, (hidden, hidden))
        yield Tensor(f"blk.{layer}.attn_k.weight", most, (hidden, keys))
        yield Tensor(f"blk.{layer}.attn_v.weight", dtype, (hidden, keys))
        yield Tensor(f"blk.{layer}.attn_output.weight", most, (hidden, hidden))
        yield Tensor(f"blk.{layer}.ffn_gate.weight", most, (hidden, width))
        yield Tensor(f"blk.{layer}.ffn_up.weight", most, (hidden, width))
        yield Tensor(f"blk.{layer}.ffn_down.weight", dtype, (width, hidden))
    yield Tensor("output_norm.weight", "F32", (hidden,))
    if not config.get("tie_word_embeddings"):
        yield Tensor("output.weight", better, (hidden, config["vocab_size"]))


def _gets_more(layer: int, layers: int) -> bool:
    """Whether a layer's values and last matrix get more bits: the first and last eighth, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _pair(key: str, value: int | str) -> bytes:
    if isinstance(value, str):
        return _text(key) + struct.pack("<I", _TEXT) + _text(value)
    kind, code = (_SHORT, "H") if key.startswith("split.") and key != "split.tensors.count" else (_WORD, "I")
    return _text(key) + struct.pack(f"<I{code}", kind, value)


def _text(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded
