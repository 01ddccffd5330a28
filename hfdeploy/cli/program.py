"""The stack program: its folder, the configuration and the state of one stack, and how `pulumi` is run there.

Configuration is read from the stack's own file. The engine is asked only for what that file does not have in the
clear: encrypted values, values of the project's file, and environments of Pulumi ESC.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from hfdeploy import engine, redact
from hfdeploy.engine.process import run
from hfdeploy.errors import EngineError, UsageError
from hfdeploy.evidence import Shelf

LOCAL: Final = "local"
"""The stack that has the emulator for a service, a file for a backend and no passphrase."""

PATIENCE: Final = 120.0
"""Seconds for one command of the engine; a state kept in a bucket takes some."""

_PREFIX: Final = "hfdeploy:"
_LIMITS: Final = frozenset({"hfdeploy:specs", "hfdeploy:policy", "hfdeploy:budget"})
"""What a review must not go without, however it is written down."""
"""Where the provider keeps what verifications saw, below the program and with a folder per stack."""


def surroundings() -> Mapping[str, str]:
    """The process's environment, for the programs that are started from here."""
    return os.environ  # noqa: TID251 - passed on to `pulumi`, never read for settings


def find_engine(environ: Mapping[str, str]) -> engine.Engine:
    """The engine of this machine.

    Raises:
        EngineError: there is none yet.
    """
    found = engine.find(environ)
    if found is None:
        raise EngineError("There is no Pulumi engine here yet: `hfdeploy engine install` gets one.")
    return found


@dataclass(frozen=True, slots=True)
class Program:
    """One stack of the program in `folder`."""

    folder: Path
    stack: str

    @property
    def file(self) -> Path:
        """The stack's configuration; a name like `org/project/prod` means the one of `prod`."""
        return self.folder / f"Pulumi.{self.stack.rpartition('/')[2]}.yaml"

    def variables(self, found: engine.Engine, environ: Mapping[str, str]) -> dict[str, str]:
        """What has to be added to the environment for this engine to work on this stack."""
        return engine.environment(
            found,
            python=Path(sys.executable),
            path=environ.get("PATH", os.defpath),
            backend=self._own_backend(environ),
            passphrase="" if self.stack == LOCAL else None,
        )

    def backend(self, environ: Mapping[str, str]) -> str | None:
        """The URL of the backend; None where only `pulumi login` knows it."""
        own = self._own_backend(environ) or environ.get("PULUMI_BACKEND_URL")
        chosen = self.project().get("backend")
        return own or (str(chosen.get("url") or "") if isinstance(chosen, dict) else "") or None

    def project(self) -> dict[str, Any]:
        """Pulumi.yaml.

        Raises:
            UsageError: there is none, or it cannot be read.
        """
        return self._read(self.folder / "Pulumi.yaml")

    def _own_backend(self, environ: Mapping[str, str]) -> str | None:
        """A checkout keeps the states of its stacks in a folder of its own, unless somebody chose another backend."""
        backend = engine.local_backend(self.folder.absolute().parent)
        is_ours = self.stack == LOCAL or (not environ.get("PULUMI_BACKEND_URL") and _exists(backend))
        return backend if is_ours else None

    def config(self, *, with_secrets: bool) -> dict[str, str]:
        """The values under `hfdeploy:`. Without secrets, only those that can be read without the engine.

        Raises:
            UsageError: there is no such stack, or its file cannot be read.
            EngineError: a value is encrypted and the engine could not say it.
        """
        stack = self._read(self.file)
        values = stack.get("config") or {}
        if not isinstance(values, dict):
            raise UsageError(f"{self.file}: `config` must hold keys and values.")
        ours = {str(key): value for key, value in values.items() if str(key).startswith(_PREFIX)}
        ours = self._project_values() | ours
        encrypted = {key for key, value in ours.items() if _is_encrypted(value)}
        if encrypted & _LIMITS or (with_secrets and (encrypted or "environment" in stack)):
            return self._ask_config()
        return {key: _as_text(value) for key, value in ours.items() if key not in encrypted}

    def export(self, *, with_secrets: bool = False) -> dict[str, Any]:
        """The state, as `pulumi stack export` prints it; secrets stay encrypted unless they are asked for.

        Raises:
            UsageError: there is no such stack, or it was never brought up.
            EngineError: the engine could not say it.
        """
        self._read(self.file)
        try:
            state: dict[str, Any] = json.loads(
                self._pulumi("stack", "export", *(["--show-secrets"] if with_secrets else []))
            )
        except EngineError as error:
            if "no stack named" not in str(error):
                raise
            command = "make up" if self.stack == LOCAL else f"pulumi up --stack {self.stack}"
            raise UsageError(f"The stack {self.stack} was never brought up: `{command}` does that.") from None
        return state

    def document(self) -> dict[str, Any]:
        """The stack's file, whole.

        Raises:
            UsageError: there is no such stack, or its file cannot be read.
        """
        return self._read(self.file)

    def preview(self) -> dict[str, Any]:
        """What the program would do, as `pulumi preview --json` prints it; nobody is asked anything for it.

        Raises:
            EngineError: the program has a mistake, or the engine could not run it.
        """
        try:
            told: dict[str, Any] = json.loads(self._pulumi("preview", "--json", "--refresh=false"))
        except EngineError:
            # What is wrong is in the middle of the document; without --json it is said in lines, and last.
            self._pulumi("preview", "--refresh=false")
            raise
        return told

    def bring_up_only(self, urn: str) -> None:
        """Bring up one resource of the program, and what it cannot be without.

        Raises:
            EngineError: the engine could not.
        """
        self._pulumi("up", "--yes", "--skip-preview", "--refresh=false", "--target", urn)

    def replace_state(self, document: Mapping[str, Any]) -> None:
        """Write a state. It goes through a pipe: secrets that are to be encrypted are readable in it.

        Raises:
            EngineError: the engine refused it; the state is as it was.
        """
        self._pulumi("stack", "import", text=json.dumps(document))

    def proof(self, name: str, verified_at: str | None) -> dict[str, Any]:
        """What that verification of an endpoint saw; empty where nothing was kept on this machine."""
        return Shelf(self.folder, self.stack, name).proof(verified_at)

    def _read(self, file: Path) -> dict[str, Any]:
        try:
            document = yaml.safe_load(file.read_text("utf-8")) or {}
        except FileNotFoundError:
            raise UsageError(self._unknown_stack()) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise UsageError(f"{file} cannot be read: {error}") from None
        if not isinstance(document, dict):
            raise UsageError(f"{file} is no configuration of a stack.")
        return document

    def _unknown_stack(self) -> str:
        if not (self.folder / "Pulumi.yaml").is_file():
            return f"There is no stack program in {self.folder}: name its folder with --program."
        known = ", ".join(sorted(file.name.split(".")[1] for file in self.folder.glob("Pulumi.?*.yaml")))
        return f"There is no stack {self.stack!r}: {self.file} is missing. Known: {known or 'none'}."

    def _project_values(self) -> dict[str, object]:
        """What Pulumi.yaml says for all stacks: plainly, or as the `value` of an entry with more to it."""
        project = self.project().get("config") or {}
        if not isinstance(project, dict):
            raise UsageError(f"{self.folder / 'Pulumi.yaml'}: `config` must hold keys and values.")
        return {
            str(key): entry["value"] if isinstance(entry, dict) and "value" in entry else entry
            for key, entry in project.items()
            if str(key).startswith(_PREFIX)
        }

    def _ask_config(self) -> dict[str, str]:
        told = json.loads(self._pulumi("config", "--json", "--show-secrets"))
        values = {key: entry for key, entry in told.items() if key.startswith(_PREFIX) and "value" in entry}
        for entry in values.values():
            if entry.get("secret"):
                redact.known.add(entry["value"])
        return {key: entry["value"] for key, entry in values.items()}

    def _pulumi(self, *arguments: str, text: str | None = None) -> str:
        environ = surroundings()
        found = find_engine(environ)
        variables = {**environ, **self.variables(found, environ)}
        command: list[str | Path] = [found.pulumi, *arguments, "--stack", self.stack, "--non-interactive"]
        return run(command, environment=variables, timeout=PATIENCE, folder=self.folder, text=text)


def _exists(backend: str) -> bool:
    return Path(backend.removeprefix("file://")).is_dir()


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and "secure" in value


def _as_text(value: object) -> str:
    """As Pulumi reads it: `true`, `8300`, objects as JSON."""
    return value if isinstance(value, str) else json.dumps(value)
