"""Catalogue, prices, statuses and quota columns."""

import pytest
from control_plane import BODY
from huggingface_hub import HfApi


def rows(emulator, namespace: str = "/acme") -> dict[str, dict]:
    vendors = emulator.owner.get(f"/v2/provider{namespace}").json()["vendors"]
    return {row["id"]: row for vendor in vendors for region in vendor["regions"] for row in region["computes"]}


def test_provider_with_prices(emulator, api: HfApi) -> None:
    """Prices that were seen live in 2026-10."""
    prices = {row.id: row.price_per_hour for row in api.list_inference_endpoints_hardware(namespace="acme")}

    assert prices["aws-us-east-1-intel-spr-x1"] == 0.033
    assert prices["aws-us-east-1-nvidia-a100-x1"] == 2.5
    assert prices["gcp-us-east4-nvidia-l4-x1"] == 0.7
    assert len(prices) == 62
    assert len(rows(emulator)) == 62


def test_provider_shape(emulator) -> None:
    """Names, labels and statuses of vendors and regions."""
    aws = emulator.owner.get("/v2/provider").json()["vendors"][0]

    assert (aws["name"], aws["status"], [region["name"] for region in aws["regions"]]) == (
        "aws",
        "available",
        ["us-east-1", "eu-west-1"],
    )
    assert {"name", "label", "status", "computes"} == aws["regions"][0].keys()


def test_statuses_of_all_five_kinds(emulator) -> None:
    """A client must know them all."""
    assert {row["status"] for row in rows(emulator).values()} == {
        "available",
        "low_availability",
        "not_available",
        "reserved",
        "deprecated",
    }


def test_a_status_may_be_set_for_a_row(emulator) -> None:
    """Capacity comes and goes."""
    emulator.set(hardware_status={"aws-us-east-1-nvidia-l4-x1": "not_available"})

    assert rows(emulator)["aws-us-east-1-nvidia-l4-x1"]["status"] == "not_available"
    assert emulator.post(BODY).status_code == 400


def test_cpu_rows_without_num_cpus(emulator) -> None:
    """Optional in the API; the SDK copes."""
    listed = rows(emulator)

    assert "numCpus" not in listed["aws-us-east-1-intel-spr-x1"]
    assert listed["aws-us-east-1-nvidia-l4-x1"]["numCpus"] == 7
    assert listed["aws-us-east-1-intel-spr-x1"]["gpuMemoryGb"] is None


def test_every_row_has_what_the_sdk_requires(emulator) -> None:
    """KeyError otherwise; and numbers where the data has none."""
    for row in rows(emulator).values():
        assert row["memoryGb"] > 0
        assert row["numAccelerators"] >= 1


@pytest.mark.parametrize("route", ["/v2/provider/unpaid", "/v2/provider/quotas/unpaid"])
def test_zero_quota_for_unpaid_namespaces(emulator, route) -> None:
    """The catalogue is shown, nothing can be had."""
    text = emulator.owner.get(route)

    assert text.status_code == 200
    assert '"maxAccelerators":64' not in text.text.replace(" ", "")
    assert '"maxAccelerators":0' in text.text.replace(" ", "")


def test_the_public_catalogue_shows_zeros(emulator) -> None:
    """A client falls back to it and must not read a quota there."""
    assert {row["quota"]["maxAccelerators"] for row in rows(emulator, "").values()} == {0}


def test_quota_route_names_each_type_once_per_vendor(emulator) -> None:
    """With use and maximum."""
    emulator.seed()
    vendors = emulator.owner.get("/v2/provider/quotas/acme").json()["vendors"]
    aws = {quota["instanceType"]: quota for quota in vendors[0]["quotas"]}

    assert [vendor["name"] for vendor in vendors] == ["aws", "azure", "gcp"]
    assert (aws["nvidia-l4"]["usedAccelerators"], aws["intel-spr"]["maxAccelerators"]) == (1, 60)


def test_the_hardware_list_shows_what_is_used(emulator, api) -> None:
    """The only place where the SDK shows quota."""
    emulator.seed(compute={"scaling": {"maxReplica": 3}})
    [row] = [
        row for row in api.list_inference_endpoints_hardware(namespace="acme") if row.id == "aws-us-east-1-nvidia-l4-x1"
    ]

    assert (row.max_accelerators, row.used_accelerators) == (64, 3)
