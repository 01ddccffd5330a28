"""How many GPUs hold one copy of a model, as arguments and environment tell the engine; what of that is not modelled.

TGI takes all GPUs that it sees unless `--num-shard` or `--sharded` says otherwise, the number first (find_num_shards in
its launcher). vLLM and SGLang are told by fields of the spec; what only their arguments say is in `unmodelled`.
"""

from collections.abc import Mapping
from typing import Final

from hfdeploy.catalog import Hardware
from hfdeploy.fit.told import told_flags
from hfdeploy.spec import EndpointSpec
from hfdeploy.spec.length import read_count

_NUMBER: Final = "--num-shard"
_WHETHER: Final = "--sharded"
_PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "vllm": ("--pipeline-parallel-size", "-pp"),
    "sglang": ("--pipeline-parallel-size", "--pp-size", "--pp", "--data-parallel-size", "--dp-size", "--dp"),
}
"""Sizes that the spec has no field for: the service is not told of them, and a copy is shared out in another way."""


def shards(spec: EndpointSpec) -> int | None:
    """GPUs that TGI is told to use; None where it is told nothing that can be read, and for other engines."""
    if spec.engine.type != "tgi":
        return None
    given = told_flags(spec)
    if _NUMBER in given:
        return read_count(given[_NUMBER], "tgi") or None
    return 1 if given.get(_WHETHER) == "false" else None


def idle_gpus(spec: EndpointSpec, hardware: Hardware) -> str:
    """What TGI is told that leaves GPUs of the instance without work; empty where it uses all."""
    used, count = shards(spec), hardware.num_accelerators or 0
    if used is None or used >= count:
        return ""
    return (
        f"TGI is told to use {used} of {count} GPUs; without {_NUMBER} and {_WHETHER} (NUM_SHARD, SHARDED) it uses all."
    )


def unmodelled(spec: EndpointSpec) -> str:
    """Why nobody can tell what each GPU holds; empty where the engine says it in a way that is modelled."""
    given = told_flags(spec)
    if spec.engine.type == "tgi":
        return _of_tgi(given)
    for flag in _PARTS.get(spec.engine.type, ()):
        if flag in given and read_count(given[flag], spec.engine.type) != 1:
            return f"What each GPU holds under {flag} is not modelled: leave it out, or use 1."
    return ""


def _of_tgi(given: Mapping[str, str]) -> str:
    if _NUMBER in given and not read_count(given[_NUMBER], "tgi"):
        return f"{_NUMBER} (NUM_SHARD) is no number of GPUs above 0, so nobody can tell what each of them holds."
    if _WHETHER not in given:
        return ""
    if given[_WHETHER] not in {"true", "false"}:
        return f"{_WHETHER} (SHARDED) is neither true nor false, so nobody can tell what each GPU holds."
    if given[_WHETHER] == "true" and read_count(given.get(_NUMBER, ""), "tgi") == 1:
        return f"{_WHETHER} true (SHARDED) with {_NUMBER} 1 (NUM_SHARD) contradict each other: keep one of them."
    return ""
