"""recover: the state of a stack rebuilt after it was lost, as a reviewed import."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.options import PROGRAM, ApiUrlOption, FormatOption, NamespaceOption, ProgramOption, examples
from hfdeploy.cli.program import Program
from hfdeploy.cli.service import best_catalog, choose, service
from hfdeploy.cli.terminal import Format
from hfdeploy.errors import EngineError, UsageError
from hfdeploy.settings import Settings

if TYPE_CHECKING:
    from hfdeploy.recover import Review, Row, Wanted
    from hfdeploy.wire import Endpoint


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        epilog=examples(
            "hfdeploy recover --stack prod",
            "hfdeploy recover --stack prod --owner 3f9c0a1b2d4e",
            "hfdeploy recover --stack prod --yes --format json",
        )
    )(recover)


def recover(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="The stack whose state is to be rebuilt.")],
    owner: Annotated[
        str | None, typer.Option(metavar="ID", help="The stack's owner id, where endpoints of several are found.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    output: FormatOption = Format.TEXT,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Rebuild the state of a stack whose state was lost.

    The program is previewed and the endpoints are looked at: those that carry the stack's owner tag and are in the
    program go back into the state, as they are live, with the old owner id. Endpoints are read and never changed.
    What is in the state already stays as it is.
    """
    from hfdeploy.recover import choose_owner, make_review, read_state, read_wanted, survey

    at = Program(program, stack)
    with terminal.busy(f"reading the state of {stack}"):
        state = read_state(at.export())
    with terminal.busy("asking the program what it wants"):
        wanted = read_wanted(at.preview())
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url)
    where = {*wanted.namespaces, *state.namespaces, *filter(None, [chosen.namespace])}
    with terminal.busy("asking the service what there is"), service(chosen) as api:
        live = survey(api, where)
    review = make_review(wanted, state, live, choose_owner(state, live, owner), _catalog(chosen))
    _show(review, live, stack, output)
    if not review.recovered:
        terminal.note(f"There is nothing to put back into the state of {stack}.")
        return
    if not yes:
        _require_agreement(review, stack)
    with terminal.busy(f"writing the state of {stack}"):
        _write(at, wanted, review)
    terminal.note(
        f"{_counted(len(review.recovered))} put back into the state of {stack}, with the owner id {review.owner}. "
        f"`pulumi preview --stack {stack}` shows what is left to do; nothing was verified."
    )


def _write(at: Program, wanted: "Wanted", review: "Review") -> None:
    """Have the engine write the guard where there is none, then put everything else beside it."""
    from hfdeploy.recover import read_state, rebuild

    export = at.export()
    if read_state(export).guard is None:
        if wanted.guard is None:
            raise EngineError("The program has no guard, so it has no endpoint of hfdeploy either.")
        at.bring_up_only(str(wanted.guard["urn"]))
        export = at.export()
    at.replace_state(rebuild(export, wanted, review))


def _catalog(chosen: Settings) -> Callable[[], Catalog]:
    @cache
    def read() -> Catalog:
        return best_catalog(chosen)

    return read


def _require_agreement(review: "Review", stack: str) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked without a terminal. To agree to what is written above: --yes.")
    terminal.note(
        f"If another state has these endpoints (a copy of the stack, another backend), two stacks would own them and "
        f"undo each other: use that state instead. Owner id {review.owner}."
    )
    typer.confirm(f"Put {_counted(len(review.recovered))} into the state of {stack}?", abort=True, err=True)


def _show(review: "Review", live: Mapping[str, "Endpoint"], stack: str, output: Format) -> None:
    match output:
        case Format.JSON:
            terminal.write_json(_as_json(review, live, stack))
        case Format.MARKDOWN:
            terminal.write(render.markdown(_table(review.rows)))
        case Format.TEXT:
            terminal.draw(_table(review.rows))


def _table(rows: Sequence["Row"]) -> render.Table:
    return render.Table(
        (
            render.Column("Endpoint"),
            render.Column("Found"),
            render.Column("State"),
            render.Column("Created"),
            render.Column("Then", is_flexible=True),
        ),
        tuple(
            (
                render.plain(row.place),
                row.kind.value,
                row.live.status.state.value if row.live else "",
                render.plain(row.live.generation) if row.live else "",
                render.plain(_then(row)),
            )
            for row in rows
        ),
    )


def _then(row: "Row") -> str:
    """What the next `up` does."""
    from hfdeploy.recover import Kind

    resent = f"secrets {', '.join(row.secrets)} are sent again: their old values are known to nobody" * bool(
        row.secrets
    )
    match row.kind:
        case Kind.MATCHES:
            told = [resent or "0 changes", row.note]
        case Kind.DIFFERS:
            told = ["; ".join(row.differences), resent, row.note]
        case Kind.LEFT:
            told = [f"not put back ({row.note}); the next up continues it"]
        case Kind.TRACKED:
            told = ["in the state already", row.note]
        case Kind.ABSENT:
            told = ["no endpoint: the next up makes it"]
        case Kind.FOREIGN:
            told = [f"not this stack's ({row.note}): the next up refuses it"]
        case Kind.NO_SPEC:
            told = [
                row.note
                or "not put back and not touched; it bills. Write its spec and run this again, or `hfdeploy orphans`"
            ]
    return "; ".join(filter(None, told))


def _as_json(review: "Review", live: Mapping[str, "Endpoint"], stack: str) -> dict[str, Any]:
    from hfdeploy.recover.review import by_owner

    return {
        "schemaVersion": 1,
        "stack": stack,
        "owner": review.owner,
        "owners": by_owner(live),
        "endpoints": [
            {
                "endpoint": row.place,
                "found": row.kind.value,
                "is_put_back": row.is_recovered,
                "logical_name": row.intent.logical if row.intent else None,
                "state": row.live.status.state.value if row.live else None,
                "created_at": row.live.generation if row.live else None,
                "created_by": row.live.status.created_by.name if row.live else None,
                "differences": list(row.differences),
                "secrets_sent_again": list(row.secrets) if row.is_recovered else [],
                "note": row.note or None,
            }
            for row in review.rows
        ],
    }


def _counted(number: int) -> str:
    return f"{number} endpoint{'' if number == 1 else 's'}"
