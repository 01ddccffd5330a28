"""The container that serves when a spec names none: one dated, pinned tag per engine, as data of the package.

`hfdeploy/data/images.json` holds the tags with their sources; where an engine ships several builds, the accelerator
and its compute capability choose.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from hfdeploy.catalog import Hardware
from hfdeploy.errors import UsageError


@dataclass(frozen=True, slots=True)
class Image:
    """A container image and where it listens."""

    url: str
    port: int
    health_route: str


def default_image(engine: str, hardware: Hardware) -> Image:
    """The pinned image of an engine for this hardware.

    Raises:
        UsageError: the data has none; says which accelerators it has one for.
    """
    table = _table()
    rows: list[dict[str, Any]] = table["engines"].get(engine, [])
    capability = table["compute_capability"].get(hardware.instance_type)
    fitting = [row for row in rows if row["accelerator"] == hardware.accelerator]
    for row in fitting:
        if row["compute_capability"] in {None, capability}:
            return Image(row["url"], row["port"], row["health_route"])
    known = ", ".join(sorted({row["accelerator"] for row in rows})) or "no accelerator"
    raise UsageError(
        f"The package has no default image of {engine} for {hardware.spelling} ({hardware.accelerator}); it has one "
        f"for {known}. Name one in the spec as engine.image."
    )


def with_registry(image: str) -> str:
    """`vllm/vllm-openai:v1` is `docker.io/vllm/vllm-openai:v1`: the first part is a host if it looks like one."""
    first, slash, _ = image.partition("/")
    if slash and (first == "localhost" or "." in first or ":" in first):
        return image
    return f"docker.io/{image}" if slash else f"docker.io/library/{image}"


def registry_of(image: str) -> str:
    """The host that an image is pulled from, and that is given what signs in for it."""
    return with_registry(image).partition("/")[0].lower()


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(
        resources.files("hfdeploy").joinpath("data/images.json").read_text(encoding="utf-8")
    )
    return table
