"""A review on a terminal."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.plan import Plan
from hfdeploy.review import Finding, Review, Severity

_MOST_NOTES: Final = 10
"""Notes that are shown: nothing speaks against what they are about."""


def show(review: Review, today: Catalog | None, *, with_bodies: bool) -> None:
    """Changes, endpoints, sums, quota, findings, and on demand the requests."""
    for part in render.change_parts(review):
        _draw(part)
        terminal.print_text()
    if review.plans or review.unplanned:
        terminal.draw(render.plan_table(review))
        for paragraph in render.paragraphs(review, today):
            terminal.print_text(f"\n{paragraph}")
        for part in render.quota_parts(review):
            terminal.print_text()
            _draw(part)
    show_findings(review.findings)
    if review.approvals:
        terminal.print_text(f"\n{render.approvals_line(review)}")
    if with_bodies:
        for one in review.plans:
            _show_body(one)


def show_findings(findings: Sequence[Finding]) -> None:
    """A line each, and one for many alike."""
    if findings:
        terminal.print_text()
    groups = render.grouped(findings)
    left = [group for group in groups if group.first.severity is Severity.NOTE][_MOST_NOTES:]
    for group in groups:
        if group not in left:
            severity = group.first.severity.value
            terminal.print_text(terminal.styled(severity).append(f" {group}", style="not bold default"))
    if left:
        counts: Counter[str] = Counter()
        for group in left:
            counts[group.first.rule] += len(group.names)
        rules = ", ".join(f"{count} {rule}" for rule, count in sorted(counts.items()))
        terminal.print_text(f"And {counts.total()} more notes ({rules}); `--format json` has all of them.")


def _draw(part: str | render.Table) -> None:
    if isinstance(part, str):
        terminal.print_text(part)
    else:
        terminal.draw(part)


def _show_body(one: Plan) -> None:
    terminal.print_text(f"\nPOST of {one.name}{render.describe_secrets(one)}:")
    terminal.write(json.dumps(one.body, indent=2, ensure_ascii=False) + "\n")
