"""Files of a git revision, read from git's own store: nothing is checked out, and nothing in the clone changes."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hfdeploy.errors import UsageError

_SECONDS: Final = 60.0
"""For one command of git."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit of the repository that a folder is in."""

    root: Path
    """The repository's own folder."""

    commit: str
    environment: Mapping[str, str]

    @classmethod
    def of(cls, name: str, folder: Path, environment: Mapping[str, str]) -> "Revision":
        """What a branch, a tag or a commit's name stands for.

        Raises:
            UsageError: the folder is in no repository, or it has no such revision.
        """
        root = _root(folder, environment)
        if root is None:
            raise UsageError(
                f"--against {name} reads the specs of that revision from git, and {folder} is in no repository of it. "
                f"Without git there are --against live and --against state."
            )
        found = _git(root, environment, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        if found is None:
            raise UsageError(
                f"--against {name}: {root} has no such revision. It takes live, state, or a branch, tag or commit that "
                f"this clone has; CI often fetches one commit only (`git fetch origin {name}` gets another)."
            )
        return cls(root, found.decode().strip(), environment)

    def files(self) -> list[str]:
        """Every ordinary file of it, by its path in the repository."""
        listed = self._ask("ls-tree", "-r", "-z", self.commit)
        rows = (line.partition(b"\t") for line in listed.split(b"\0") if line)
        return [os.fsdecode(name) for about, _, name in rows if about.startswith(b"100") and b"\n" not in name]

    def read(self, names: Sequence[str]) -> dict[str, bytes]:
        """What is in them."""
        asked = "".join(f"{self.commit}:{name}\n" for name in names)
        answer, found = self._ask("cat-file", "--batch", text=os.fsencode(asked)), {}
        for name in names:
            about, _, answer = answer.partition(b"\n")
            size = int(about.rsplit(b" ", 1)[1])
            found[name], answer = answer[:size], answer[size + 1 :]
        return found

    def name_of(self, path: Path) -> str:
        """A path of this machine as the repository has it."""
        return Path(os.path.relpath(path.resolve(), self.root.resolve())).as_posix()

    def _ask(self, *arguments: str, text: bytes = b"") -> bytes:
        answer = _git(self.root, self.environment, *arguments, text=text)
        if answer is None:
            raise UsageError(f"git {arguments[0]} of {self.commit} failed in {self.root}.")
        return answer


def clone_of(folder: Path, environment: Mapping[str, str]) -> Path | None:
    """The root of the clone that a folder is in; None outside of one, and where git cannot say."""
    try:
        return _root(folder, environment)
    except UsageError:
        return None


def _root(folder: Path, environment: Mapping[str, str]) -> Path | None:
    top = _git(folder, environment, "rev-parse", "--show-toplevel")
    return None if top is None else Path(os.fsdecode(top.rstrip(b"\n")))


def _git(folder: Path, environment: Mapping[str, str], *arguments: str, text: bytes = b"") -> bytes | None:
    """What git says; None where it ends with an error.

    Raises:
        UsageError: there is no git, or it does not end.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the git of whoever calls
            input=text,
            capture_output=True,
            env={**environment, "GIT_OPTIONAL_LOCKS": "0"},
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        raise UsageError(f"git, which reads the specs of a revision, could not be started: {error.strerror}.") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"git {arguments[0]} in {folder} did not end within {_SECONDS:.0f} s.") from None
    return done.stdout if done.returncode == 0 else None
