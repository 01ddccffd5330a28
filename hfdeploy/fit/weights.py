"""What weights weigh: the bytes of the tensors in the files, or an estimate of what an engine makes of them at load.

Bytes are summed from the headers' `data_offsets`, never parameters times a type: packed formats report logical
elements, tied heads can be stored all the same, and files hold layers that are not used.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

_KNOWN: Final = frozenset(
    {"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E8M0", "I64", "I32", "I16", "I8", "U64", "U32", "U16"}
    | {"U8", "BOOL", "F4"}
)
_WIDE: Final = frozenset({"F64", "F32", "F16", "BF16"})


class UnknownWeights(Exception):
    """Why the weights cannot be weighed, as the end of a sentence."""


class Precision(StrEnum):
    """What the engine holds in memory. `STORED` is the files as they are, the only one that is no estimate."""

    STORED = "stored"
    INT8 = "int8"
    INT4 = "int4"
    HALF = "half"
    """Sixteen bits: what packed weights become where an engine cannot compute with them."""

    FULL = "full"
    """Thirty-two bits: what an engine makes of narrower weights that are not packed, where it is told to."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights of a repository at one commit."""

    bytes: int
    """The sum over all tensors of all files."""

    parameters: int
    """Elements that the files hold; for packed formats more than one parameter each."""

    dtypes: tuple[str, ...] = ()
    """The stored types, by bytes, most first."""

    logical_parameters: int | None = None
    """Parameters of the model where the files do not tell (packed formats); None where nobody said."""

    @property
    def is_packed(self) -> bool:
        """Whether the files are smaller than sixteen bits for each parameter already."""
        return bool(self.dtypes) and self.dtypes[0] not in _WIDE

    def at(self, precision: Precision, *, vocabulary: int, hidden: int, element: int = 2) -> int:
        """Bytes in memory over all GPUs; embeddings and output head stay at `element` bytes each where others shrink.

        Raises:
            UnknownWeights: packed weights at another precision, and nobody said how many parameters they stand for.
        """
        if precision is Precision.STORED or (precision is Precision.FULL and self.is_packed):
            return self.bytes
        count = self.logical_parameters if self.is_packed else self.parameters
        if count is None:
            raise UnknownWeights("the files are packed, and how many parameters they stand for is not known")
        if precision in {Precision.HALF, Precision.FULL}:
            return (2 if precision is Precision.HALF else 4) * count
        apart = 2 * vocabulary * hidden
        percent = 102 if precision is Precision.INT8 else 56
        return -(-(count - apart) * percent // 100) + element * apart


def weigh(headers: Iterable[Mapping[str, Any]]) -> Weights:
    """The weights that the headers of a repository's safetensors files describe, each as parsed JSON.

    Raises:
        UnknownWeights: no tensor at all, a type that is not known here, or a header that is none.
    """
    sizes: dict[str, int] = {}
    parameters = 0
    for header in headers:
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            dtype, count, size = _tensor(name, entry)
            sizes[dtype] = sizes.get(dtype, 0) + size
            parameters += count
    if not sizes:
        raise UnknownWeights("there is no tensor in its safetensors files")
    return Weights(sum(sizes.values()), parameters, tuple(sorted(sizes, key=lambda dtype: -sizes[dtype])))


def _tensor(name: str, entry: object) -> tuple[str, int, int]:
    """Type, elements and bytes."""
    match entry:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(begin), int(end)]} if begin <= end:
            if dtype not in _KNOWN:
                raise UnknownWeights(f"tensor {name} is of type {dtype}, which is not known here")
            count = 1
            for extent in shape:
                if type(extent) is not int or extent < 0:
                    raise UnknownWeights(f"the shape of tensor {name} is no list of sizes")
                count *= extent
            return dtype, count, end - begin
        case _:
            raise UnknownWeights(f"the header has no type, shape and offsets for tensor {name}")
