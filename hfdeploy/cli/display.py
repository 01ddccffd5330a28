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
    _show_findings(review.findings)
    if review.approvals:
        terminal.print_text(f"\n{render.approvals_line(review)}")
    if with_bodies:
        for one in review.plans:
            _show_body(one)


def _show_findings(findings: Sequence[Finding]) -> None:
    if findings:
        terminal.print_text()
    left = [finding for finding in findings if finding.severity is Severity.NOTE][_MOST_NOTES:]
    for finding in findings:
        if finding not in left:
            severity = finding.severity.value
            terminal.print_text(terminal.styled(severity).append(f" {finding}", style="not bold default"))
    if left:
        rules = ", ".join(f"{count} {rule}" for rule, count in sorted(Counter(one.rule for one in left).items()))
        terminal.print_text(f"And {len(left)} more notes ({rules}); `--format json` has all of them.")


def _draw(part: str | render.Table) -> None:
    if isinstance(part, str):
        terminal.print_text(part)
    else:
        terminal.draw(part)


def _show_body(one: Plan) -> None:
    terminal.print_text(f"\nPOST of {one.name}{render.describe_secrets(one)}:")
    terminal.write(json.dumps(one.body, indent=2, ensure_ascii=False) + "\n")
