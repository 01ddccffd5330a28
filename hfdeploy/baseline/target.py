"""What the specs want, as everything here compares with it: pinned by the lock file, with a namespace."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hfdeploy.catalog import Catalog
from hfdeploy.lock import Lock, pinned
from hfdeploy.plan import Plan, make_plan
from hfdeploy.spec import EndpointSpec, LoadedSpec, declare


@dataclass(frozen=True, slots=True)
class Goal:
    """One spec as `deploy()` would register it."""

    loaded: LoadedSpec
    plan: Plan
    namespace: str
    is_judged: bool = False
    """Whether the lock file says what its model is."""

    @property
    def name(self) -> str:
        """The endpoint's name and the resource's."""
        return self.plan.name

    @property
    def place(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.plan.name}"

    @property
    def declared(self) -> dict[str, Any]:
        """The inputs of its resource."""
        return {**declare(self.plan.spec), "namespace": self.namespace}


@dataclass(frozen=True, slots=True)
class Target:
    """All of them."""

    goals: tuple[Goal, ...]
    loaded: tuple[LoadedSpec, ...]
    """Every spec, also one of which no plan could be made: it is no reason to remove anything."""

    catalog: Catalog
    """What plans were made by, and what was there before is priced by."""

    namespace: str
    today: Catalog | None = None
    """What the service says now, its quotas among it; None where nobody asked."""

    @property
    def places(self) -> set[str]:
        """`namespace/name` of every spec."""
        return {f"{one.spec.namespace or self.namespace}/{one.spec.name}" for one in self.loaded}

    @property
    def namespaces(self) -> set[str]:
        """Where the endpoints are to be."""
        return {place.partition("/")[0] for place in self.places} - {""}

    @classmethod
    def of(
        cls,
        loaded: Sequence[LoadedSpec],
        plans: Sequence[Plan],
        lock: Lock,
        catalog: Catalog,
        namespace: str,
        today: Catalog | None = None,
    ) -> "Target":
        """The plans of a review; a spec that no plan could be made of has a finding already."""
        by_name = {one.spec.name: one for one in loaded}
        goals = tuple(
            Goal(
                by_name[plan.name],
                _pinned(plan, lock, catalog),
                plan.spec.namespace or namespace,
                is_judged=_is_judged(lock, plan.spec),
            )
            for plan in plans
        )
        return cls(goals, tuple(loaded), catalog, namespace, today)


def _pinned(plan: Plan, lock: Lock, catalog: Catalog) -> Plan:
    spec = pinned(plan.spec, lock)
    return plan if spec is plan.spec else make_plan(spec, catalog)


def _is_judged(lock: Lock, spec: EndpointSpec) -> bool:
    locked = lock.of(spec)
    return locked is not None and locked.model is not None
