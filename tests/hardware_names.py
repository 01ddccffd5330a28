"""Names of instances as people write them, and what `resolve` answers."""

import json
from dataclasses import dataclass
from importlib.resources import files

import pytest

from hfdeploy.catalog import Catalog
from hfdeploy.errors import UnknownHardware
from hfdeploy.labels import Resolution, resolve

SNAPSHOT = Catalog.snapshot()
TABLE = json.loads(files("hfdeploy").joinpath("data", "labels.json").read_text(encoding="utf-8"))
HOME = {"aws": "us-east-1", "azure": "eastus", "gcp": "us-east4"}

LABELS = [(entry, text) for entry in TABLE["labels"] for text in (entry["label"], *entry["variants"])]
OLD_IDS = [entry for entry in TABLE["labels"] if entry["old"]["id"]]


@dataclass(frozen=True)
class Choice:
    """The structured form as a spec has it: an object."""

    type: str
    size: str


def ask(instance, cloud="aws", region=None, catalog=SNAPSHOT) -> Resolution:
    return resolve(instance, cloud=cloud, region=region or HOME[cloud], catalog=catalog)


def refusal(instance, cloud="aws", region=None, catalog=SNAPSHOT) -> str:
    with pytest.raises(UnknownHardware) as error:
        ask(instance, cloud, region, catalog)
    return str(error.value)


def codes(resolution) -> list[str]:
    return [warning.code for warning in resolution.warnings]


def today(entry) -> str:
    pair = entry.get("successor") or entry["new"]
    return f"{pair['instanceType']} {pair['instanceSize']}"
