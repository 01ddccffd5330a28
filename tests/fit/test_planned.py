"""What a spec tells its engine decides what memory is judged by."""

from fractions import Fraction
from typing import Any

import pytest
from falcon import FALCON

from hfdeploy.catalog import Catalog
from hfdeploy.fit import FitVerdict, Model, Precision, Weights, judge_plan, load_of
from hfdeploy.plan import Plan, make_plan
from hfdeploy.spec import parse_spec


def plan(**changes: Any) -> Plan:
    fields = {
        "name": "falcon",
        "repository": "tiiuae/falcon-40b-instruct",
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "GPU [xlarge] · 1x A100",
        "engine": {"type": "tgi"},
        "max_model_len": 2048,
    }
    return make_plan(parse_spec({**fields, **changes}), Catalog.snapshot())


def test_the_well_known_tutorial_does_not_fit_as_it_is_written() -> None:
    """Falcon-40B in sixteen bits is larger than one A100."""
    assert judge_plan(plan(), FALCON).reason == "weights_exceed_budget"


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"engine": {"type": "tgi", "quantize": "bitsandbytes"}}, id="tgi, eight bits"),
        pytest.param({"engine": {"type": "vllm"}, "args": ["--quantization", "fp8"]}, id="vllm, fp8"),
        pytest.param({"instance": "nvidia-a100 x2"}, id="two cards"),
    ],
)
def test_and_fits_where_it_is_made_to(changes: dict[str, Any]) -> None:
    """The three ways that people take."""
    assert judge_plan(plan(**changes), FALCON).verdict is FitVerdict.FIT


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({}, "max_model_len", 2048),
        ({"max_model_len": None}, "max_model_len", None),
        ({"max_model_len": None, "engine": {"type": "tgi", "max_total_tokens": 1024}}, "max_model_len", 1024),
        ({"max_model_len": None, "engine": {"type": "vllm"}, "args": ["--max_model_len=512"]}, "max_model_len", 512),
        ({"concurrency": 7}, "concurrency", 7),
        ({"engine": {"type": "tgi", "quantize": "bitsandbytes-nf4"}}, "precision", Precision.INT4),
        ({"engine": {"type": "tgi", "quantize": "gptq"}}, "precision", Precision.STORED),
        ({"engine": {"type": "tgi", "max_batch_prefill_tokens": 4096}}, "batched_tokens", 4096),
        ({"engine": {"type": "vllm", "max_num_seqs": 8}}, "sequences", 8),
        ({"engine": {"type": "vllm", "kv_cache_dtype": "fp8"}}, "cache_element", 1),
        ({"engine": {"type": "vllm"}, "args": ["--gpu-memory-utilization", "0.8"]}, "utilisation", Fraction("0.8")),
        ({"engine": {"type": "vllm"}, "args": ["--gpu-memory-utilization", "lots"]}, "utilisation", Fraction("0.92")),
        ({"engine": {"type": "vllm"}, "instance": "nvidia-a100 x2"}, "tensor", 2),
        (
            {"engine": {"type": "vllm", "data_parallel_size": 2}, "instance": "nvidia-a100 x4"},
            "copies",
            2,
        ),
    ],
)
def test_what_the_engine_is_told_is_read(changes: dict[str, Any], field: str, value: object) -> None:
    """From fields and arguments; what is not said is what the engine does by itself."""
    assert getattr(load_of(plan(**changes)), field) == value


LLAMACPP = {"type": "llamacpp", "model_path": "a.gguf", "ctx_size": 2048, "n_parallel": 1, "threads_http": 1}


def test_llamacpp_takes_the_cache_of_all_slots_and_no_share() -> None:
    """ctx_size is over all slots; 0 is what the model allows."""
    load = load_of(plan(engine=LLAMACPP | {"n_parallel": 4, "ctx_size": 8192}))

    assert (load.max_model_len, load.utilisation, load.by_layers, load.batched_tokens) == (8192, 1, True, 512)
    assert load_of(plan(engine=LLAMACPP | {"ctx_size": 0}, max_model_len=None)).max_model_len is None
    assert load_of(plan(engine=LLAMACPP, args=["-ctk", "f32"])).cache_element == 4


def test_llamacpp_gives_whole_layers_to_each_gpu() -> None:
    """60 layers on 8 cards: 8 on the fullest; heads need not be divided."""
    fit = judge_plan(plan(engine=LLAMACPP | {"n_gpu_layers": -1}, instance="nvidia-a100 x8"), FALCON)

    assert fit.verdict is FitVerdict.FIT
    assert fit.arithmetic is not None
    assert fit.arithmetic.weights == Fraction(FALCON.weights.bytes * 8, 60)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param(
            {"engine": {"type": "custom", "image": "acme/own:1", "port": 80, "health_route": "/health"}}, id="custom"
        ),
        pytest.param({"engine": LLAMACPP | {"mmproj_model_path": "mmproj.gguf"}}, id="projector"),
        pytest.param({"engine": LLAMACPP | {"n_gpu_layers": 30}}, id="some-layers"),
    ],
)
def test_engines_that_load_something_else_are_not_judged(changes: dict[str, Any]) -> None:
    """Their weights are not those whose headers were read."""
    assert judge_plan(plan(**changes), FALCON).reason == "unknown_engine"


def test_nothing_known_of_the_model_is_unknown_with_the_reason() -> None:
    """The reason is passed on."""
    fit = judge_plan(plan(), None, "It is not in the lock file.")

    assert (fit.verdict, fit.sentence) == (FitVerdict.UNKNOWN, "It is not in the lock file.")


def test_packed_weights_stay_as_they_are() -> None:
    """An engine does not pack what is packed."""
    packed = Model(FALCON.repository, Weights(10**10, 10**10, ("U8",)), FALCON.shape)

    fit = judge_plan(plan(engine={"type": "tgi", "quantize": "bitsandbytes"}), packed)

    assert fit.load.precision is Precision.STORED
