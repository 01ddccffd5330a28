"""What a careful colleague would object to, before anything is registered or sent.

A plan is a fact, a finding an opinion; blocking ones stop the run, the others are shown beside their endpoint.

specs ─plan→ plans ─rules→ findings: hardware and engine (`hardware`), memory by the lock file (`memory`)
      ─ruling→ the same with what else is known: who can reach it (`exposure`), habits (`hygiene`), a policy
what there was ─change→ deltas, ledger of the quota, and the findings of both: `with_change`
"""

from collections.abc import Sequence
from dataclasses import replace

from hfdeploy.catalog import Catalog
from hfdeploy.errors import UnknownHardware, UsageError
from hfdeploy.fit import Fit
from hfdeploy.lock import Lock, pinned
from hfdeploy.plan import Plan, make_plan
from hfdeploy.review.change import Before, Change, Difference
from hfdeploy.review.delta import Action, Delta, Exposure
from hfdeploy.review.finding import Finding, Review, Severity, finding_of
from hfdeploy.review.hardware import of_accelerator, of_dtype, of_engine, of_instance, of_parallel_sizes
from hfdeploy.review.memory import MEMORY_RULES, fit_of, of_length, of_memory, ways_of
from hfdeploy.review.mending import Mend, mends
from hfdeploy.review.ruling import Budget, ruled, under_policy
from hfdeploy.review.whole import own_change, with_change
from hfdeploy.spec import EndpointSpec, LoadedSpec

__all__ = [
    "MEMORY_RULES",
    "Action",
    "Before",
    "Budget",
    "Change",
    "Delta",
    "Difference",
    "Exposure",
    "Finding",
    "Mend",
    "Review",
    "Severity",
    "mends",
    "own_change",
    "review_specs",
    "ruled",
    "under_policy",
    "with_change",
]


def review_specs(loaded: Sequence[LoadedSpec], catalog: Catalog, lock: Lock = Lock()) -> Review:  # noqa: B008 - frozen
    """Plan every spec by one catalogue, and collect what speaks against it.

    Memory is judged by the lock file alone, so that one commit of the specs always reviews the same.
    """
    plans: list[Plan] = []
    findings: list[Finding] = []
    fits: dict[str, Fit] = {}
    unplanned: list[EndpointSpec] = []
    ways: dict[str, tuple[Fit, ...]] = {}
    for one in loaded:
        try:
            plan = _planned(one.spec, catalog, lock)
        except UnknownHardware as error:
            findings.append(finding_of(one, "unknown-hardware", Severity.ERROR, "instance", str(error)))
            unplanned.append(one.spec)
            continue
        except UsageError as error:
            findings.append(finding_of(one, "no-default-image", Severity.ERROR, "engine.image", str(error)))
            unplanned.append(one.spec)
            continue
        plans.append(plan)
        fits[plan.name] = fit = fit_of(plan, lock)
        findings += [*of_instance(one, plan), *of_engine(one, plan), *of_accelerator(one, plan)]
        if found := ways_of(one.spec, fit, lock, catalog):
            ways[plan.name] = found
        findings += [*of_parallel_sizes(one, plan), *of_dtype(one, plan, fit), *of_length(one, fit, lock)]
        findings += of_memory(one, fit, lock, found)
    return Review(tuple(plans), tuple(findings), fits, ways, unplanned=tuple(unplanned))


def _planned(spec: EndpointSpec, catalog: Catalog, lock: Lock) -> Plan:
    """The request as `up` sends it, at the commit that is locked; the rules are about the spec as its file has it."""
    return replace(make_plan(pinned(spec, lock), catalog), spec=spec)
