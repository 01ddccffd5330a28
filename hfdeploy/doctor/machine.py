"""The engine, the SDK and the interpreter: are they there, and are they those that hfdeploy was tested with?"""

import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hfdeploy import engine
from hfdeploy.doctor.finding import Finding, fine, obstacle, remark, skipped
from hfdeploy.engine.binary import inspect, places
from hfdeploy.engine.build import VERSION
from hfdeploy.engine.process import run
from hfdeploy.errors import EngineError

TESTED_SDK: Final = "3.272.0"
"""The Pulumi SDK of requirements/dev.txt, which the tests run with."""

_OLDEST: Final = (3, 11)
_QUESTION: Final = (
    "import importlib.util as u; print(' '.join(n for n in ('hfdeploy', 'pulumi') if u.find_spec(n) is None))"
)
"""Prints what the interpreter lacks."""


def look_at_engine(environ: Mapping[str, str]) -> tuple[Finding, engine.Engine | None]:
    """The Pulumi engine; where there is none, why each one that is here will not do."""
    refused = []
    for folder in places(environ):
        try:
            found = inspect(folder, environ)
        except EngineError as error:
            refused.append(str(error))
            continue
        if found.version.partition("-")[0] == VERSION:
            return fine("engine", f"Pulumi {found.version} in {found.folder}."), found
        text = f"Pulumi {found.version} in {found.folder}; hfdeploy was tested with {VERSION}."
        return remark("engine", text, f"If something odd happens, try it with Pulumi {VERSION}."), found
    text = " ".join(["There is no Pulumi engine that can be used.", *refused])
    return obstacle("engine", text, "`hfdeploy engine install` gets one."), None


def look_at_packages() -> Finding:
    """This Python, and the packages in it that speak to others."""
    have = {name: importlib.metadata.version(name) for name in ("hfdeploy", "pulumi", "huggingface_hub")}
    text = f"Python {platform.python_version()} with " + ", ".join(f"{name} {have[name]}" for name in have) + "."
    if sys.version_info[:2] < _OLDEST:
        return obstacle("packages", text, "hfdeploy needs Python 3.11 or later.")
    if have["pulumi"] != TESTED_SDK:
        cure = f"If something odd happens: `pip install pulumi=={TESTED_SDK}`, which hfdeploy was tested with."
        return remark("packages", text, cure)
    return fine("packages", text)


def look_at_interpreter(program: Path, runtime: object, environ: Mapping[str, str]) -> Finding:
    """Whether the Python that a hand-typed `pulumi` starts for the stack program has what the program needs.

    `runtime` is that of Pulumi.yaml: a name, or a mapping with `options.virtualenv`.
    """
    python = _interpreter(program, runtime, environ)
    if python is None:
        return skipped("interpreter", "There is no python3 on PATH.")
    cure = 'eval "$(hfdeploy env)" puts the right one first; `make` does so by itself.'
    try:
        lacking = run([python, "-c", _QUESTION], environment=environ, timeout=30, folder=program).split()
    except EngineError as error:
        return remark("interpreter", f"`pulumi` would start {python}, which does not run: {error}", cure)
    if lacking:
        return remark("interpreter", f"`pulumi` would start {python}, which has no {' and no '.join(lacking)}.", cure)
    return fine("interpreter", f"`pulumi` starts {python}, which has hfdeploy and pulumi.")


def _interpreter(program: Path, runtime: object, environ: Mapping[str, str]) -> str | None:
    options: Any = runtime.get("options") if isinstance(runtime, dict) else None
    virtualenv = options.get("virtualenv") if isinstance(options, dict) else None
    if virtualenv:
        return str(program.absolute() / str(virtualenv) / "bin" / "python")
    path = environ.get("PATH", os.defpath)
    return environ.get("PULUMI_PYTHON_CMD") or shutil.which("python3", path=path) or shutil.which("python", path=path)
