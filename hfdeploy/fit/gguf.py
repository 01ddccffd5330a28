"""The header of a GGUF file: bytes of the weights by type, and the numbers that decide the cache.

magic GGUF, version, tensors, pairs │ key, type, value … │ name, dimensions, type, offset …
Layout: ggml's docs/gguf.md. Whoever made the file may be anybody: every count is bounded, and what is long (tokens of
the vocabulary, text of licences) is passed over without being kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hfdeploy.fit.shape import Shape, UnknownShape, read_shape
from hfdeploy.fit.weights import UnknownWeights, Weights

LONGEST_HEADER: Final = 64 * 2**20
"""Bytes that are read of one file at most; vocabularies make headers of ten million bytes."""

_MOST_PAIRS: Final = 10_000
_MOST_TENSORS: Final = 100_000
_MOST_STRINGS: Final = 1_000_000
_MOST_KEPT: Final = 4096
"""Bytes of a text, or elements of a list, that is kept."""

_MOST_EXTENT: Final = 2**48
_MOST_DIMENSIONS: Final = 8
_PIECE: Final = 4 * 2**20
_VERSIONS: Final = frozenset({2, 3})

_WHOLE: Final[Mapping[int, tuple[int, bool]]] = {
    0: (1, False),
    1: (1, True),
    2: (2, False),
    3: (2, True),
    4: (4, False),
    5: (4, True),
    7: (1, False),
    10: (8, False),
    11: (8, True),
}
"""Bytes and sign of whole numbers and truth values, by the format's number of the type."""

_FRACTIONAL: Final[Mapping[int, int]] = {6: 4, 12: 8}
_STRING: Final = 8
_LENGTH: Final = 8
"""Bytes of the length before a text."""

_LIST: Final = 9

_TYPES: Final[Mapping[int, tuple[str, int, int]]] = {
    0: ("F32", 1, 4),
    1: ("F16", 1, 2),
    2: ("Q4_0", 32, 18),
    3: ("Q4_1", 32, 20),
    6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34),
    10: ("Q2_K", 256, 84),
    11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176),
    14: ("Q6_K", 256, 210),
    16: ("IQ2_XXS", 256, 66),
    17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98),
    19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18),
    21: ("IQ3_S", 256, 110),
    22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1),
    25: ("I16", 1, 2),
    26: ("I32", 1, 4),
    27: ("I64", 1, 8),
    28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56),
    30: ("BF16", 1, 2),
    34: ("TQ1_0", 256, 54),
    35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17),
}
"""Name, elements of a block and bytes of a block, by ggml's number of the type."""

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

_OTHERS: Final = frozenset(
    {
        "attention.key_length",
        "attention.key_length_mla",
        "attention.kv_lora_rank",
        "attention.sliding_window",
        "attention.value_length",
        "rope.dimension_count",
    }
)
_NEEDED: Final = ("embedding_length", "block_count", "attention.head_count")

Read: TypeAlias = Callable[[int, int], bytes]
"""`read(first, count)`: so many bytes of the file, or less where it ends sooner."""


@dataclass(slots=True)
class GgufHeader:
    """What is kept of the header of one file."""

    architecture: str = ""
    numbers: dict[str, int] = field(default_factory=dict)
    """Without the architecture before the name; of a list of numbers the largest."""

    tokens: int = 0
    """Length of the vocabulary that is listed."""

    parts: int = 1
    """Files that the model is split into."""

    bytes: dict[str, int] = field(default_factory=dict)
    """Of all tensors, by type."""

    parameters: int = 0


def read_gguf(read: Read, name: str) -> GgufHeader:
    """The header of a GGUF file; `name` is what a refusal calls it.

    Raises:
        UnknownWeights: it is none, it is of a version or has a type that is not known here, or it is too large.
    """
    return _Reader(read, name).header()


def gguf_weights(headers: list[GgufHeader]) -> Weights:
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


class _Reader:
    """One file, from its beginning on; holds one piece of it at a time."""

    def __init__(self, read: Read, name: str) -> None:
        self._read, self._name = read, name
        self._piece = b""
        self._start = self._at = self._fetched = self._strings = 0

    def header(self) -> GgufHeader:
        if self._take(4) != b"GGUF":
            raise UnknownWeights(f"{self._name} does not begin as a GGUF file does")
        if (version := self._number(4)) not in _VERSIONS:
            raise UnknownWeights(f"{self._name} is of version {version} of GGUF, which is not known here")
        tensors, pairs = self._number(8), self._number(8)
        if tensors > _MOST_TENSORS or pairs > _MOST_PAIRS:
            raise UnknownWeights(f"{self._name} says that it has {tensors} tensors and {pairs} facts")
        found = GgufHeader()
        numbers: dict[str, int] = {}
        for _ in range(pairs):
            self._pair(found, numbers)
        prefix = f"{found.architecture}."
        found.numbers = {
            key.removeprefix(prefix): value for key, value in numbers.items() if key.startswith(prefix) and value >= 0
        }
        for _ in range(tensors):
            self._tensor(found)
        return found

    def _pair(self, found: GgufHeader, numbers: dict[str, int]) -> None:
        key, kind = self._text(), self._number(4)
        match key, kind:
            case "general.architecture", 8:
                found.architecture = self._text()
            case "tokenizer.ggml.tokens", 9:
                found.tokens = self._list(key, numbers)
            case "split.count", _ if kind in _WHOLE:
                found.parts = self._whole(kind)
            case _, 9:
                self._list(key, numbers)
            case _ if kind in _WHOLE and key.partition(".")[2] in _FIELDS.keys() | _OTHERS:
                numbers[key] = self._whole(kind)
            case _:
                self._pass(kind, 1)

    def _list(self, key: str, numbers: dict[str, int]) -> int:
        """Pass over a list, keeping the largest where it is of numbers that are wanted; its length."""
        kind, count = self._number(4), self._number(8)
        if kind in _WHOLE and 0 < count <= _MOST_KEPT and key.partition(".")[2] in _FIELDS.keys() | _OTHERS:
            numbers[key] = max(self._whole(kind) for _ in range(count))
        else:
            self._pass(kind, count)
        return count

    def _pass(self, kind: int, count: int) -> None:
        """Pass over so many values of a type."""
        if kind in _WHOLE or kind in _FRACTIONAL:
            self._at += count * (_WHOLE[kind][0] if kind in _WHOLE else _FRACTIONAL[kind])
        elif kind == _STRING:
            self._pass_texts(count)
        else:
            raise UnknownWeights(f"{self._name} holds a value of type {kind}, which is not known here")

    def _pass_texts(self, count: int) -> None:
        """Pass over so many texts: a vocabulary has some hundred thousand."""
        self._strings += count
        if self._strings > _MOST_STRINGS:
            raise UnknownWeights(f"{self._name} holds more than {_MOST_STRINGS:,} texts")
        while count:
            piece, at = self._piece, self._at - self._start
            last = len(piece) - _LENGTH
            while count and at <= last:
                at += _LENGTH + int.from_bytes(piece[at : at + _LENGTH], "little")
                count -= 1
            self._at = self._start + at
            if count:
                self._take(_LENGTH)
                self._at -= _LENGTH

    def _tensor(self, found: GgufHeader) -> None:
        name, dimensions = self._text(), self._number(4)
        if dimensions > _MOST_DIMENSIONS:
            raise UnknownWeights(f"tensor {name!r} of {self._name} has {dimensions} dimensions")
        count, row = 1, 1
        for position in range(dimensions):
            extent = self._number(8)
            row = extent if position == 0 else row
            count *= extent
        kind = self._number(4)
        self._at += 8
        if kind not in _TYPES:
            raise UnknownWeights(f"tensor {name!r} of {self._name} is of type {kind}, which is not known here")
        dtype, block, size = _TYPES[kind]
        if count > _MOST_EXTENT or row % block:
            raise UnknownWeights(f"the shape of tensor {name!r} of {self._name} is none of type {dtype}")
        found.bytes[dtype] = found.bytes.get(dtype, 0) + count // block * size
        found.parameters += count

    def _text(self) -> str:
        length = self._number(8)
        if length > _MOST_KEPT:
            raise UnknownWeights(f"{self._name} has a name of {length} bytes")
        return self._take(length).decode("utf-8", "replace")

    def _whole(self, kind: int) -> int:
        size, signed = _WHOLE[kind]
        return int.from_bytes(self._take(size), "little", signed=signed)

    def _number(self, size: int) -> int:
        return int.from_bytes(self._take(size), "little")

    def _take(self, count: int) -> bytes:
        """The next bytes; at most some thousands."""
        begin = self._at - self._start
        if begin + count > len(self._piece):
            self._fetch()
            begin = 0
            if count > len(self._piece):
                raise UnknownWeights(f"{self._name} ends within its header")
        self._at += count
        return self._piece[begin : begin + count]

    def _fetch(self) -> None:
        """The piece that begins where reading is."""
        if self._at >= LONGEST_HEADER or self._fetched >= LONGEST_HEADER:
            raise UnknownWeights(f"the header of {self._name} is longer than {LONGEST_HEADER:,} bytes")
        self._piece, self._start = self._read(self._at, _PIECE), self._at
        self._fetched += _PIECE
