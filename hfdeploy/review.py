"""What a careful colleague would object to, before anything is registered or sent. A plan is a fact, a finding an
opinion; blocking ones stop the run, the others are shown beside their endpoint.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hfdeploy.catalog import Catalog
from hfdeploy.errors import Problem, UnknownHardware, UsageError
from hfdeploy.plan import ENGINE_KEYS, ParallelSizes, Plan, contradicted, make_plan
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

    @property
    def problem(self) -> Problem:
        """The same as a problem of its file, to be listed with those of others."""
        return Problem(self.file, self.line, self.field, self.sentence)

    def __str__(self) -> str:
        return str(self.problem)


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
        except UsageError as error:
            findings.append(_finding(one, "no-default-image", Severity.ERROR, "engine.image", str(error)))
            continue
        plans.append(plan)
        findings += [*_of_instance(one, plan), *_of_engine(one, plan), *_of_accelerator(one, plan)]
        findings += _of_parallel_sizes(one, plan)
    return Review(tuple(plans), tuple(findings))


def _of_instance(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    # Deprecated and unavailable hardware is no error here, although a new endpoint cannot have it: one that runs on
    # it may stay, only what is live tells the two apart, and a finding that blocks would stop every run of a stack on
    # the day its hardware is retired. The service itself refuses the new endpoint, and nothing is billed for that.
    for warning in plan.resolution.warnings:
        yield _finding(one, warning.code, Severity.WARNING, "instance", warning.sentence)


def _of_engine(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    if plan.spec.engine.type in {"tgi", "tgi_neuron"}:
        yield _finding(
            one,
            "engine-maintenance",
            Severity.WARNING,
            "engine.type",
            "TGI is in maintenance mode since 2025-12-11; vLLM, SGLang and llama.cpp are where its users are sent.",
        )


def _of_accelerator(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    """Neuron engines run on Neuron hardware only, and nothing else runs there; a custom container is its own affair."""
    engine, accelerator = plan.spec.engine.type, plan.hardware.accelerator
    is_neuron = engine.endswith("_neuron")
    if engine == "custom" or is_neuron == (accelerator == "neuron"):
        return
    other = engine.removesuffix("_neuron") if is_neuron else f"{engine}_neuron"
    sentence = f"{engine} does not run on {plan.hardware.spelling}, which has {accelerator} accelerators"
    if accelerator == "cpu":
        sentence = f"{engine} does not run on {plan.hardware.spelling}, which is a CPU"
    way_out = f"use {other} there, or another instance" if is_neuron or other in ENGINE_KEYS else "use another instance"
    yield _finding(one, "engine-hardware", Severity.ERROR, "engine.type", f"{sentence}: {way_out}.")


def _of_parallel_sizes(one: LoadedSpec, plan: Plan) -> Iterable[Finding]:
    shared = plan.parallel_sizes
    if shared is None:
        return
    there = f"{plan.hardware.spelling} has {shared.accelerators} accelerator{'s' if shared.accelerators > 1 else ''}"
    if not shared.is_whole:
        asked = [f"engine.{name}" for name in shared.sizes if getattr(plan.spec.engine, name) is not None]
        sentence = (
            f"{_multiplied(shared)}, but {there}, and the service refuses sizes that do not multiply to "
            f"{shared.accelerators}. Change {' or '.join(asked)}, or leave every size out and all of them are used."
        )
        yield _finding(one, "parallel-sizes", Severity.ERROR, asked[0], sentence)
    for position, flag, name in contradicted(plan.spec.args, plan.spec.engine.type, shared):
        sentence = (
            f"{flag} gives another {name} than the request, which says {shared.sizes[name]} ({there}), and the service "
            f"counts only the request's. Take the argument out, or say it as engine.{name}."
        )
        yield _finding(one, "parallel-sizes", Severity.ERROR, f"args.{position}", sentence)


def _multiplied(shared: ParallelSizes) -> str:
    if len(shared.sizes) == 1:
        return f"{next(iter(shared.sizes))} is {shared.product}"
    return f"{' times '.join(f'{name} {size}' for name, size in shared.sizes.items())} is {shared.product}"


def _finding(one: LoadedSpec, rule: str, severity: Severity, field: str, sentence: str) -> Finding:
    return Finding(rule, severity, one.spec.name, one.file, one.line_of(field), field, sentence)
