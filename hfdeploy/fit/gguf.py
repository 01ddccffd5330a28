"""What the headers of a model's GGUF files say: its weights, and its shape in the words of a `config.json`."""

from collections.abc import Mapping, Sequence
from typing import Final

from hfdeploy.fit.ggufheader import GgufHeader
from hfdeploy.fit.shape import Shape, UnknownShape, read_shape
from hfdeploy.fit.weights import UnknownWeights, Weights

_ARCHITECTURES: Final[Mapping[str, str]] = {
    "bert": "bert",
    "bloom": "bloom",
    "cohere2": "cohere2",
    "command-r": "cohere",
    "deepseek2": "deepseek_v2",
    "exaone": "exaone",
    "falcon": "falcon",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
    "glm4": "glm4",
    "gpt-oss": "gpt_oss",
    "gpt2": "gpt2",
    "gptneox": "gpt_neox",
    "granite": "granite",
    "granitemoe": "granitemoe",
    "internlm2": "internlm2",
    "llama": "llama",
    "mpt": "mpt",
    "nemotron": "nemotron",
    "nomic-bert": "nomic_bert",
    "olmo": "olmo",
    "olmo2": "olmo2",
    "olmoe": "olmoe",
    "phi2": "phi",
    "phi3": "phi3",
    "phimoe": "phimoe",
    "qwen2": "qwen2",
    "qwen2moe": "qwen2_moe",
    "qwen3": "qwen3",
    "qwen3moe": "qwen3_moe",
    "seed_oss": "seed_oss",
    "smollm3": "smollm3",
    "stablelm": "stablelm",
    "starcoder": "gpt_bigcode",
    "starcoder2": "starcoder2",
}
"""The same architecture in the words of a `config.json`."""

_WITH_WINDOWS: Final[Mapping[str, int]] = {"cohere2": 4, "gemma2": 2, "gemma3": 6, "gpt-oss": 2}
"""Architectures of whose layers llama.cpp keeps windows, and of how many one is whole."""

_FIELDS: Final[Mapping[str, str]] = {
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "block_count": "num_hidden_layers",
    "context_length": "max_position_embeddings",
    "embedding_length": "hidden_size",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_count": "n_shared_experts",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
    "expert_used_count": "num_experts_per_tok",
    "feed_forward_length": "intermediate_size",
    "vocab_size": "vocab_size",
}
"""The field of a `config.json` that says the same."""

_NEEDED: Final = ("embedding_length", "block_count", "attention.head_count")


def gguf_weights(headers: Sequence[GgufHeader]) -> Weights:
    """The weights of all the files of one model.

    Raises:
        UnknownWeights: there is no tensor in them.
    """
    sizes: dict[str, int] = {}
    for header in headers:
        for dtype, size in header.bytes.items():
            sizes[dtype] = sizes.get(dtype, 0) + size
    if not sizes:
        raise UnknownWeights("there is no tensor in its GGUF files")
    count = sum(header.parameters for header in headers)
    return Weights(sum(sizes.values()), count, tuple(sorted(sizes, key=lambda dtype: -sizes[dtype])), count)


def gguf_shape(header: GgufHeader) -> Shape:
    """The shape that a header describes, which is that of the first file.

    Raises:
        UnknownShape: an architecture that is not known here, or a number that is missing.
    """
    kind = _ARCHITECTURES.get(header.architecture)
    if kind is None:
        raise UnknownShape(f"architecture {header.architecture!r} is not known here, and its cache is not guessed")
    numbers = header.numbers
    missing = [one for one in _NEEDED if numbers.get(one, 0) <= 0]
    if missing:
        raise UnknownShape(f"its header has no {header.architecture}.{missing[0]}")
    config: dict[str, object] = {word: numbers[one] for one, word in _FIELDS.items() if one in numbers}
    config |= {"model_type": kind, "torch_dtype": "float16"}
    config["vocab_size"] = numbers.get("vocab_size") or header.tokens or None
    if "num_key_value_heads" in config and kind != "gpt_bigcode":
        config["num_kv_heads"] = config["num_key_value_heads"]
    if width := max(numbers.get("attention.key_length", 0), numbers.get("attention.value_length", 0)):
        config["head_dim"] = width
    elif numbers["embedding_length"] % numbers["attention.head_count"]:
        raise UnknownShape(f"its header has no {header.architecture}.attention.key_length")
    if header.architecture in _WITH_WINDOWS and numbers.get("attention.sliding_window"):
        config["sliding_window"] = numbers["attention.sliding_window"]
        config["sliding_window_pattern"] = _WITH_WINDOWS[header.architecture]
    if "attention.key_length_mla" in numbers:
        # Files made before it was there are run with keys and values in full.
        config["kv_lora_rank"] = numbers.get("attention.kv_lora_rank")
        config["qk_rope_head_dim"] = numbers.get("rope.dimension_count")
    try:
        return read_shape(config)
    except UnknownShape as problem:
        raise UnknownShape(str(problem).replace("config.json", "its header")) from None
