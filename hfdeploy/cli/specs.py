"""validate, plan, schema: what the specs say, before anything is sent."""

import json
import os
from glob import glob
from pathlib import Path
from typing import Annotated

import typer

from hfdeploy import render, settings
from hfdeploy.catalog import Catalog
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
from hfdeploy.cli.policy import FixOption, PolicyOption, ruling
from hfdeploy.cli.program import Program
from hfdeploy.cli.service import best_catalog, choose, require_namespace
from hfdeploy.cli.terminal import Format
from hfdeploy.cost import over_budget
from hfdeploy.errors import AuthError, BlockingFinding, Problem, SpecError, UsageError
from hfdeploy.lock import Lock, lock_file, read_lock
from hfdeploy.plan import Plan
from hfdeploy.review import Review, review_specs
from hfdeploy.settings import Settings
from hfdeploy.spec import json_schema, load_specs, read_specs

FOLDER = Path("specs")
BESIDE_PROGRAM = "../specs/*.yaml"
"""Where `deploy()` looks when the stack does not say: relative to the stack program."""

SpecsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="SPECS", help="Files and folders of specs (else specs/).")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(epilog=examples("hfdeploy validate", "hfdeploy validate specs/chat.yaml --format json"))(validate)
    app.command(
        epilog=examples(
            "hfdeploy plan specs/",
            "hfdeploy plan --stack prod --format markdown",
            "hfdeploy plan specs/chat.yaml --body",
            "hfdeploy plan --stack prod --live",
            "hfdeploy plan specs/ --policy policy.yaml --fix",
        )
    )(plan)
    app.command(epilog=examples("hfdeploy schema > spec.schema.json"))(schema)


def validate(paths: SpecsArgument = None, output: FormatOption = Format.TEXT) -> None:
    """Check specs; everything wrong is said at once.

    Ends with 2 when something is wrong. Nothing is sent, and no hardware is looked up: that is `hfdeploy plan`.
    """
    try:
        loaded = load_specs(paths or [FOLDER])
    except SpecError as error:
        if output is Format.JSON:
            terminal.write_json(
                {"schemaVersion": 1, "valid": [], "problems": [_problem(one) for one in error.problems]}
            )
        elif output is Format.MARKDOWN:
            terminal.write("".join(f"- `{problem}`\n" for problem in error.problems))
        raise
    names = [one.spec.name for one in loaded]
    if output is Format.JSON:
        terminal.write_json({"schemaVersion": 1, "valid": names, "problems": []})
    else:
        terminal.write(f"{_counted(len(names), 'spec')} valid: {', '.join(names)}\n")


def plan(
    paths: SpecsArgument = None,
    output: FormatOption = Format.TEXT,
    body: Annotated[bool, typer.Option("--body", help="Show the exact request of each endpoint, too.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the service for prices, status and quota of today.")
    ] = False,
    policy: PolicyOption = None,
    fix: FixOption = False,
    stack: StackOption = None,
    program: ProgramOption = PROGRAM,
    namespace: NamespaceOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Show what is going to be asked for, and its cost.

    The findings of a review are below, each with its place in the spec. Judged by the dated copy of the hardware
    catalogue in this package, so that the same specs always give the same answer, without a network. --live adds
    what the service says today. Ends with 5 when a finding has to be settled first.
    """
    chosen = choose(stack=stack, program=program, namespace=namespace, api_url=api_url, with_token=live)
    where, judged = paths or _where_specs_are(stack, program), ruling(policy, stack, program)
    loaded, problems = read_specs(where)
    file, catalog = lock_file(where), Catalog.snapshot()
    lock = read_lock(file) if file else Lock()
    review = review_specs(loaded, catalog, lock)
    if problems:
        raise SpecError([*problems, *(finding.problem for finding in review.blocking)])
    if fix:
        judged.mend(review, loaded, lock)
        loaded = load_specs(where)
        review = review_specs(loaded, catalog, lock)
    today = _live_catalog(chosen) if live else None
    if today and review.blocking:
        # New hardware needs no new release: what only the service knows is judged by its words, as in `deploy()`.
        review, catalog = review_specs(loaded, today, lock), today
    review = judged.over(review, loaded, lock)
    judged.remind(review)
    match output:
        case Format.JSON:
            terminal.write_json(render.plan_json(review, namespace=chosen.namespace, catalog=catalog, today=today))
        case Format.MARKDOWN:
            terminal.write(render.plan_markdown(review, today=today, with_bodies=body))
        case Format.TEXT:
            _show(review, today, with_bodies=body)
    if review.blocking:
        raise BlockingFinding(f"{_counted(len(review.blocking), 'finding')} to be settled first.")
    _require_budget(review, stack, program)


def _require_budget(review: Review, stack: str | None, program: Path) -> None:
    """As `deploy()` does before anything is registered.

    Raises:
        BlockingFinding: the stack could cost more than its budget, or nobody knows.
    """
    most = settings.load_budget(Program(program, stack).config(with_secrets=False)) if stack else None
    costs = {one.name: render.estimate_of(one) for one in review.plans}
    if most is not None and (sentence := over_budget(costs, most)):
        raise BlockingFinding(sentence)


def schema() -> None:
    """Print the JSON Schema of a spec.

    For editors and other programs. It is in the package, too: `hfdeploy/data/spec.schema.json`, which the first
    line of a spec points at.
    """
    terminal.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


def count_problems(error: SpecError) -> str:
    """`3 problems in 2 files.`"""
    files = {problem.file for problem in error.problems}
    return f"{_counted(len(error.problems), 'problem')} in {_counted(len(files), 'file')}."


def _show(review: Review, today: Catalog | None, *, with_bodies: bool) -> None:
    if review.plans:
        terminal.draw(render.plan_table(review))
        for paragraph in render.paragraphs(review, today):
            terminal.print_text(f"\n{paragraph}")
    if review.findings:
        terminal.print_text()
    for finding in review.findings:
        severity = finding.severity.value
        terminal.print_text(terminal.styled(severity).append(f" {finding}", style="not bold default"))
    if review.approvals:
        terminal.print_text(f"\n{render.approvals_line(review)}")
    if with_bodies:
        for one in review.plans:
            _show_body(one)


def _show_body(one: Plan) -> None:
    terminal.print_text(f"\nPOST of {one.name}{render.describe_secrets(one)}:")
    terminal.write(json.dumps(one.body, indent=2, ensure_ascii=False) + "\n")


def _where_specs_are(stack: str | None, program: Path) -> list[Path]:
    """Those of the stack where one is named, as `deploy()` finds them; else the folder `specs`."""
    if stack is None:
        return [FOLDER]
    pattern = Program(program, stack).config(with_secrets=False).get("hfdeploy:specs", BESIDE_PROGRAM)
    found = sorted(glob(str(program / pattern), recursive=True))  # noqa: PTH207 - a pattern may begin with ..
    if not found:
        raise UsageError(f"No spec matches {pattern!r} in {program}: set hfdeploy:specs of {stack}, or name them.")
    return [Path(os.path.normpath(path)) for path in found]


def _live_catalog(chosen: Settings) -> Catalog | None:
    """What the service says, None where it could not be asked, which has been said then."""
    require_namespace(chosen)
    if chosen.token is None:
        raise AuthError(f"--live asks {chosen.api_url}, which takes a token: set HF_TOKEN, or log in.")
    found = best_catalog(chosen)
    return found if found.source == "live" else None


def _problem(one: Problem) -> dict[str, str | int]:
    return {"file": one.file, "line": one.line, "field": one.field, "message": one.message}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
