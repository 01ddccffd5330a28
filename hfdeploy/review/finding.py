"""An objection, and everything that a review came to, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hfdeploy.cost import Estimate, estimate_of
from hfdeploy.errors import Problem
from hfdeploy.fit import Fit
from hfdeploy.plan import Plan
from hfdeploy.policy import RULES, Facts, Severity, facts_of
from hfdeploy.quota import Ledger
from hfdeploy.review.delta import Delta
from hfdeploy.spec import EndpointSpec, LoadedSpec
from hfdeploy.usage import Known

__all__ = ["Finding", "Review", "Severity", "finding_of"]


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
    fix: str = ""
    """What settles it, as one imperative."""

    @property
    def own_fix(self) -> str:
        """The fix where the sentence does not say it already: what is shown beside the sentence."""
        is_said = self.fix.removesuffix(".").casefold() in self.sentence.casefold()
        return "" if is_said else self.fix

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
    fits: Mapping[str, Fit] = field(default_factory=dict)
    """Whether each model fits, by endpoint; one that nothing is known of is `unknown` here."""

    ways: Mapping[str, tuple[Fit, ...]] = field(default_factory=dict)
    """The cheapest that would hold a model that does not fit, cheapest first, by endpoint."""

    against: str = ""
    """What the change is measured from: `live`, `state` or a git revision; empty where nothing was compared."""

    deltas: tuple[Delta, ...] = ()
    """What happens to each endpoint, removed ones included; empty without `against`."""

    ledger: Ledger | None = None
    """The quota of the whole change; None where nobody counted."""

    approvals: tuple[str, ...] = ()
    """The groups that have to agree, by the policy's words."""

    usage: Mapping[str, Known] = field(default_factory=dict)
    """How much endpoints are used, where somebody knows; without it nothing is expected of a cost."""

    costs: Mapping[str, Estimate] = field(default_factory=dict)
    """What endpoints cost where it is not what their plan says: one that is paused costs nothing now."""

    audited: str = ""
    """The namespace whose live endpoints were judged; empty where specs were."""

    live: Mapping[str, Facts] = field(default_factory=dict)
    """What they are, by name, of each of them: some can be said in no spec and have no plan."""

    unplanned: tuple[EndpointSpec, ...] = ()
    """Specs of which no plan could be made: what they cost and take is unknown, which is not nothing."""

    unread: tuple[str, ...] = ()
    """Files that cannot be read as specs, so that nobody knows which endpoints are in them; in an audit, endpoints
    whose description cannot be read."""

    def file_of(self, finding: Finding) -> str:
        """The file that a finding stands in; empty for one about something live, which stands in none."""
        is_live = self.audited and finding.file == f"{self.audited}/{finding.endpoint}"
        return "" if is_live else finding.file

    def cost_of(self, plan: Plan) -> Estimate:
        """What the endpoint of a plan costs: by what is known of it, else by its plan and usage."""
        known = self.usage.get(plan.name)
        return self.costs.get(plan.name) or estimate_of(plan, known.usage if known else None)

    @property
    def costs_of_all(self) -> dict[str, Estimate]:
        """What every endpoint costs, by name; what is live has a cost without a plan."""
        return {plan.name: self.cost_of(plan) for plan in self.plans} | dict(self.costs)

    @property
    def facts(self) -> Mapping[str, Facts]:
        """What limits are held against, by endpoint: what is live in an audit, else what the plans ask for."""
        return self.live if self.audited else {plan.name: facts_of(plan) for plan in self.plans}

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Endpoints and files that are in no sum and in no judgement; with one of them no answer is a clean bill."""
        return (*(spec.name for spec in self.unplanned), *self.unread)

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that stop a run."""
        return tuple(finding for finding in self.findings if finding.is_blocking)

    @property
    def remarks(self) -> tuple[Finding, ...]:
        """The findings that are only shown."""
        return tuple(finding for finding in self.findings if not finding.is_blocking)


def finding_of(one: LoadedSpec, rule: str, severity: Severity, field: str, sentence: str, *, fix: str = "") -> Finding:
    """An objection to a field of a spec, with the line it is on; without words of its own, the fix is the rule's."""
    return Finding(rule, severity, one.spec.name, one.file, one.line_of(field), field, sentence, fix or RULES[rule].fix)
