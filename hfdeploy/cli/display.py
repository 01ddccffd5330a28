"""A review on a terminal."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Final

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.fit import FitVerdict
from hfdeploy.plan import Plan
from hfdeploy.review import Finding, Review, Severity

_MOST_NOTES: Final = 10
"""Notes that are shown: nothing speaks against what they are about."""

_SHORT: Final = {FitVerdict.NO_FIT, FitVerdict.TIGHT}
_MOST_SUMS: Final = 5
"""Endpoints whose memory is added up line by line."""


def show(review: Review, today: Catalog | None, *, with_bodies: bool) -> None:
    """Changes, endpoints, sums, quota, findings, and on demand the requests."""
    for part in render.change_parts(review):
        _draw(part)
        terminal.print_text()
    if review.plans:
        terminal.draw(render.plan_table(review))
        for paragraph in render.paragraphs(review, today):
            terminal.print_text(f"\n{paragraph}")
        for part in render.quota_parts(review):
            terminal.print_text()
            _draw(part)
    _show_memory(review)
    _show_findings(review.findings)
    if review.approvals:
        terminal.print_text(f"\n{render.approvals_line(review)}")
    if with_bodies:
        for one in review.plans:
            _show_body(one)


def show_finding(finding: Finding) -> None:
    """Where it is and what it is, what settles it, and last the id that a policy knows its rule by."""
    line = terminal.styled(finding.severity.value).append(f" {finding}", style="not bold default")
    if finding.own_fix:
        line.append(f" {finding.own_fix}", style="not bold default")
    terminal.print_text(line.append(f" [{finding.rule}]", style="not bold default dim"))


def _show_memory(review: Review) -> None:
    """The arithmetic of what does not fit, or hardly; what fits is a word in the table."""
    short = [line for line in render.lines_of(review) if line.plan and line.fit and line.fit.verdict in _SHORT]
    shown = render.foremost(short, _MOST_SUMS)
    for line in shown:
        if line.plan and line.fit and (sums := render.arithmetic_lines(line.fit)):
            terminal.print_text()
            terminal.draw_block(f"{line.name} on {line.plan.hardware.spelling}, per GPU", sums)
    if len(short) > len(shown):
        terminal.print_text(f"\nMemory of {len(short) - len(shown)} more is short; `--format html` has the arithmetic.")


def _show_findings(findings: Sequence[Finding]) -> None:
    if findings:
        terminal.print_text()
    left = [finding for finding in findings if finding.severity is Severity.NOTE][_MOST_NOTES:]
    for finding in findings:
        if finding not in left:
            show_finding(finding)
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
