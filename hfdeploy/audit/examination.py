"""All of it together: what is live becomes one review, with what only an audit knows beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from hfdeploy.audit.activity import read_activity
from hfdeploy.audit.exposure import of_exposure, of_habits, of_revision
from hfdeploy.audit.holding import count_held, of_ledger
from hfdeploy.audit.live import placed, project_live, with_live
from hfdeploy.audit.resident import Resident
from hfdeploy.audit.waste import found, of_fit, of_idle, of_load, of_state
from hfdeploy.catalog import Catalog
from hfdeploy.fit import Fit, FitVerdict
from hfdeploy.lock import Lock, Locked, gguf_of, key_of
from hfdeploy.plan import ENGINE_KEYS, Plan
from hfdeploy.policy import RULES, LoadedPolicy
from hfdeploy.review import Finding, Review, Severity, review_specs, under_policy
from hfdeploy.spec import LoadedSpec
from hfdeploy.usage import Known, Load
from hfdeploy.wire import Endpoint


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of endpoints beside what the list says, by name; of one that is missing nothing is."""

    known: Mapping[str, Known] = field(default_factory=dict)
    loads: Mapping[str, Load] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    """Requests since the replicas started."""

    unknown: Mapping[str, str] = field(default_factory=dict)
    """Why nothing is known of the usage, where somebody asked."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything live in a namespace."""

    namespace: str
    at: datetime
    idle_days: int
    catalog: Catalog
    """What it was judged by, hardware included that is listed no more."""

    review: Review
    """Plans, findings, fits, ledger and costs, as every output of a review takes them."""

    residents: tuple[Resident, ...]
    """Sorted by name: all that are live, those too that no spec can be made of and that are in no plan."""

    evidence: Evidence
    unreadable: tuple[str, ...] = ()
    """Names of endpoints whose description cannot be read, so that not even their cost is known."""


def examine(
    namespace: str,
    endpoints: Iterable[Endpoint],
    *,
    catalog: Catalog,
    lock: Lock,
    now: datetime,
    idle_days: int,
    evidence: Evidence,
    unreadable: Sequence[str] = (),
    policy: LoadedPolicy | None = None,
) -> Audit:
    """Judge what is live. `lock` says what the models are, by repository and commit."""
    live = sorted(endpoints, key=lambda one: one.name)
    known = with_live(catalog, live)
    residents = tuple(_resident(namespace, one, known, now, idle_days, evidence) for one in live)
    loaded = [one.loaded for one in residents if one.loaded is not None]
    models = lock_for(loaded, lock)
    review = review_specs(loaded, known, models)
    ledger = count_held(namespace, residents, known)
    by_name = {one.name: one for one in residents}
    plans = {plan.name: plan for plan in review.plans}
    findings = [
        _as_it_runs(finding, by_name[finding.endpoint])
        for finding in review.findings
        if not _is_of_no_lock(finding, review.fits, models, plans)
    ]
    for one in residents:
        findings += _of_resident(one, plans.get(one.name), review.fits.get(one.name), models, known)
    findings += of_ledger(ledger, by_name)
    findings += [_unreadable(namespace, name) for name in unreadable]
    review = replace(
        review,
        findings=tuple(findings),
        ledger=ledger,
        fits={name: _of_its_engine(fit, by_name[name]) for name, fit in review.fits.items()},
        usage={one.name: one.known for one in residents if one.known is not None},
        costs={one.name: one.cost for one in residents},
        audited=namespace,
        live={one.name: one.facts for one in residents},
        unplanned=(),  # nobody asks for them: they are there, with all that they cost
        unread=tuple(unreadable),
    )
    review = _ruled(review, loaded, now, policy)
    return Audit(namespace, now, idle_days, known, review, residents, evidence, tuple(unreadable))


def _ruled(review: Review, loaded: Sequence[LoadedSpec], now: datetime, policy: LoadedPolicy | None) -> Review:
    """The review under a policy, which has the last word; sorted by name and weight."""
    judged = under_policy(review, loaded, today=now.date(), policy=policy)
    by_weight = sorted(judged.findings, key=lambda one: (one.endpoint, list(Severity).index(one.severity), one.rule))
    return replace(judged, findings=tuple(by_weight))


def _of_its_engine(fit: Fit, one: Resident) -> Fit:
    """An engine that is not known here was judged as a custom container; the reason names it."""
    engine = one.live.model.engine
    if engine in ENGINE_KEYS.values():
        return fit
    return replace(fit, sentence=f"{engine or 'No engine in the reply, so it'} is not known to this release.")


def lock_for(loaded: Iterable[LoadedSpec], lock: Lock) -> Lock:
    """The lock's entries under the names of live endpoints, which have a commit where specs often have none."""
    models: dict[str, Locked] = {}
    for one in loaded:
        spec = one.spec
        if entry := lock.at(spec.repository, spec.revision, gguf_of(spec) or ""):
            models[key_of(spec)] = entry
    return Lock(models)


def _resident(
    namespace: str, live: Endpoint, catalog: Catalog, now: datetime, idle_days: int, evidence: Evidence
) -> Resident:
    projection, load = project_live(namespace, live), evidence.loads.get(live.name)
    counted = evidence.counted.get(live.name)
    return Resident(
        namespace,
        live,
        placed(live, catalog),
        read_activity(live, now, idle_days=idle_days, load=load, counted=counted),
        projection.loaded,
        projection.unjudged,
        evidence.known.get(live.name),
        load,
    )


def _of_resident(
    one: Resident, plan: Plan | None, fit: Fit | None, models: Lock, catalog: Catalog
) -> Iterator[Finding]:
    yield from of_exposure(one)
    yield from of_revision(one)
    yield from of_habits(one, plan)
    yield from of_idle(one)
    yield from of_state(one)
    yield from of_load(one)
    locked = models.of(plan.spec) if plan else None
    if plan and locked and locked.model and fit and fit.verdict in {FitVerdict.FIT, FitVerdict.TIGHT}:
        yield from of_fit(one, plan, locked.model, catalog)
    for sentence in one.unjudged:
        yield found(one, "not-judged", Severity.NOTE, "", f"{sentence[:1].upper()}{sentence[1:]}.")


def _is_of_no_lock(finding: Finding, fits: Mapping[str, Fit], models: Lock, plans: Mapping[str, Plan]) -> bool:
    """Whether a finding only says that nobody can judge the memory of such an engine, or that nobody has locked the
    repository, which is the author's to do: both are said once for all."""
    if finding.rule != "fit-unknown":
        return False
    return fits[finding.endpoint].reason == "unknown_engine" or models.of(plans[finding.endpoint].spec) is None


def _as_it_runs(finding: Finding, one: Resident) -> Finding:
    """What blocks a spec is no more than a warning about something that does run."""
    if not (finding.is_blocking and one.is_serving):
        return finding
    doubt = "It runs all the same, so something assumed here is not so; its next start may tell."
    return replace(finding, severity=Severity.WARNING, sentence=f"{finding.sentence} {doubt}")


def _unreadable(namespace: str, name: str) -> Finding:
    sentence = "The service's description of it cannot be read, so it is not judged and its cost is not in the sums."
    fix = RULES["unreadable"].fix
    return Finding("unreadable", Severity.WARNING, name, f"{namespace}/{name}", 0, "", sentence, fix)
