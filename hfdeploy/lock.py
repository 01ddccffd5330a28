"""The lock file: what every repository of the specs was at one commit, so that a review needs no network.

`hfdeploy.lock.json` beside the specs, made by `hfdeploy lock`: commit, bytes of the weights and shape of the model, or
the reason why nothing is known. The same commit of the specs is then always reviewed with the same figures.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from hfdeploy.errors import UsageError
from hfdeploy.fit import Model, Shape, Weights, attention_document, read_attention
from hfdeploy.spec import EndpointSpec, LlamacppEngine, LoadedSpec

FILE: Final = "hfdeploy.lock.json"
_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Locked:
    """One repository at the commit that its branch stood for."""

    commit: str
    """Empty where only the sizes are known."""

    model: Model | None
    """None where its memory cannot be judged."""

    unknown: str = ""
    """Why it cannot; a sentence."""

    is_refused: bool = False
    """Whether it is gated, and the token of whoever made the lock file may not read it."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Repositories by `key_of`."""

    models: Mapping[str, Locked] = field(default_factory=dict)
    folders: Mapping[str, "Lock"] = field(default_factory=dict)
    """By the name of a spec, the lock file of its own folder, where specs of several folders are judged together: two
    folders may have locked one repository at different commits."""

    def beside(self, spec: EndpointSpec) -> "Lock":
        """The lock file that holds for a spec."""
        return self.folders.get(spec.name, self)

    def of(self, spec: EndpointSpec) -> Locked | None:
        """What is locked of the repository that a spec names; None where nothing is."""
        if (own := self.beside(spec)) is not self:
            return own.of(spec)
        found = self.models.get(key_of(spec))
        if found is None and spec.revision is not None:
            # A spec that was pinned to what is locked means the same repository at the same commit.
            same = self._entries(spec.repository, gguf_of(spec) or "")
            found = next((one for one in same if one.commit == spec.revision), None)
        return found

    def at(self, repository: str, commit: str | None, file: str = "") -> Locked | None:
        """What holds for a repository, or for one GGUF file of it, at a commit that is known; None where nothing does.

        An entry counts for its own commit; one without a commit, which holds published sizes, for every commit.
        """
        held = [one for one in self._entries(repository, file) if one.commit in {"", commit or ""}]
        return max(held, key=lambda one: one.commit, default=None)

    def _entries(self, repository: str, file: str) -> Iterator[Locked]:
        """Those of one repository at any revision, and of the file that is loaded from it."""
        for name, one in self.models.items():
            place, _, of_file = name.partition("#")
            if (place.partition("@")[0], of_file) == (repository, file):
                yield one


def key_of(spec: EndpointSpec) -> str:
    """What a repository is listed under: `org/name`, with `@revision` where one is named and `#file` for GGUF."""
    revision = "" if spec.revision is None else f"@{spec.revision}"
    file = gguf_of(spec)
    return f"{spec.repository}{revision}{'' if file is None else f'#{file}'}"


def gguf_of(spec: EndpointSpec) -> str | None:
    """The GGUF file that the engine loads; None for engines that load others."""
    return spec.engine.model_path if isinstance(spec.engine, LlamacppEngine) else None


def pinned(spec: EndpointSpec, lock: Lock) -> EndpointSpec:
    """The spec with the locked commit in place of a branch or of nothing, so that what was reviewed is deployed."""
    locked = lock.of(spec)
    return spec.model_copy(update={"revision": locked.commit}) if locked and locked.commit else spec


def read_locks(loaded: Iterable[LoadedSpec]) -> Lock:
    """The lock files of the folders that these specs lie in, each for its own.

    Raises:
        UsageError: one cannot be read, or was written by a later release.
    """
    folders = {one.spec.name: one.folder for one in loaded}
    locks = {folder: read_lock(folder / FILE) for folder in dict.fromkeys(folders.values())}
    if len(locks) == 1:
        return next(iter(locks.values()))
    models = {name: one for lock in locks.values() for name, one in lock.models.items()}
    return Lock(models, {name: locks[folder] for name, folder in folders.items()})


def write_lock(lock: Lock) -> str:
    """The text of a lock file: sorted, so that a change shows as few lines."""
    models = {name: _document(lock.models[name]) for name in sorted(lock.models)}
    return json.dumps({"version": _VERSION, "models": models}, indent=2, ensure_ascii=False) + "\n"


def read_lock(file: Path) -> Lock:
    """A lock file; an empty lock where there is none.

    Raises:
        UsageError: it cannot be read, or was written by a later release.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        version = document["version"]
        if version == _VERSION:
            return Lock({name: _locked(name, entry) for name, entry in document["models"].items()})
    except FileNotFoundError:
        return Lock()
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise UsageError(
            f"{file} cannot be read ({type(problem).__name__}): `hfdeploy lock` makes it anew from the specs."
        ) from None
    raise UsageError(f"{file} is of version {version}, and this release reads version {_VERSION}.")


def _document(locked: Locked) -> dict[str, Any]:
    model = locked.model
    if model is None:
        refused = {"refused": True} if locked.is_refused else {}
        return {"commit": locked.commit or None, "unknown": locked.unknown} | refused
    weights = asdict(model.weights) | {"dtypes": list(model.weights.dtypes)}
    shape = None
    if model.shape is not None:
        shape = asdict(model.shape) | {"attention": attention_document(model.shape.attention)}
    return {"commit": locked.commit or None, "weights": weights, "shape": shape}


def _locked(name: str, entry: Mapping[str, Any]) -> Locked:
    if "unknown" in entry:
        return Locked(str(entry["commit"] or ""), None, str(entry["unknown"]), entry.get("refused") is True)
    weights = Weights(**{**entry["weights"], "dtypes": tuple(entry["weights"]["dtypes"])})
    shape = entry["shape"]
    if shape is not None:
        shape = Shape(**{**shape, "attention": read_attention(shape["attention"])})
    repository, file = name.partition("#")[0].partition("@")[0], name.partition("#")[2]
    commit = str(entry["commit"] or "")
    return Locked(commit, Model(repository, weights, shape, commit, file))
