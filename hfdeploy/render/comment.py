"""A review as the comment on a pull request: five answers first, what is dangerous, a table; the rest is folded.

What others wrote is shown as they wrote it and does nothing. GitHub refuses a comment of more than 65,536 characters:
long tables are cut to what matters most until the whole of it fits, and say how much was left out.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from hfdeploy.catalog import Catalog, format_rate
from hfdeploy.cost import format_money, format_month
from hfdeploy.fit import FitVerdict
from hfdeploy.quota import CONTACT
from hfdeploy.render.answers import Level, answers
from hfdeploy.render.change import dangers, headline
from hfdeploy.render.fit import arithmetic_lines, ways_table
from hfdeploy.render.lines import Line, foremost, lines_of, total_of
from hfdeploy.render.markup import code, fenced, folded, prose
from hfdeploy.render.plan import paragraphs
from hfdeploy.render.plan_json import describe_secrets
from hfdeploy.render.quota import legend, quota_table
from hfdeploy.render.table import Column, Table
from hfdeploy.render.unjudged import UNKNOWN, asked_instance, count_unjudged, unjudged_sentence
from hfdeploy.review import Finding, Review, Severity

LIMIT: Final = 65_536
"""What GitHub takes, in characters; counted in bytes here, which are never fewer."""

SIZES: Final = (50, 30, 15, 8, 4, 2, 1)
"""Rows of a table, from the first that fits."""

FEW: Final = 10
"""Lines of a list that is not folded."""

_MARKS: Final = {Level.GOOD: "✅", Level.CAUTION: "⚠️", Level.BAD: "❌", Level.UNKNOWN: "❔"}
SEVERITIES: Final = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.NOTE: "ℹ️"}


@dataclass(frozen=True, slots=True)
class Place:
    """What a document says of where the review was made; empty where nobody said."""

    stack: str = ""
    command: str = ""
    """What prints the same review."""


def comment(review: Review, place: Place = Place(), *, today: Catalog | None = None, with_bodies: bool = False) -> str:
    """The Markdown of a review. Its first line is hidden and the same for the same stack, so that CI finds it again."""
    for most in SIZES:
        text = "\n\n".join(_parts(review, place, today, most, with_bodies=with_bodies)) + "\n"
        if len(text.encode()) <= LIMIT:
            return text
    return "\n\n".join(_parts(review, place, None, 1, with_bodies=False)) + "\n"


def _parts(review: Review, place: Place, today: Catalog | None, most: int, *, with_bodies: bool) -> Iterator[str]:
    lines = lines_of(review)
    shown = foremost(lines, most)
    name = re.sub(r"[^\w.-]", "_", place.stack)
    yield f"<!-- hfdeploy:review {name} -->".replace("  ", " ")
    yield f"### {_verdict_line(review)}"
    yield five_answers(review)
    few = min(most, FEW)
    if review.approvals:
        yield f"**approval required: {prose(', '.join(review.approvals))}**"
    if told := capped([prose(one) for one in dangers(review)] if review.against else [], few):
        yield "> [!CAUTION]\n" + "\n".join(f"> - {one}" for one in told)
    if review.blocking:
        yield "**To be settled first**\n\n" + _finding_list(review.blocking, few)
    if shown:
        yield _endpoints(review, shown, len(lines))
    if review.remarks:
        yield folded(f"Warnings and notes ({len(review.remarks)})", _finding_list(review.remarks, most))
    if memory := _memory(review, shown):
        yield folded("Memory, per GPU", memory + left_out(len(lines), len(shown)))
    if quota := _quota(review):
        yield folded("Quota, in accelerators", quota)
    if proofs := _proofs(shown):
        yield folded("How each rollout will be proved", proofs + left_out(len(lines), len(shown)))
    yield folded("What this rests on", _assumptions(review, today, most))
    yield folded("The same again", _reproduced(review, place))
    if with_bodies:
        yield folded("The requests", "\n\n".join(_bodies(shown)) + left_out(len(lines), len(shown)))


def five_answers(review: Review) -> str:
    """The table that comes first."""
    rows = [f"| {_MARKS[one.level]} | **{one.question}** | {prose(one.text)} |" for one in answers(review)]
    return "\n".join(["| | | |", "| --- | --- | --- |", *rows])


def _verdict_line(review: Review) -> str:
    """What happens and what it costs, in a line."""
    if review.against:
        return prose(headline(review))
    number, (_, after) = len(review.plans), total_of(review)
    told = [f"{number} endpoint{'' if number == 1 else 's'}, at most {format_month(after.ceiling)}"]
    told = [*(told if number or not review.unjudged else []), count_unjudged(review)]
    told += [f"{len(review.blocking)} to be settled first"] if review.blocking else []
    return prose("; ".join(filter(None, told)))


def _finding_list(findings: Sequence[Finding], most: int) -> str:
    worst_first = sorted(findings, key=lambda one: list(Severity).index(one.severity))
    return "\n".join(f"- {line}" for line in capped([_finding(one) for one in worst_first], most))


def _finding(one: Finding) -> str:
    where = code(f"{one.file}:{one.line}" if one.line else one.file)
    fix = f" *{prose(one.fix)}*" if one.own_fix else ""
    field = f" {code(one.field)}" if one.field else ""
    return f"{SEVERITIES[one.severity]} {where}{field} {prose(one.sentence)}{fix} ({code(one.rule)})"


def capped(texts: Sequence[str], most: int) -> list[str]:
    """The first of them, and how many more there are."""
    if len(texts) <= most:
        return list(texts)
    return [*texts[:most], f"{len(texts) - most} more are left out here"]


def left_out(all_of_them: int, shown: int) -> str:
    """What a table says below it of the rows that it has not; empty where it has all."""
    if shown >= all_of_them:
        return ""
    return f"\n\nThe {shown} that matter most of {all_of_them}; {all_of_them - shown} are left out here."


def _endpoints(review: Review, shown: Sequence[Line], number: int) -> str:
    is_compared = bool(review.against)
    columns: list[tuple[Column, Callable[[Line], str]]] = [
        (Column("Endpoint"), lambda line: code(line.name, in_cell=True)),
        (Column("Model"), lambda line: code(line.plan.spec.repository, in_cell=True) if line.plan else ""),
        (Column("Instance"), _instance),
        (Column("Replicas", is_number=True), _replicas),
        (Column("Fit"), _fit),
        (Column("Who"), _security),
        (Column("Price", is_number=True), _price),
        (Column("Month", is_number=True), _month),
    ]
    if is_compared:
        columns.insert(1, (Column("Change"), _change))
    head = [f"| {' | '.join(column.title for column, _ in columns)} |"]
    head.append(f"| {' | '.join('---:' if column.is_number else '---' for column, _ in columns)} |")
    rows = [f"| {' | '.join(cell(line) for _, cell in columns)} |" for line in shown]
    return "\n".join([*head, *rows]) + left_out(number, len(shown))


def _instance(line: Line) -> str:
    if line.is_unplanned:
        asked = f"{code(asked_instance(line.unplanned), in_cell=True)}: " if line.unplanned else ""
        return f"{asked}cannot be planned"
    if line.plan is None:
        return ""
    plan = line.plan
    asked = plan.resolution.asked if plan.resolution.asked != plan.hardware.spelling else ""
    label = f" from {code(asked, in_cell=True)}" if asked else ""
    return f"{code(plan.hardware.spelling, in_cell=True)}{label}, {plan.hardware.place}"


def _replicas(line: Line) -> str:
    if line.plan is None:
        return ""
    scaling = line.plan.spec.autoscaling
    asleep = scaling.scale_to_zero_after
    sleeps = f", sleeps after {_duration(asleep)}" if asleep and not scaling.min else ""
    return f"{scaling.min}–{scaling.max}{sleeps}"


def _duration(time: timedelta) -> str:
    """`26 h`, `90 min`."""
    minutes = int(time / timedelta(minutes=1))
    return f"{minutes} min" if minutes % 60 else f"{minutes // 60} h"


def _fit(line: Line) -> str:
    if line.is_unplanned:
        return UNKNOWN
    return line.fit.verdict.value.replace("_", " ") if line.fit and line.plan else ""


def _price(line: Line) -> str:
    if line.is_unplanned:
        return UNKNOWN
    return format_rate(line.after.rate) if line.after else ""


def _security(line: Line) -> str:
    after = line.security.value if line.security else "nobody"
    before = line.delta.exposure.before if line.delta else None
    return f"{before.value} → {after}" if before and before.value != after else after


def _month(line: Line) -> str:
    after = f"{format_money(line.after.floor)}–{format_money(line.after.ceiling)}" if line.after else "nothing"
    if line.after and line.after.rate is None:
        after = "unpriced"
    if line.is_unplanned:
        after = UNKNOWN
    if line.before is None or (line.after and line.before.ceiling == line.after.ceiling):
        return after
    return f"{format_money(line.before.floor)}–{format_money(line.before.ceiling)} → {after}"


def _change(line: Line) -> str:
    told = "; ".join(prose(change) for change in line.delta.changes[:8]) if line.delta else ""
    more = f"; {len(line.delta.changes) - 8} more" if line.delta and len(line.delta.changes) > 8 else ""
    return f"**{line.action_words}**{': ' if told else ''}{told}{more}"


def _memory(review: Review, lines: Sequence[Line]) -> str:
    parts = []
    for line in lines:
        if line.fit is None or line.plan is None:
            continue
        verdict = "no fit" if line.fit.verdict is FitVerdict.NO_FIT else line.fit.verdict.value
        rows = [f"{label:<13} {text}" for label, text in arithmetic_lines(line.fit)]
        parts.append(f"{code(line.name)}: {verdict}. {prose(line.fit.sentence)}")
        parts += [fenced("\n".join(rows), "text")] if rows else []
        if ways := review.ways.get(line.name):
            parts.append(_escaped_table(ways_table(line.fit, ways)))
    return "\n\n".join(parts)


def _quota(review: Review) -> str:
    if review.ledger is None or all(entry.maximum is None for entry in review.ledger.entries):
        return ""
    table = quota_table(review.ledger)
    return f"{_escaped_table(table)}\n\n{legend(review.ledger)}. Quota is permission, not stock; more: <{CONTACT}>."


def _escaped_table(table: Table) -> str:
    head = [f"| {' | '.join(column.title.capitalize() for column in table.columns)} |"]
    head.append(f"| {' | '.join('---:' if column.is_number else '---' for column in table.columns)} |")
    return "\n".join(
        [*head, *(f"| {' | '.join(code(cell, in_cell=True) if cell else '' for cell in row)} |" for row in table.rows)]
    )


def _proofs(lines: Sequence[Line]) -> str:
    rows = [_proof(line) for line in lines if line.plan]
    head = ["| Endpoint | When | Prompt | Expects | Within |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *rows]) if rows else ""


def _proof(line: Line) -> str:
    if line.plan is None:
        return ""
    verify, rollout = line.plan.spec.verify, line.plan.spec.rollout
    prompt = "the default one"
    if verify.prompt is not None:
        prompt = f"sha256 {code(hashlib.sha256(verify.prompt.encode()).hexdigest()[:12])}"
    wants = [f"at most {verify.max_new_tokens} tokens"]
    wants += [code(verify.expect, in_cell=True)] if verify.expect else []
    wants += [f"{verify.min_tokens_per_second:g} tokens/s"] if verify.min_tokens_per_second else []
    wants += ["deeper proof"] if verify.deep else []
    minutes = f"{rollout.timeout.total_seconds() / 60:g} min"
    return f"| {code(line.name, in_cell=True)} | {verify.when.value} | {prompt} | {', '.join(wants)} | {minutes} |"


def _assumptions(review: Review, today: Catalog | None, most: int) -> str:
    said = [prose(text) for text in paragraphs(review, today)] if review.plans else ["No plan could be made."]
    said += [prose(unjudged_sentence(review))] if review.unjudged and not review.plans else []
    utilisation = sorted({f"{float(fit.load.utilisation):.2f}" for fit in review.fits.values() if fit.arithmetic})
    if utilisation:
        said.append(f"Share of GPU memory that engines take: {' and '.join(utilisation)}.")
    return "\n".join(f"- {one}" for one in capped(said, max(most, 4)))


def _reproduced(review: Review, place: Place) -> str:
    bodies = json.dumps([plan.body for plan in review.plans], sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(bodies.encode()).hexdigest()
    told = f"Digest of the requests: `sha256:{digest}`"
    return f"{fenced(place.command, 'sh')}\n\n{told}" if place.command else told


def _bodies(lines: Sequence[Line]) -> Iterator[str]:
    for line in lines:
        if line.plan:
            body = json.dumps(line.plan.body, indent=2, ensure_ascii=False)
            yield f"POST of {code(line.name)}{prose(describe_secrets(line.plan))}:\n\n{fenced(body, 'json')}"
