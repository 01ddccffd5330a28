"""The same rules over what a Pulumi program registers, for whoever has to judge it without trusting its repository.

There are no files then, and no lock file of theirs: a spec is what the resource's properties say, and what only a lock
file knows is not judged.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from threading import Lock as Mutex
from typing import Any, Final

from hfdeploy.catalog import Catalog
from hfdeploy.errors import SpecError
from hfdeploy.lock import Lock
from hfdeploy.plan import Plan
from hfdeploy.policy import RULES, LoadedPolicy, Severity, over_ceiling, weigh
from hfdeploy.review import review_specs
from hfdeploy.review.finding import Finding
from hfdeploy.review.ruling import ruled
from hfdeploy.spec import EndpointSpec, LoadedSpec, parse_spec

TYPES: Final = (
    "pulumi-python:dynamic/hfdeploy:EndpointIdentity",
    "pulumi-python:dynamic/hfdeploy:InferenceEndpoint",
)
"""What asks for hardware: the one makes an endpoint, the other configures it. A program could register either alone."""

FIELDS: Final = tuple(EndpointSpec.model_fields)

UNREADABLE: Final = "unreadable-spec"
"""The id for properties of which no spec can be made: nobody can say what they ask for."""

_CEILING: Final = "policy-monthly-ceiling"


def _is_judged(finding: Finding) -> bool:
    """Whether it is to be said: what is unknown only for want of a lock file is not."""
    return finding.severity is not Severity.NOTE and finding.rule != "fit-unknown"


class Registered:
    """Judges resources one after the other, and remembers what they cost together.

    The engine registers several at once, hence the mutex.
    """

    def __init__(self, policy: LoadedPolicy, today: date) -> None:
        self._policy, self._today, self._catalog = policy, today, Catalog.snapshot()
        self._known: dict[str, tuple[Finding, ...]] = {}
        self._plans: dict[tuple[str | None, str], Plan] = {}
        self._mutex = Mutex()

    def findings(self, declared: Mapping[str, Any]) -> tuple[Finding, ...]:
        """What speaks against one endpoint, notes left out; `declared` has the fields of a spec, nulls left out.

        The limit of all endpoints together is broken by the one with which their sum passes it.
        """
        key = json.dumps(declared, sort_keys=True, default=str)
        with self._mutex:
            if key not in self._known:
                self._known[key] = tuple(self._judge(declared))
            return self._known[key]

    def _judge(self, declared: Mapping[str, Any]) -> Iterator[Finding]:
        try:
            spec = parse_spec(declared)
        except SpecError as error:
            name = str(declared.get("name", ""))
            for field in sorted({problem.field for problem in error.problems}):
                # Never the value: it may be a secret of another resource.
                said = "no spec that can be read has this here; the check of the endpoint says why."
                fix = "Settle what that check says."
                yield Finding(UNREADABLE, Severity.ERROR, name, "", 0, field, said, fix)
            return
        one = LoadedSpec(spec, "", {})
        review = review_specs([one], self._catalog)
        whole = ruled(review, [one], lock=Lock(), today=self._today, policy=self._policy)
        yield from (finding for finding in whole.findings if finding.endpoint and _is_judged(finding))
        for plan in review.plans:
            self._plans[spec.namespace, spec.name] = plan
            yield from self._of_ceiling(spec.name)

    def _of_ceiling(self, name: str) -> Iterator[Finding]:
        policy, rule = self._policy.policy, RULES[_CEILING]
        if said := over_ceiling(policy.limits, [(one.name, one.hourly_ceiling) for one in self._plans.values()]):
            weight = weigh(policy, rule.id, rule.severity, name, self._today)
            if weight and weight.severity is not Severity.NOTE:
                yield Finding(rule.id, weight.severity, name, "", 0, "autoscaling.max", said, rule.fix)
