"""orphans: what carries a stack's owner tag and is in no state, and its removal."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from pydantic import TypeAdapter, ValidationError

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.options import PROGRAM, ApiUrlOption, FormatOption, NamespaceOption, ProgramOption, examples
from hfdeploy.cli.program import Program
from hfdeploy.cli.service import best_catalog, choose, service
from hfdeploy.cli.terminal import Format
from hfdeploy.cost import format_money
from hfdeploy.errors import OwnershipError, UsageError
from hfdeploy.orphans import Orphan, find_tagged, sweep
from hfdeploy.owner import is_owner_id
from hfdeploy.render.status import IDENTITY
from hfdeploy.spec.scalar import Duration

if TYPE_CHECKING:
    from hfdeploy.client import Api  # not loaded by commands that talk to nobody

GUARD: Final = "pulumi-python:dynamic/hfdeploy:StackGuard"
_REMAINS: Final = OwnershipError.exit_code


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the state of a stack says about ownership."""

    owner: str
    tracked: frozenset[tuple[str, str]]
    """`namespace/name` and creation time of what is in it."""
    retained: frozenset[str]
    """`namespace/name` of what outlives its resource on purpose."""
    namespaces: frozenset[str]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        epilog=examples(
            "hfdeploy orphans --stack prod",
            "hfdeploy orphans --stack review-17 --delete --yes",
            "hfdeploy orphans --stack prod --delete acme/left-over",
        )
    )(orphans)


def orphans(
    stack: Annotated[str, typer.Option("--stack", metavar="NAME", help="Whose endpoints: the state is read for it.")],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAMESPACE/]NAME", help="Only these, whatever their age.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove them, after asking.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    older_than: Annotated[
        str,
        typer.Option(metavar="AGE", help="Leave younger ones: another run may be about to write them down."),
    ] = "30m",
    output: FormatOption = Format.TEXT,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """List what a stack made and its state does not know.

    A run that is killed after asking for an endpoint leaves one, and it bills. Endpoints tagged hfd-keep, and those
    retained on purpose, are never removed. Where the state knows none of the stack's endpoints the state itself is
    probably lost, so each has to be named. Ends with 4 while any is left.
    """
    age = _age(older_than)
    at = Program(program, stack)
    with terminal.busy(f"reading the state of {stack}"):
        recorded = read_ownership(at.export(), stack)
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url)
    catalog = best_catalog(chosen)
    with service(chosen) as api:
        known, found = look_for_orphans(api, recorded, chosen.namespace, catalog)
        picked = _named(found, names or [], stack)
        doomed = [
            one for one in picked if not is_kept(one, recorded) and (names or _is_older(one, age, datetime.now(UTC)))
        ]
        left = {one.place: _why_left(one, doomed, recorded, older_than) for one in picked}
        if delete and doomed:
            if not known and not names:
                raise OwnershipError(_is_lost(doomed, stack))
            if not yes:
                _require_agreement(doomed)
            failed = sweep(api, doomed, owner=recorded.owner)
            left = {place: reason for place, reason in left.items() if reason} | failed
            for one in doomed:
                if one.place not in failed:
                    terminal.note(f"removed {one}")
            # Of a part that was named the rest goes on billing, and is shown with what is left of the part.
            found = [one for one in found if one not in doomed or one.place in failed]
            left |= {one.place: "not named" for one in found if one not in picked}
            picked = found
    _show(picked, left, recorded, stack, output)
    if any(not is_kept(one, recorded) for one in found):
        raise typer.Exit(_REMAINS)


def read_ownership(export: Mapping[str, Any], stack: str) -> Recorded:
    """Read the state.

    Raises:
        UsageError: it has no guard, so that the owner id is known to nobody.
    """
    resources = (export.get("deployment") or {}).get("resources") or []
    outputs = {
        kind: [one.get("outputs") or {} for one in resources if one.get("type") == kind] for kind in (GUARD, IDENTITY)
    }
    owner = next((str(one["owner"]) for one in outputs[GUARD] if is_owner_id(one.get("owner"))), None)
    if owner is None:
        raise UsageError(
            f"The state of {stack} has no guard, so nobody knows the owner id that its endpoints are tagged with. Was "
            f"the stack destroyed, or its state lost? `hfdeploy status --namespace NAME` lists all that is alive, "
            f"`hfdeploy recover --stack {stack}` rebuilds a lost state."
        )
    guard = next(one for one in outputs[GUARD] if one.get("owner") == owner)
    members = [_place_of(one) for key in ("kept", "retained") for one in guard.get(key) or []]
    tracked = {(f"{one.get('namespace')}/{one.get('name')}", str(one.get("generation"))) for one in outputs[IDENTITY]}
    namespaces = {*(guard.get("namespaces") or []), *(place.partition("/")[0] for place, _ in tracked)}
    return Recorded(owner, frozenset(tracked), frozenset(members), frozenset(namespaces))


def look_for_orphans(
    api: "Api", recorded: Recorded, namespace: str | None, catalog: Catalog
) -> tuple[list[Orphan], list[Orphan]]:
    """What carries the owner's tag: that which is in the state, and that which is not."""
    namespaces = {*recorded.namespaces, *filter(None, [namespace])}
    tagged = find_tagged(api, recorded.owner, namespaces, catalog=lambda _namespace: catalog)
    known = [one for one in tagged if (one.place, one.generation) in recorded.tracked]
    return known, [one for one in tagged if one not in known]


def _place_of(member: str) -> str:
    name, _, where = member.partition("@")
    return f"{where.partition('/')[0]}/{name}"


def _age(text: str) -> timedelta:
    try:
        return TypeAdapter[timedelta](Duration).validate_python(text)
    except ValidationError:
        raise UsageError(f"--older-than takes a length of time such as 90s, 30m or 2h, not {text!r}.") from None


def _named(found: Sequence[Orphan], names: Iterable[str], stack: str) -> list[Orphan]:
    """Those that were asked for.

    Raises:
        UsageError: one of them is no orphan.
    """
    wanted = list(names)
    for name in wanted:
        if not any(name in {one.name, one.place} for one in found):
            known = ", ".join(one.place for one in found) or "none"
            raise UsageError(
                f"{name} is no orphan of {stack}: it is in the state, or not this stack's. There are: {known}."
            )
    return [one for one in found if not wanted or {one.name, one.place} & set(wanted)]


def is_kept(one: Orphan, recorded: Recorded) -> bool:
    return one.is_kept or one.place in recorded.retained


def _is_older(one: Orphan, least: timedelta, now: datetime) -> bool:
    age = one.age(now)
    return age is not None and age >= least


def _why_left(one: Orphan, doomed: Sequence[Orphan], recorded: Recorded, older_than: str) -> str:
    if one in doomed:
        return ""
    return "kept on purpose" if is_kept(one, recorded) else f"younger than {older_than}"


def _is_lost(doomed: Sequence[Orphan], stack: str) -> str:
    places = " ".join(one.place for one in doomed)
    return (
        f"The state of {stack} knows none of the {len(doomed)} endpoints with its owner tag, which looks like a lost "
        f"state rather than like orphans. Nothing was removed. To remove them all the same, name each: "
        f"`hfdeploy orphans --stack {stack} --delete {places}`; to put them back into the state: "
        f"`hfdeploy recover --stack {stack}`."
    )


def _require_agreement(doomed: Sequence[Orphan]) -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked without a terminal. To agree to the removal: --yes.")
    for one in doomed:
        terminal.note(f"  {one}")
    count = "this endpoint" if len(doomed) == 1 else f"these {len(doomed)} endpoints"
    typer.confirm(f"Delete {count}?", abort=True, err=True)


def _show(picked: Sequence[Orphan], left: Mapping[str, str], recorded: Recorded, stack: str, output: Format) -> None:
    now = datetime.now(UTC)
    match output:
        case Format.JSON:
            rows = [_as_json(one, left, recorded, now) for one in picked]
            terminal.write_json({"schemaVersion": 1, "stack": stack, "currency": "USD", "orphans": rows})
        case Format.MARKDOWN:
            terminal.write(render.markdown(_table(picked, left, now)))
        case Format.TEXT if picked:
            terminal.draw(_table(picked, left, now))
        case Format.TEXT:
            terminal.print_text(f"{stack} has no orphans.")


def _table(picked: Iterable[Orphan], left: Mapping[str, str], now: datetime) -> render.Table:
    return render.Table(
        (
            render.Column("Endpoint"),
            render.Column("State"),
            render.Column("Age", is_number=True),
            render.Column("Per day", is_number=True),
            render.Column("Created by"),
            render.Column("", is_flexible=True),
        ),
        tuple(
            (
                render.plain(one.place),
                one.state,
                _told(one.age(now)),
                format_money(one.daily),
                render.plain(one.created_by) or "unknown",
                render.plain(left.get(one.place, "")),
            )
            for one in picked
        ),
    )


def _told(age: timedelta | None) -> str:
    if age is None:
        return "unknown"
    minutes = int(age.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{age.days} d"


def _as_json(one: Orphan, left: Mapping[str, str], recorded: Recorded, now: datetime) -> dict[str, Any]:
    age = one.age(now)
    return {
        "namespace": one.namespace,
        "name": one.name,
        "logical_name": one.logical,
        "created_at": one.generation or None,
        "created_by": one.created_by or None,
        "age_seconds": None if age is None else int(age.total_seconds()),
        "state": one.state,
        "usd_per_hour": None if one.hourly is None else str(one.hourly),
        "usd_per_day": None if one.daily is None else str(one.daily),
        "is_kept": is_kept(one, recorded),
        "why_left": left.get(one.place) or None,
    }
