"""An audit as Markdown for an issue or a wiki: the verdict, five answers, what is live; the rest is folded.

Built as the comment of a plan is: what others wrote is shown as they wrote it and does nothing, and long tables are cut
to what matters most until the whole fits.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from hfdeploy.audit import UNTAGGED, Audit, Resident, TagCost
from hfdeploy.cost import format_money
from hfdeploy.fit import FitVerdict
from hfdeploy.render.audit import audit_paragraphs, audit_quota_table, last_used, total_of
from hfdeploy.render.comment import FEW, LIMIT, SEVERITIES, SIZES, capped, five_answers, left_out
from hfdeploy.render.groups import Group, grouped
from hfdeploy.render.markup import code, fenced, folded, prose
from hfdeploy.render.table import markdown
from hfdeploy.render.unjudged import and_unknown, and_unpriced, count_unjudged
from hfdeploy.review import Finding, Severity


def audit_markdown(audit: Audit, tags: Sequence[TagCost], key: str | None = None, *, command: str = "") -> str:
    """All of it. Its first line is hidden and the same for the same namespace, so that CI finds it again."""
    for most in SIZES:
        text = "\n\n".join(_parts(audit, tags, key, most, command)) + "\n"
        if len(text.encode()) <= LIMIT:
            break
    return text


def verdict_line(audit: Audit) -> str:
    """How many, what they cost, and how many findings have to be settled first."""
    number, blocking, total = len(audit.residents), len(audit.review.blocking), total_of(audit)
    told = f"Audit of {audit.namespace}: {number} endpoint{'' if number == 1 else 's'}"
    if number:
        told += f", {format_money(total.floor)} to {and_unknown(total.ceiling, audit.review)} a month"
    settled = f"{blocking} to be settled first" if blocking else "nothing to be settled first"
    return "; ".join(filter(None, [told, count_unjudged(audit.review), settled]))


def _parts(audit: Audit, tags: Sequence[TagCost], key: str | None, most: int, command: str) -> Iterator[str]:
    review = audit.review
    name = re.sub(r"[^\w.-]", "_", audit.namespace)
    yield f"<!-- hfdeploy:audit {name} -->"
    yield f"### {prose(verdict_line(audit))}"
    if not audit.residents and not audit.unreadable:
        return
    yield five_answers(review)
    if review.blocking:
        yield "**To be settled first**\n\n" + _findings(review.blocking, min(most, FEW))
    shown = _foremost(audit, most)
    yield _endpoints(audit, shown)
    if review.remarks:
        yield folded(f"Warnings and notes ({len(review.remarks)})", _findings(review.remarks, most))
    if review.ledger and review.ledger.entries:
        yield folded("Quota, in accelerators", markdown(audit_quota_table(audit)))
    if tags:
        yield folded("Cost by tag", _tags(tags, key, most))
    yield folded("What this rests on", "\n".join(f"- {prose(text)}" for text in audit_paragraphs(audit)))
    if command:
        yield folded("The same again", fenced(command, "sh"))


def _findings(findings: Sequence[Finding], most: int) -> str:
    worst_first = sorted(findings, key=lambda one: list(Severity).index(one.severity))
    return "\n".join(f"- {line}" for line in capped([_finding(one) for one in grouped(worst_first)], most))


def _finding(group: Group) -> str:
    one = group.first
    where = code(one.endpoint or (f"{one.file}:{one.line}" if one.line else one.file))
    place = f"{where} " if group.is_one else ""
    field = f"{code(one.field)} " if one.field else ""
    fix = f" *{prose(group.fix)}*" if group.fix else ""
    who = "" if group.is_one else f" {prose(group.told)}"
    return f"{SEVERITIES[one.severity]} {place}{field}{prose(group.sentence)}{fix} ({code(one.rule)}){who}"


def _foremost(audit: Audit, most: int) -> Sequence[Resident]:
    """Those that matter most, first; all of them by name where they are no more than that."""
    if len(audit.residents) <= most:
        return audit.residents
    blocked = {finding.endpoint for finding in audit.review.blocking}
    return sorted(
        audit.residents,
        key=lambda one: (
            one.name not in blocked,
            not one.activity.is_idle,
            -(one.burnt_per_month or Decimal(0)),
            -(one.cost.ceiling or Decimal(0)),
            one.name,
        ),
    )[:most]


def _endpoints(audit: Audit, shown: Sequence[Resident]) -> str:
    head = "| Endpoint | State | Model | Instance | Replicas | Fit | Who | Last used | Month |\n"
    head += "| --- | --- | --- | --- | ---: | --- | --- | --- | ---: |\n"
    return head + "\n".join(_row(audit, one) for one in shown) + left_out(len(audit.residents), len(shown))


def _row(audit: Audit, one: Resident) -> str:
    scaling, fit = one.live.compute.scaling, audit.review.fits.get(one.name)
    verdict = fit.verdict if fit else FitVerdict.UNKNOWN
    cells = (
        code(one.name, in_cell=True),
        prose(one.live.status.state.value),
        code(one.live.model.repository, in_cell=True),
        f"{code(one.hardware.spelling, in_cell=True)}, {prose(one.hardware.place)}",
        _range(str(scaling.min_replica), str(scaling.max_replica)),
        verdict.value.replace("_", " "),
        prose(one.live.type),
        last_used(audit, one),
        _month(one),
    )
    return f"| {' | '.join(cells)} |"


def _month(one: Resident) -> str:
    if one.cost.rate is None:
        return "unpriced"
    return _range(format_money(one.cost.floor), format_money(one.cost.ceiling))


def _range(least: str, most: str) -> str:
    return least if least == most else f"{least}–{most}"


def _month_of_tag(row: TagCost) -> str:
    month = _range(format_money(row.floor), format_money(row.ceiling))
    return and_unpriced(month, is_something=bool(row.ceiling), is_whole=not row.total.unpriced)


def _tags(tags: Sequence[TagCost], key: str | None, most: int) -> str:
    none = f"no {prose(key)} tag" if key else "no tag"
    rows = [
        f"| {none if row.tag == UNTAGGED else code(row.tag, in_cell=True)} | {len(row.names)} | {_month_of_tag(row)} |"
        for row in tags[:most]
    ]
    head = "| Tag | Endpoints | Month |\n| --- | ---: | ---: |\n"
    return head + "\n".join(rows) + left_out(len(tags), len(rows))
