"""The model repositories that the Hub routes know: branches, gates and what they hold, from `data/`.

Commits are made up: the real ones are not in the data, and nothing here claims to be the real file.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

_COMMIT = re.compile(r"[0-9a-f]{40}")


class Repositories:
    """All repositories by id; what was changed by scripting is kept apart, so that it can be dumped and reset."""

    def __init__(self) -> None:
        data = resources.files("hfdeploy.emulator") / "data"
        models = json.loads((data / "models.json").read_text(encoding="utf-8"))["models"]
        shipped = json.loads((data / "repositories.json").read_text(encoding="utf-8"))
        extra: Mapping[str, Any] = shipped["models"]
        self._models: dict[str, dict[str, Any]] = {
            model["id"]: {**model, **extra.get(model["id"], {})} for model in models
        }
        self._models |= {name: {"id": name, **entry} for name, entry in extra.items() if name not in self._models}
        self._branches: dict[str, dict[str, str]] = {}
        self._gated: dict[str, str] = {}

    def ids(self) -> list[str]:
        """Every repository there is."""
        return list(self._models)

    def model(self, repository: str) -> dict[str, Any] | None:
        """What the data says of a repository, or None."""
        return self._models.get(repository)

    def resolve(self, repository: str, revision: str | None) -> str | None:
        """The commit of a branch (None: main), of a commit itself; None when repository or branch are not known."""
        if repository not in self._models:
            return None
        branches = {"main": self.made_up(repository, None), **self._branches.get(repository, {})}
        if revision is not None and _COMMIT.fullmatch(revision):
            return revision
        return branches.get(revision or "main")

    def made_up(self, repository: str, revision: str | None) -> str:
        """A commit for what is not known: a full commit stays, all else depends on the names alone."""
        if revision is not None and _COMMIT.fullmatch(revision):
            return revision
        return hashlib.sha1(f"{repository}@{revision or 'main'}".encode(), usedforsecurity=False).hexdigest()

    def task(self, repository: str) -> str | None:
        """The pipeline tag, or None when the repository is not known."""
        model = self._models.get(repository)
        return None if model is None else str(model["pipeline_tag"])

    def gate(self, repository: str) -> str | None:
        """`auto` or `manual` for a gated repository, else None."""
        gate = self._gated.get(repository, self._models[repository].get("gated"))
        return None if gate in {None, "open"} else gate

    def move(self, repository: str, branch: str, commit: str) -> None:
        """Point a branch at a commit, making the branch where it is missing.

        Raises:
            ValueError: an unknown repository, or not a commit of 40 hex digits.
        """
        self._known(repository)
        if not _COMMIT.fullmatch(commit):
            raise ValueError(f"{commit!r} is no commit: 40 hex digits are.")
        self._branches.setdefault(repository, {})[branch] = commit

    def set_gate(self, repository: str, gate: str | None) -> None:
        """Gate a repository (`auto`, `manual`), or open it (None).

        Raises:
            ValueError: an unknown repository or gate.
        """
        self._known(repository)
        if gate not in {"auto", "manual", None}:
            raise ValueError(f"A repository is gated `auto` or `manual`, or null for open; not {gate!r}.")
        self._gated[repository] = gate or "open"

    def dump(self) -> dict[str, Any]:
        """What scripting changed, as JSON values."""
        return {"branches": self._branches, "gated": self._gated}

    def load(self, values: Mapping[str, Any]) -> None:
        """The inverse of `dump`."""
        self._branches, self._gated = dict(values["branches"]), dict(values["gated"])

    def _known(self, repository: str) -> None:
        if repository not in self._models:
            raise ValueError(f"There is no repository {repository!r}; there are {', '.join(self._models)}.")
