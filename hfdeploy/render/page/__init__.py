"""A review as one page that needs nothing else: no other file, no network, and scripts for its filters alone.

The template escapes everything; `page.css` and `page.js` are put into it whole and are named by their digests in the
page's own security policy, so that a browser runs and loads nothing that somebody slipped into a name.
"""

import hashlib
import json
from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from hfdeploy.catalog import Catalog, format_rate
from hfdeploy.cost import Estimate, Total, format_money
from hfdeploy.quota import CONTACT, Entry
from hfdeploy.render.answers import Level, answers
from hfdeploy.render.change import dangers, headline, signed
from hfdeploy.render.comment import Place
from hfdeploy.render.fit import arithmetic_lines, ways_table
from hfdeploy.render.lines import MOST_SHOWN, Line, ceiling_delta, foremost, lines_of, total_of
from hfdeploy.render.page.bars import Segment, cost_scale, cost_segments, limit_mark, memory_bar, quota_segments
from hfdeploy.render.plan import paragraphs
from hfdeploy.render.quota import about_regions, entries_shown, verdict_of
from hfdeploy.render.table import Table
from hfdeploy.render.text import plain_line
from hfdeploy.render.unjudged import UNKNOWN, asked_instance, count_unjudged, unjudged_sentence
from hfdeploy.review import Review, Severity

_MARKS: Final = {Level.GOOD: "✓", Level.CAUTION: "!", Level.BAD: "✕", Level.UNKNOWN: "?"}
_WORDS: Final = {Level.GOOD: "fine", Level.CAUTION: "needs a look", Level.BAD: "in the way", Level.UNKNOWN: "not known"}
_SEVERITIES: Final = {Severity.ERROR: "✕", Severity.WARNING: "!", Severity.NOTE: "i"}

_JUDGED_SHOWN: Final = 12
"""Endpoints whose memory is drawn at once."""


@dataclass(frozen=True, slots=True)
class CostRow:
    """A bar per endpoint or for all together, with the same in words."""

    name: str
    before: tuple[Segment, ...]
    after: tuple[Segment, ...]
    before_words: str
    after_words: str
    change: str


@dataclass(frozen=True, slots=True)
class Beside:
    """What a page shows beside its review: an audit knows more of what is live than rules judge."""

    title: str
    tables: tuple[tuple[str, Table], ...]
    said: tuple[str, ...]
    """What it rests on."""


def page(
    review: Review,
    place: Place = Place(),  # noqa: B008 - frozen
    *,
    today: Catalog | None = None,
    beside: Beside | None = None,
) -> str:
    """The whole page. What does not matter most is in it, too, folded."""
    lines = lines_of(review)
    shown, others = _parted(lines, MOST_SHOWN)
    judged, judged_too = _parted([line for line in lines if line.fit and line.plan], _JUDGED_SHOWN)
    before, after = total_of(review)
    entries = entries_shown(review.ledger) if review.ledger else ()
    css, script = _text("page.css"), _text("page.js")
    return _template().render(
        title=beside.title if beside else f"Review of {place.stack or 'endpoints'}",
        audited=review.audited,
        tables=beside.tables if beside else (),
        headline=headline(review) if review.against else "",
        verdict=_verdict(review),
        policy=f"default-src 'none'; style-src {_digest(css)}; script-src {_digest(script)}; base-uri 'none'; "
        "form-action 'none'",
        css=Markup(css),  # noqa: S704 - ours, from the package
        script=Markup(script),  # noqa: S704 - the same
        answers=answers(review),
        marks=_MARKS,
        level_words=_WORDS,
        severity_marks=_SEVERITIES,
        dangers=list(dangers(review)) if review.against else [],
        approvals=review.approvals,
        is_compared=bool(review.against),
        lines=shown,
        judged=judged,
        judged_too=judged_too,
        others=others,
        total=_total_row(review, before, after),
        costs=_costs(shown, is_compared=bool(review.against)),
        ticks=_ticks(shown),
        quotas=[_quota(entry) for entry in entries],
        is_quota_known=any(entry.maximum is not None for entry in entries),
        contact=CONTACT,
        about_regions=about_regions(review.ledger) if review.ledger else "",
        findings=sorted(review.findings, key=lambda one: list(Severity).index(one.severity)),
        counts=Counter(finding.severity for finding in review.findings),
        endpoints=sorted({finding.endpoint for finding in review.findings if finding.endpoint}),
        said=[plain_line(text) for text in (beside.said if beside else _said(review, today))],
        command=place.command,
        digest=_requests_digest(review),
        severities=list(Severity),
        memory_bar=memory_bar,
        asked_instance=asked_instance,
        arithmetic_lines=arithmetic_lines,
        ways=review.ways,
        ways_table=ways_table,
        format_money=format_money,
        format_rate=format_rate,
    )


def _said(review: Review, today: Catalog | None) -> list[str]:
    if review.plans:
        return paragraphs(review, today)
    return [unjudged_sentence(review)] if review.unjudged else []


def _parted(lines: Sequence[Line], most: int) -> tuple[Sequence[Line], Sequence[Line]]:
    """Those that matter most, and the others, which are folded."""
    first = foremost(lines, most)
    names = {line.name for line in first}
    return first, [line for line in lines if line.name not in names]


def _verdict(review: Review) -> dict[str, Any]:
    """The word over everything."""
    if number := len(review.blocking):
        told = f"{number} finding{'' if number == 1 else 's'} to be settled first"
        return {"level": Level.BAD, "text": "; ".join(filter(None, [told, count_unjudged(review)]))}
    if review.approvals:
        return {"level": Level.CAUTION, "text": f"Approval required: {', '.join(review.approvals)}"}
    if any(one.level is not Level.GOOD for one in answers(review)):
        return {"level": Level.CAUTION, "text": "Nothing is in the way; some of it wants a look"}
    return {"level": Level.GOOD, "text": "Nothing is in the way"}


def _costs(lines: Sequence[Line], *, is_compared: bool) -> list[CostRow]:
    scale = _scale(lines)
    return [_cost_row(line.name, line.before, line.after, scale, is_compared=is_compared, line=line) for line in lines]


def _cost_row(
    name: str,
    before: Estimate | Total | None,
    after: Estimate | Total | None,
    scale: Decimal,
    *,
    is_compared: bool,
    line: Line | None = None,
) -> CostRow:
    if line is not None:
        change = ceiling_delta(line)
    else:
        change = (after.ceiling if after and after.ceiling else Decimal(0)) - (
            before.ceiling if before and before.ceiling else Decimal(0)
        )
    return CostRow(
        name,
        cost_segments(before, scale),
        cost_segments(after, scale),
        _range(before) if is_compared else "",
        UNKNOWN if line is not None and line.is_unplanned else _range(after),
        _changed(change, line) if is_compared else "",
    )


def _changed(change: Decimal, line: Line | None) -> str:
    if line is not None and line.is_unplanned:
        return UNKNOWN
    return signed(change) if change else ""


def _total_row(review: Review, before: Total | None, after: Total) -> CostRow:
    """The sum, which is not all of it where something could not be judged."""
    row = _cost_row("All together", before, after, cost_scale([before, after]), is_compared=bool(review.against))
    if not review.unjudged:
        return row
    return replace(row, after_words=f"{row.after_words} + {UNKNOWN}", change=UNKNOWN if review.against else "")


def _range(cost: Estimate | Total | None) -> str:
    if cost is None:
        return "nothing"
    if cost.floor is None or cost.ceiling is None:
        return "unpriced"
    if cost.floor == cost.ceiling:
        return format_money(cost.floor)
    return f"{format_money(cost.floor)} – {format_money(cost.ceiling)}"


def _scale(lines: Sequence[Line]) -> Decimal:
    return cost_scale([cost for line in lines for cost in (line.before, line.after)])


def _ticks(lines: Sequence[Line]) -> list[tuple[int, str]]:
    """Five places of the scale, in percent, with their amounts."""
    scale = _scale(lines)
    return [(percent, f"${scale * percent / 100:,.0f}") for percent in (0, 25, 50, 75, 100)]


def _quota(entry: Entry) -> dict[str, Any]:
    return {
        "account": str(entry.account).removeprefix(": "),
        "entry": entry,
        "segments": quota_segments(entry),
        "verdict": verdict_of(entry),
        "limit": limit_mark(entry),
    }


def _requests_digest(review: Review) -> str:
    bodies = json.dumps([plan.body for plan in review.plans], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(bodies.encode()).hexdigest()


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _text(name: str) -> str:
    return (resources.files("hfdeploy.render.page") / name).read_text(encoding="utf-8")


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("hfdeploy.render", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"line": plain_line, "arrows": lambda text: text.replace("->", "→")}
    return environment.get_template("page.html.j2")
