"""Embeddings that behave like embeddings: unit length, the same for the same text, close for texts that share words."""

import base64
import hashlib
import math
import struct
from collections.abc import Sequence
from functools import lru_cache

from hfdeploy.emulator.behaviour import Behaviour

_WIDTHS = {
    "sentence-transformers/all-MiniLM-L6-v2": 384,
    "BAAI/bge-small-en-v1.5": 384,
    "BAAI/bge-base-en-v1.5": 768,
    "BAAI/bge-large-en-v1.5": 1024,
    "BAAI/bge-m3": 1024,
    "intfloat/multilingual-e5-large": 1024,
    "sentence-transformers/all-mpnet-base-v2": 768,
}
"""`hidden_size` in the config.json of these repositories."""
_DEFAULT_WIDTH = 384

Vector = list[float]


def embed(repository: str, revision: str, texts: Sequence[str], *, is_normalised: bool = True) -> list[Vector]:
    """One vector for each text; another revision of the model gives others."""
    width = _WIDTHS.get(repository, _DEFAULT_WIDTH)
    return [_vector(f"{repository}@{revision}", text, width, is_normalised) for text in texts]


def cosine(one: Vector, other: Vector) -> float:
    """How close two unit vectors are."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def scripted(found: list[Vector], script: Behaviour) -> list[Vector]:
    """The vectors as a script spoils them."""
    if script.nan_vectors:
        return [[math.nan] * len(vector) for vector in found]
    if script.zero_vectors:
        return [[0.0] * len(vector) for vector in found]
    if script.wrong_dimensions:
        return [*found[:-1], found[-1][:-1]] if found else found
    return found


def base64_of(vector: Vector) -> str:
    """Little-endian 32-bit floats in base64, as OpenAI clients ask for by default."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _vector(voice: str, text: str, width: int, is_normalised: bool) -> Vector:
    words = text.lower().split() or [""]
    summed = [sum(column) for column in zip(*(_direction(voice, word, width) for word in words), strict=True)]
    length = math.sqrt(sum(number * number for number in summed)) or 1.0
    scale = length if is_normalised else 1.0
    return [round(number / scale, 7) for number in summed]


@lru_cache(maxsize=4096)
def _direction(voice: str, word: str, width: int) -> tuple[float, ...]:
    """A direction that belongs to one word: numbers between -1 and 1."""
    size = width * 2
    raw = hashlib.shake_128(f"{voice}\0{word}".encode()).digest(size)
    return tuple(number / 32768 for number in struct.unpack(f"<{width}h", raw))
