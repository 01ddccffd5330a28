"""Verdicts where the data has no vector: unknown cards, CPUs, heads, concurrency; and the laws of a judgement."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.fit import (
    Attention,
    FitVerdict,
    FullAttention,
    HybridAttention,
    LatentAttention,
    Load,
    Model,
    Precision,
    Shape,
    UnknownWeights,
    Weights,
    WindowedAttention,
    judge,
    judge_best,
    rank,
    ways_out,
)

CATALOG = Catalog.snapshot()
ROWS = [row for row in CATALOG.rows if (row.vendor, row.region) == ("aws", "us-east-1")]
SHAPE = Shape("llama", 4096, 32, 128256, 14336, FullAttention(32, 8, 128), 131072, 32, "bfloat16")
MODEL = Model("acme/eight", Weights(16_060_522_496, 8_030_261_248, ("BF16",)), SHAPE)
ORDER = list(FitVerdict)


def row(instance: str) -> Hardware:
    return next(one for one in ROWS if one.spelling == instance)


def test_the_model_s_own_context_is_judged_where_none_is_said() -> None:
    """It fits an L4 at 8,192 tokens, and not at the 131,072 that it is made for."""
    assert judge(MODEL, row("nvidia-l4 x1"), Load()).reason == "kv_pool_too_small"
    assert judge(MODEL, row("nvidia-l4 x1"), Load(max_model_len=8192)).verdict is FitVerdict.FIT


def test_no_length_at_all_is_unknown() -> None:
    """A length that nobody named is not taken to be short."""
    fit = judge(replace(MODEL, shape=replace(SHAPE, context=None)), row("nvidia-l4 x1"), Load())

    assert (fit.verdict, fit.reason) == (FitVerdict.UNKNOWN, "unknown_context")


def test_more_sequences_than_fit_is_tight() -> None:
    """The engine starts, and lets the others wait."""
    fit = judge(MODEL, row("nvidia-l4 x1"), Load(max_model_len=8192, concurrency=5))

    assert (fit.verdict, fit.reason) == (FitVerdict.TIGHT, "concurrency_too_high")
    assert "4 sequences of 8192 tokens fit at once, and concurrency is 5" in fit.sentence


def test_a_card_that_nobody_looked_at_is_tight_at_best() -> None:
    """What it advertises is in decimal gigabytes, and a process sees less."""
    unheard_of = row("nvidia-a100 x1").model_copy(update={"instance_type": "nvidia-z9"})

    assert judge(MODEL, unheard_of, Load(max_model_len=2048)).reason == "unknown_card"


def test_heads_that_cannot_be_shared_out_say_what_can() -> None:
    """28 heads cannot run on 8 GPUs as one copy; four of them per copy can."""
    model = replace(MODEL, shape=replace(SHAPE, heads=28, attention=FullAttention(28, 4, 128)))
    refused = judge(model, row("nvidia-a100 x8"), Load(max_model_len=2048))

    assert refused.reason == "heads_not_divisible"
    assert "use tensor_parallel_size 4 and data_parallel_size 2" in refused.sentence
    proposed = judge_best(model, row("nvidia-a100 x8"), Load(max_model_len=2048))
    assert (proposed.verdict, proposed.tensor, proposed.load.copies) == (FitVerdict.FIT, 4, 2)


@pytest.mark.parametrize(
    ("size", "verdict"), [(1_000_000_000, "fit"), (1_000_000_001, "tight"), (2_000_000_001, "no_fit")]
)
def test_half_of_a_cpu_s_memory_is_safe(size: int, verdict: str) -> None:
    """No calibrated rule exists, so the bounds are round."""
    model = Model("acme/small", Weights(size, size // 2), None)

    assert judge(model, row("intel-spr x1"), Load()).verdict == verdict


def test_a_model_that_generates_is_tight_on_a_cpu_at_best() -> None:
    """Its cache is in no rule, and the cheapest that fits must not be a machine that takes minutes to answer."""
    small = replace(MODEL, weights=Weights(10**8, 5 * 10**7, ("BF16",)))

    assert judge(small, row("intel-spr x8"), Load()).reason == "no_rule"


def test_accelerators_without_a_rule_are_unknown() -> None:
    """Neuron's memory is laid out when a model is compiled."""
    assert judge(MODEL, row("inf2 x1"), Load(max_model_len=2048)).reason == "unknown_hardware"


def test_packed_weights_cannot_be_unpacked_by_guessing() -> None:
    """How many parameters four-bit elements stand for is not in the file."""
    packed = Weights(1000, 1500, ("U8", "BF16"))

    with pytest.raises(UnknownWeights):
        packed.at(Precision.HALF, vocabulary=1, hidden=1)
    assert replace(packed, logical_parameters=3000).at(Precision.HALF, vocabulary=1, hidden=1) == 6000


def test_ways_out_are_hardware_that_can_be_ordered() -> None:
    """An alternative that is withdrawn or deprecated is none; the cheapest comes first."""
    out = ways_out(MODEL, ROWS, Load(max_model_len=131072))

    prices = [fit.hardware.price_per_hour or Decimal(0) for fit in out]
    assert all(fit.hardware.is_orderable and fit.verdict is FitVerdict.FIT for fit in out)
    assert prices == sorted(prices)
    assert any(fit.load.precision is Precision.STORED for fit in out)


@given(
    gigabytes=st.integers(1, 700),
    length=st.integers(1, 10**6),
    more=st.integers(0, 10**6),
    hardware=st.sampled_from(ROWS),
)
def test_more_never_fits_better(gigabytes: int, length: int, more: int, hardware: Hardware) -> None:
    """A larger model, a longer sequence, more of them at once: the verdict never improves."""
    model = replace(MODEL, weights=Weights(gigabytes * 10**9, gigabytes * 5 * 10**8, ("BF16",)))
    heavier = replace(model, weights=replace(model.weights, bytes=model.weights.bytes + more * 10**4))
    load = Load(max_model_len=length)
    base = ORDER.index(judge(model, hardware, load).verdict)

    assert ORDER.index(judge(heavier, hardware, load).verdict) >= base
    assert ORDER.index(judge(model, hardware, replace(load, max_model_len=length + more)).verdict) >= base
    assert ORDER.index(judge(model, hardware, replace(load, concurrency=2)).verdict) >= base


@given(gigabytes=st.integers(1, 700), length=st.integers(1, 10**6), hardware=st.sampled_from(ROWS))
def test_the_longest_context_is_the_longest(gigabytes: int, length: int, hardware: Hardware) -> None:
    """It starts at that length, and not a block later."""
    model = replace(MODEL, weights=Weights(gigabytes * 10**9, gigabytes * 5 * 10**8, ("BF16",)))
    fit = judge(model, hardware, Load(max_model_len=length))
    if not fit.longest_context:
        return

    assert judge(model, hardware, Load(max_model_len=fit.longest_context)).verdict is not FitVerdict.NO_FIT
    assert judge(model, hardware, Load(max_model_len=fit.longest_context + 16)).verdict is FitVerdict.NO_FIT


@given(st.permutations(ROWS))
def test_the_ranking_does_not_depend_on_the_order_of_the_catalogue(rows: list[Hardware]) -> None:
    """The same question has the same answer."""
    load = Load(max_model_len=8192)

    assert [fit.hardware.id for fit in rank(MODEL, rows, load)] == [fit.hardware.id for fit in rank(MODEL, ROWS, load)]


@given(
    attention=st.one_of(
        st.builds(FullAttention, st.integers(1, 100), st.integers(1, 64), st.integers(1, 256)),
        st.builds(
            WindowedAttention, st.integers(1, 100), st.integers(1, 64), st.integers(1, 256), st.integers(1, 9999)
        ),
        st.builds(
            HybridAttention,
            st.integers(1, 50),
            st.integers(1, 50),
            st.integers(1, 64),
            st.integers(1, 256),
            st.integers(1, 99_999),
        ),
        st.builds(LatentAttention, st.integers(1, 100), st.integers(1, 1024), st.integers(1, 128)),
    ),
    instance=st.sampled_from(["nvidia-t4 x1", "nvidia-l4 x4", "nvidia-a100 x1"]),
    by_layers=st.booleans(),
)
def test_the_longest_context_fits_and_one_block_more_does_not(
    attention: Attention, instance: str, by_layers: bool
) -> None:
    """What is shown as the longest is a length that starts; None only where a window bounds every length."""
    model = replace(MODEL, weights=Weights(10**10, 5 * 10**9, ("F16",)), shape=replace(SHAPE, attention=attention))
    load = Load(max_model_len=16, tensor=1, by_layers=by_layers)

    def fits(tokens: int) -> bool:
        sums = judge(model, row(instance), replace(load, max_model_len=tokens)).arithmetic
        return sums is not None and sums.cache <= sums.free

    longest = judge(model, row(instance), load).longest_context
    if longest is None:
        assert fits(2**50)
    else:
        assert longest == 0 or fits(longest)
        assert not fits(longest + 16)


def test_a_verdict_that_rests_on_windows_says_so() -> None:
    """Engines without a cache for windows keep every token of every layer."""
    windowed = replace(MODEL, shape=replace(SHAPE, attention=WindowedAttention(32, 8, 128, 4096)))

    long = judge(windowed, row("nvidia-l4 x1"), Load(max_model_len=131072))
    short = judge(windowed, row("nvidia-l4 x1"), Load(max_model_len=8192))

    assert long.verdict is FitVerdict.FIT
    assert any("keeps all 131072 tokens in every layer needs 16.00 GiB" in note for note in long.notes)
    assert not any("windows" in note for note in short.notes)


def test_llama_cpp_that_needs_flash_attention_is_tight() -> None:
    """It turns it on by itself where it can; where it cannot, it does not start."""
    load = Load(max_model_len=32768, utilisation=Fraction(1), batched_tokens=512, sequences=512, by_layers=True)
    packed = replace(MODEL, weights=Weights(16 * 10**9, 8 * 10**9, ("F16",)))

    assert judge(packed, row("nvidia-l4 x1"), replace(load, max_model_len=8192)).verdict is FitVerdict.FIT
    fit = judge(packed, row("nvidia-l4 x1"), replace(load, max_model_len=36864))
    assert (fit.verdict, fit.reason) == (FitVerdict.TIGHT, "without_flash_attention")
    assert "Without flash attention 2.25 GiB more are needed" in fit.sentence
