"""What is live, against what the specs want. The service is read and never written to."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic.alias_generators import to_snake

from hfdeploy.baseline.target import Goal, Target
from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.diff import REPLACES, changed_fields, compare, is_same_link, project, replaced
from hfdeploy.errors import OwnershipError
from hfdeploy.owner import KEEP, is_ours, logical_name_of, require_ours
from hfdeploy.provider.goal import with_commit
from hfdeploy.provider.masking import masked
from hfdeploy.provider.props import spec_fields
from hfdeploy.quota import Account, Limits
from hfdeploy.review.change import Before, Change, Difference, of_hardware
from hfdeploy.review.delta import RESUME
from hfdeploy.review.finding import Finding, Severity, finding_of
from hfdeploy.wire import Endpoint, State

Count = Callable[[Endpoint], int]
"""The replicas of an endpoint that a quota counts."""

SLEEP: Final = "scale-to-zero"
"""The request that gives an endpoint back asleep."""


def against_live(target: Target, live: Mapping[str, Endpoint], owner: str | None) -> Change:
    """What the specs change about the endpoints of their namespaces, which are in `live` by `namespace/name`.

    `owner` is the stack's owner id: with it, an endpoint of another owner is nobody's to change, and one of this
    stack that no spec wants is removed. Without it (None) every namesake is taken for the spec's own.
    """
    count = counting(live, target)
    before: dict[str, Before] = {}
    differences: dict[str, Difference] = {}
    findings: list[Finding] = []
    for goal in target.goals:
        found = live.get(goal.place)
        if found is not None and owner is not None and (taken := whose(goal, found, owner)):
            findings.append(taken)
            found = None
        differences[goal.name] = (
            Difference(goal.declared, requests=("POST",)) if found is None else differing(goal, found)
        )
        if found is not None:
            before[goal.name] = row_of(found, goal.name, goal.namespace, as_live(goal, found), target.catalog, count)
    before |= {one.name: one for one in _unplanned(target, live, owner, count)}
    wanted = {one.spec.name for one in target.loaded}
    for place, one in sorted(live.items()):
        if owner is not None and place not in target.places and is_ours(one, owner) and KEEP not in one.tags:
            # A spec of that name is for another place and has its own row, also where nothing is there yet.
            name = place if one.name in {*before, *wanted} else one.name
            before[name] = _leaving(one, name, place, target, count)
            differences[name] = Difference(requests=("DELETE",))
    return Change("live", before, differences, tuple(findings), counts_use=True)


def in_use(target: Target, live: Mapping[str, Endpoint], before: Iterable[Before] = ()) -> Change:
    """What runs now of the specs' endpoints, and of those that were there `before` the change and leave with it."""
    change, count = against_live(target, live, None), counting(live, target)
    places = {f"{one.namespace}/{one.name}" for one in before} - target.places
    leaving = {
        place: _leaving(live[place], place, place, target, count)
        for place in places & live.keys()
        if KEEP not in live[place].tags
    }
    return replace(change, before={**change.before, **leaving})


def _leaving(found: Endpoint, name: str, place: str, target: Target, count: Count) -> Before:
    """What there is now of an endpoint that no spec wants."""
    return row_of(found, name, place.partition("/")[0], {"security": found.type}, target.catalog, count)


def _unplanned(target: Target, live: Mapping[str, Endpoint], owner: str | None, count: Count) -> Iterator[Before]:
    """What there is now of the specs of which no plan could be made: it costs something, whatever becomes of it."""
    planned = {goal.name for goal in target.goals}
    for spec in (one.spec for one in target.loaded if one.spec.name not in planned):
        namespace = spec.namespace or target.namespace
        found = live.get(f"{namespace}/{spec.name}")
        if found is not None and (owner is None or is_ours(found, owner)):
            yield row_of(found, spec.name, namespace, {"security": found.type}, target.catalog, count)


def whose(goal: Goal, found: Endpoint, owner: str) -> Finding | None:
    """Why the stack refuses a namesake; None where it is its own, or is taken over."""
    if goal.plan.spec.adopt == found.generation:
        return None
    try:
        require_ours(found, namespace=goal.namespace, owner=owner, logical=goal.name)
    except OwnershipError as refused:
        return finding_of(goal.loaded, "name-taken", Severity.ERROR, "name", str(refused))
    return None


def differing(goal: Goal, found: Endpoint) -> Difference:
    """What the spec changes about one live endpoint."""
    old, new = as_live(goal, found), goal.declared
    replaces = tuple(replaced(old, new, REPLACES))
    changes = compare(with_commit(goal.plan.body, found.model.revision), found)
    sent = ["PUT"] if changes.body else []
    if found.status.state is State.PAUSED and goal.plan.spec.state == "running":
        sent.append(RESUME)
    return Difference(
        new,
        tuple(changed_fields(old, new)),
        replaces,
        tuple(_reasons(goal, found)),
        ("DELETE", "POST") if replaces else tuple(sent),
    )


def as_live(goal: Goal, found: Endpoint) -> dict[str, Any]:
    """A live endpoint in the words of its spec; what no endpoint shows (`verify`, `rollout`) is as in the spec."""
    declared, where = goal.declared, found.provider
    shown = masked(project(declared, with_commit(goal.plan.body, found.model.revision), found), declared)
    shown |= {"cloud": where.vendor, "region": where.region, "private_service": _private_service(goal, found)}
    return spec_fields(shown)


def row_of(
    found: Endpoint, name: str, namespace: str, declared: Mapping[str, Any], catalog: Catalog, count: Count
) -> Before:
    """What runs now, at the prices that the specs are judged by."""
    scaling, state = found.compute.scaling, found.status.state
    return of_hardware(
        name,
        namespace,
        declared,
        hardware_of(found, catalog),
        bounds=(scaling.min_replica, scaling.max_replica),
        idle_minutes=scaling.scale_to_zero_timeout,
        replicas=count(found),
        is_paused=state is State.PAUSED,
    )


def counting(live: Mapping[str, Endpoint], target: Target) -> Count:
    """How the service counts what an endpoint holds, by which count adds up to what it says is used.

    Its documents do not say whether it counts the replicas of now or the most that there may be.
    """
    catalog = target.today or target.catalog
    limits = Limits(catalog, target.namespace)
    own = [one for place, one in live.items() if place.partition("/")[0] == target.namespace]

    def adds_up(count: Count) -> bool:
        sums: dict[Account, int] = defaultdict(int)
        for one in own:
            hardware = hardware_of(one, catalog)
            each = hardware.num_accelerators or 1
            sums[limits.account(target.namespace, hardware)] += each * count(one)
        return all(limits.of(account)[1] in {None, total} for account, total in sums.items())

    return at_most if adds_up(at_most) and not adds_up(now) else now


def now(found: Endpoint) -> int:
    """The replicas that are asked for; one of an endpoint that sleeps; none of a paused one."""
    if found.status.state is State.PAUSED:
        return 0
    return 1 if found.status.state is State.SCALED_TO_ZERO else max(1, found.status.target_replica)


def at_most(found: Endpoint) -> int:
    """The most that it may have."""
    return 0 if found.status.state is State.PAUSED else max(1, found.compute.scaling.max_replica)


def hardware_of(found: Endpoint, catalog: Catalog) -> Hardware:
    """Its row of the catalogue; one without a price where the catalogue does not have it any more."""
    where, what = found.provider, found.compute
    names = (where.vendor, where.region, what.instance_type, what.instance_size)
    row = catalog.find(*names)
    if row is not None:
        return row
    return Hardware(
        vendor=names[0], region=names[1], instance_type=names[2], instance_size=names[3], accelerator=what.accelerator
    )


def _reasons(goal: Goal, found: Endpoint) -> Iterator[str]:
    if found.status.state.is_failure:
        yield f"the service gave up on it ({found.status.state.value})"
    wanted = set(goal.plan.secrets)
    listed = found.model.secret_names
    if listed and listed != wanted:
        yield from (f"secrets.{name}: {'added' if name in wanted else 'removed'}" for name in sorted(listed ^ wanted))


def _private_service(goal: Goal, found: Endpoint) -> Mapping[str, Any] | None:
    """As written where it says the same."""
    if is_same_link(goal.plan.body.get("privateService"), found.private_service):
        return goal.declared.get("private_service")
    return {to_snake(key): value for key, value in (found.private_service or {}).items()} or None


def is_own(found: Endpoint, owner: str, logical: str) -> bool:
    """Whether an endpoint carries the stack's tags under this logical name."""
    return is_ours(found, owner) and logical_name_of(found.tags) == logical
