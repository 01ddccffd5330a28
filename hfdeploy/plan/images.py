"""The container that serves when a spec names none: one dated, pinned tag per engine, as data of the package."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def _table() -> dict[str, Any]:
    text = resources.files("hfdeploy").joinpath("data/images.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table
