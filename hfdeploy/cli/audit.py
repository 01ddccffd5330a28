"""audit: everything live in a namespace under the rules of a review. Nothing is changed."""

from pathlib import Path
from typing import Annotated

import typer

from hfdeploy import render
from hfdeploy.audit import Audit, TagCost, cost_by_tag, examine
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.display import show_finding
from hfdeploy.cli.evidence import complete, read_evidence
from hfdeploy.cli.options import PROGRAM, ApiUrlOption, examples
from hfdeploy.cli.reviews import Asked, OutputOption, ReviewFormat, ReviewFormatOption, into, write_document
from hfdeploy.cli.service import QUICK, best_catalog, choose, require_namespace, service
from hfdeploy.cli.usage import UsageOption
from hfdeploy.errors import BlockingFinding, UsageError
from hfdeploy.lock import FILE, Lock, read_lock
from hfdeploy.policy import LoadedPolicy, read_policy
from hfdeploy.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(
        epilog=examples(
            "hfdeploy audit acme",
            "hfdeploy audit acme --by-tag team --idle-days 30",
            "hfdeploy audit acme --usage metrics --format json",
            "hfdeploy audit acme --usage usage.csv --format html --output audit.html",
            "hfdeploy audit acme --policy policy.yaml",
        )
    )(audit)


def audit(
    namespace: Annotated[
        str | None, typer.Argument(metavar="NAMESPACE", help="The user or organisation (else HFDEPLOY_NAMESPACE).")
    ] = None,
    idle_days: Annotated[
        int, typer.Option(metavar="N", min=1, max=365, help="Idle is what had no request in so many days.")
    ] = 7,
    usage: UsageOption = None,
    by_tag: Annotated[
        str | None,
        typer.Option(metavar="TAG", help="Add up cost by this tag (team: team:search and so on), else by all."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="Judge by this policy.yaml, too.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"Judge memory by this lock file ({FILE}), too.")
    ] = None,
    hub: Annotated[bool, typer.Option("--hub/--no-hub", help="Ask the Hub about models that no lock file has.")] = True,
    output: ReviewFormatOption = ReviewFormat.TEXT,
    target: OutputOption = None,
    api_url: ApiUrlOption = None,
) -> None:
    """Judge everything live in a namespace.

    The rules of `hfdeploy plan` over what runs: what it costs as it is, who can reach it, what nobody calls and what
    that burns, quota, cost by tag. Takes no specs, no stack and no state, and changes nothing: only GETs are sent,
    and with --usage metrics the POST that reads them. Ends with 5 when a finding has to be settled first.
    """
    chosen = choose(stack=None, program=PROGRAM, namespace=namespace, api_url=api_url)
    place = require_namespace(chosen)
    known, limits = _lock(lock), read_policy(policy) if policy else None
    found = _examined(chosen, place, known, limits, idle_days=idle_days, usage=usage, hub=hub)
    with into(target):
        _show(found, cost_by_tag(found.residents, by_tag), by_tag, output)
    if found.review.blocking:
        count = len(found.review.blocking)
        raise BlockingFinding(f"{count} finding{'' if count == 1 else 's'} to be settled first.")


def _lock(file: Path | None) -> Lock:
    if file is None:
        return Lock()
    if not file.is_file():
        raise UsageError(f"{file} does not exist: `hfdeploy lock` writes {FILE} beside specs.")
    return read_lock(file)


def _examined(
    chosen: Settings,
    namespace: str,
    lock: Lock,
    policy: LoadedPolicy | None,
    *,
    idle_days: int,
    usage: str | None,
    hub: bool,
) -> Audit:
    with service(chosen) as api, terminal.busy(f"reading what is live in {namespace}") as say:
        survey = api.survey(namespace)
        live, now = survey.endpoints, api.clock.utcnow()
        say(f"reading the use of {len(live)} endpoints")
        with service(chosen, seconds=QUICK) as hurried:
            evidence = read_evidence(hurried, namespace, live, now, usage=usage, days=idle_days)
        if hub:
            say("reading the headers of models on the Hub")
            lock = complete(lock, live, chosen)
    return examine(
        namespace,
        live,
        catalog=best_catalog(chosen) if live else Catalog.snapshot(),
        lock=lock,
        now=now,
        idle_days=idle_days,
        evidence=evidence,
        unreadable=list(survey.unreadable),
        policy=policy,
    )


def _show(found: Audit, tags: tuple[TagCost, ...], key: str | None, output: ReviewFormat) -> None:
    match output:
        case ReviewFormat.JSON:
            terminal.write_json(render.audit_json(found, tags, key))
        case ReviewFormat.MARKDOWN:
            terminal.write(render.audit_markdown(found, tags, key))
        case ReviewFormat.TEXT if not found.residents and not found.unreadable:
            terminal.print_text(f"{found.namespace} has no endpoints.")
        case ReviewFormat.TEXT:
            _print(found, tags, key)
        case _:
            asked = Asked(f"hfdeploy audit {found.namespace}", namespace=found.namespace)
            write_document(found.review, output, asked)


def _print(found: Audit, tags: tuple[TagCost, ...], key: str | None) -> None:
    terminal.draw(render.audit_table(found))
    for paragraph in render.audit_paragraphs(found):
        terminal.print_text(f"\n{paragraph}")
    terminal.print_text()
    terminal.draw(render.audit_quota_table(found))
    if tags:
        terminal.print_text()
        terminal.draw(render.tag_table(tags, key))
    if found.review.findings:
        terminal.print_text()
    for finding in found.review.findings:
        show_finding(finding)
