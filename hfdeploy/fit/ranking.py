"""What a model fits on, cheapest first, and why it does not fit on the rest."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from hfdeploy.catalog import Hardware
from hfdeploy.fit.judgement import judge
from hfdeploy.fit.terms import Fit, FitVerdict, Load, Model
from hfdeploy.fit.weights import Precision

_ORDER = (FitVerdict.FIT, FitVerdict.TIGHT, FitVerdict.UNKNOWN, FitVerdict.NO_FIT)


def rank(model: Model, rows: Iterable[Hardware], load: Load) -> list[Fit]:
    """Every row judged: what fits first, of that what can be ordered, and of that the cheapest."""
    return sorted((judge_best(model, row, load) for row in rows), key=_place)


def judge_best(model: Model, hardware: Hardware, load: Load) -> Fit:
    """The verdict with as many GPUs per copy as the heads allow, where nobody said how many.

    A copy on fewer GPUs holds all weights on those, so that the sum of memory is no argument.
    """
    fit = judge(model, hardware, load)
    if fit.reason != "heads_not_divisible" or load.tensor is not None:
        return fit
    count = hardware.num_accelerators or 1
    for tensor in range(count - 1, 0, -1):
        if count % tensor == 0:
            other = judge(model, hardware, replace(load, tensor=tensor, copies=count // tensor))
            if other.verdict in {FitVerdict.FIT, FitVerdict.TIGHT}:
                return other
    return fit


def ways_out(model: Model, rows: Iterable[Hardware], load: Load, *, most: int = 3) -> list[Fit]:
    """The cheapest ways to make it fit, on hardware that can be ordered: as it is stored, and in eight bits.

    The cheapest without changing the weights is always among them, and of one instance only the way that changes
    least. Four bits are offered only where nothing else fits.
    """
    orderable = [row for row in rows if row.is_orderable]
    as_asked = _fitting(model, orderable, load)
    smaller = _smaller(model, orderable, load, {fit.hardware.id for fit in as_asked})
    cheapest = sorted([*as_asked[1:], *smaller], key=_place)[: most - len(as_asked[:1])]
    return sorted([*as_asked[:1], *cheapest], key=_place)


def _smaller(model: Model, rows: list[Hardware], load: Load, held: set[str]) -> list[Fit]:
    """The ways that make the weights smaller while they are loaded."""
    if model.weights.is_packed or load.precision is not Precision.STORED or load.by_layers:
        return []
    gpus = [row for row in rows if row.accelerator == "gpu" and row.id not in held]
    in_eight = _fitting(model, gpus, replace(load, precision=Precision.INT8))
    return in_eight or ([] if held else _fitting(model, gpus, replace(load, precision=Precision.INT4)))


def _fitting(model: Model, rows: list[Hardware], load: Load) -> list[Fit]:
    """What fits, cheapest first."""
    judged = (judge_best(model, row, replace(load, tensor=None, copies=1)) for row in rows)
    return sorted((fit for fit in judged if fit.verdict is FitVerdict.FIT), key=_place)


def _shrinks(fit: Fit) -> int:
    return list(Precision).index(fit.load.precision)


def _place(fit: Fit) -> tuple[int, bool, Decimal, int, str]:
    price = fit.hardware.price_per_hour
    unpriced = Decimal("Infinity")
    return (
        _ORDER.index(fit.verdict),
        not fit.hardware.is_orderable,
        unpriced if price is None else price,
        _shrinks(fit),
        fit.hardware.id,
    )
