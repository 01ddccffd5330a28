"""From the files of a repository to what decides memory: config.json, and the headers of its safetensors files.

A header is a length in eight bytes and JSON of that length; the weights behind it are never fetched. GGUF files are
read where one is asked for (`gguffiles`).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final, Protocol

from hfdeploy.errors import HfdeployError
from hfdeploy.fit import (
    DENOISERS,
    Model,
    Shape,
    UnknownShape,
    UnknownWeights,
    Weights,
    read_pipeline_shape,
    read_shape,
    weigh,
)
from hfdeploy.hub.gguffiles import read_gguf_model
from hfdeploy.hub.session import LARGEST_PIECE

_LENGTH: Final = 8
_FIRST_READ: Final = 100_000
"""Bytes of the first read: most headers are shorter, so that most files take one request."""

_LONGEST_HEADER: Final = 25_000_000
_SINGLE: Final = ("model.safetensors", "diffusion_pytorch_model.safetensors")
_INDEXES: Final = ("model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.json")


class Unsized(HfdeployError):
    """Why nothing can be said about a repository's memory; a sentence."""


class Files(Protocol):
    """Where pieces of a repository's files come from; `hub.Hub` is one."""

    def file(self, repository: str, commit: str, path: str, *, first: int = 0, count: int = 0) -> bytes:
        """`count` bytes of a file from `first` on."""


def read_model(hub: Files, repository: str, commit: str, files: Sequence[str], *, gguf: str | None = None) -> Model:
    """What decides the memory of a repository at a commit; `files` are the paths in it.

    `gguf` is the GGUF file to judge, empty for the only one; None judges the safetensors files.

    Raises:
        Unsized: pickled weights only, an architecture that is not known, a header that cannot be read.
        AuthError, ApiError, Unreachable: as `Hub` says.
    """
    reader = _Reader(hub, repository, commit, frozenset(files))
    try:
        if gguf is not None:
            return read_gguf_model(reader.bytes, repository, commit, files, gguf)
        shape = reader.pipeline_shape() if "model_index.json" in files else reader.shape()
        return Model(repository, reader.weights(), shape, commit)
    except (UnknownShape, UnknownWeights) as problem:
        raise Unsized(f"{repository}: {problem}.") from None


class _Reader:
    """One repository at one commit."""

    def __init__(self, hub: Files, repository: str, commit: str, files: frozenset[str]) -> None:
        self._hub, self._repository, self._commit, self._files = hub, repository, commit, files

    def shape(self) -> Shape:
        if "config.json" not in self._files:
            raise UnknownShape("there is no config.json")
        return read_shape(self._json("config.json"))

    def pipeline_shape(self) -> Shape:
        for folder in DENOISERS:
            if f"{folder}/config.json" in self._files:
                return read_pipeline_shape(self._json(f"{folder}/config.json"))
        raise UnknownShape("none of the pipeline's folders is a denoiser that is known here")

    def weights(self) -> Weights:
        names = sorted(self._weight_files())
        if not names:
            raise UnknownWeights("there is no safetensors file, and others are not read: they can hold code")
        return weigh(self._header(name) for name in names)

    def _weight_files(self) -> Iterator[str]:
        """One set of files per folder: the index's, or the single one; variants beside them are not loaded."""
        folders = {"."}
        if "model_index.json" in self._files:
            folders = {str(PurePosixPath(name).parent) for name in self._files} - {"."}
        for folder in folders:
            yield from self._of_folder(PurePosixPath(folder))

    def _of_folder(self, folder: PurePosixPath) -> Iterator[str]:
        for name in _INDEXES:
            if str(folder / name) in self._files:
                listed = self._json(str(folder / name)).get("weight_map")
                if not isinstance(listed, dict) or not listed:
                    raise UnknownWeights(f"{folder / name} lists no file")
                yield from {str(folder / str(shard)) for shard in listed.values()}
                return
        yield from [str(folder / name) for name in _SINGLE if str(folder / name) in self._files][:1]

    def _header(self, name: str) -> Mapping[str, Any]:
        piece = self.bytes(name, 0, _FIRST_READ)
        length = int.from_bytes(piece[:_LENGTH], "little")
        if len(piece) < _LENGTH or not 0 < length <= _LONGEST_HEADER:
            raise UnknownWeights(f"{name} does not begin as a safetensors file does")
        if len(piece) < _LENGTH + length:
            piece += self.bytes(name, len(piece), _LENGTH + length - len(piece))
        return _parsed(name, piece[_LENGTH : _LENGTH + length], UnknownWeights)

    def _json(self, name: str) -> Mapping[str, Any]:
        return _parsed(name, self.bytes(name, 0, _LONGEST_HEADER), UnknownShape)

    def bytes(self, name: str, first: int, count: int) -> bytes:
        """So many bytes of a file, or less where it ends sooner; in pieces."""
        read = b""
        while len(read) < count:
            wanted = min(LARGEST_PIECE, count - len(read))
            piece = self._hub.file(self._repository, self._commit, name, first=first + len(read), count=wanted)
            read += piece
            if len(piece) < wanted:
                break
        return read


def _parsed(name: str, text: bytes, problem: type[Exception]) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise problem(f"{name} is no JSON that can be read") from None
    if not isinstance(document, dict):
        raise problem(f"{name} holds no object")
    return document
