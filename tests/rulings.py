"""Rulings in tests: a spec with nothing wrong, a change of it, and the whole review that a policy may rule over."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hfdeploy.catalog import Catalog, Hardware
from hfdeploy.cost import Estimate, estimate
from hfdeploy.lock import Lock
from hfdeploy.policy import parse_policy
from hfdeploy.review import Action, Delta, Exposure, Finding, Review, review_specs, ruled
from hfdeploy.spec import LoadedSpec, SecretSource, Security, parse_spec

SNAPSHOT = Catalog.snapshot()
TODAY = date(2026, 11, 21)
COMMIT = "0123456789abcdef0123456789abcdef01234567"

LINES = {"name": 1, "repository": 2, "revision": 3, "cloud": 4, "region": 5, "instance": 6, "engine": 7, "tags": 8}

GOOD = {
    "name": "chat",
    "repository": "acme/chat",
    "revision": COMMIT,
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-l4 x1",
    "engine": {"type": "vllm"},
}


def loaded(**changes: Any) -> LoadedSpec:
    """A spec to which nothing is to be objected, but for the changes; None leaves a field out."""
    return LoadedSpec(parse_spec({**GOOD, **changes}), "chat.yaml", LINES)


def judge(
    *specs: LoadedSpec,
    lock: Lock = Lock(),  # noqa: B008 - frozen
    deltas: tuple[Delta, ...] = (),
    policy: str = "",
    is_set: Callable[[SecretSource], bool] | None = None,
    today: date = TODAY,
    catalog: Catalog = SNAPSHOT,
) -> Review:
    """The whole review of some specs."""
    review = replace(review_specs(specs, catalog, lock), deltas=deltas, against="state" if deltas else "")
    # Nothing is locked here but in the tests that say so: tests/test_review_memory.py has what that means.
    review = replace(review, findings=tuple(one for one in review.findings if one.rule != "fit-unknown"))
    judged = parse_policy(policy.encode(), "policy.yaml") if policy else None
    return ruled(review, specs, lock=lock, today=today, policy=judged, is_set=is_set)


def found(review: Review, rule: str) -> list[Finding]:
    return [finding for finding in review.findings if finding.rule == rule]


def only(review: Review) -> Finding:
    (finding,) = review.findings
    return finding


def cost(ceiling: str | None) -> Estimate:
    row = SNAPSHOT.find("aws", "us-east-1", "nvidia-l4", "x1")
    assert row is not None
    known = estimate(row, min_replicas=0, max_replicas=1, idle_minutes=15)
    return replace(known, ceiling=None if ceiling is None else Decimal(ceiling))


def delta(
    action: Action = Action.UPDATE,
    before: Security | None = Security.PRIVATE,
    after: Security | None = Security.PRIVATE,
    *,
    costs: tuple[str | None, str | None] = ("100", "100"),
    name: str = "chat",
    **more: Any,
) -> Delta:
    return Delta(name, action, cost(costs[0]), cost(costs[1]), Exposure(before, after), **more)


def without_price() -> Catalog:
    rows: tuple[Hardware, ...] = tuple(row.model_copy(update={"price_per_hour": None}) for row in SNAPSHOT.rows)
    return Catalog(rows=rows, source="live")
