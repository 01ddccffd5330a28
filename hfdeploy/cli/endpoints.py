"""verify, logs: one live endpoint, whoever made it."""

import copy
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

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
from hfdeploy.cli.service import best_catalog, choose, find, require_namespace, service
from hfdeploy.cli.terminal import Format
from hfdeploy.diff import not_as_asked
from hfdeploy.errors import ApiError, Inconclusive, RolloutFailed, UsageError
from hfdeploy.lock import pinned, read_locks
from hfdeploy.plan import make_plan
from hfdeploy.settings import Settings
from hfdeploy.spec import EndpointSpec, is_commit, load_specs
from hfdeploy.verdict import Judgement, Verdict

if TYPE_CHECKING:
    from hfdeploy.client import Api
    from hfdeploy.verify import Check, Verification

EXIT_CODES: Final = {
    Verdict.PASSED: 0,
    Verdict.FAILED: RolloutFailed.exit_code,
    Verdict.INCONCLUSIVE: Inconclusive.exit_code,
}
FOLLOWED: Final = 500
"""Lines asked for at a time while following; more than that between two looks are lost."""

EVERY: Final = 2.0
"""Seconds between two looks at the logs."""

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The endpoint.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        epilog=examples(
            "hfdeploy verify smollm --stack local",
            'hfdeploy verify chat --namespace acme --prompt "What is a falcon?"',
            "hfdeploy verify chat --spec specs/chat.yaml --format json",
        )
    )(verify)
    app.command(epilog=examples("hfdeploy logs smollm --stack local --tail 50", "hfdeploy logs smollm --follow"))(logs)


def verify(
    name: NameArgument,
    spec: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Prove what this spec asks for, its configuration included.")
    ] = None,
    prompt: Annotated[str | None, typer.Option(metavar="TEXT", help="What to ask instead of the usual.")] = None,
    output: FormatOption = Format.TEXT,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Prove that a live endpoint answers.

    Streams a prompt, shows the text as it comes, then judges. A sleeping endpoint is woken. Ends with 0 when it
    passed, with 4 when it failed, and with 9 when nothing was proved either way.
    """
    asked = _only_spec(spec) if spec else None
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url)
    if asked and asked.namespace and not namespace:
        chosen = replace(chosen, namespace=asked.namespace)
    owner = require_namespace(chosen)
    place = f"{owner}/{name}"
    with service(chosen) as api:
        live = find(api, owner, name)
        check = _check(live, chosen, asked, prompt)
        seconds = asked.rollout.timeout.total_seconds() if asked else math.inf
        show_text = terminal.write if output is Format.TEXT else terminal.write_aside
        found = _prove(check, place, show_text, seconds=seconds, fallen=lambda: _fallen(api, owner, name))
    if output is Format.JSON:
        terminal.write_json({"endpoint": place, **found.as_dict()})
    else:
        _show(found, place, output)
    raise typer.Exit(EXIT_CODES[found.verdict])


def logs(
    name: NameArgument,
    tail: Annotated[int, typer.Option(help="How many lines, the newest.", min=1)] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Print what an endpoint's container said."""
    from hfdeploy.wait import SystemClock

    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url)
    place = require_namespace(chosen)
    with service(chosen) as api:
        find(api, place, name)
        window = max(tail, FOLLOWED) if follow else tail
        seen = api.logs(place, name, tail=window)
        is_read = _print_lines(seen[-tail:])
        while follow and is_read:
            SystemClock().sleep(EVERY)
            lines = api.logs(place, name, tail=window)
            is_read = _print_lines(new_lines(seen, lines))
            seen = lines


def new_lines(seen: list[str], lines: list[str]) -> list[str]:
    """What `lines` has after its longest beginning that is an end of `seen`.

    Both are the newest lines at their time, so that the older ones of `seen` are gone from `lines`.
    """
    for length in range(min(len(seen), len(lines)), 0, -1):
        if seen[-length:] == lines[:length]:
            return lines[length:]
    return lines


def _only_spec(file: Path) -> EndpointSpec:
    loaded = load_specs([file])
    if len(loaded) != 1:
        raise UsageError(f"{file} holds {len(loaded)} specs: name the one to verify by.")
    return pinned(loaded[0].spec, read_locks(loaded))


def _check(live: wire.Endpoint, chosen: Settings, asked: EndpointSpec | None, prompt: str | None) -> "Check":
    from hfdeploy.rollout import make_check

    check = make_check(live, chosen, spec=asked, mismatches=_mismatches(live, chosen, asked) if asked else ())
    return check if prompt is None else replace(check, prompt=replace(check.prompt, text=prompt))


def _mismatches(live: wire.Endpoint, chosen: Settings, asked: EndpointSpec) -> list[str]:
    """How the live endpoint serves otherwise than the spec says. A branch is whatever it was resolved to.

    While an update is under way, and after one that failed, the service shows the new configuration, and replicas of
    the one before may answer.
    """
    body = copy.deepcopy(make_plan(asked, best_catalog(chosen)).body)
    if not is_commit(body["model"].get("revision")):
        body["model"]["revision"] = None
    state = live.status.state
    is_between = state in {wire.State.UPDATING, wire.State.UPDATE_FAILED}
    doubts = [f"it is {state}, so what answers may be what served before"] if is_between else []
    return doubts + not_as_asked(body, live)


def _fallen(api: "Api", namespace: str, name: str) -> str:
    """What the service says of replicas that stopped, for the deeper proof; '' where it cannot be asked."""
    from hfdeploy.wait import fallen

    try:
        return fallen(api.get(namespace, name))
    except (ApiError, Inconclusive):
        return ""


def _prove(
    check: "Check", place: str, show_text: Callable[[str], object], *, seconds: float, fallen: Callable[[], str]
) -> "Verification":
    from hfdeploy.verify import prove
    from hfdeploy.wait import SystemClock

    pieces: list[str] = []
    with terminal.busy(f"asking {place}") as say:

        def on_text(piece: str) -> None:
            if not pieces:
                say("")
            pieces.append(piece)
            show_text(render.plain(piece))

        def on_step(step: str) -> None:
            _end_line(pieces, show_text)
            if step == "waking":
                terminal.note(f"{place} is not awake; waking it, which takes as long as a start.")
            say(f"{place}: {step}")

        clock = SystemClock()
        found = prove(
            check, clock=clock, on_text=on_text, on_step=on_step, deadline=clock.now() + seconds, fallen=fallen
        )
    _end_line(pieces, show_text)
    return found


def _end_line(pieces: list[str], show_text: Callable[[str], object]) -> None:
    """What comes next begins on a line of its own; a further try shows its own text."""
    if pieces and not pieces[-1].endswith("\n"):
        show_text("\n")
    pieces.clear()


def _show(found: "Verification", place: str, output: Format) -> None:
    judged = Judgement(found.verdict, found.reason, found.sentence)
    woke_after_s = found.wake_seconds if found.woke else 0.0
    deep = [(shown.name, shown.judgement) for shown in found.deep]
    facts = render.verification_facts(judged, found.sample, woke_after_s=woke_after_s, deep=deep)
    if output is Format.MARKDOWN:
        rows = (("verdict", found.verdict.value), ("endpoint", place), *facts)
        terminal.write(render.markdown(render.Table((render.Column(""), render.Column("")), rows)))
        return
    terminal.print_text()
    terminal.draw_block(terminal.styled(found.verdict.value).append(f"  {place}", style="bold default"), facts)


def _print_lines(lines: list[str]) -> bool:
    """Log lines as text: colours and whatever else a container prints at a terminal are left out.

    Tells whether anybody reads on.
    """
    return terminal.write("".join(f"{terminal.harmless(line)}\n" for line in lines))
