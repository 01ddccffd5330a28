"""Rows of the catalogue, and what a label stands for."""

from collections.abc import Sequence
from typing import Any

from hfdeploy.catalog import Catalog, Hardware, format_rate
from hfdeploy.labels import Resolution
from hfdeploy.render.table import Column, Table

NOTHING = "–"


def catalog_table(rows: Sequence[Hardware], *, is_live: bool) -> Table:
    """Hardware on offer. Quota is known live; the date of a row matters in the snapshot."""
    last = Column("QUOTA", is_number=True) if is_live else Column("AS OF")
    return Table(
        (
            Column("INSTANCE"),
            Column("CLOUD"),
            Column("REGION"),
            Column("GPU MEMORY", is_number=True),
            Column("MEMORY", is_number=True),
            Column("VCPUS", is_number=True),
            Column("PRICE", is_number=True),
            Column("STATUS"),
            last,
        ),
        tuple(
            (
                row.spelling,
                row.vendor,
                row.region,
                _gigabytes(row.gpu_memory_gb),
                _gigabytes(row.memory_gb),
                str(row.num_cpus or NOTHING),
                format_rate(row.price_per_hour),
                describe_status(row),
                _quota(row) if is_live else row.as_of or NOTHING,
            )
            for row in rows
        ),
    )


def describe_status(row: Hardware) -> str:
    """`available`; a region that no public source names is marked, since ordering there may fail."""
    words = row.status.value.replace("_", " ")
    return f"{words} (region assumed)" if row.region_confidence == "assumed" else words


def describe_memory(row: Hardware) -> str:
    """`80 GB on 1 accelerator, 145 GB and 11 vCPUs in the machine`, as far as it is known."""
    parts = []
    if row.gpu_memory_gb is not None:
        count = row.num_accelerators or 1
        parts.append(f"{_gigabytes(row.gpu_memory_gb)} on {count} accelerator{'s' if count > 1 else ''}")
    machine = [_gigabytes(row.memory_gb)] if row.memory_gb is not None else []
    machine += [f"{row.num_cpus} vCPU{'s' if row.num_cpus > 1 else ''}"] if row.num_cpus else []
    if machine:
        parts.append(f"{' and '.join(machine)} in the machine")
    return ", ".join(parts) or "unknown"


def resolution_facts(found: Resolution, catalog: Catalog) -> list[tuple[str, str]]:
    """What a label stands for, label and text; prices of the snapshot with their date."""
    row = found.hardware
    date = f" (as of {row.as_of})" if row.as_of else " (today)"
    facts = [
        ("where", f"{row.place}, id {row.id}"),
        ("price", f"{format_rate(row.price_per_hour)}{date if row.price_per_hour is not None else ''}"),
        ("memory", describe_memory(row)),
        ("status", describe_status(row)),
        ("why", found.why),
    ]
    if row.quota:
        facts.insert(4, ("quota", f"{_quota(row)} accelerators in use"))
    if catalog.source == "snapshot":
        facts.append(("source", f"the catalogue snapshot of {catalog.as_of}, not the service's list of today"))
    return facts


def catalog_json(catalog: Catalog, rows: Sequence[Hardware]) -> dict[str, Any]:
    """The rows and where they are from."""
    return {
        "schemaVersion": 1,
        "source": catalog.source,
        "as_of": catalog.as_of,
        "currency": "USD",
        "hardware": [hardware_json(row) for row in rows],
    }


def hardware_json(row: Hardware) -> dict[str, Any]:
    """One row; the price is decimal text, and null where it is not known."""
    return {
        "id": row.id,
        "instance": row.spelling,
        "cloud": row.vendor,
        "region": row.region,
        "region_confidence": row.region_confidence,
        "accelerator": row.accelerator,
        "num_accelerators": row.num_accelerators,
        "gpu_memory_gb": row.gpu_memory_gb,
        "memory_gb": row.memory_gb,
        "num_cpus": row.num_cpus,
        "price_per_hour": None if row.price_per_hour is None else str(row.price_per_hour),
        "status": row.status.value,
        "quota": row.quota and {"maximum": row.quota.maximum, "used": row.quota.used},
        "as_of": row.as_of,
    }


def resolution_json(found: Resolution, catalog: Catalog) -> dict[str, Any]:
    """What a label stands for, and why."""
    return {
        "schemaVersion": 1,
        "asked": found.asked,
        "form": found.form.value,
        "why": found.why,
        "source": catalog.source,
        "currency": "USD",
        "hardware": hardware_json(found.hardware),
        "warnings": [{"code": warning.code, "sentence": warning.sentence} for warning in found.warnings],
    }


def _gigabytes(amount: float | None) -> str:
    return NOTHING if amount is None else f"{amount:g} GB"


def _quota(row: Hardware) -> str:
    return f"{row.quota.used} of {row.quota.maximum}" if row.quota else NOTHING
