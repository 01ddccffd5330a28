"""Where the specs are: what a command is given, else what the stack says, else the folder `specs`."""

import os
from glob import glob
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import typer

from hfdeploy.cli.program import Program
from hfdeploy.errors import UsageError
from hfdeploy.settings import SPECS

FOLDER: Final = Path("specs")

SpecsArgument: TypeAlias = Annotated[
    list[Path] | None, typer.Argument(metavar="SPECS", help="Files and folders of specs (else specs/).")
]


def where_specs_are(stack: str | None, program: Path) -> list[Path]:
    """Those of the stack where one is named, as `deploy()` finds them; else the folder `specs`.

    Raises:
        UsageError: the stack names none.
    """
    if stack is None:
        return [FOLDER]
    pattern = pattern_of(stack, program) or ""
    found = sorted(glob(pattern, recursive=True))  # noqa: PTH207 - a pattern may begin with ..
    if not found:
        shown = os.path.relpath(pattern, program)
        raise UsageError(f"No spec matches {shown!r} in {program}: set hfdeploy:specs of {stack}, or name them.")
    return [Path(os.path.normpath(path)) for path in found]


def pattern_of(stack: str | None, program: Path) -> str | None:
    """The glob by which `deploy()` finds the specs of a stack, from here; None where no stack is named."""
    if stack is None:
        return None
    return str(program / Program(program, stack).config(with_secrets=False).get("hfdeploy:specs", SPECS))
