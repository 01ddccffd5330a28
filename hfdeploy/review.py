"""What a careful colleague would object to, before anything is registered or sent. A plan is a fact, a finding an
opinion; blocking ones stop the run, the others are shown beside their endpoint.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hfdeploy.catalog import Catalog
from hfdeploy.errors import UnknownHardware
from hfdeploy.plan import Plan, make_plan
from hfdeploy.spec import LoadedSpec


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection: `rule` is its stable id, `endpoint` the name it is about, `line` counts from 1 (0: whole file)."""

    rule: str
    severity: Severity
    endpoint: str
    file: str
    line: int
    field: str
    sentence: str

    @property
    def is_blocking(self) -> bool:
        """Whether it has to be settled first."""
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field}: {self.sentence}" if self.field else f"{place}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class Review:
    """The plans that could be made, and everything found, in the order of the files."""

    plans: tuple[Plan, ...]
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stop a run."""
        return tuple(finding for finding in self.findings if finding.is_blocking)

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """The findings that are only shown."""
        return tuple(finding for finding in self.findings if not finding.is_blocking)


def review_specs(loaded: Sequence[LoadedSpec], catalog: Catalog) -> Review:
    """Plan every spec by one catalogue, and collect what speaks against it."""
    plans: list[Plan] = []
    findings: list[Finding] = []
    for one in loaded:
        try:
            plan = make_plan(one.spec, catalog)
        except UnknownHardware as error:
            findings.append(_finding(one, "unknown-hardware", Severity.ERROR, "instance", str(error)))
            continue
        plans.append(plan)
        findings += _remarks(one, plan)
    return Review(tuple(plans), tuple(findings))


def _remarks(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    for warning in plan.resolution.warnings:
        yield _finding(one, warning.code, Severity.WARNING, "instance", warning.sentence)
    if plan.spec.engine.type in {"tgi", "tgi_neuron"}:
        yield _finding(
            one,
            "engine-maintenance",
            Severity.WARNING,
            "engine.type",
            "TGI is in maintenance mode since 2025-12-11; vLLM, SGLang and llama.cpp are where its users are sent.",
        )


def _finding(one: LoadedSpec, rule: str, severity: Severity, field: str, sentence: str) -> Finding:
    return Finding(rule, severity, one.spec.name, one.file, one.line_of(field), field, sentence)
