"""Objections to memory: what the lock file says of a model, against what its spec asks for."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from hfdeploy.catalog import Catalog, format_rate
from hfdeploy.fit import Fit, FitVerdict, Precision, gib, judge_plan, ways_out
from hfdeploy.lock import FILE, Lock
from hfdeploy.plan import Plan
from hfdeploy.review.finding import Finding, Severity, finding_of
from hfdeploy.spec import EndpointSpec, LoadedSpec
from hfdeploy.spec.length import told

_RULES: Final = {
    "weights_exceed_budget": ("weights-exceed-memory", "instance"),
    "kv_pool_too_small": ("kv-cache-too-small", "max_model_len"),
    "heads_not_divisible": ("heads-not-divisible", "instance"),
    "concurrency_too_high": ("concurrency-too-high", "concurrency"),
    "low_headroom": ("low-headroom", "instance"),
}
"""Rule and field by the reason of a verdict."""

MEMORY_RULES: Final = frozenset(rule for rule, _ in _RULES.values())
"""The ids of findings that tell the verdict on an endpoint's memory."""

_POSITIONED: Final = frozenset({"vllm", "sglang", "tgi"})
"""Engines whose length is that of one sequence."""

_EXTENSIONS: Final = re.compile(r"(?<![a-z])rope|hf_overrides|model_override|allow_long|allow_overwrite_longer")
"""What arguments and variables have in their names that stretch a model or let it be stretched."""


def fit_of(plan: Plan, lock: Lock) -> Fit:
    """The verdict by the lock file; `unknown` where it knows nothing of the repository."""
    locked = lock.of(plan.spec)
    if locked is None:
        return judge_plan(plan, None, f"{plan.spec.repository} is not in {FILE}: `hfdeploy lock` asks the Hub.")
    return judge_plan(plan, locked.model, locked.unknown)


def of_length(one: LoadedSpec, fit: Fit, lock: Lock) -> Iterable[Finding]:
    """Sequences that are longer than the model has positions for, unless the spec says how it is made to bear them."""
    locked, length = lock.of(one.spec), fit.load.max_model_len
    most = locked.model.shape.context if locked and locked.model and locked.model.shape else None
    engine = one.spec.engine.type
    if length is None or most is None or length <= most or engine not in _POSITIONED or _extends(one.spec):
        return
    end = " vLLM refuses to start with that." if engine == "vllm" else " Beyond them its answers lose their sense."
    yield finding_of(
        one,
        "context-too-long",
        Severity.WARNING,
        _place(one.spec),
        f"Sequences may have {length} tokens, and {one.spec.repository} has positions for {most} (config.json).{end}",
        fix=f"Set max_model_len to {most} at most, or tell the engine how to scale the positions (rope_scaling).",
    )


def _place(spec: EndpointSpec) -> str:
    """The field that tells the engine its length."""
    said = told(spec.engine, spec.args, spec.env)
    return said[0] if said and spec.max_model_len is None else "max_model_len"


def _extends(spec: EndpointSpec) -> bool:
    return any(stretches(text) for text in (*spec.args, *spec.env))


def stretches(text: str) -> bool:
    """Whether an argument, or the name of a variable, has to do with sequences beyond a model's own length."""
    return _EXTENSIONS.search(text.lower().replace("-", "_")) is not None


def ways_of(spec: EndpointSpec, fit: Fit, lock: Lock, catalog: Catalog) -> tuple[Fit, ...]:
    """The cheapest of its region that would hold what does not fit, cheapest first; empty for all else."""
    locked = lock.of(spec)
    if fit.verdict is not FitVerdict.NO_FIT or locked is None or locked.model is None:
        return ()
    where = [row for row in catalog.rows if (row.vendor, row.region) == (spec.cloud, spec.region)]
    return tuple(ways_out(locked.model, where, fit.load))


def of_memory(one: LoadedSpec, fit: Fit, lock: Lock, out: Sequence[Fit]) -> Iterable[Finding]:
    """What does not start is an error, which names the ways out; what leaves little room is a warning.

    Nothing known is a warning, and no more than a note where nobody has locked anything yet, or every first review
    would cry wolf; a strict policy makes errors of both.
    """
    locked = lock.of(one.spec)
    if fit.verdict is FitVerdict.UNKNOWN:
        weight = Severity.WARNING if lock.beside(one.spec).models else Severity.NOTE
        yield finding_of(one, "fit-unknown", weight, "instance", f"Memory: {fit.sentence}")
        return
    if fit.reason not in _RULES or locked is None or locked.model is None:
        return
    rule, field = _RULES[fit.reason]
    if fit.verdict is FitVerdict.NO_FIT:
        ways = _told(out)
        sentence = f"{one.spec.repository} does not fit: {_shortened(fit.sentence)} {ways}"
        yield finding_of(one, rule, Severity.ERROR, field, sentence, fix=ways if out else "")
    else:
        yield finding_of(one, rule, Severity.WARNING, field, f"Memory is tight: {_shortened(fit.sentence)}")


def _told(ways: Sequence[Fit]) -> str:
    if not ways:
        return "Nothing in this region holds it."
    return f"What fits: {'; '.join(_way(fit) for fit in ways)}."


def _way(fit: Fit) -> str:
    how = {Precision.INT8: " with 8-bit weights", Precision.INT4: " with 4-bit weights"}.get(fit.load.precision, "")
    free = f", {gib(fit.arithmetic.free)} GiB free per GPU" if fit.arithmetic else ""
    return f"{fit.hardware.spelling}{how} at {format_rate(fit.hardware.price_per_hour)}{free}"


def _shortened(sentence: str) -> str:
    return f"{sentence[:1].lower()}{sentence[1:]}"
