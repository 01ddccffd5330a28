"""Two kinds of 409, and what counts."""

import pytest
from control_plane import BODY, merged


def scaled(replicas: int, name: str = "demo", **compute) -> dict:
    return merged(BODY, {"name": name, "compute": {**compute, "scaling": {"maxReplica": replicas}}})


def test_409_for_a_taken_name_and_409_for_quota_have_different_texts(emulator) -> None:
    """The status alone is ambiguous: look for `Quota exceeded` first."""
    emulator.set(quota={"nvidia-l4": 1})
    emulator.create()
    taken = emulator.post(BODY)
    over = emulator.post(merged(BODY, {"name": "other"}))

    assert (taken.status_code, over.status_code) == (409, 409)
    assert taken.json()["error"] == "Conflict: Endpoint name demo already exists in namespace acme"
    assert over.json()["error"].startswith("Conflict: Quota exceeded for namespace: acme: 1 nvidia-l4 accelerators")


@pytest.mark.parametrize(
    ("replicas", "size", "status"), [(8, "x1", 200), (9, "x1", 409), (2, "x4", 200), (3, "x4", 409)]
)
def test_quota_is_counted_in_accelerators_of_the_maximum(emulator, replicas, size, status) -> None:
    """maxReplica times accelerators of one replica."""
    emulator.set(quota={"gpu": 8})

    assert emulator.post(scaled(replicas, instanceSize=size)).status_code == status


def test_quota_is_per_vendor_and_type(emulator) -> None:
    """Full on one type is not full on another, nor at another vendor."""
    emulator.set(quota={"gpu": 1})
    emulator.create()
    other_type = emulator.post(scaled(1, "type", instanceType="nvidia-a10g"))
    other_vendor = emulator.post(merged(scaled(1, "vendor"), {"provider": {"vendor": "gcp", "region": "us-east4"}}))

    assert (other_type.status_code, other_vendor.status_code) == (200, 200)
    assert emulator.post(scaled(1, "same")).status_code == 409


@pytest.mark.parametrize(("state", "used"), [("running", 2), ("initializing", 2), ("scaledToZero", 2), ("paused", 0)])
def test_sleeping_endpoints_hold_quota_and_paused_ones_do_not(emulator, state, used) -> None:
    """Sleeping costs nothing and still takes the place."""
    emulator.seed(state=state, compute={"scaling": {"maxReplica": 2}})
    rows = emulator.owner.get("/v2/provider/quotas/acme").json()["vendors"][0]["quotas"]
    [row] = [row for row in rows if row["instanceType"] == "nvidia-l4"]

    assert row.keys() == {"architecture", "instanceType", "maxAccelerators", "usedAccelerators"}
    assert (row["maxAccelerators"], row["usedAccelerators"]) == (64, used)


def test_a_put_over_quota_is_409_and_changes_nothing(emulator) -> None:
    """Own use is not counted twice."""
    emulator.set(quota={"nvidia-l4": 2})
    emulator.started()
    fits, over = emulator.put(scaled(2)), emulator.put(scaled(3))

    assert (fits.status_code, over.status_code) == (200, 409)
    assert emulator.get()["compute"]["scaling"]["maxReplica"] == 2


def test_a_resume_needs_quota_again(emulator) -> None:
    """Somebody else took the place meanwhile."""
    emulator.set(quota={"nvidia-l4": 1})
    emulator.seed(state="paused")
    emulator.create("other")

    assert emulator.act("resume").status_code == 409


def test_limits_may_be_set_for_a_type_a_vendor_and_a_namespace(emulator) -> None:
    """The most exact key counts."""
    emulator.set(quota={"gpu": 4, "aws/nvidia-l4": 2, "acme/aws/nvidia-l4": 1})
    hardware = {
        (namespace, row.vendor, row.instance_type): row.max_accelerators
        for namespace in ("acme", "emulated")
        for row in emulator.api.list_inference_endpoints_hardware(namespace=namespace)
    }

    assert hardware["acme", "aws", "nvidia-l4"] == 1
    assert hardware["emulated", "aws", "nvidia-l4"] == 2
    assert hardware["emulated", "gcp", "nvidia-l4"] == 4
