"""Files of a model repository, reconstructed: configurations, and safetensors headers whose sizes are the real ones.

Tensors are not those of the real files: one embedding, and one flat tensor per layer and type that takes the rest. What
holds is what a plan reads: the sum of all `data_offsets` is the checkpoint's size, and parameters per type add up.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hfdeploy.emulator.records import Json

BYTES = {"F32": 4, "I64": 8, "BF16": 2, "F16": 2, "U8": 1, "F8_E4M3": 1}
SHARD_BYTES = 5_000_000_000
"""Checkpoints above this size are split, as transformers does."""

RECONSTRUCTED = "reconstructed by an emulator from published sizes; not the file of the Hub"


@dataclass(frozen=True, slots=True)
class Tensor:
    """One entry of a header."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Its size."""
        count = 1
        for extent in self.shape:
            count *= extent
        return count * BYTES[self.dtype]


@dataclass(frozen=True)
class Weights:
    """A safetensors file: a header, and then bytes that nobody has."""

    tensors: tuple[Tensor, ...]

    @cached_property
    def header(self) -> bytes:
        """The eight bytes of length and the JSON after them."""
        entries: dict[str, Json] = {"__metadata__": {"format": "pt", "reconstructed": RECONSTRUCTED}}
        offset = 0
        for tensor in self.tensors:
            end = offset + tensor.bytes
            entries[tensor.name] = {"dtype": tensor.dtype, "shape": list(tensor.shape), "data_offsets": [offset, end]}
            offset = end
        text = json.dumps(entries, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        return len(text).to_bytes(8, "little") + text

    @property
    def size(self) -> int:
        """Of the whole file, in bytes."""
        return len(self.header) + sum(tensor.bytes for tensor in self.tensors)


def weights(model: dict[str, Any]) -> dict[str, Weights]:
    """The weight files of a model, by name."""
    if not model["stored"]:
        return {}
    if "files" in model:
        [dtype] = model["stored"]
        return {name: Weights((Tensor("weight", dtype, (count,)),)) for name, count in model["files"].items()}
    shards: list[list[Tensor]] = [[]]
    held = 0
    for tensor in _tensors(model):
        if shards[-1] and held + tensor.bytes > SHARD_BYTES:
            shards.append([])
            held = 0
        shards[-1].append(tensor)
        held += tensor.bytes
    if len(shards) == 1:
        return {"model.safetensors": Weights(tuple(shards[0]))}
    return {
        f"model-{number:05d}-of-{len(shards):05d}.safetensors": Weights(tuple(shard))
        for number, shard in enumerate(shards, 1)
    }


def documents(model: dict[str, Any]) -> dict[str, bytes]:
    """The small files of a model, by name."""
    files: dict[str, Json] = {}
    if "config" in model:
        files["config.json"] = model["config"] | {"reconstructed": RECONSTRUCTED}
        tokenizer: dict[str, Json] = {"model_max_length": model["config"].get("max_position_embeddings")}
        if model["chat_template"]:
            tokenizer["chat_template"] = chat_template(model)
        files["tokenizer_config.json"] = tokenizer | {"reconstructed": RECONSTRUCTED}
    elif model["stored"]:
        files["model_index.json"] = {"_class_name": "StableDiffusionPipeline", "reconstructed": RECONSTRUCTED}
    parts = weights(model)
    if "config" in model and len(parts) > 1:
        total = sum(tensor.bytes for part in parts.values() for tensor in part.tensors)
        files["model.safetensors.index.json"] = {
            "metadata": {"total_size": total, "reconstructed": RECONSTRUCTED},
            "weight_map": {tensor.name: name for name, part in parts.items() for tensor in part.tensors},
        }
    return {name: json.dumps(document, indent=2).encode() for name, document in files.items()}


def chat_template(model: dict[str, Any]) -> str | None:
    """A chat template that stands for the model's own, or None where it has none."""
    if not model["chat_template"]:
        return None
    return "{% for message in messages %}<|{{ message.role }}|>\n{{ message.content }}\n{% endfor %}<|assistant|>\n"


def _tensors(model: dict[str, Any]) -> list[Tensor]:
    """Tensors whose counts per type are those of `stored`."""
    layers, embedding = model["layers"], (model["vocab"], model["hidden"])
    tensors = []
    for index, (dtype, count) in enumerate(model["stored"].items()):
        left = count
        if dtype in {"F32", "F16", "BF16"} and embedding[0] * embedding[1] < count:
            tensors.append(
                Tensor(f"embed_tokens.{dtype.lower()}" if index else "embed_tokens.weight", dtype, embedding)
            )
            left -= embedding[0] * embedding[1]
        each = left // layers
        for layer in range(layers):
            size = left - each * (layers - 1) if layer == layers - 1 else each
            if size:
                tensors.append(Tensor(f"layers.{layer}.{dtype.lower()}", dtype, (size,)))
    return tensors
