"""status: what a stack has, whether it was proved, and what it answered."""

from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated

import typer

from hfdeploy import render, wire
from hfdeploy.cli import terminal
from hfdeploy.cli.options import (
    PROGRAM,
    ApiUrlOption,
    FormatOption,
    NamespaceOption,
    ProgramOption,
    StackOption,
    examples,
)
from hfdeploy.cli.program import Program
from hfdeploy.cli.service import QUICK, best_catalog, choose, require_namespace, service
from hfdeploy.cli.terminal import Format
from hfdeploy.errors import ApiError, AuthError, EngineError, Unreachable, UsageError
from hfdeploy.render import Deployed
from hfdeploy.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog=examples(
            "hfdeploy status --stack local",
            "hfdeploy status smollm --stack local --format json",
            "hfdeploy status --namespace acme",
        )
    )(status)


def status(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these endpoints.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Show answers only of what was verified since then (ISO 8601)."),
    ] = None,
    output: FormatOption = Format.TEXT,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show the endpoints of a stack, and their proof.

    Address, hardware, price, state, verdict, and what was answered. With --stack, from its state, with the
    service's word on what runs now. Without, all endpoints of the namespace, as the service has them.
    """
    moment = _moment(since) if since else None
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url, with_token=stack is None)
    found = _of_stack(Program(program, stack), chosen, api_url) if stack else _of_namespace(chosen)
    found = _named(found, names or [], stack or f"namespace {chosen.namespace}")
    match output:
        case Format.JSON:
            terminal.write_json(render.status_json(found, stack=stack))
        case Format.MARKDOWN:
            terminal.write(render.markdown(render.status_table(found)))
        case Format.TEXT:
            _show(found, moment)


def _of_stack(program: Program, chosen: Settings, api_url: str | None) -> list[Deployed]:
    with terminal.busy(f"reading the state of {program.stack}"):
        deployed = render.parse_deployment(program.export())
    if not deployed:
        return []
    try:
        chosen = choose(stack=program.stack, program=program.folder, namespace=chosen.namespace, api_url=api_url)
        with terminal.busy("asking the service what runs"):
            live = _live(chosen, {one.namespace for one in deployed})
    except (ApiError, AuthError, Unreachable, EngineError) as trouble:
        terminal.warn(f"The service was not asked, so states are those of the last run: {trouble}")
    else:
        deployed = [one.observed(live.get((one.namespace, one.name))) for one in deployed]
    return [one.shown_with(program.proof(one.name, one.verified_at)) for one in deployed]


def _of_namespace(chosen: Settings) -> list[Deployed]:
    namespace = require_namespace(chosen)
    live = _live(chosen, {namespace})
    catalog = best_catalog(chosen)
    found = []
    for endpoint in live.values():
        where, what = endpoint.provider, endpoint.compute
        row = catalog.find(where.vendor, where.region, what.instance_type, what.instance_size)
        found.append(render.describe_live(endpoint, namespace, row.price_per_hour if row else None))
    return sorted(found, key=lambda one: one.name)


def _live(chosen: Settings, namespaces: Iterable[str]) -> dict[tuple[str, str], wire.Endpoint]:
    with service(chosen, seconds=QUICK) as api:
        return {
            (namespace, endpoint.name): endpoint for namespace in sorted(namespaces) for endpoint in api.list(namespace)
        }


def _named(deployed: list[Deployed], names: list[str], whose: str) -> list[Deployed]:
    """Those that were asked for.

    Raises:
        UsageError: one of them is not there.
    """
    known = [one.name for one in deployed]
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}."
            raise UsageError(f"There is no endpoint {name!r} in {whose}. {hint}")
    return [one for one in deployed if not names or one.name in names]


def _show(deployed: list[Deployed], since: datetime | None) -> None:
    for one in deployed:
        line = terminal.styled(one.name, "bold")
        if one.verdict:
            line.append("  ").append_text(terminal.styled(one.verdict))
        line.append(f"  {render.describe(one)}", style="not bold default")
        terminal.draw_block(line, render.facts(one, since=since))
        terminal.print_text()
    terminal.print_text(render.count_verdicts(deployed))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since takes a time such as 2026-11-21T03:09:36Z, not {text!r}.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
