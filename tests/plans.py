"""Plans in tests: of a spec in a few words, and what is in their requests."""

import json
from collections.abc import Iterator
from typing import Any

from hfdeploy.catalog import Catalog
from hfdeploy.plan import Plan, make_plan
from hfdeploy.spec import parse_spec

SNAPSHOT = Catalog.snapshot()
ROWS = [row for row in SNAPSHOT.rows if row.accelerator in {"cpu", "gpu", "neuron"}]


def plan_of(**fields: Any) -> Plan:
    spec = {
        "name": "demo",
        "repository": "acme/demo",
        "cloud": "aws",
        "region": "us-east-1",
        "instance": "nvidia-l4 x1",
    }
    return make_plan(parse_spec(spec | fields), SNAPSHOT)


def variant_of(plan: Plan) -> dict[str, Any]:
    (variant,) = plan.body["model"]["image"].values()
    return variant


def text_of(body: object) -> str:
    """A body as JSON: `1`, `1.0` and `true` are equal in Python and different to the service."""
    return json.dumps(body, sort_keys=True, indent=1)


def values_in(body: object) -> Iterator[object]:
    """Every value of a body, however deep."""
    yield body
    if isinstance(body, dict | list):
        for value in body.values() if isinstance(body, dict) else body:
            yield from values_in(value)


def least_of(engine: str) -> dict[str, Any]:
    """The least that an engine can do with, on hardware that it has an image for."""
    needed = {"model_path": "m.gguf", "ctx_size": 0, "n_parallel": 1, "threads_http": 1} if engine == "llamacpp" else {}
    image = {"image": "acme/server:1"} if engine == "custom" else {}
    instance = "inf2 x1" if engine.endswith("_neuron") else "nvidia-l4 x1"
    return {"instance": instance, "engine": {"type": engine, **needed, **image}}
