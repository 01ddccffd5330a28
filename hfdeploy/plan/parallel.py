"""How the accelerators of one replica are shared out by the engines that are told so: vLLM and SGLang.

Sizes that are unset on several accelerators, or that do not multiply to their number, are reported as refused by the
service, and those among the container's arguments do not count (huggingface_hub#4661). TGI shards by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hfdeploy.catalog import Hardware
from hfdeploy.spec import EngineSection, SglangEngine, VllmEngine

_TENSOR: Final = "tensor_parallel_size"
_DATA: Final = "data_parallel_size"
_FLAGS: Final[Mapping[str, Mapping[str, str]]] = {
    "vllm": {"--tensor-parallel-size": _TENSOR, "-tp": _TENSOR, "--data-parallel-size": _DATA, "-dp": _DATA},
    "sglang": {"--tensor-parallel-size": _TENSOR, "--tp-size": _TENSOR, "--tp": _TENSOR},
}


@dataclass(frozen=True, slots=True)
class ParallelSizes:
    """The sizes that a replica gets: `sizes` by their name in the spec, for as many `accelerators` as it has."""

    sizes: Mapping[str, int]
    accelerators: int

    @property
    def product(self) -> int:
        """The accelerators that the engine would use."""
        product = 1
        for size in self.sizes.values():
            product *= size
        return product

    @property
    def is_whole(self) -> bool:
        """Whether exactly the accelerators that are there get used."""
        return self.product == self.accelerators


def share_out(engine: EngineSection, hardware: Hardware) -> ParallelSizes | None:
    """The sizes of the spec, those left out filled in so that every accelerator is used where that is possible.

    None for other engines, and where the number of accelerators is unknown or means CPUs.
    """
    count = hardware.num_accelerators
    if not count or hardware.accelerator == "cpu":
        return None
    match engine:
        case VllmEngine(tensor_parallel_size=tensor, data_parallel_size=data):
            tensor = tensor or max(1, count // (data or 1))
            return ParallelSizes({_TENSOR: tensor, _DATA: data or max(1, count // tensor)}, count)
        case SglangEngine(tensor_parallel_size=tensor):
            # Its variant has no size for copies of the model, and the service drops unknown fields.
            return ParallelSizes({_TENSOR: tensor or count}, count)
        case _:
            return None


def contradicted(args: Sequence[str], engine: str, shared: ParallelSizes) -> Iterator[tuple[int, str, str]]:
    """Position, flag and size of every container argument that gives one of the sizes another value."""
    flags = _FLAGS.get(engine, {})
    for position, text in enumerate(args):
        flag, equals, value = text.partition("=")
        size = flags.get(flag.replace("_", "-"))
        if size is None:
            continue
        if not equals:
            value = args[position + 1] if position + 1 < len(args) else ""
        if value != str(shared.sizes[size]):
            yield position, flag, size
