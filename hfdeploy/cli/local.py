"""emulate, env, engine: what runs on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from hfdeploy import engine as pulumi_engine
from hfdeploy.cli import terminal
from hfdeploy.cli.options import PROGRAM, ProgramOption, examples
from hfdeploy.cli.program import LOCAL, Program, find_engine, surroundings
from hfdeploy.errors import UsageError

engine = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The Pulumi engine of this machine.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog=examples(
            "hfdeploy emulate", "hfdeploy emulate --speed 100 --data .state/emulator", "hfdeploy emulate --port 0"
        )
    )(emulate)
    app.command(epilog=examples('eval "$(hfdeploy env)"', "(cd stacks && pulumi preview --stack local)"))(env)
    app.add_typer(engine, name="engine", epilog=examples("hfdeploy engine install", "ls $(hfdeploy engine path)"))


def emulate(
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes a free port.", min=0, max=65535)] = 8300,
    host: Annotated[str, typer.Option(help="Which address; others than this machine can then reach it.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(help="How many times faster deployments run.", min=0.001)] = 1.0,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Keep endpoints here over a restart.")] = None,
    options: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON with options that are to differ.")] = None,
) -> None:
    """Stand in for the service on this machine.

    Management API, endpoints that answer, and the few routes of the Hub that a plan needs. Its own page is at
    /docs, its options at /_emulator/options. It runs until Ctrl-C and costs nothing.
    """
    try:
        from hfdeploy.emulator.server import serve
    except ModuleNotFoundError as missing:
        if missing.name not in {"fastapi", "starlette", "uvicorn"}:
            raise
        raise UsageError(f"The emulator needs {missing.name}: pip install 'hfdeploy[emulator]'.") from None
    raise typer.Exit(serve(port, host, speed=speed, data_dir=data, options_file=options))


def env(
    stack: Annotated[str, typer.Option(metavar="NAME", help="The stack to be worked on.")] = LOCAL,
    program: ProgramOption = PROGRAM,
) -> None:
    """Print what a shell needs to run `pulumi` by hand."""
    environ = surroundings()
    variables = Program(program, stack).variables(find_engine(environ), environ)
    terminal.write(pulumi_engine.exports(variables))


@engine.command()
def install() -> None:
    """Get an engine if there is none, and print the folder that it is in.

    From PATH or an earlier run; else by the vendor's installer; else built from public Go modules, whose checksums
    are part of this package. That takes a few minutes, once.
    """
    with terminal.busy("looking for an engine") as say:

        def report(step: str) -> None:
            terminal.note(step)
            say(step)

        found = pulumi_engine.install(surroundings(), report)
    terminal.write(f"{found.folder}\n")


@engine.command()
def path() -> None:
    """Print the folder of the engine that is here."""
    terminal.write(f"{find_engine(surroundings()).folder}\n")
