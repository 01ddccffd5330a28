"""validate, plan, schema: what the specs say, before anything is sent."""

import json
import shlex
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.against import Baseline, Comparison, find_change
from hfdeploy.cli.display import show
from hfdeploy.cli.options import (
    PROGRAM,
    ApiUrlOption,
    FormatOption,
    NamespaceOption,
    ProgramOption,
    StackOption,
    examples,
)
from hfdeploy.cli.paths import FOLDER, SpecsArgument, pattern_of, where_specs_are
from hfdeploy.cli.policy import FixOption, PolicyOption, ruling
from hfdeploy.cli.reviews import (
    Asked,
    OutputOption,
    ReviewFormat,
    ReviewFormatOption,
    into,
    with_problems,
    write_document,
)
from hfdeploy.cli.service import best_catalog, choose, require_namespace
from hfdeploy.cli.terminal import Format
from hfdeploy.cli.usage import METRICS, UsageOption, usage_of_plans
from hfdeploy.errors import AuthError, BlockingFinding, Problem, SpecError
from hfdeploy.lock import read_locks
from hfdeploy.review import Review, own_change, review_specs, with_change
from hfdeploy.settings import Settings
from hfdeploy.spec import json_schema, load_specs, read_specs


class Described(StrEnum):
    """What a JSON Schema is there for."""

    SPEC = "spec"
    REVIEW = "review"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(epilog=examples("hfdeploy validate", "hfdeploy validate specs/chat.yaml --format json"))(validate)
    app.command(
        epilog=examples(
            "hfdeploy plan specs/",
            "hfdeploy plan --stack prod --format markdown",
            "hfdeploy plan --format html --output review.html",
            "hfdeploy plan specs/chat.yaml --body",
            "hfdeploy plan --stack prod --live",
            "hfdeploy plan specs/ --usage usage.csv",
            "hfdeploy plan specs/ --against main",
            "hfdeploy plan --stack prod --against state",
            "hfdeploy plan specs/ --policy policy.yaml --fix",
        )
    )(plan)
    app.command(epilog=examples("hfdeploy schema > spec.schema.json", "hfdeploy schema --of review"))(schema)


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
            terminal.write("".join(f"- {render.code(str(problem))}\n" for problem in error.problems))
        raise
    names = [one.spec.name for one in loaded]
    if output is Format.JSON:
        terminal.write_json({"schemaVersion": 1, "valid": names, "problems": []})
    else:
        terminal.write(f"{_counted(len(names), 'spec')} valid: {', '.join(names)}\n")


def plan(
    paths: SpecsArgument = None,
    output: ReviewFormatOption = ReviewFormat.TEXT,
    target: OutputOption = None,
    body: Annotated[bool, typer.Option("--body", help="Show the exact request of each endpoint, too.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the service for prices, status and quota of today.")
    ] = False,
    usage: UsageOption = None,
    usage_days: Annotated[
        int, typer.Option(metavar="N", min=1, max=365, help="How far --usage metrics looks back.")
    ] = 7,
    against: Annotated[
        str | None,
        typer.Option(metavar="live|state|REV", help="Show what changes: since what runs, the state, a git revision."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nobody; a state is taken as it is.")] = False,
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
    what the service says today, and --against what changes. Ends with 5 when a finding has to be settled first.
    """
    asked = Comparison(against, offline, stack, program)
    asked.require_meant(live=live, usage=usage)
    live = live or asked.asks_service
    chosen = choose(
        stack=stack, program=program, namespace=namespace, api_url=api_url, with_token=live or usage == METRICS
    )
    pattern = None if paths else pattern_of(stack, program)
    where, judged = paths or where_specs_are(stack, program), ruling(policy, stack, program)
    loaded, problems = read_specs(where)
    lock, catalog = read_locks(loaded), Catalog.snapshot()
    review = review_specs(loaded, catalog, lock)
    told = Asked(_again(paths, stack, against), stack or "", chosen.namespace, with_bodies=body)
    if problems and output is ReviewFormat.TEXT:
        raise SpecError([*problems, *(finding.problem for finding in review.blocking)])
    if problems:
        # What can be judged is, in the document; the service is not asked about a part of the specs.
        asked, live, usage, fix = asked.at_home, False, None if usage == METRICS else usage, False
        review = with_problems(review, problems)
    if fix:
        judged.mend(review, loaded, lock)
        loaded = load_specs(where)
        review = review_specs(loaded, catalog, lock)
    today = _live_catalog(chosen) if live else None
    if today and review.blocking:
        # New hardware needs no new release: what only the service knows is judged by its words, as in `deploy()`.
        review, catalog = review_specs(loaded, today, lock), today
    if usage:
        review = replace(review, usage=usage_of_plans(usage, review.plans, chosen, days=usage_days))
    change = find_change(
        asked,
        chosen,
        review,
        loaded,
        lock=lock,
        catalog=catalog,
        today=today,
        where=where,
        pattern=pattern,
        live=live,
    )
    review = with_change(
        review,
        loaded,
        change,
        # Without what runs now nobody can tell whose part of the used quota is ours: it is unknown then.
        catalog=Catalog.snapshot() if live and not (change and change.knows_use) else today or catalog,
        lock=lock,
        namespace=chosen.namespace,
        is_compared=against is not None,
    )
    review = judged.over(review, loaded, lock)
    judged.remind(review)
    shown = own_change(review) if against not in {None, *Baseline} else review
    with into(target):
        if output is ReviewFormat.TEXT:
            show(shown, today, with_bodies=body)
        else:
            _write(shown, output, replace(told, today=today), catalog)
    if problems:
        raise SpecError(list({*problems, *(finding.problem for finding in shown.blocking)}))
    if shown.blocking:
        raise BlockingFinding(f"{_counted(len(shown.blocking), 'finding')} to be settled first.")


def _write(review: Review, output: ReviewFormat, told: Asked, catalog: Catalog) -> None:
    if output is ReviewFormat.JSON:
        document = render.plan_json(review, namespace=told.namespace, catalog=catalog, today=told.today)
        terminal.write_json(document)
    else:
        write_document(review, output, told)


def _again(paths: list[Path] | None, stack: str | None, against: str | None) -> str:
    """What prints the same review on a terminal."""
    options = [f"--stack={stack}"] if stack else []
    options += [f"--against={against}"] if against else []
    return shlex.join(["hfdeploy", "plan", *map(str, paths or ()), *options])


def schema(
    of: Annotated[
        Described, typer.Option("--of", help="A spec, or what `plan --format json` prints.")
    ] = Described.SPEC,
) -> None:
    """Print the JSON Schema of a spec, or of a review.

    For editors and other programs. They are in the package, too: `hfdeploy/data/spec.schema.json`, which the first
    line of a spec points at, and `review.schema.json`.
    """
    document = json_schema() if of is Described.SPEC else render.review_schema()
    terminal.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def count_problems(error: SpecError) -> str:
    """`3 problems in 2 files.`"""
    files = {problem.file for problem in error.problems}
    return f"{_counted(len(error.problems), 'problem')} in {_counted(len(files), 'file')}."


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
