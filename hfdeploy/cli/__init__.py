"""The command line: each command calls the package and prints. Results go to standard output, all else to error.

terminal, options    how things are printed; the options that several commands share
program, service     the stack program with its configuration and state; the API that a command talks to
specs, hardware      validate, plan, schema; resolve, catalog
fit                  fit, lock
reviews              a review in the form that was asked for, printed or in a file
endpoints, status    verify, logs; status
audit, evidence      audit, and what it reads beside the list of endpoints
usage                --usage of plan and audit
orphans, recover     what a stack made and its state does not know; a lost state rebuilt
doctor, examination  doctor
local                emulate, env, engine

Exit codes: 0 ok, 1 unexpected, 2 usage or spec, 3 authentication, 4 resource or verification failed, 5 blocking
finding, 8 cancelled, 9 inconclusive or timed out. Those of errors are in `hfdeploy.errors`.
"""

import logging
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer
from typer.exceptions import Abort, TyperException

from hfdeploy import redact
from hfdeploy.cli import audit, doctor, endpoints, fit, hardware, local, orphans, recover, specs, status, terminal
from hfdeploy.errors import Cancelled, HfdeployError, SpecError

log = redact.logger(__name__)

_INTERRUPTED: Final = 130
"""What Typer makes of Ctrl-C."""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for family in (specs, hardware, fit, endpoints, status, audit, orphans, recover, doctor, local):
    family.register(app)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        terminal.write(f"hfdeploy {version('hfdeploy')}\n")
        raise typer.Exit


@app.callback()
def hfdeploy(
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Hugging Face Inference Endpoints as code: specs in, verified endpoints out.

    Specs are brought live by `pulumi up` (or `make up`); these commands look, check and help.
    """


def main(args: list[str] | None = None) -> int:
    """Run one command (that of the process, or `args`) and return the exit code."""
    terminal.prepare()
    _log_warnings()
    try:
        code = app(args, prog_name="hfdeploy", standalone_mode=False)
    except HfdeployError as error:
        return _ended_by(error)
    except TyperException as error:
        terminal.complain(error.format_message().replace("\n", " "))
        return error.exit_code
    except (KeyboardInterrupt, Abort):
        return _interrupted()
    except Exception as error:  # the last line of defence: one sentence instead of a traceback
        log.debug("unexpected", exc_info=True)
        terminal.complain(f"{_described(error)} This is a defect of hfdeploy.")
        return 1
    return _interrupted() if code == _INTERRUPTED else code or 0


def _ended_by(error: HfdeployError) -> int:
    if isinstance(error, SpecError):
        for problem in error.problems:
            terminal.note(str(problem))
        terminal.complain(specs.count_problems(error))
    else:
        terminal.complain(str(error))
    return error.exit_code


def _interrupted() -> int:
    terminal.complain("Interrupted.")
    return Cancelled.exit_code


def _described(error: Exception) -> str:
    """What happened and where, in one line: enough to report it, and no value of a variable in it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{'/'.join(Path(place.filename).parts[-3:])}:{place.lineno}"
    return f"Unexpected {type(error).__name__} in {where}: {' '.join(str(error).split())[:300]}."


def _log_warnings() -> None:
    handler = logging.StreamHandler()
    handler.addFilter(redact.ScrubbingFilter())
    handler.setFormatter(logging.Formatter("warning: %(message)s"))
    handler.setLevel(logging.WARNING)
    logging.getLogger("hfdeploy").addHandler(handler)
