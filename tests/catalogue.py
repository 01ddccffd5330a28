"""A catalogue in tests: a live reply by its rows, and the snapshot.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import pytest

from hfdeploy.catalog import Catalog


def reply(*computes: object, vendor: object = "aws", region: object = "us-east-1") -> dict[str, object]:
    return {
        "vendors": [{"name": vendor, "regions": [{"name": region, "label": "N. Virginia", "computes": [*computes]}]}]
    }


def compute(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "id": "aws-us-east-1-nvidia-a100-x1",
        "accelerator": "gpu",
        "architecture": "Nvidia A100",
        "instanceType": "nvidia-a100",
        "instanceSize": "x1",
        "numAccelerators": 1,
        "numCpus": 11,
        "memoryGb": 145.0,
        "gpuMemoryGb": 80,
        "pricePerHour": 2.5,
        "status": "available",
        "quota": {"maxAccelerators": 8, "usedAccelerators": 3},
    }
    return {key: value for key, value in (row | changes).items() if value is not ...}


@pytest.fixture(scope="module")
def snapshot() -> Catalog:
    return Catalog.snapshot()
