"""The five questions of a reviewer, each answered in a sentence for the whole change: documents begin with them."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Final

from hfdeploy.cost import format_money
from hfdeploy.fit import FitVerdict
from hfdeploy.quota import Entry, QuotaVerdict
from hfdeploy.render.change import leaves_out, signed
from hfdeploy.render.lines import Line, lines_of, total_of
from hfdeploy.render.quota import verdict_of
from hfdeploy.render.text import named
from hfdeploy.render.unjudged import and_unknown, unpriced
from hfdeploy.review import Review, Severity
from hfdeploy.review.memory import MEMORY_RULES
from hfdeploy.review.wording import CALLERS
from hfdeploy.spec import Security

_COST: Final = "What does it cost?"
_NAMED: Final = 5
"""Endpoints that a sentence names; the others are counted."""

_OF_QUOTA: Final = frozenset({"quota-minimum", "quota-maximum"})
_OF_EXPOSURE: Final = frozenset(
    {"public-endpoint", "exposure-widened", "exposure-narrowed", "security-retired", "policy-security"}
)


class Level(StrEnum):
    """How an answer is to be taken."""

    GOOD = "good"
    CAUTION = "caution"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """One question answered; `text` may hold names that others chose."""

    question: str
    level: Level
    text: str


def answers(review: Review) -> tuple[Answer, ...]:
    """Fit, cost, quota, exposure, findings: always these five, in this order."""
    lines = lines_of(review)
    judged = (_fits(lines), _cost(review), _quota(review), _exposure(review, lines))
    return (*(_open(answer, review) for answer in judged), _findings(review))


def _open(answer: Answer, review: Review) -> Answer:
    """No question is answered well for specs that nobody could judge; what was found of the others stays."""
    if not review.unjudged:
        return answer
    level = Level.UNKNOWN if answer.level is Level.GOOD else answer.level
    says_something = review.plans or review.live or (review.against and answer.question == _COST)
    known = f"{answer.text} " if says_something else ""
    return replace(answer, level=level, text=f"{known}Not judged: {named(review.unjudged, _NAMED)}.")


def _fits(lines: Sequence[Line]) -> Answer:
    question = "Does it fit?"
    judged = {line.name: line.fit.verdict if line.fit else FitVerdict.UNKNOWN for line in lines if line.is_there}
    by = {verdict: [name for name, one in judged.items() if one is verdict] for verdict in FitVerdict}
    if not judged:
        return Answer(question, Level.GOOD, "Nothing is deployed by this change.")
    told = [f"{len(by[FitVerdict.FIT])} of {len(judged)} fit"]
    words = {FitVerdict.NO_FIT: "too large", FitVerdict.TIGHT: "tight", FitVerdict.UNKNOWN: "not judged"}
    told += [f"{word}: {named(by[verdict], _NAMED)}" for verdict, word in words.items() if by[verdict]]
    stuck = [line for line in lines if line.name in by[FitVerdict.NO_FIT]]
    if any(_is_in_the_way(line) for line in stuck):
        level = Level.BAD
    elif by[FitVerdict.NO_FIT] or by[FitVerdict.TIGHT]:
        level = Level.CAUTION
    else:
        level = Level.UNKNOWN if by[FitVerdict.UNKNOWN] else Level.GOOD
    return Answer(question, level, f"{'; '.join(told)}.")


def _is_in_the_way(line: Line) -> bool:
    """Whether what does not fit blocks: it may run all the same, or a policy say otherwise."""
    return any(finding.is_blocking and finding.rule in MEMORY_RULES for finding in line.findings)


def _cost(review: Review) -> Answer:
    before, after = total_of(review)
    told = f"{format_money(after.floor)} to {and_unknown(after.ceiling, review)} a month"
    if before is not None and before != after:
        change = after.ceiling - before.ceiling
        more = f": at most {signed(change)}{_percent(change, before.ceiling)}"
        was = f"{format_money(before.floor)} to {format_money(before.ceiling)}"
        told += f", before {was}{'' if review.unjudged else more}"
    told += "."
    without = unpriced(after, review)
    if without:
        told += f" Without a price, and not counted: {named(without, _NAMED)}."
    if review.approvals:
        told += f" Approval required: {', '.join(review.approvals)}."
    needs_care = bool(without or review.approvals)
    return Answer(_COST, Level.CAUTION if needs_care else Level.GOOD, told)


def _percent(change: Decimal, before: Decimal) -> str:
    return f", {change / before * 100:+.0f} %" if before and change else ""


def _quota(review: Review) -> Answer:
    question, ledger = "Is there quota?", review.ledger
    asked = [entry for entry in ledger.entries if entry.need_max] if ledger else []
    if ledger is None or (asked and all(entry.maximum is None for entry in asked)):
        takes = ", ".join(_takes(entry) for entry in asked[:_NAMED])
        who = "All endpoints, unchanged ones included, take" if leaves_out(review) else "It takes"
        needs = f" {who} at most {takes}." if takes else ""
        return Answer(question, Level.UNKNOWN, f"Nobody asked the service for the limits.{needs}")
    if not asked:
        return Answer(question, Level.GOOD, "Nothing is asked for.")
    short = [entry for entry in asked if entry.verdict in {QuotaVerdict.SHORT, QuotaVerdict.SHORT_AT_MAXIMUM}]
    unknown = [entry for entry in asked if entry.verdict is QuotaVerdict.UNKNOWN]
    told = [f"{entry.account.kind} {verdict_of(entry)}" for entry in short]
    told += [f"{_whose(entry, ledger.asked)} unknown" for entry in unknown]
    if _is_stopped(review, _OF_QUOTA):
        level = Level.BAD
    elif short:
        level = Level.CAUTION
    else:
        level = Level.UNKNOWN if unknown else Level.GOOD
    more = [f"{len(told) - _NAMED} more"] if len(told) > _NAMED else []
    text = f"{'; '.join([*told[:_NAMED], *more])}."
    return Answer(question, level, text if told else "Yes, also with every replica up.")


def _whose(entry: Entry, asked: str) -> str:
    """The kind, and of another namespace than the one that was asked about its name."""
    account = entry.account
    return account.kind if account.namespace == asked else f"{account.kind} of {account.namespace}"


def _takes(entry: Entry) -> str:
    return f"{entry.need_max} {entry.account.kind}"


def _exposure(review: Review, lines: Sequence[Line]) -> Answer:
    question, is_stopped = "Who can reach it?", _is_stopped(review, _OF_EXPOSURE)
    open_to = {
        level: [line.name for line in lines if line.security is level]
        for level in (Security.PUBLIC, Security.AUTHENTICATED)
    }
    told = [f"{CALLERS[level.value]}: {named(names, _NAMED)}" for level, names in open_to.items() if names]
    if widened := sum(line.is_widened for line in lines):
        told.append(f"wider than before: {widened} of {len(lines)}")
    text = "; ".join(told) or f"only {CALLERS[Security.PRIVATE.value]}"
    level = Level.CAUTION if told else Level.GOOD
    return Answer(question, Level.BAD if is_stopped else level, f"{text[:1].upper()}{text[1:]}.")


def _is_stopped(review: Review, rules: Collection[str]) -> bool:
    """Whether an answer is in the way: never without a finding that is."""
    return any(finding.rule in rules for finding in review.blocking)


def _findings(review: Review) -> Answer:
    counts = Counter(finding.severity for finding in review.findings)
    told = [f"{counts[one]} {one.value}{'' if counts[one] == 1 else 's'}" for one in Severity if counts[one]]
    if not told:
        return Answer("What was found?", Level.GOOD, "Nothing speaks against it.")
    level = Level.GOOD
    if counts[Severity.WARNING]:
        level = Level.CAUTION
    if counts[Severity.ERROR]:
        level, told = Level.BAD, [*told, "the errors have to be settled first"]
    return Answer("What was found?", level, f"{', '.join(told)}.")
