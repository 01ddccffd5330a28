"""One endpoint of a review with all that is known of it, and which of them matter most."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hfdeploy.cost import Estimate, Total, add_up
from hfdeploy.fit import Fit, FitVerdict
from hfdeploy.plan import Plan
from hfdeploy.policy import Facts
from hfdeploy.render.change import totals
from hfdeploy.render.unjudged import action_words
from hfdeploy.review import Action, Delta, Finding, Review
from hfdeploy.review.exposure import level_of
from hfdeploy.spec import EndpointSpec, Security

MOST_SHOWN = 50
"""Endpoints that a table for people has; what does not matter most is counted below it."""

_OPENNESS = {None: 0, Security.PRIVATE: 0, Security.AUTHENTICATED: 1, Security.PUBLIC: 2}


@dataclass(frozen=True, slots=True)
class Line:
    """One endpoint: of the specs, of the change, or of both."""

    name: str
    plan: Plan | None
    """None for one that is removed, of which no plan could be made, or that is live and can be said in no spec."""

    delta: Delta | None
    """None where nothing was compared."""

    fit: Fit | None
    findings: tuple[Finding, ...]
    cost: Estimate | None = None
    """What it costs by its plan and what is known of its use, or as it is live; None without either."""

    unplanned: EndpointSpec | None = None
    """Its spec, where no plan could be made of that."""

    live: Facts | None = None
    """What it is, in an audit."""

    @property
    def is_there(self) -> bool:
        """Whether it is deployed by the change, or live already."""
        return self.plan is not None or self.live is not None

    @property
    def action(self) -> str:
        """`create`, `replace` and so on; empty where nothing was compared."""
        return self.delta.action.value if self.delta else ""

    @property
    def action_words(self) -> str:
        """The same for people."""
        return action_words(self.delta.action) if self.delta else ""

    @property
    def is_unplanned(self) -> bool:
        """Whether nobody can tell what becomes of it."""
        return self.unplanned is not None or (self.delta is not None and self.delta.action is Action.UNPLANNED)

    @property
    def before(self) -> Estimate | None:
        """What it costs now; None for a new one and where nothing was compared."""
        return self.delta.before if self.delta else None

    @property
    def after(self) -> Estimate | None:
        """What it will cost; None for one that is removed."""
        if self.delta is not None:
            return self.delta.after
        return self.cost

    @property
    def is_widened(self) -> bool:
        """Whether somebody will reach it who could not before; a new one counts from nobody."""
        if self.delta is None:
            return False
        return _OPENNESS[self.delta.exposure.after] > _OPENNESS[self.delta.exposure.before]

    @property
    def security(self) -> Security | None:
        """Who will reach it; None where nothing is left to reach. What is live says it itself."""
        if self.live is not None:
            return level_of(self.live.security)
        if self.delta is not None:
            return self.delta.exposure.after
        spec = self.plan.spec if self.plan else self.unplanned
        return spec.security if spec else None


def lines_of(review: Review) -> tuple[Line, ...]:
    """Every endpoint, in the order of the specs; what goes comes last. Unchanged ones without a plan are left out."""
    plans = {plan.name: plan for plan in review.plans}
    deltas = {one.name: one for one in review.deltas}
    found: dict[str, list[Finding]] = defaultdict(list)
    for finding in review.findings:
        found[finding.endpoint].append(finding)
    changed = [one.name for one in review.deltas if one.action is not Action.UNCHANGED]
    unplanned = {spec.name: spec for spec in review.unplanned}
    costs = review.costs_of_all
    return tuple(
        Line(
            name,
            plans.get(name),
            deltas.get(name),
            review.fits.get(name),
            tuple(found[name]),
            costs.get(name),
            unplanned.get(name),
            review.live.get(name),
        )
        for name in dict.fromkeys([*review.live, *plans, *unplanned, *changed])
    )


def foremost(lines: Sequence[Line], most: int = MOST_SHOWN) -> tuple[Line, ...]:
    """Those that matter most, first; all of them in their own order where they are no more than that."""
    return tuple(lines) if len(lines) <= most else tuple(sorted(lines, key=_weight)[:most])


def total_of(review: Review) -> tuple[Total | None, Total]:
    """What all endpoints cost together, before (None where nothing was compared) and after."""
    if review.against:
        return totals(review)
    return None, add_up(review.costs_of_all)


def ceiling_delta(line: Line) -> Decimal:
    """How much more its dearest month costs; the whole of it where nothing was compared, 0 where no price is known."""
    before = line.before.ceiling if line.before else Decimal(0)
    after = line.after.ceiling if line.after else Decimal(0)
    return Decimal(0) if before is None or after is None else after - before


def _weight(line: Line) -> tuple[object, ...]:
    """Smaller is more important; the name makes the order one and the same each time."""
    is_blocked = any(finding.is_blocking for finding in line.findings)
    does_not_fit = line.fit is not None and line.fit.verdict is FitVerdict.NO_FIT
    is_dangerous = line.action in {Action.DELETE, Action.REPLACE} or line.is_widened
    is_unpriced = line.after is not None and line.after.rate is None
    return (
        not (is_blocked or does_not_fit),
        not is_dangerous,
        not is_unpriced,
        -abs(ceiling_delta(line)),
        -len(line.findings),
        line.name,
    )
