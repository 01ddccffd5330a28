"""The engine built from public Go modules, for machines that reach a module proxy but not the vendor.

Each module's `go.mod` and `go.sum` are shipped with this package and used with `-mod=readonly`, so that every byte
that is compiled is either what was checked when they were written or an error. The newest module of the Python
language host that is published is v3.79.0; it serves this engine and this SDK, but knows no `virtualenv` option.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hfdeploy.engine.process import run
from hfdeploy.engine.toolchain import Toolchain

VERSION = "3.259.0"
"""The newest engine whose module is published."""

HOST_VERSION = "3.79.0"

RECIPE = 1
"""Counted up with each change of the modules or of the way they are built, so that caches are made anew."""

SDK = "github.com/pulumi/pulumi/sdk/v3"
MODULES = Path(__file__).parents[1] / "data" / "engine"
SCRIPTS = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
"""Not compiled: taken as they are from the SDK module, whose checksum go.sum holds."""


@dataclass(frozen=True, slots=True)
class Program:
    """One Go program: its shipped module, its package, and the version that is linked into it."""

    name: str
    module: str
    package: str
    version: str
    tags: str = ""


PROGRAMS = (
    Program("pulumi", "pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", VERSION, tags="osusergo,grpcnotrace"),
    Program("pulumi-language-python", "python-host", f"{SDK}/python/cmd/pulumi-language-python", HOST_VERSION),
)


def build(toolchain: Toolchain, workshop: Path, environment: Mapping[str, str], report: Callable[[str], None]) -> Path:
    """Build the engine under the folder `workshop` and return the folder that holds its four files.

    Raises:
        EngineError: a module could not be had, its checksum differs, or it does not compile here.
    """
    variables = _variables(toolchain, workshop, environment)
    target = workshop / "bin"
    target.mkdir()
    for program in PROGRAMS:
        report(f"building {program.name} {program.version} with Go {toolchain.version}")
        folder = shutil.copytree(MODULES / program.module, workshop / program.module)
        linked = f"-s -w -X {SDK}/go/common/version.Version=v{program.version}"
        flags = ["-trimpath", "-buildvcs=false", "-tags", program.tags, "-ldflags", linked]
        run(
            [toolchain.go, "build", *flags, "-o", target / program.name, program.package],
            environment=variables,
            timeout=3600,
            folder=folder,
        )
    sources = run(
        [toolchain.go, "list", "-m", "-f", "{{.Dir}}", SDK],
        environment=variables,
        timeout=600,
        folder=workshop / "pulumi",
    )
    for script in SCRIPTS:
        shutil.copyfile(Path(sources.strip()) / script, target / Path(script).name)
    for part in target.iterdir():
        part.chmod(0o755)
    return target


def _variables(toolchain: Toolchain, workshop: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """Whoever has Go keeps its caches and settings; a borrowed Go keeps everything inside the workshop."""
    variables = {
        **environment,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-mod=readonly -modcacherw" if toolchain.is_borrowed else "-mod=readonly",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }
    if toolchain.is_borrowed:
        variables |= {"GOPATH": str(workshop / "gopath"), "GOCACHE": str(workshop / "gocache")}
        variables.pop("GOMODCACHE", None)
        variables.pop("GOROOT", None)
    return variables
