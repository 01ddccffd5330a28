"""Changes for tests of reviews: from specs to specs, without files, and a catalogue with a quota of one's own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from hfdeploy.catalog import Catalog, Hardware, Quota
from hfdeploy.diff import REPLACES, changed_fields, replaced
from hfdeploy.lock import Lock, read_lock
from hfdeploy.plan import make_plan
from hfdeploy.review import Before, Change, Difference, Review, review_specs, with_change
from hfdeploy.review.change import of_plan
from hfdeploy.spec import LoadedSpec, declare, parse_spec

SNAPSHOT = Catalog.snapshot()
EMPTY = Lock()

SPEC: dict[str, Any] = {
    "repository": "tiiuae/falcon-40b-instruct",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-a100 x1",
    "engine": {"type": "tgi", "quantize": "bitsandbytes"},
    "max_model_len": 2048,
}


def loaded(name: str, **fields: Any) -> LoadedSpec:
    spec = parse_spec({"name": name, **SPEC, **fields})
    return LoadedSpec(spec, f"specs/{name}.yaml", {"name": 1, "instance": 5, "autoscaling": 6, "autoscaling.max": 7})


def declared(one: LoadedSpec) -> dict[str, Any]:
    return {**declare(one.spec), "namespace": "acme"}


def before(one: LoadedSpec, **changes: Any) -> Before:
    return replace(of_plan(make_plan(one.spec, SNAPSHOT), "acme", declared(one)), **changes)


def change(olds: list[LoadedSpec], news: list[LoadedSpec], **values: Any) -> Change:
    """From specs to specs, as a git revision is compared with."""
    rows = {one.spec.name: before(one) for one in olds}
    differences = {}
    for one in news:
        new = declared(one)
        old = rows[one.spec.name].declared if one.spec.name in rows else new
        differences[one.spec.name] = Difference(
            new, tuple(changed_fields(old, new)), tuple(replaced(old, new, REPLACES))
        )
    return Change("main", rows, differences, **values)


def review(
    olds: list[LoadedSpec],
    news: list[LoadedSpec],
    *,
    catalog: Catalog = SNAPSHOT,
    lock: Lock = EMPTY,
    **values: Any,
) -> Review:
    found = change(olds, news, **values)
    made = review_specs(news, SNAPSHOT, lock)
    return with_change(made, news, found, catalog=catalog, lock=lock, namespace="acme")


def today(maximum: int, used: int, *, others: int = 0) -> Catalog:
    """The service's catalogue, with so many accelerators of A100 and `others` of everything else."""

    def row(one: Hardware) -> Hardware:
        limit = (maximum, used) if one.instance_type == "nvidia-a100" else (others, 0)
        return one.model_copy(update={"quota": Quota(maxAccelerators=limit[0], usedAccelerators=limit[1])})

    return replace(SNAPSHOT, source="live", rows=tuple(map(row, SNAPSHOT.rows)))


def read_lock_of_shipped_specs() -> Lock:
    return read_lock(Path(__file__).parents[1] / "specs" / "hfdeploy.lock.json")
