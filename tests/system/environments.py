"""Other people's programs, made ready on demand: Python environments, a node folder, a browser.

What is installed is fixed to the byte: `clients/<name>.txt` holds versions and hashes for pip, `clients/node/` a lock
file for npm. A client that is not there is installed, never skipped. Folders are kept in `.state/clients` and used
again until their list changes.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

CLIENTS = Path(__file__).parent / "clients"
FOLDER = Path(__file__).parents[2] / ".state" / "clients"


class MissingError(Exception):
    """A program that the tests need is not there and could not be installed."""


@cache
def python(name: str, requirements: Path | None = None) -> Path:
    """The interpreter of the environment that `clients/<name>.txt`, or another file, describes.

    Raises:
        MissingError: the packages could not be installed.
    """
    requirements = requirements or CLIENTS / f"{name}.txt"

    def build(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", str(folder)])
        install = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*install, "--require-hashes", "--no-deps", "--requirement", str(requirements)])

    return _made(name, [requirements], build) / "bin" / "python"


@cache
def node() -> Path:
    """A folder in which `node` finds the packages of `clients/node/package.json`.

    Raises:
        MissingError: node or the packages could not be installed.
    """
    program("node", "nodejs")
    program("npm")
    lists = [CLIENTS / "node" / "package.json", CLIENTS / "node" / "package-lock.json"]

    def build(folder: Path) -> None:
        folder.mkdir()
        for file in lists:
            shutil.copy(file, folder)
        _run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"], folder)

    return _made("node", lists, build)


@cache
def program(name: str, *packages: str) -> Path:
    """A program of the system; on Debian it is installed when it is missing and we may.

    Args:
        packages: the Debian packages that bring it; its own name unless told otherwise.

    Raises:
        MissingError: it is not there and cannot be installed.
    """
    found = shutil.which(name)
    if found is None:
        _install_from_debian(name, packages or (name,))
        found = shutil.which(name)
    if found is None:
        raise MissingError(f"`{name}` is not on the PATH, not even after {', '.join(packages or (name,))} came.")
    return Path(found)


def _install_from_debian(name: str, packages: tuple[str, ...]) -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise MissingError(
            f"The system tests need `{name}`, and only root on Debian can install it by itself: "
            f"install it (Debian: apt-get install {' '.join(packages)}) and run again."
        )
    _run(["apt-get", "update", "--quiet", "--quiet"])
    _run(["apt-get", "install", "--quiet", "--quiet", "--yes", "--no-install-recommends", *packages])


def _made(name: str, lists: list[Path], build: Callable[[Path], None]) -> Path:
    """The folder of that name, built anew when its lists, the interpreter or its place have changed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder, stamp = FOLDER / name, FOLDER / f"{name}.built"
    facts = [sys.version, str(folder), *(file.read_text(encoding="utf-8") for file in lists)]
    wanted = hashlib.sha256("\0".join(facts).encode()).hexdigest()
    with _alone(name):
        if not stamp.exists() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            if folder.exists():
                shutil.rmtree(folder)
            build(folder)
            stamp.write_text(wanted)
    return folder


@contextmanager
def _alone(name: str) -> Iterator[None]:
    """Two runs in one checkout build a folder once."""
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run(command: list[str], cwd: Path | None = None) -> None:
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    ended = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        said = "\n".join((ended.stdout + ended.stderr).splitlines()[-15:])
        raise MissingError(f"`{' '.join(command[:4])} ...` ended with {ended.returncode}:\n{said}")
