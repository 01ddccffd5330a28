"""A review as a JUnit report: a case per endpoint and question, so that CI shows by name what stopped a change."""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as Tree

from hfdeploy.fit import FitVerdict
from hfdeploy.render.lines import Line, lines_of
from hfdeploy.render.plan import approvals_line
from hfdeploy.render.text import plain
from hfdeploy.review import MEMORY_RULES, Finding, Review


@dataclass(frozen=True, slots=True)
class _Case:
    group: str
    name: str
    failure: Finding | None = None
    skipped: str = ""
    told: str = ""


def junit(review: Review) -> str:
    """Blocking findings are failures; memory that nobody can judge is skipped, since it is neither good nor bad.

    Warnings and notes pass and are in the output of their case. A review measures nothing, so no case has a time.
    """
    cases = list(_cases(review))
    failures = sum(case.failure is not None for case in cases)
    skipped = sum(bool(case.skipped) for case in cases)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": "0"}
    name = "hfdeploy audit" if review.audited else "hfdeploy plan"
    root = Tree.Element("testsuites", {"name": name, **counts})
    suite = Tree.SubElement(root, "testsuite", {"name": name, **counts, "skipped": str(skipped)})
    for case in cases:
        _append(suite, case)
    Tree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{Tree.tostring(root, encoding="unicode")}\n'


def _cases(review: Review) -> Iterator[_Case]:
    known = {line.name: line for line in lines_of(review)}
    for line in known.values():
        if line.is_there:
            yield from _memory(line)
            if not line.findings:
                yield _Case(line.name, "review")
    for finding in review.findings:
        group = finding.endpoint or finding.file or "all endpoints"
        if finding.is_blocking:
            yield _Case(group, finding.rule, failure=finding)
        else:
            yield _Case(group, finding.rule, told=f"{finding.severity.value}: {finding} {finding.own_fix}".strip())
    if review.approvals:
        # Nothing fails: the exit code of a plan is 0 as well, and whoever merges acts on the line.
        yield _Case("all endpoints", "approval", told=approvals_line(review))


def _memory(line: Line) -> Iterator[_Case]:
    """How much it takes, where no finding says so: one that fails must not have a twin that passes."""
    if line.fit is None or line.fit.verdict is FitVerdict.UNKNOWN:
        why = line.fit.sentence if line.fit else "Nobody looked."
        yield _Case(line.name, "memory", skipped=f"unknown: {why}")
    elif not any(finding.rule in MEMORY_RULES for finding in line.findings):
        yield _Case(line.name, "memory", told=f"{line.fit.verdict.value}: {line.fit.sentence}")


def _append(suite: Tree.Element, case: _Case) -> None:
    element = Tree.SubElement(suite, "testcase", {"classname": _clean(case.group), "name": _clean(case.name)})
    if case.failure is not None:
        finding = case.failure
        # A fix at the end of a sentence is in the text alone, which has all of it.
        message = finding.sentence.removesuffix(finding.fix).rstrip() or finding.sentence
        attributes = {"type": _clean(finding.rule), "message": _clean(message)}
        failure = Tree.SubElement(element, "failure", attributes)
        failure.text = _clean("\n".join(text for text in (str(finding), finding.own_fix) if text))
    if case.skipped:
        Tree.SubElement(element, "skipped", {"message": _clean(case.skipped)})
    if case.told:
        Tree.SubElement(element, "system-out").text = _clean(case.told)


def _clean(text: str) -> str:
    """XML has no way to say most control characters, nor the two signs that Unicode calls none."""
    return "".join(sign for sign in plain(text) if sign not in "\ufffe\uffff")
