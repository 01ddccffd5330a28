"""What arguments and environment tell an engine: Llama-3.1-8B, which a card holds or not by what they say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog
from hfdeploy.errors import SpecError
from hfdeploy.fit import Fit, FitVerdict, FullAttention, Model, Precision, Shape, Weights, judge_plan, load_of
from hfdeploy.plan import Plan, make_plan
from hfdeploy.spec import parse_spec
from hfdeploy.spec.length import read_count

LENGTH = 131_072
SHAPE = Shape("llama", 4096, 32, 128_256, 14_336, FullAttention(32, 8, 128), LENGTH, 32, "bfloat16")
LLAMA = Model("meta-llama/Llama-3.1-8B-Instruct", Weights(16_060_522_496, 8_030_261_248, ("BF16",)), SHAPE)
IN_FULL = Model(LLAMA.repository, Weights(32_121_044_992, 8_030_261_248, ("F32",)), SHAPE)
VLLM = {"engine": {"type": "vllm"}}
TGI = {"engine": {"type": "tgi"}}
GGUF = {"type": "llamacpp", "model_path": "a.gguf", "ctx_size": 0, "n_parallel": 1, "threads_http": 1}


def plan(**changes: Any) -> Plan:
    fields = {
        "name": "llama",
        "repository": LLAMA.repository,
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-l4 x1",
    }
    return make_plan(parse_spec({**fields, **changes}), Catalog.snapshot())


def judged(model: Model = LLAMA, **changes: Any) -> Fit:
    return judge_plan(plan(**changes), model)


def test_by_itself_the_model_is_too_long_for_the_card() -> None:
    """What the cases below change."""
    assert judged(**VLLM).reason == judged(**TGI).reason == "kv_pool_too_small"


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({**TGI, "env": {"MAX_TOTAL_TOKENS": "4096"}}, 4096),
        ({**TGI, "env": {"MAX_TOTAL_TOKENS": "131072"}, "args": ["--max-total-tokens", "4096"]}, 4096),
        ({"engine": {"type": "tgi", "max_total_tokens": 4096}, "env": {"MAX_TOTAL_TOKENS": "131072"}}, 4096),
        ({**VLLM, "args": ["--max-model-len", "8k"]}, 8000),
        ({**VLLM, "args": ["--max_model_len=8K"]}, 8192),
        ({**VLLM, "args": ["--max-model-len", "131072", "--max-model-len", "25.6k"]}, 25_600),
        ({"engine": GGUF, "env": {"LLAMA_ARG_CTX_SIZE": "4096"}}, 4096),
        ({"engine": GGUF, "args": ["-c", "8192"], "env": {"LLAMA_ARG_CTX_SIZE": "131072"}}, 8192),
    ],
)
def test_a_length_is_read_wherever_the_engine_reads_it(changes: dict[str, Any], length: int) -> None:
    """Its own field, then the last argument, then the environment."""
    fit = judged(**changes)

    assert (fit.verdict, fit.max_model_len) == (FitVerdict.FIT, length)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({**VLLM, "env": {"MAX_TOTAL_TOKENS": "4096"}}, id="TGI's variable"),
        pytest.param({"engine": {"type": "sglang"}, "args": ["--context-length", "8k"]}, id="vLLM's spelling"),
        pytest.param({**VLLM, "args": ["--max-model-len", "25.6K"]}, id="no engine reads it"),
        pytest.param({**VLLM, "args": ["--max-model-len", "9" * 5000]}, id="no number"),
    ],
)
def test_what_an_engine_does_not_read_shortens_nothing(changes: dict[str, Any]) -> None:
    """Else the verdict would be about something that does not run."""
    assert judged(**changes).max_model_len == LENGTH


@given(st.integers(1, 10**6), st.sampled_from("kmgtKMGT"))
def test_sizes_for_people_are_what_they_stand_for(number: int, unit: str) -> None:
    """Small letters are powers of ten, capital ones of two, as vLLM reads them; and digits are themselves."""
    power = "kmgt".index(unit.lower()) + 1

    assert read_count(f"{number}{unit}", "vllm") == number * (1000 if unit.islower() else 1024) ** power
    assert read_count(f"{number}{unit}", "tgi") is None
    assert {read_count(str(number), engine) for engine in ("vllm", "tgi")} == {number}


def test_one_length_may_be_said_in_two_ways() -> None:
    """`8k` is the 8,000 of max_model_len, and not the 8,192."""
    assert plan(**VLLM, max_model_len=8000, args=["--max-model-len", "8k"]).spec.longest_prompt == 8000 - 64
    with pytest.raises(SpecError, match="gives --max-model-len another value than max_model_len, which is 8192"):
        plan(**VLLM, max_model_len=8192, args=["--max-model-len", "8k"])


@pytest.mark.parametrize("value", ["auto", "-1"])
def test_a_length_left_to_vllm_is_the_longest_that_fits(value: str) -> None:
    """It starts with what the card holds; where the weights alone are too much there is nothing to choose."""
    fit = judged(**VLLM, args=["--max-model-len", value])
    longest = judged(**VLLM).longest_context

    assert (fit.verdict, fit.reason, fit.max_model_len) == (FitVerdict.TIGHT, "low_headroom", longest)
    assert judged(**VLLM, args=["--max-model-len", value], instance="nvidia-h200 x1").verdict is FitVerdict.FIT
    assert judged(**VLLM, args=["--max-model-len", value], instance="nvidia-t4 x1").verdict is FitVerdict.NO_FIT


@pytest.mark.parametrize(
    ("scheme", "precision"), [("bitsandbytes", Precision.INT8), ("bitsandbytes-nf4", Precision.INT4)]
)
def test_tgi_is_told_by_its_environment_to_make_weights_smaller(scheme: str, precision: Precision) -> None:
    """Sixteen bits are more than a T4 has."""
    small = {**TGI, "instance": "nvidia-t4 x1", "max_model_len": 4096}

    assert judged(**small).reason == "weights_exceed_budget"
    told = judged(**small, env={"QUANTIZE": scheme})
    assert (told.verdict, told.load.precision) == (FitVerdict.FIT, precision)


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({**TGI, "env": {"KV_CACHE_DTYPE": "fp8_e5m2"}}, "cache_element", 1),
        ({**TGI, "env": {"MAX_BATCH_PREFILL_TOKENS": "4096"}}, "batched_tokens", 4096),
        ({**TGI, "env": {"CUDA_MEMORY_FRACTION": "0.5"}}, "utilisation", 0.5),
        ({**TGI, "env": {"DTYPE": "bfloat16"}, "args": ["--dtype", "float16"]}, "dtype", "float16"),
        ({**VLLM, "args": ["--max-num-batched-tokens", "16k"]}, "batched_tokens", 16_000),
        ({**VLLM, "args": ["--max-num-seqs", "8"]}, "sequences", 8),
        ({"engine": {"type": "sglang"}, "args": ["--chunked-prefill-size", "512"]}, "batched_tokens", 512),
        ({"engine": {"type": "sglang"}, "args": ["--max-running-requests=9"]}, "sequences", 9),
        ({"engine": {"type": "tei"}, "env": {"DTYPE": "float32"}}, "precision", Precision.FULL),
        ({"engine": GGUF, "env": {"LLAMA_ARG_CACHE_TYPE_K": "f32"}}, "cache_element", 4),
    ],
)
def test_what_has_to_do_with_memory_is_read(changes: dict[str, Any], field: str, value: object) -> None:
    """Of each engine what it reads itself; a flag counts before its variable."""
    assert getattr(load_of(plan(**changes)), field) == value


@pytest.mark.parametrize("dtype", ["float32", "float"])
def test_thirty_two_bits_take_twice_the_memory(dtype: str) -> None:
    """Weights, cache and activation; the logits were of that width already."""
    asked = {**VLLM, "max_model_len": 4096, "instance": "nvidia-a100 x1"}
    half, full = judged(**asked).arithmetic, judged(**asked, args=["--dtype", dtype]).arithmetic

    assert half is not None
    assert full is not None
    assert (full.weights, full.cache, full.activation) == (2 * half.weights, 2 * half.cache, 2 * half.activation)
    assert (full.logits, full.fixed) == (half.logits, half.fixed)
    on_l4 = judged(**VLLM, max_model_len=4096, args=["--dtype", dtype])
    assert (on_l4.verdict, on_l4.reason) == (FitVerdict.NO_FIT, "weights_exceed_budget")


def test_a_cache_that_is_told_its_own_type_keeps_it() -> None:
    """vLLM's auto is the type of the model; anything else is not."""
    asked = {**VLLM, "args": ["--dtype", "float32", "--kv-cache-dtype"]}

    assert [
        load_of(plan(**{**asked, "args": [*asked["args"], cached]})).cache_element
        for cached in ("auto", "bfloat16", "fp8")
    ] == [4, 2, 1]


def test_packed_weights_become_no_wider() -> None:
    """An engine computes with them as they are."""
    packed = Model(LLAMA.repository, Weights(5_700_000_000, 9_000_000_000, ("I32", "F16")), SHAPE)
    fit = judged(packed, **VLLM, max_model_len=4096, args=["--dtype", "float32"])

    assert fit.load.precision is Precision.STORED
    assert fit.arithmetic is not None
    assert fit.arithmetic.weights == 5_700_000_000


@pytest.mark.parametrize("changes", [{**VLLM, "args": ["--dtype", "half"]}, {**TGI, "env": {"DTYPE": "float16"}}])
def test_weights_stored_in_full_are_held_in_what_the_engine_computes_in(changes: dict[str, Any]) -> None:
    """As they are stored they would be twice what is there."""
    assert judged(IN_FULL, **VLLM, max_model_len=4096).reason == "weights_exceed_budget"
    fit = judged(IN_FULL, **changes, max_model_len=4096)

    assert (fit.verdict, fit.load.precision) == (FitVerdict.FIT, Precision.HALF)


BESIDE = [
    ({**VLLM, "args": ["--enable-lora"]}, "Adapters (--enable-lora)"),
    ({**VLLM, "args": ["--speculative-config", '{"model": "a/b"}']}, "Speculative decoding (--speculative-config)"),
    ({**VLLM, "args": ['--speculative_config={"model": "a/b"}']}, "Speculative decoding (--speculative-config)"),
    ({**VLLM, "args": ["--speculative-config.model", "a/b"]}, "Speculative decoding (--speculative-config.model)"),
    ({**VLLM, "args": ["-sc", "{}"]}, "Speculative decoding (-sc)"),
    ({"engine": {"type": "sglang"}, "args": ["--lora-paths", "a/b"]}, "Adapters (--lora-paths)"),
    (
        {"engine": {"type": "sglang"}, "args": ["--speculative-algorithm", "EAGLE"]},
        "Speculative decoding (--speculative-algorithm)",
    ),
    ({**TGI, "env": {"LORA_ADAPTERS": "a/b"}}, "Adapters (LORA_ADAPTERS)"),
    ({"engine": GGUF | {"ctx_size": 4096}, "args": ["-md", "b.gguf"]}, "Speculative decoding (-md)"),
    ({"engine": GGUF | {"ctx_size": 4096}, "args": ["--lora", "b.gguf"]}, "Adapters (--lora)"),
]


@pytest.mark.parametrize(("changes", "what"), BESIDE)
def test_what_is_loaded_beside_the_model_is_unknown(changes: dict[str, Any], what: str) -> None:
    """The model alone fits; what else is loaded was never weighed."""
    length = {} if "ctx_size" in changes["engine"] else {"max_model_len": 4096}
    fit = judged(**changes, **length)

    assert judged(**{**changes, **length, "args": [], "env": {}}).verdict is FitVerdict.FIT
    assert (fit.verdict, fit.reason) == (FitVerdict.UNKNOWN, "unknown_engine")
    assert fit.sentence == f"{what} takes memory beside the model, and how much is not modelled."


def test_what_does_not_fit_alone_does_not_fit_with_more() -> None:
    """An argument must not make a warning of what is an error."""
    assert judged(**VLLM, args=["--enable-lora"]).reason == "kv_pool_too_small"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({**TGI, "args": ["--speculate", "2"]}, id="n-grams of TGI"),
        pytest.param({**VLLM, "env": {"LORA_ADAPTERS": "a/b"}}, id="TGI's variable"),
        pytest.param({**VLLM, "args": ["--max-lora-rank", "8"]}, id="nothing enabled"),
    ],
)
def test_what_loads_nothing_changes_nothing(changes: dict[str, Any]) -> None:
    """TGI's --speculate takes n-grams of the text itself, or heads that are in the repository."""
    assert judged(**changes, max_model_len=4096).verdict is FitVerdict.FIT
