"""What config.json says, trap by trap; and what is not recognised is refused, never guessed."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.fit import (
    FullAttention,
    HybridAttention,
    LatentAttention,
    NoCache,
    UnknownShape,
    WindowedAttention,
    attention_document,
    read_attention,
    read_pipeline_shape,
    read_shape,
)

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
}
FALCON: dict[str, Any] = {
    "model_type": "falcon",
    "hidden_size": 4544,
    "num_hidden_layers": 32,
    "num_attention_heads": 71,
    "num_kv_heads": 71,
    "vocab_size": 65024,
    "multi_query": True,
    "new_decoder_architecture": False,
}
WORDS = st.sampled_from(["", "32", "full_attention", "sliding_attention"])
ODD_VALUES = st.none() | st.integers() | WORDS | st.lists(WORDS, max_size=3) | st.booleans()


def without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in names}


@pytest.mark.parametrize(
    ("config", "attention"),
    [
        pytest.param(LLAMA, FullAttention(32, 8, 128), id="grouped queries"),
        pytest.param(without(LLAMA, "num_key_value_heads"), FullAttention(32, 32, 128), id="no KV heads named: heads"),
        pytest.param(FALCON, FullAttention(32, 1, 64), id="falcon's multi-query has one KV head whatever it says"),
        pytest.param(
            {**FALCON, "num_attention_heads": 128, "hidden_size": 8192, "num_kv_heads": 8}
            | {"new_decoder_architecture": True},
            FullAttention(32, 8, 64),
            id="falcon's new decoder has the KV heads it names",
        ),
        pytest.param(
            {**LLAMA, "model_type": "qwen3", "head_dim": 64}, FullAttention(32, 8, 64), id="explicit head_dim"
        ),
        pytest.param(
            {**LLAMA, "model_type": "mistral", "sliding_window": 4096},
            WindowedAttention(32, 8, 128, 4096),
            id="a window on all layers",
        ),
        pytest.param(
            {**LLAMA, "model_type": "qwen2", "sliding_window": 4096, "use_sliding_window": False},
            FullAttention(32, 8, 128),
            id="a window that is switched off",
        ),
        pytest.param(
            {**LLAMA, "model_type": "qwen2", "sliding_window": 4096}, FullAttention(32, 8, 128), id="qwen's is off"
        ),
        pytest.param(
            {**LLAMA, "model_type": "gemma2", "sliding_window": 4096},
            HybridAttention(16, 16, 8, 128, 4096),
            id="gemma 2 alternates without saying so",
        ),
        pytest.param(
            {**LLAMA, "model_type": "gpt_oss", "sliding_window": 128}
            | {"layer_types": ["sliding_attention"] * 8 + ["full_attention"] * 24},
            HybridAttention(24, 8, 8, 128, 128),
            id="layer types are counted",
        ),
        pytest.param(
            {**LLAMA, "model_type": "deepseek_v3", "kv_lora_rank": 512, "qk_rope_head_dim": 64},
            LatentAttention(32, 512, 64),
            id="latent",
        ),
        pytest.param({**LLAMA, "model_type": "bert"}, NoCache(), id="an encoder keeps nothing"),
    ],
)
def test_attention_is_read(config: dict[str, Any], attention: object) -> None:
    """Each trap of the field, one at a time."""
    assert read_shape(config).attention == attention


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        pytest.param({}, "names no model_type", id="empty"),
        pytest.param({**LLAMA, "model_type": "mamba"}, "'mamba' is not known here", id="state space"),
        pytest.param({**LLAMA, "model_type": "brand_new"}, "'brand_new' is not known here", id="unheard of"),
        pytest.param({**LLAMA, "text_config": {}, "vision_config": {}}, "is not modelled", id="an encoder beside it"),
        pytest.param(without(LLAMA, "hidden_size"), "has no hidden_size", id="a field is missing"),
        pytest.param({**LLAMA, "num_hidden_layers": "32"}, "is no whole number", id="a text for a number"),
        pytest.param({**LLAMA, "num_attention_heads": 31}, "is not divided by 31 heads", id="heads that do not divide"),
        pytest.param(
            {**LLAMA, "sliding_window": 5, "layer_types": ["full_attention"]}, "lists 1 layers of 32", id="layer types"
        ),
        pytest.param(
            {**LLAMA, "sliding_window": 5, "layer_types": ["linear_attention"] * 32},
            "kinds that are not known here",
            id="linear attention",
        ),
        pytest.param(
            {**LLAMA, "layer_types": ["linear_attention"] * 24 + ["full_attention"] * 8},
            "kinds that are not known here",
            id="linear attention without a window",
        ),
        pytest.param(
            {**LLAMA, "layer_types": ["sliding_attention"] * 32}, "has no sliding_window", id="windows of no size"
        ),
    ],
)
def test_what_is_not_recognised_is_refused(config: dict[str, Any], reason: str) -> None:
    """Fail closed: nobody may take a guess for a fit."""
    with pytest.raises(UnknownShape, match=reason):
        read_shape(config)


def test_all_active_experts_are_as_wide_as_they_are_together() -> None:
    """Memory of activations follows the experts that one token goes through, the shared one included."""
    mixtral = {**LLAMA, "model_type": "mixtral", "num_experts_per_tok": 2}
    deepseek = {**LLAMA, "model_type": "deepseek_v2", "num_experts_per_tok": 8, "n_shared_experts": 1}

    assert read_shape(mixtral).active_width == 2 * 14336
    assert read_shape({**deepseek, "moe_intermediate_size": 2048}).active_width == 18432


def test_a_pipeline_has_the_shape_of_what_denoises() -> None:
    """U-Nets by their channels, transformers by their heads; anything else is refused."""
    assert read_pipeline_shape({"block_out_channels": [320, 1280]}).hidden == 1280
    assert read_pipeline_shape({"num_attention_heads": 24, "attention_head_dim": 128}).hidden == 3072
    with pytest.raises(UnknownShape):
        read_pipeline_shape({})


@given(
    tokens=st.integers(0, 10**6),
    more=st.integers(0, 10**6),
    window=st.integers(1, 10**5),
    tensor=st.sampled_from([1, 2, 4, 8]),
    heads=st.integers(1, 128),
)
def test_longer_sequences_never_need_less_and_windows_never_more(
    tokens: int, more: int, window: int, tensor: int, heads: int
) -> None:
    """Laws of all kinds of attention."""
    full = FullAttention(32, heads, 64)
    windowed = [WindowedAttention(32, heads, 64, window), HybridAttention(16, 16, heads, 64, window)]
    for kind in [full, *windowed, LatentAttention(32, 512, 64), NoCache()]:
        need = kind.cache_bytes(tokens, tensor=tensor, element=2)
        assert need <= kind.cache_bytes(tokens + more, tensor=tensor, element=2)
        assert need >= kind.cache_bytes(tokens, tensor=2 * tensor, element=2)
        assert read_attention(attention_document(kind)) == kind
    for kind in windowed:
        assert kind.cache_bytes(tokens, tensor=tensor, element=2) <= full.cache_bytes(tokens, tensor=tensor, element=2)


@given(st.dictionaries(st.sampled_from([*LLAMA, "sliding_window", "layer_types", "head_dim"]), ODD_VALUES))
def test_any_configuration_is_read_or_refused(config: dict[str, Any]) -> None:
    """Whatever is in the file, the answer is a shape or a reason."""
    with suppress(UnknownShape):
        assert read_shape({**LLAMA, **config}).hidden > 0
