"""doctor: everything that stops people looked at in one go, each finding with its cure, and the safe ones mended."""

import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from hfdeploy import render
from hfdeploy.cli import terminal
from hfdeploy.cli.examination import Patient, examine
from hfdeploy.cli.options import PROGRAM, ApiUrlOption, FormatOption, NamespaceOption, ProgramOption, examples
from hfdeploy.cli.terminal import Format
from hfdeploy.doctor import Finding, Level
from hfdeploy.errors import EngineError, UsageError

_BLOCKED: Final = 4
"""Something is there that must be settled first: the same number as for a service that refuses."""


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        epilog=examples(
            "hfdeploy doctor", "hfdeploy doctor --stack prod", "hfdeploy doctor --stack prod --fix --yes --format json"
        )
    )(doctor)


def doctor(
    stack: Annotated[
        str | None, typer.Option("--stack", metavar="NAME", help="Its configuration, lock and state as well.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what is safe to mend, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: FormatOption = Format.TEXT,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Look at everything that stops people, and say what cures it.

    Engine, packages, configuration, passphrase, specs, lock, checkpoint, operations that a killed run left open,
    plugin processes, emulator, API, clock, token, namespace and orphans. Whatever is missing, what depends on it is
    "not checked". Mending removes locks of dead engines of this machine, moves broken files of a file backend aside,
    and clears up after dead processes; it deletes no endpoint and no state. Ends with 4 while something is in the
    way, else with 0: warnings and what was not checked are no failure.
    """
    patient = Patient(program, stack, namespace, api_url)
    with terminal.busy("looking around") as say:
        found = examine(patient, say)
    mended: list[str] = []
    doomed = [one for one in found if one.mend is not None]
    if fix and doomed:
        if not yes:
            _require_agreement(found, doomed, output)
        mended = _mend(doomed)
        with terminal.busy("looking again") as say:
            found = examine(patient, say)
    _show(found, mended, output)
    if any(one.level is Level.BLOCKING for one in found):
        raise typer.Exit(_BLOCKED)


def _require_agreement(found: Sequence[Finding], doomed: Sequence[Finding], output: Format) -> None:
    """Say what would be done, and ask.

    Raises:
        UsageError: nobody can be asked.
    """
    if not sys.stdin.isatty():
        _show(found, [], output)
        raise UsageError("Nobody can be asked without a terminal. To agree to the mending: --yes.")
    for one in doomed:
        terminal.note(one.text)
        terminal.note(f"  --fix would {_intention(one)}.")
    typer.confirm("Do that?", abort=True, err=True)


def _mend(doomed: Sequence[Finding]) -> list[str]:
    """Carry out each by itself; one that fails is said, and found again afterwards."""
    done = []
    for one in doomed:
        terminal.note(f"mending: {_intention(one)}")
        try:
            if one.mend is not None:
                one.mend.carry_out()
        except (EngineError, OSError) as problem:
            terminal.warn(f"That could not be done: {problem}")
        else:
            done.append(_intention(one))
    return done


def _intention(one: Finding) -> str:
    return one.mend.intention if one.mend else ""


def _show(found: Sequence[Finding], mended: Sequence[str], output: Format) -> None:
    match output:
        case Format.JSON:
            rows = [
                {
                    "check": one.check,
                    "level": one.level.name.lower(),
                    "text": one.text,
                    "cure": one.cure or None,
                    "is_mendable": one.mend is not None,
                }
                for one in found
            ]
            blocking = sum(one.level is Level.BLOCKING for one in found)
            terminal.write_json(
                {"schemaVersion": 1, "blocking": blocking, "findings": rows, "mended": list(mended)},
            )
        case Format.MARKDOWN:
            terminal.write(render.markdown(_table(found)))
        case Format.TEXT:
            width = max(len(one.check) for one in found)
            for one in found:
                line = terminal.styled(f"{one.level.value:<11}")
                terminal.print_text(line.append(f"  {one.check:<{width}}  {one.text}", style="not bold default"))
                if one.cure:
                    terminal.print_text(f"{'':<{width + 13}}  → {one.cure}")
            terminal.print_text(_sum(found))


def _sum(found: Sequence[Finding]) -> str:
    counts = {level: sum(one.level is level for one in found) for level in Level}
    told = ", ".join(f"{number} {level.value}" for level, number in counts.items() if number)
    mendable = sum(one.mend is not None for one in found)
    return f"{told}. --fix mends {mendable} of them." if mendable else f"{told}."


def _table(found: Sequence[Finding]) -> render.Table:
    columns = (
        render.Column("Check"),
        render.Column("Result"),
        render.Column("Finding", is_flexible=True),
        render.Column("Cure", is_flexible=True),
    )
    return render.Table(columns, tuple((one.check, one.level.value, one.text, one.cure) for one in found))
