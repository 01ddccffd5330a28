"""Headers of GGUF files: what is read of them, what is refused, and that nothing else can come of any bytes."""

import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.emulator.ggufs import Gguf, ggufs
from hfdeploy.fit import (
    LONGEST_HEADER,
    FullAttention,
    GgufHeader,
    HybridAttention,
    LatentAttention,
    UnknownShape,
    UnknownWeights,
    gguf_shape,
    gguf_weights,
    read_gguf,
)

NUMBERS = {
    "block_count": 32,
    "context_length": 8192,
    "embedding_length": 4096,
    "feed_forward_length": 14336,
    "attention.head_count": 32,
    "attention.head_count_kv": 8,
    "vocab_size": 128256,
}
LLAMA = {
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
}


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def word(key: str, value: int) -> bytes:
    return text(key) + struct.pack("<II", 4, value)


def tensor(name: str, kind: int, *extents: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(extents)}QIQ", len(extents), *extents, kind, 0)


def whole(*parts: bytes, pairs: int, tensors: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs) + b"".join(parts)


ARCHITECTURE = text("general.architecture") + struct.pack("<I", 8) + text("llama")


def read(content: bytes) -> GgufHeader:
    return read_gguf(lambda first, count: content[first : first + count], "a.gguf")


def of(scheme: str, **changes: Any) -> Gguf:
    [file] = ggufs({"gguf": {"config": LLAMA | changes, "files": [{"file": "a.gguf", "scheme": scheme}]}}).values()
    return file


@pytest.mark.parametrize(
    ("scheme", "size", "types"),
    [("Q4_K_M", "4.58", ("Q4_K", "Q6_K", "F32")), ("Q8_0", "7.95", ("Q8_0", "F32")), ("F16", "14.96", ("F16", "F32"))],
)
def test_llama_of_8b_weighs_what_llama_cpp_says(scheme: str, size: str, types: tuple[str, ...]) -> None:
    """`model size = 4.58 GiB (4.89 BPW)`, from 66 tensors in F32, 193 in Q4_K and 33 in Q6_K."""
    weights = gguf_weights([read(of(scheme).header)])

    assert f"{weights.bytes / 2**30:.2f}" == size
    assert weights.dtypes == types
    assert weights.parameters == 8_030_261_312


def test_the_shape_is_that_of_the_facts() -> None:
    """The same numbers as in config.json, under other names."""
    shape = gguf_shape(read(of("Q4_K_M").header))

    assert shape.attention == FullAttention(32, 8, 128)
    assert (shape.hidden, shape.active_width, shape.vocabulary) == (4096, 14336, 128256)
    assert (shape.context, shape.heads, shape.layers) == (131072, 32, 32)


def test_a_vocabulary_that_is_only_listed_is_counted() -> None:
    """Older files have no number of it."""
    listed = text("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + text("a") + text("") + text("ççç")
    numbers = [word(f"llama.{name}", value) for name, value in NUMBERS.items() if name != "vocab_size"]

    header = read(whole(ARCHITECTURE, listed, *numbers, pairs=2 + len(numbers)))

    assert gguf_shape(header).vocabulary == 3


def test_numbers_of_each_layer_count_as_the_largest() -> None:
    """Some models have layers of several sizes."""
    listed = text("llama.attention.head_count_kv") + struct.pack("<IIQ3I", 9, 4, 3, 2, 8, 4)

    assert read(whole(ARCHITECTURE, listed, pairs=2)).numbers == {"attention.head_count_kv": 8}


@pytest.mark.parametrize(
    ("architecture", "changes", "attention"),
    [
        ("qwen3", {"attention.key_length": 64, "attention.value_length": 96}, FullAttention(32, 8, 96)),
        ("llama", {"attention.sliding_window": 4096}, FullAttention(32, 8, 128)),
        ("gpt-oss", {"attention.sliding_window": 128}, HybridAttention(16, 16, 8, 128, 128)),
        ("gemma3", {"attention.sliding_window": 1024}, HybridAttention(5, 27, 8, 128, 1024)),
        ("deepseek2", {"attention.kv_lora_rank": 512, "rope.dimension_count": 64}, FullAttention(32, 8, 128)),
        (
            "deepseek2",
            {"attention.kv_lora_rank": 512, "rope.dimension_count": 64, "attention.key_length_mla": 192},
            LatentAttention(32, 512, 64),
        ),
    ],
)
def test_attention_is_what_llama_cpp_makes_of_it(architecture: str, changes: dict[str, int], attention: object) -> None:
    """Windows where it keeps them, and compressed keys where the file has them in two parts."""
    assert gguf_shape(GgufHeader(architecture, NUMBERS | changes)).attention == attention


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (GgufHeader("mamba", NUMBERS), "architecture 'mamba' is not known here"),
        (GgufHeader("", {}), "architecture '' is not known here"),
        (GgufHeader("llama", {"block_count": 1}), "its header has no llama.embedding_length"),
        (GgufHeader("llama", NUMBERS | {"attention.head_count": 7}), "no llama.attention.key_length"),
        (GgufHeader("llama", {name: NUMBERS[name] for name in list(NUMBERS)[:-1]}), "its header has no vocab_size"),
    ],
)
def test_a_shape_that_is_not_all_there_is_unknown(header: GgufHeader, reason: str) -> None:
    """Never guessed."""
    with pytest.raises(UnknownShape, match=reason):
        gguf_shape(header)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "ends within its header"),
        (b"<html>", "does not begin as a GGUF file does"),
        (whole(pairs=0, version=1), "version 1 of GGUF"),
        (whole(pairs=0, version=0x03000000), "version 50331648 of GGUF"),
        (whole(pairs=2**63), "9223372036854775808 facts"),
        (whole(pairs=0, tensors=2**40), "1099511627776 tensors"),
        (whole(ARCHITECTURE, pairs=2), "ends within its header"),
        (whole(text("k") + struct.pack("<I", 13), pairs=1), "value of type 13"),
        (whole(text("k") + struct.pack("<IIQ", 9, 9, 1), pairs=1), "value of type 9"),
        (whole(text("k") + struct.pack("<IIQ", 9, 8, 2**60), pairs=1), "holds more than 1,000,000 texts"),
        (whole(text("k") + struct.pack("<IIQ", 9, 4, 2**60), pairs=2), "longer than 67,108,864 bytes"),
        (whole(text("k" * 5000), pairs=1), "a name of 5000 bytes"),
        (whole(tensor("a", 4, 32), pairs=0, tensors=1), "tensor 'a' of a.gguf is of type 4"),
        (whole(tensor("a", 12, 255), pairs=0, tensors=1), "shape of tensor 'a' of a.gguf is none of type Q4_K"),
        (whole(tensor("a", 0, *[2**63] * 8), pairs=0, tensors=1), "shape of tensor 'a'"),
        (whole(tensor("a", 0, *[1] * 9), pairs=0, tensors=1), "has 9 dimensions"),
    ],
)
def test_what_is_no_header_says_why(content: bytes, reason: str) -> None:
    """Anybody can put a file on the Hub."""
    with pytest.raises(UnknownWeights, match=reason):
        read(content)


def test_no_tensor_at_all_is_no_weight() -> None:
    """Nothing would fit anywhere."""
    with pytest.raises(UnknownWeights, match="no tensor"):
        gguf_weights([read(whole(ARCHITECTURE, pairs=1))])


def test_a_header_without_an_end_is_given_up_and_never_held() -> None:
    """A file may be terabytes of names; what is read of it is bounded, and so is what is kept."""
    asked: list[int] = []

    unit = tensor("n" * 4000, 0, 1)
    start = whole(pairs=0, tensors=100_000)
    jumps = whole(text("k") + struct.pack("<IIQ", 9, 8, 999_999), pairs=1)

    def tensors(first: int, count: int) -> bytes:
        asked.append(count)
        piece = unit * (count // len(unit) + 2)
        return (start + piece)[:count] if not first else piece[(first - len(start)) % len(unit) :][:count]

    def texts(first: int, count: int) -> bytes:
        asked.append(count)
        return (b"" if first else jumps) + struct.pack("<Q", 2**20 - 8) * (count // 8)

    tracemalloc.start()
    try:
        for source in (tensors, texts):
            asked.clear()
            with pytest.raises(UnknownWeights):
                read_gguf(source, "a.gguf")
            assert sum(asked) <= LONGEST_HEADER + 4 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()


GENUINE = of("Q4_K_M", num_hidden_layers=2, vocab_size=512).header


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_read_or_refused(content: bytes, begins: bool) -> None:
    """One kind of refusal; the reader knows no other."""
    try:
        header = read(b"GGUF\x03\0\0\0" + content if begins else content)
        gguf_weights([header])
        gguf_shape(header)
    except (UnknownWeights, UnknownShape):
        return


@given(st.integers(0, len(GENUINE) - 1), st.binary(min_size=1, max_size=9), st.integers(0, len(GENUINE)))
def test_a_genuine_header_with_other_bytes_in_it_is_read_or_refused(at: int, other: bytes, end: int) -> None:
    """Damage in transit, or somebody's idea."""
    for content in (GENUINE[:at] + other + GENUINE[at + len(other) :], GENUINE[:end]):
        try:
            header = read(content)
            assert gguf_weights([header]).bytes >= 0
            gguf_shape(header)
        except (UnknownWeights, UnknownShape):
            continue


@given(st.integers(1, 64))
def test_it_does_not_matter_in_which_pieces_a_file_comes(size: int) -> None:
    """A server may send less than was asked for only at the end; pieces of any size give the same."""
    padded = GENUINE + bytes(2**12)

    assert read_gguf(lambda first, _: padded[first : first + 4096 * size], "a.gguf") == read(GENUINE)
