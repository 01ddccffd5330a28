"""Whether a model fits: the table of instances, and the arithmetic line by line."""

from collections.abc import Sequence
from typing import Any

from hfdeploy.catalog import format_rate
from hfdeploy.fit import Arithmetic, Fit, Model, Precision, Weights, gib
from hfdeploy.render.hardware import NOTHING, describe_status, hardware_json
from hfdeploy.render.table import Column, Table

_WORDS = {
    Precision.STORED: "as stored",
    Precision.INT8: "8-bit",
    Precision.INT4: "4-bit",
    Precision.HALF: "16-bit",
    Precision.FULL: "32-bit",
}


def fit_table(fits: Sequence[Fit], *, asked: str = "") -> Table:
    """Every instance with its verdict, in the order given; the one asked for (by catalogue id) is marked."""
    return Table(
        (
            Column(""),
            Column("INSTANCE"),
            Column("PRICE", is_number=True),
            Column("STATUS"),
            Column("QUOTA", is_number=True),
            Column("FIT"),
            Column("WEIGHTS"),
            Column("GPUS PER COPY", is_number=True),
            Column("FREE GIB", is_number=True),
            Column("SEQUENCES", is_number=True),
            Column("LONGEST", is_number=True),
            Column("WHY", is_flexible=True),
        ),
        tuple(_row(fit, asked) for fit in fits),
    )


def ways_table(chosen: Fit, ways: Sequence[Fit]) -> Table:
    """What was chosen, which is marked, above the cheapest that would hold the model; memory is free on each GPU."""
    return Table(
        (
            Column(""),
            Column("INSTANCE"),
            Column("WEIGHTS"),
            Column("PRICE", is_number=True),
            Column("FREE", is_number=True),
            Column("LONGEST", is_number=True),
        ),
        tuple(_way("→ chosen" if fit is chosen else "", fit) for fit in (chosen, *ways)),
    )


def _way(mark: str, fit: Fit) -> tuple[str, ...]:
    return (
        mark,
        fit.hardware.spelling,
        _WORDS[fit.load.precision],
        format_rate(fit.hardware.price_per_hour),
        f"{gib(fit.arithmetic.free)} GiB" if fit.arithmetic else NOTHING,
        f"{fit.longest_context} tokens" if fit.longest_context else NOTHING,
    )


def _row(fit: Fit, asked: str) -> tuple[str, ...]:
    row, sums = fit.hardware, fit.arithmetic
    quota = f"{row.quota.used} of {row.quota.maximum}" if row.quota else "unknown"
    return (
        "→" if row.id == asked else "",
        row.spelling,
        format_rate(row.price_per_hour),
        describe_status(row),
        quota,
        fit.verdict.value,
        _WORDS[fit.load.precision],
        str(fit.tensor) if sums else NOTHING,
        gib(sums.free) if sums else NOTHING,
        NOTHING if fit.full_sequences is None else str(fit.full_sequences),
        NOTHING if not fit.longest_context else str(fit.longest_context),
        fit.sentence,
    )


def arithmetic_lines(fit: Fit) -> list[tuple[str, str]]:
    """Label and text per line, on one GPU; empty where nothing was computed."""
    sums = fit.arithmetic
    if sums is None:
        return []
    share = f"{float(fit.load.utilisation):.2f}"
    lines = [
        ("budget", f"{gib(sums.visible)} GiB visible × {share} = {gib(sums.budget)} GiB"),
        ("− weights", f"{gib(sums.weights)} GiB ({_WORDS[fit.load.precision]}, over {_counted(fit.tensor, 'GPU')})"),
        (
            "− overhead",
            (
                f"{gib(sums.overhead)} GiB (activation {gib(sums.activation)} at {fit.load.batched_tokens} tokens, "
                f"logits {gib(sums.logits)}, runtime {gib(sums.fixed)})"
            ),
        ),
        ("= free", f"{gib(sums.free)} GiB for the cache"),
    ]
    if sums.cache:
        lines.append(("one sequence", f"{gib(sums.cache)} GiB for {fit.max_model_len} tokens"))
        lines.append(("at once", f"{_counted(fit.full_sequences or 0, 'sequence')} of that length"))
        longest = "any length" if fit.longest_context is None else f"{fit.longest_context} tokens"
        lines.append(("longest", longest))
    return [*lines, *(("note", note) for note in fit.notes)]


def describe_model(model: Model) -> list[tuple[str, str]]:
    """What a judgement rests on."""
    weights, shape = model.weights, model.shape
    facts = [
        ("weights", f"{gib(weights.bytes)} GiB{_elements(weights)}"),
    ]
    if shape is not None:
        context = f", context {shape.context}" if shape.context else ""
        facts.append(("shape", f"{shape.architecture}, {shape.heads} heads, hidden {shape.hidden}{context}"))
        facts.append(("attention", str(shape.attention)))
    if model.file:
        facts.append(("file", model.file))
    if model.commit:
        facts.append(("commit", model.commit))
    return facts


def _elements(weights: Weights) -> str:
    """How many of which types; nothing where only the bytes are known."""
    return f" in {weights.parameters:,} elements ({', '.join(weights.dtypes)})" if weights.dtypes else ""


def fit_json(model: Model, fits: Sequence[Fit], *, asked: str = "") -> dict[str, Any]:
    """Everything that the table shows and the arithmetic behind it; memory in bytes, money as decimal text."""
    return {
        "schemaVersion": 1,
        "repository": model.repository,
        "commit": model.commit or None,
        "file": model.file or None,
        "weights_bytes": model.weights.bytes,
        "asked": asked or None,
        "fits": [one_fit_json(fit) for fit in fits],
    }


def one_fit_json(fit: Fit) -> dict[str, Any]:
    """One verdict."""
    return {
        "hardware": hardware_json(fit.hardware),
        "verdict": fit.verdict.value,
        "reason": fit.reason,
        "sentence": fit.sentence,
        "precision": fit.load.precision.value,
        "tensor_parallel": fit.tensor,
        "data_parallel": fit.load.copies,
        "max_model_len": fit.max_model_len,
        "full_sequences": fit.full_sequences,
        "longest_context": fit.longest_context,
        "per_gpu_bytes": fit.arithmetic and _bytes(fit.arithmetic),
        "notes": list(fit.notes),
    }


def _bytes(sums: Arithmetic) -> dict[str, int]:
    """Whole bytes; the parts of the overhead add up to it."""
    overhead, activation, logits = int(sums.overhead), int(sums.activation), int(sums.logits)
    return {
        "visible": int(sums.visible),
        "budget": int(sums.budget),
        "weights": int(sums.weights),
        "overhead": overhead,
        "activation": activation,
        "logits": logits,
        "runtime": overhead - activation - logits,
        "kv_needed": int(sums.cache),
        "free_for_kv": int(sums.free),
    }


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
