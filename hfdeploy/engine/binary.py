"""An engine on this machine: its four files, its version, and the places where one may already be."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfdeploy.engine.process import run
from hfdeploy.errors import EngineError

MINIMUM = (3, 216, 0)
"""The first version that shows a refreshed property by name (`ReadResult.inputs`, pulumi/pulumi#13839)."""

PARTS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")
"""What has to lie in one folder: the language host looks for its `-exec` script beside itself and nowhere else."""

VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(\S*)")


@dataclass(frozen=True, slots=True)
class Engine:
    """A Pulumi engine that was seen to run: `folder` holds all of `PARTS`, `version` is what it says of itself."""

    folder: Path
    version: str

    @property
    def pulumi(self) -> Path:
        """The CLI."""
        return self.folder / "pulumi"


def find(environment: Mapping[str, str]) -> Engine | None:
    """The engine that is here already, on PATH or in the cache, or None. Starts `pulumi version`, sends nothing."""
    for folder in places(environment):
        try:
            return inspect(folder, environment)
        except EngineError:
            continue
    return None


def places(environment: Mapping[str, str]) -> Iterator[Path]:
    """Folders that hold a file called `pulumi`: those of PATH in their order, then the cache, newest first."""
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        cli = Path(folder) / "pulumi"
        if folder and cli.is_file():
            yield _home_of(cli)
    versions = cache(environment)
    if versions.is_dir():
        named = [(_numbers(entry.name), entry / "bin") for entry in versions.iterdir()]
        yield from (folder for numbers, folder in sorted(named, reverse=True) if numbers and folder.is_dir())


def cache(environment: Mapping[str, str]) -> Path:
    """Where the vendor's installer and ours keep engines, one folder per version."""
    return Path(environment.get("HOME") or Path.home()) / ".pulumi" / "versions"


def inspect(folder: Path, environment: Mapping[str, str]) -> Engine:
    """The engine in `folder`.

    Raises:
        EngineError: a part is missing or cannot be executed, it does not run here, or it is older than `MINIMUM`.
    """
    missing = [part for part in PARTS if not os.access(folder / part, os.X_OK)]
    if missing:
        raise EngineError(f"{folder} lacks {', '.join(missing)}.")
    said = run([folder / "pulumi", "version"], environment=_quiet(environment), timeout=60).strip()
    numbers = _numbers(said)
    if not numbers:
        raise EngineError(f"{folder / 'pulumi'} says it is version {said[:40]!r}, which is no version.")
    if numbers < MINIMUM:
        raise EngineError(f"{folder / 'pulumi'} is {said}, older than {_dotted(MINIMUM)}.")
    return Engine(folder, said.removeprefix("v"))


def _home_of(cli: Path) -> Path:
    """The folder of a CLI found on PATH: where the link points to when only the CLI itself was linked."""
    resolved = cli.resolve().parent
    return cli.parent if all((cli.parent / part).exists() for part in PARTS) else resolved


def _quiet(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def _numbers(text: str) -> tuple[int, ...]:
    """(3, 259, 0) of `v3.259.0-anything`; empty when it is no version."""
    match = VERSION.fullmatch(text)
    return tuple(int(number) for number in match.groups()[:3]) if match else ()


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))
