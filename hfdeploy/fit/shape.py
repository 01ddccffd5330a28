"""The shape of a model, read from its `config.json`; what is not recognised is refused, never guessed.

Code of the repository is never run: numbers in a known architecture's words are enough for memory.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hfdeploy.fit.attention import (
    Attention,
    FullAttention,
    HybridAttention,
    LatentAttention,
    NoCache,
    WindowedAttention,
)

ENCODERS: Final = frozenset(
    {"albert", "bert", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet"}
    | {"new", "nomic_bert", "roberta", "xlm-roberta", "jina_bert"}
)
"""Architectures that keep nothing between tokens."""

DECODERS: Final = frozenset(
    {"bloom", "codegen", "cohere", "exaone", "gemma", "glm", "glm4", "gpt2", "gpt_bigcode", "gpt_neox", "gptj"}
    | {"granite", "internlm2", "internlm3", "llama", "mixtral", "mpt", "nemotron", "olmo", "olmo2", "olmoe", "opt"}
    | {"phi", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "smollm3", "stablelm", "starcoder2", "yi", "mistral"}
    | {"phi3", "phimoe", "falcon", "gemma2", "gemma3_text", "gpt_oss", "deepseek_v2", "deepseek_v3", "cohere2"}
    | {"granitemoe", "seed_oss", "ernie4_5", "hunyuan_v1_dense", "arcee", "apertus", "olmo3", "glm4_moe", "kimi_k2"}
)
"""Architectures whose cache is what the formulas here say."""

_ALTERNATING: Final[Mapping[str, int]] = {"gemma2": 2, "gemma3_text": 6, "cohere2": 4}
"""Where every n-th layer looks at everything and the others through the window, unless the file says otherwise."""

_WRAPPERS: Final = ("text_config", "llm_config", "language_config")


class UnknownShape(Exception):
    """What the shape cannot be read from, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What memory depends on besides the weights."""

    architecture: str
    """`model_type` of the configuration."""

    hidden: int
    heads: int
    """Query heads: tensor parallelism must divide them."""

    vocabulary: int
    active_width: int
    """Width of the feed-forward part that one token goes through; for experts, of all that are active."""

    attention: Attention
    context: int | None
    """The longest sequence that the model itself allows, in tokens; None where it has no sequences."""

    layers: int = 0
    dtype: str = ""
    """What activations and cache are computed in: `bfloat16`, `float16`, `float32`; empty where it does not say."""

    @property
    def kv_heads(self) -> int:
        """Key-value heads; 0 where tensor parallelism does not divide them."""
        return getattr(self.attention, "kv_heads", 0)


def read_shape(config: Mapping[str, Any]) -> Shape:
    """The shape that a `config.json` describes.

    Raises:
        UnknownShape: an architecture that is not known here, or a number that is missing or none.
    """
    kind = _architecture(config)
    if kind == "whisper":
        return _whisper(config)
    if _is_multimodal(config):
        raise UnknownShape(f"the encoder beside the language model of architecture {kind} is not modelled")
    if kind in ENCODERS:
        return _shape(kind, config, NoCache())
    if kind not in DECODERS:
        raise UnknownShape(f"architecture {kind!r} is not known here, and its cache is not guessed")
    if config.get("attn_implementation") == "mamba" or config.get("ssm_cfg"):
        raise UnknownShape(f"the state of architecture {kind!r} is of unknown size")
    return _shape(kind, config, _attention(kind, config))


def _architecture(config: Mapping[str, Any]) -> str:
    kind = config.get("model_type")
    if not isinstance(kind, str) or not kind:
        raise UnknownShape("config.json names no model_type")
    # Names that older files of the same architecture use.
    return {"RefinedWeb": "falcon", "RefinedWebModel": "falcon"}.get(kind, kind)


def _is_multimodal(config: Mapping[str, Any]) -> bool:
    return any(isinstance(config.get(name), Mapping) for name in (*_WRAPPERS, "vision_config", "audio_config"))


def _shape(kind: str, config: Mapping[str, Any], attention: Attention) -> Shape:
    hidden = _number(config, "hidden_size", "n_embd", "d_model", "dim")
    return Shape(
        architecture=kind,
        hidden=hidden,
        heads=_number(config, "num_attention_heads", "n_head", "n_heads"),
        vocabulary=_number(config, "vocab_size"),
        active_width=_active_width(config, hidden),
        attention=attention,
        context=whole(config, "max_position_embeddings", "n_positions", "max_seq_len", "seq_length"),
        layers=_number(config, "num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        dtype=str(config.get("dtype") or config.get("torch_dtype") or ""),
    )


def _active_width(config: Mapping[str, Any], hidden: int) -> int:
    """Of dense layers or of the experts that are active, whichever is wider."""
    dense = whole(config, "intermediate_size", "n_inner", "ffn_hidden_size", "ffn_dim") or 4 * hidden
    active = whole(config, "num_experts_per_tok", "num_experts_per_token", "moe_k")
    if active is None:
        return dense
    shared = whole(config, "n_shared_experts") or 0
    each = whole(config, "moe_intermediate_size")
    beside = whole(config, "shared_expert_intermediate_size") or 0
    # Without a width of their own, experts have the layer's.
    return max(dense if each else 0, (each or dense) * (active + shared) + beside)


def _attention(kind: str, config: Mapping[str, Any]) -> Attention:
    layers = _number(config, "num_hidden_layers", "n_layer", "n_layers", "num_layers")
    if config.get("kv_lora_rank") is not None:
        return LatentAttention(layers, _number(config, "kv_lora_rank"), _number(config, "qk_rope_head_dim"))
    heads = _number(config, "num_attention_heads", "n_head", "n_heads")
    kv_heads = _kv_heads(kind, config, heads)
    head_dim = whole(config, "head_dim") or _divided(_number(config, "hidden_size", "n_embd", "d_model"), heads)
    window = _window(config)
    windowed = _windowed_layers(kind, config, layers) if window or config.get("layer_types") else 0
    if not windowed:
        return FullAttention(layers, kv_heads, head_dim)
    if window is None:
        raise UnknownShape(f"{windowed} layers have a window, and config.json has no sliding_window")
    if windowed == layers:
        return WindowedAttention(layers, kv_heads, head_dim, window)
    return HybridAttention(layers - windowed, windowed, kv_heads, head_dim, window)


def _kv_heads(kind: str, config: Mapping[str, Any], heads: int) -> int:
    if kind == "falcon" and config.get("multi_query") and not config.get("new_decoder_architecture"):
        return 1  # whatever num_kv_heads says
    if kind == "gpt_bigcode" and config.get("multi_query", True):
        return 1
    if isinstance(config.get("attn_config"), Mapping) and config["attn_config"].get("kv_n_heads") is not None:
        return _number(config["attn_config"], "kv_n_heads")
    return whole(config, "num_key_value_heads", "num_kv_heads", "n_head_kv", "multi_query_group_num") or heads


def _window(config: Mapping[str, Any]) -> int | None:
    """Tokens that windowed layers look back at; None where no layer does."""
    # Qwen's files name a window that is used only where they say so.
    if not config.get("use_sliding_window", not str(config.get("model_type")).startswith("qwen")):
        return None
    return whole(config, "sliding_window")


def _windowed_layers(kind: str, config: Mapping[str, Any], layers: int) -> int:
    named = config.get("layer_types")
    if isinstance(named, list):
        known = {"sliding_attention", "full_attention"}
        if len(named) != layers or not known.issuperset(map(str, named)):
            raise UnknownShape(f"layer_types lists {len(named)} layers of {layers}, or kinds that are not known here")
        return named.count("sliding_attention")
    every = whole(config, "sliding_window_pattern") or _ALTERNATING.get(kind)
    if every:
        return layers - layers // every
    if kind in {"qwen2", "qwen2_moe", "qwen3", "qwen3_moe"}:
        return max(0, layers - (whole(config, "max_window_layers") or 0))
    return layers


def _whisper(config: Mapping[str, Any]) -> Shape:
    """The decoder keeps its own tokens and what it hears: both are counted as positions of one sequence."""
    heads = _number(config, "decoder_attention_heads")
    hidden = _number(config, "d_model")
    layers = _number(config, "decoder_layers")
    return Shape(
        architecture="whisper",
        hidden=hidden,
        heads=heads,
        vocabulary=_number(config, "vocab_size"),
        active_width=_number(config, "decoder_ffn_dim"),
        attention=FullAttention(layers, heads, _divided(hidden, heads)),
        context=_number(config, "max_target_positions") + _number(config, "max_source_positions"),
        layers=layers,
        dtype=str(config.get("dtype") or config.get("torch_dtype") or ""),
    )


def _number(config: Mapping[str, Any], *names: str) -> int:
    found = whole(config, *names)
    if found is None:
        raise UnknownShape(f"config.json has no {names[0]}")
    return found


def whole(config: Mapping[str, Any], *names: str) -> int | None:
    """The first of these fields that is there and not 0; None where none is.

    Raises:
        UnknownShape: it is no whole number.
    """
    for name in names:
        value = config.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise UnknownShape(f"{name} of config.json is no whole number")
        if value:
            return value
    return None


def _divided(hidden: int, heads: int) -> int:
    if hidden % heads:
        raise UnknownShape(f"hidden_size {hidden} is not divided by {heads} heads, and config.json has no head_dim")
    return hidden // heads
