"""The options that several commands have, each described once."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from hfdeploy.cli.terminal import Format

FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", help="How to print the result.")]
StackOption: TypeAlias = Annotated[
    str | None, typer.Option("--stack", metavar="NAME", help="Read the configuration of this stack.")
]
ProgramOption: TypeAlias = Annotated[
    Path, typer.Option("--program", metavar="FOLDER", help="The stack program, where Pulumi.yaml is.")
]
NamespaceOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--namespace", metavar="NAME", help="The user or organisation (else HFDEPLOY_NAMESPACE)."),
]
ApiUrlOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--api-url", metavar="URL", help="The management API (else HFDEPLOY_API_URL, else the service)."),
]

PROGRAM = Path("stacks")


def examples(*lines: str) -> str:
    """The end of a help text, kept line by line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
