"""What `make faults` says at its end: a row per fault of the catalogue, and the figures of the whole campaign.

A pytest plugin (`-p fault_report`). Tests name their rows with `@pytest.mark.fault(12)` and their figures with
`record_property("kills", 3)`; both travel from the workers of xdist with each report. A fault is shown when a test of
it passed and none failed or was skipped; one that is not shown turns the run red.
"""

import json
import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
CATALOGUE = Path(__file__).parent / "faults" / "catalogue.yaml"
ARTEFACT = Path(".state/faults.json")
DOCUMENT = Path("docs/reliability.md")
README = Path("README.md")
BEGIN, END = "<!-- faults: written by make faults -->", "<!-- /faults -->"

ROWS = "fault_rows"
"""The property that carries a test's rows."""

FIGURES = {
    "faults": "faults injected",
    "kills": "kills",
    "schedules": "schedules",
    "option_pairs": "option combinations",
    "controls": "negative controls",
    "orphans": "orphans",
    "false_successes": "false successes",
    "leaked_canaries": "leaked canaries",
}
"""Properties that are summed up, with their names in the report. One that nobody recorded was not counted."""


@dataclass(frozen=True)
class Fault:
    """A row of the catalogue."""

    number: int
    name: str
    where: list[str]
    not_shown: str = ""


@dataclass
class Campaign:
    """What the tests did, as far as the report needs it."""

    faults: list[Fault]
    rows: dict[str, list[int]] = field(default_factory=dict)
    """The catalogue's rows of each test that ran."""
    outcomes: dict[str, str] = field(default_factory=dict)
    figures: Counter[str] = field(default_factory=Counter)

    def note(self, test: str, phase: str, outcome: str, properties: list[tuple[str, Any]]) -> None:
        """Take in one phase of one test: its worst phase is its outcome, its figures count once."""
        said = dict(properties)
        if ROWS not in said:
            return
        self.rows[test] = list(said[ROWS])
        if outcome != "passed" or (phase == "call" and test not in self.outcomes):
            before = self.outcomes.get(test)
            self.outcomes[test] = "failed" if "failed" in {before, outcome} else outcome
        if phase == "call":
            self.figures.update({name: value for name, value in properties if name in FIGURES})

    def counts(self, number: int) -> Counter[str]:
        """How many tests of one row ended how."""
        return Counter(self.outcomes.get(test, "failed") for test, rows in self.rows.items() if number in rows)

    def is_shown(self, number: int) -> bool:
        """Whether at least one test proved it and none of its tests says otherwise, or nothing."""
        counts = self.counts(number)
        return bool(counts["passed"]) and not counts["failed"] and not counts["skipped"]

    @property
    def missing(self) -> list[Fault]:
        """What was not shown."""
        return [fault for fault in self.faults if not self.is_shown(fault.number)]

    @property
    def unknown(self) -> list[int]:
        """Rows that tests claim to prove and the catalogue does not have."""
        known = {fault.number for fault in self.faults}
        return sorted({number for rows in self.rows.values() for number in rows} - known)

    def table(self) -> list[list[str]]:
        """The rows as text: number, name, where, tests, passed, failed, skipped, shown."""
        lines = []
        for fault in self.faults:
            counts = self.counts(fault.number)
            numbers = [counts.total(), counts["passed"], counts["failed"], counts["skipped"]]
            shown = "yes" if self.is_shown(fault.number) else "NO"
            lines.append([str(fault.number), fault.name, ", ".join(fault.where), *map(str, numbers), shown])
        return lines

    def summary(self) -> str:
        """The last line."""
        tests = Counter(self.outcomes.values())
        shown = len(self.faults) - len(self.missing)
        counted = [f"{number(self.figures[name])} {words}" for name, words in FIGURES.items() if name in self.figures]
        uncounted = [words for name, words in FIGURES.items() if name not in self.figures]
        told = ", ".join(f"{tests[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped"))
        parts = [
            f"{shown} of {len(self.faults)} faults shown",
            f"{len(self.outcomes)} tests ({told})",
            *counted,
        ]
        return ", ".join(parts) + (f"; not counted: {', '.join(uncounted)}" if uncounted else "")

    def as_json(self, when: datetime) -> dict[str, Any]:
        """The same for programs, with every test by name."""
        tests = defaultdict(dict)
        for test, rows in sorted(self.rows.items()):
            for row in rows:
                tests[row][test] = self.outcomes.get(test, "failed")
        return {
            "when": when.isoformat(timespec="seconds"),
            "summary": self.summary(),
            "figures": {name: self.figures[name] for name in FIGURES if name in self.figures},
            "faults": [
                {
                    "number": fault.number,
                    "name": fault.name,
                    "where": fault.where,
                    "shown": self.is_shown(fault.number),
                    "not_shown": fault.not_shown,
                    "tests": tests[fault.number],
                }
                for fault in self.faults
            ],
        }

    def as_markdown(self, when: datetime, took: timedelta) -> str:
        """The document that is kept of a green run."""
        heads = ["", "fault", "where", "tests", "passed"]
        lines = [
            "# What was shown when things went wrong",
            "",
            f"Written by `make faults` on {when:%Y-%m-%d}; every number is of that one run, {length(took)}.",
            "All of it was done to the emulator.",
            "",
            f"{self.summary()}.",
            "",
            "| " + " | ".join(heads) + " |",
            "|" + "---|" * len(heads),
            *("| " + " | ".join(row[:5]) + " |" for row in self.table()),
            "",
            "## What was not shown",
            "",
            "- Anything of this on the real service: every run was on the emulator.",
            *(f"- {fault.name} ({fault.number}): {fault.not_shown}." for fault in self.faults if fault.not_shown),
            *(f"- {words}: no test counted them." for name, words in FIGURES.items() if name not in self.figures),
            "",
        ]
        return "\n".join(lines)


def load_catalogue() -> list[Fault]:
    """The rows of the catalogue, in order."""
    return [Fault(**row) for row in yaml.safe_load(CATALOGUE.read_text("utf-8"))]


def length(took: timedelta) -> str:
    """`which took 52 minutes on 2 processors`."""
    return f"which took {took.total_seconds() / 60:.0f} minutes on {os.cpu_count()} processors"


def number(value: float) -> str:
    """`1,234`, without a point where there is nothing behind it."""
    return f"{int(value):,}" if value == int(value) else f"{value:,.2f}"


def with_block(text: str, block: str) -> str:
    """A document with what stands between the markers replaced; unchanged where it has none."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n{block}\n{end}{after}" if begin and end else text


class Reporter:
    """The hooks: rows onto tests, results into the campaign, the campaign onto the screen and into files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.campaign = Campaign(load_catalogue())
        self.began = datetime.now(UTC)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let each report of a test say what the test is about."""
        for item in items:
            rows = sorted({row for mark in item.iter_markers("fault") for row in mark.args})
            if rows:
                item.user_properties.append((ROWS, rows))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """With xdist this is heard by the controller for all workers."""
        self.campaign.note(report.nodeid, report.when, report.outcome, report.user_properties)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a run red that did not show every fault, and keep what a green one showed."""
        if hasattr(session.config, "workeroutput"):
            return
        when = datetime.now(UTC)
        if (self.campaign.missing or self.campaign.unknown) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        self._write(ARTEFACT, json.dumps(self.campaign.as_json(when), indent=2) + "\n")
        if session.exitstatus == pytest.ExitCode.OK:
            self._write(DOCUMENT, self.campaign.as_markdown(when, when - self.began))
            readme = self.root / README
            if readme.is_file():
                block = f"On {when:%Y-%m-%d}, in a run {length(when - self.began)}: {self.campaign.summary()}."
                readme.write_text(with_block(readme.read_text("utf-8"), block), "utf-8")

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table, what is missing, and the last line."""
        write = terminalreporter.write_line
        terminalreporter.section("faults")
        for row in [["", "fault", "where", "tests", "passed", "failed", "skipped", "shown"], *self.campaign.table()]:
            first, name, where, *rest = row
            write(f"{first:>3}  {name:<46} {where:<14}" + "".join(f" {cell:>7}" for cell in rest))
        for fault in self.campaign.missing:
            write(f"NOT SHOWN: {fault.number} {fault.name}", red=True)
        for row in self.campaign.unknown:
            write(f"NO SUCH ROW in the catalogue: {row}", red=True)
        write(self.campaign.summary())

    def _write(self, file: Path, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """In the controller and in each worker."""
    config.pluginmanager.register(Reporter(config.rootpath), "fault-reporter")
