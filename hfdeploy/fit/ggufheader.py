"""The header of a GGUF file: bytes of the weights by type, and the numbers that decide the cache.

magic GGUF, version, tensors, pairs │ key, type, value … │ name, dimensions, type, offset …
Layout: ggml's docs/gguf.md. Whoever made the file may be anybody: every count is bounded, and what is long (tokens of
the vocabulary, text of licences) is passed over without being kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hfdeploy.fit.weights import UnknownWeights

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

_WANTED: Final = frozenset(
    {"attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.key_length_mla"}
    | {"attention.kv_lora_rank", "attention.sliding_window", "attention.value_length", "block_count"}
    | {"context_length", "embedding_length", "expert_feed_forward_length", "expert_shared_count"}
    | {"expert_shared_feed_forward_length", "expert_used_count", "feed_forward_length", "rope.dimension_count"}
    | {"vocab_size"}
)
"""Facts that are kept, without the architecture before the name."""

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
            case _ if kind in _WHOLE and key.partition(".")[2] in _WANTED:
                numbers[key] = self._whole(kind)
            case _:
                self._pass(kind, 1)

    def _list(self, key: str, numbers: dict[str, int]) -> int:
        """Pass over a list, keeping the largest where it is of numbers that are wanted; its length."""
        kind, count = self._number(4), self._number(8)
        if kind in _WHOLE and 0 < count <= _MOST_KEPT and key.partition(".")[2] in _WANTED:
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
