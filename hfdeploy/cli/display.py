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
    if review.plans or review.unplanned:
        terminal.draw(render.plan_table(review))
        for paragraph in render.paragraphs(review, today):
            terminal.print_text(f"\n{paragraph}")
        for part in render.quota_parts(review):
            terminal.print_text()
            _draw(part)
    _show_memory(review)
    show_findings(review.findings)
    if review.approvals:
        terminal.print_text(f"\n{render.approvals_line(review)}")
    if with_bodies:
        for one in review.plans:
            _show_body(one)


def show_findings(findings: Sequence[Finding]) -> None:
    """A line each, and one for many alike: where and what it is, what settles it, and the id that a policy knows."""
    if findings:
        terminal.print_text()
    groups = render.grouped(findings)
    left = [group for group in groups if group.first.severity is Severity.NOTE][_MOST_NOTES:]
    for group in groups:
        if group not in left:
            said = " ".join(text for text in (str(group), group.fix) if text)
            line = terminal.styled(group.first.severity.value).append(f" {said}", style="not bold default")
            terminal.print_text(line.append(f" [{group.first.rule}]", style="not bold default dim"))
    if left:
        counts: Counter[str] = Counter()
        for group in left:
            counts[group.first.rule] += len(group.names)
        rules = ", ".join(f"{count} {rule}" for rule, count in sorted(counts.items()))
        terminal.print_text(f"And {counts.total()} more notes ({rules}); `--format json` has all of them.")


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


def _draw(part: str | render.Table) -> None:
    if isinstance(part, str):
        terminal.print_text(part)
    else:
        terminal.draw(part)


def _show_body(one: Plan) -> None:
    terminal.print_text(f"\nPOST of {one.name}{render.describe_secrets(one)}:")
    terminal.write(json.dumps(one.body, indent=2, ensure_ascii=False) + "\n")
