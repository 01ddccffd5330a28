"""Findings as workflow commands of GitHub Actions, which puts them on the lines of a change without any right."""

from typing import Final

from hfdeploy.render.text import plain
from hfdeploy.review import Finding, Review, Severity

_COMMANDS: Final = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def annotations(review: Review) -> str:
    """A line per finding, the worst first: GitHub shows ten of a kind for each step, and drops the others.

    Who has to agree comes before the notes, or it would be dropped with them.
    """
    order = list(Severity)
    findings = sorted(review.findings, key=lambda one: order.index(one.severity))
    loud = [_command(one, review.file_of(one)) for one in findings if one.severity is not Severity.NOTE]
    asked = [f"::notice title=approval required::{_data(', '.join(review.approvals))}"] if review.approvals else []
    notes = [_command(one, review.file_of(one)) for one in findings if one.severity is Severity.NOTE]
    return "".join(f"{command}\n" for command in (*loud, *asked, *notes))


def _command(finding: Finding, file: str) -> str:
    about = ": ".join(text for text in (finding.endpoint, finding.rule) if text)
    properties = {"file": file, "line": str(finding.line) if finding.line else "", "title": about}
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value)
    sentence = f"{finding.field}: {finding.sentence}" if finding.field else finding.sentence
    fix = f"\n{finding.own_fix}" if finding.own_fix else ""
    return f"::{_COMMANDS[finding.severity]} {told}::{_data(sentence + fix)}"


def _data(text: str) -> str:
    """A line break would end the command, and what follows be read as another one."""
    return plain(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
