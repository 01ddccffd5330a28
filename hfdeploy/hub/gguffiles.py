"""Which GGUF files of a repository are one model, and what their headers say; the weights behind are never fetched."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from hfdeploy.errors import ApiError
from hfdeploy.fit import GgufHeader, Model, UnknownWeights, gguf_shape, gguf_weights, read_gguf

_PART: Final = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf")
_MOST_PARTS: Final = 200
_MOST_NAMED: Final = 12
_BEYOND: Final = 416


def read_gguf_model(
    read: Callable[[str, int, int], bytes], repository: str, commit: str, files: Iterable[str], file: str
) -> Model:
    """What decides the memory of a GGUF file of a repository, with the others that it is split into.

    `read(name, first, count)` gives a piece of a file. An empty `file` stands for the only one that there is.

    Raises:
        UnknownWeights, UnknownShape: no such file, several to choose from, or a header that cannot be judged.
    """
    parts = _parts(frozenset(files), file)
    headers = [_header(read, part) for part in parts]
    if headers[0].parts not in {len(parts), 0}:
        raise UnknownWeights(f"{parts[0]} is one of {headers[0].parts} files, and its name says {len(parts)}")
    return Model(repository, gguf_weights(headers), gguf_shape(headers[0]), commit, parts[0])


def has_gguf_only(files: Iterable[str]) -> bool:
    """Whether a repository has GGUF files, and no safetensors."""
    endings = {name.rpartition(".")[2] for name in files}
    return "gguf" in endings and "safetensors" not in endings


def _header(read: Callable[[str, int, int], bytes], name: str) -> GgufHeader:
    def piece(first: int, count: int) -> bytes:
        try:
            return read(name, first, count)
        except ApiError as problem:
            if problem.status == _BEYOND:
                return b""
            raise

    return read_gguf(piece, name)


def _parts(files: frozenset[str], file: str) -> list[str]:
    """All files of one model, the one with the facts first."""
    chosen = file or _only(files)
    if chosen not in files:
        raise UnknownWeights(f"there is no file {chosen}; {_named(_models(files))}")
    found = _PART.fullmatch(chosen)
    if found is None:
        return [chosen]
    count = int(found[3])
    if int(found[2]) != 1:
        raise UnknownWeights(f"{chosen} is not the first of its files, and llama.cpp is told the first")
    if not 0 < count <= _MOST_PARTS:
        raise UnknownWeights(f"{chosen} says that it is one of {count} files")
    names = [f"{found[1]}-{number:05d}-of-{count:05d}.gguf" for number in range(1, count + 1)]
    if missing := [name for name in names if name not in files]:
        raise UnknownWeights(f"there is no file {missing[0]}, which {chosen} goes on in")
    return names


def _only(files: frozenset[str]) -> str:
    models = _models(files)
    if len(models) > 1:
        raise UnknownWeights(f"which of its GGUF files is not said (--gguf), and they differ; {_named(models)}")
    if not models:
        raise UnknownWeights(_named(models))
    return models[0]


def _models(files: Iterable[str]) -> list[str]:
    """Files that llama.cpp can be told: first or only ones, and no projectors."""
    found = []
    for name in sorted(files):
        part = _PART.fullmatch(name)
        is_model = name.endswith(".gguf") and not name.rpartition("/")[2].startswith("mmproj")
        if is_model and (part is None or int(part[2]) == 1):
            found.append(name)
    return found


def _named(models: list[str]) -> str:
    if not models:
        return "it has no GGUF file"
    more = f" and {len(models) - _MOST_NAMED} more" if len(models) > _MOST_NAMED else ""
    return f"it has {', '.join(models[:_MOST_NAMED])}{more}"
