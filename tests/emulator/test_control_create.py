"""POST E: what is checked, in which words, and what is filled in."""

import re

import pytest
from control_plane import BODY, merged

COMMIT = re.compile(r"[0-9a-f]{40}")


def image(**variants) -> dict:
    return merged(BODY, {"model": {"image": variants}})


MISSING = {
    "name": "missing field name",
    "type": "missing field type",
    "provider": "missing field provider",
    "provider.vendor": "provider: missing field vendor",
    "provider.region": "provider: missing field region",
    "compute": "missing field compute",
    "compute.accelerator": "compute: missing field accelerator",
    "compute.instanceType": "compute: missing field instanceType",
    "compute.instanceSize": "compute: missing field instanceSize",
    "compute.scaling": "compute: missing field scaling",
    "compute.scaling.minReplica": "compute.scaling: missing field minReplica",
    "compute.scaling.maxReplica": "compute.scaling: missing field maxReplica",
    "model": "missing field model",
    "model.repository": "model: missing field repository",
    "model.framework": "model: missing field framework",
    "model.image": "model: missing field image",
}


@pytest.mark.parametrize(("path", "text"), MISSING.items())
def test_create_checks_all_required_fields(emulator, path, text) -> None:
    """A body that works here must have all that the service wants."""
    changes = ...
    for key in reversed(path.split(".")):
        changes = {key: changes}

    refused = emulator.post(merged(BODY, changes))

    assert (refused.status_code, refused.json()) == (
        400,
        {"error": f"Bad Request: {text}", "code": "VALIDATION_FAILED"},
    )


@pytest.mark.parametrize("name", ["", "Upper", "with_underscore", "with.dot", "with space", "é", "x" * 33])
def test_name_length_and_characters(emulator, name) -> None:
    """32 characters of a-z, 0-9 and hyphen."""
    assert emulator.post(merged(BODY, {"name": name})).status_code == 400
    assert emulator.post(merged(BODY, {"name": "x" * 32})).status_code == 200


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (
            {"compute": {"accelerator": "cpu", "instanceType": "c6i", "instanceSize": "medium"}},
            "Instance compute 'Cpu' - 'c6i' - 'medium' in 'aws' - 'us-east-1' not found",
        ),
        (
            {"provider": {"region": "eu-west-1"}},
            "Instance compute 'Gpu' - 'nvidia-l4' - 'x1' in 'aws' - 'eu-west-1' not found",
        ),
        (
            {"compute": {"instanceSize": "x2"}},
            "Instance compute 'Gpu' - 'nvidia-l4' - 'x2' in 'aws' - 'us-east-1' not found",
        ),
    ],
    ids=["old name", "region", "size"],
)
def test_unknown_hardware_400_with_the_exact_text(emulator, where, text) -> None:
    """Clients match this sentence."""
    refused = emulator.post(merged(BODY, where))

    assert (refused.status_code, refused.json()["error"]) == (400, f"Bad Request: {text}")


@pytest.mark.parametrize(
    ("provider", "kind", "size"),
    [
        ({"vendor": "gcp", "region": "us-east4"}, "nvidia-h100", "x8"),
        ({"vendor": "aws", "region": "us-east-1"}, "nvidia-h100", "x1"),
    ],
    ids=["not_available", "deprecated"],
)
def test_hardware_not_available_yet(emulator, provider, kind, size) -> None:
    """lighteval climbs to the next instance on this text."""
    refused = emulator.post(
        merged(BODY, {"provider": provider, "compute": {"instanceType": kind, "instanceSize": size}})
    )

    assert refused.status_code == 400
    assert "Compute instance not available yet" in refused.json()["error"]


def test_variant_without_url_400(emulator) -> None:
    """The words were recorded."""
    refused = emulator.post(image(vLLM={"tensorParallelSize": 1}))

    assert refused.status_code == 400
    assert refused.json() == {"error": "Bad Request: model.image.vLLM: missing field url", "code": "VALIDATION_FAILED"}


def test_null_task_400(emulator) -> None:
    """Absent is fine, null is not: huggingface_hub #4701."""
    refused = emulator.post(merged(BODY, {"model": {"task": None}}))

    assert refused.status_code == 400
    assert refused.json()["error"] == (
        "Bad Request: Failed to parse the request body as JSON: model.task: expected value"
    )
    assert emulator.post(BODY).status_code == 200


@pytest.mark.parametrize("key", ["secrets", "env"])
def test_null_secrets_422(emulator, key) -> None:
    """Null maps are refused in their own way: huggingface_hub #2490."""
    assert emulator.post(merged(BODY, {"model": {key: None}})).status_code == 422


def test_null_revision_and_null_scale_to_zero_timeout_accepted(emulator) -> None:
    """The SDK always sends both."""
    created = emulator.create(compute={"scaling": {"scaleToZeroTimeout": None}}, model={"revision": None})

    assert COMMIT.fullmatch(created["model"]["revision"])
    assert created["compute"]["scaling"]["scaleToZeroTimeout"] == 15


@pytest.mark.parametrize(("minutes", "status"), [(14, 400), (15, 200), (2880, 200), (2881, 400)])
def test_timeout_range_400(emulator, minutes, status) -> None:
    """Minutes, not seconds."""
    reply = emulator.post(merged(BODY, {"compute": {"scaling": {"scaleToZeroTimeout": minutes}}}))

    assert reply.status_code == status
    if status == 400:
        assert reply.json()["error"].endswith("must be between 15 and 2880 minutes")


@pytest.mark.parametrize(
    "scaling",
    [
        {"minReplica": -1},
        {"maxReplica": 0},
        {"minReplica": 3, "maxReplica": 2},
        {"minReplica": 1.5},
        {"minReplica": True},
        {"measure": {}},
        {"measure": {"hardwareUsage": 80, "pendingRequests": 1}},
        {"measure": {"other": 1}},
    ],
    ids=str,
)
def test_impossible_scaling_is_400(emulator, scaling) -> None:
    """Bounds out of order, kinds that do not fit."""
    assert emulator.post(merged(BODY, {"compute": {"scaling": scaling}})).status_code == 400


def test_unknown_fields_inside_an_image_variant_are_accepted_and_dropped(emulator) -> None:
    """`health_route` in snake case does nothing, without a word: the trap our plan has to know."""
    created = emulator.post(
        image(tei={"url": "x/tei:1", "health_route": "/x", "maxClientBatchSize": 64, "maxBatchTokens": 1024})
    )

    assert created.json()["model"]["image"] == {
        "tei": {"url": "x/tei:1", "maxBatchTokens": 1024, "port": 80, "healthRoute": "/health"}
    }


def test_unknown_fields_elsewhere_are_dropped_too(emulator) -> None:
    """By default; option `unknown_fields`."""
    created = emulator.create(surprise=1, model={"surprise": 1})

    assert "surprise" not in created
    assert "surprise" not in created["model"]


@pytest.mark.parametrize(
    "variants",
    [{}, {"tgi": {"url": "x"}, "vLLM": {"url": "x"}}, {"vllm": {"url": "x"}}, {"tgi": None}, {"tgi": {"url": 1}}],
    ids=["none", "two", "case", "null", "kind"],
)
def test_two_keys_or_none_in_image_refused(emulator, variants) -> None:
    """Exactly one, case-sensitive."""
    assert emulator.post(image(**variants)).status_code == 400


@pytest.mark.parametrize("kind", ["protected", "verified", "Private", ""])
def test_type_protected_refused_on_create(emulator, kind) -> None:
    """It ran, billed, and could not be reached: huggingface_hub #4314."""
    assert emulator.post(merged(BODY, {"type": kind})).status_code == 400


def test_type_protected_still_possible_on_a_seeded_old_endpoint(emulator) -> None:
    """Old objects read back so, and may be changed without naming a type."""
    emulator.seed(type="protected")

    assert emulator.get()["type"] == "protected"
    assert emulator.put({"tags": ["seen"]}).json()["type"] == "protected"
    assert emulator.put({"type": "protected"}).status_code == 400


def test_server_fill(emulator) -> None:
    """What makes a naive diff drift."""
    created = emulator.create()
    scaling, model = created["compute"]["scaling"], created["model"]

    assert created["compute"]["id"] == "aws-us-east-1-nvidia-l4-x1"
    assert (scaling["scaleToZeroTimeout"], scaling["measure"], scaling["metric"]) == (
        15,
        {"hardwareUsage": None},
        "hardwareUsage",
    )
    assert COMMIT.fullmatch(model["revision"])
    assert model["task"] == "text-generation"
    assert model["image"]["tgi"] == {
        "url": BODY["model"]["image"]["tgi"]["url"],
        "port": 80,
        "healthRoute": "/health",
        "disableCustomKernels": False,
    }
    assert (model["env"], model["secrets"], created["tags"]) == ({}, {}, [])
    assert (created["experimentalFeatures"], created["notifications"], created["healthRoute"]) == ({}, {}, "/health")


def test_a_branch_is_kept_as_its_commit(emulator) -> None:
    """And stays where it was when the branch moves on."""
    emulator.anonymous.post(
        "/_emulator/hub", json={"repository": BODY["model"]["repository"], "branch": "dev", "commit": "a" * 40}
    )
    created = emulator.create(model={"revision": "dev"})
    emulator.anonymous.post(
        "/_emulator/hub", json={"repository": BODY["model"]["repository"], "branch": "dev", "commit": "b" * 40}
    )

    assert created["model"]["revision"] == "a" * 40
    assert emulator.get()["model"]["revision"] == "a" * 40


def test_the_deprecated_metric_and_threshold_become_the_measure(emulator) -> None:
    """Old clients send them; with a measure they are ignored."""
    old = emulator.create("old", compute={"scaling": {"metric": "pendingRequests", "threshold": 2}})
    both = emulator.create(
        "both", compute={"scaling": {"metric": "pendingRequests", "threshold": 2, "measure": {"hardwareUsage": 70}}}
    )

    assert old["compute"]["scaling"]["measure"] == {"pendingRequests": 2}
    assert both["compute"]["scaling"]["measure"] == {"hardwareUsage": 70}
    assert both["compute"]["scaling"]["metric"] == "hardwareUsage"


def test_a_refused_create_leaves_nothing(emulator) -> None:
    """No half endpoint that bills."""
    emulator.post(image(vLLM={}))

    assert emulator.owner.get("/v2/endpoint/acme").json()["items"] == []


@pytest.mark.parametrize(("path", "status"), [("chat", 400), ("/chat", 200)])
def test_a_route_path_starts_with_a_slash(emulator, path, status) -> None:
    """As the SDK documents it."""
    assert emulator.post(merged(BODY, {"route": {"path": path}})).status_code == status


@pytest.mark.parametrize(
    ("fields", "status"),
    [({"port": True}, 400), ({"disableCustomKernels": 1}, 400), ({"disableCustomKernels": True}, 200)],
)
def test_booleans_are_no_numbers(emulator, fields, status) -> None:
    """Python would take them for each other, the service does not."""
    assert emulator.post(image(tgi={"url": "x", **fields})).status_code == status


def test_llamacpp_has_four_required_fields_of_its_own(emulator) -> None:
    """And says which is missing."""
    complete = {"url": "x", "ctxSize": 4096, "modelPath": "m.gguf", "nParallel": 1, "threadsHttp": 2}
    refused = emulator.post(image(llamacpp={key: complete[key] for key in complete if key != "nParallel"}))

    assert refused.json()["error"] == "Bad Request: model.image.llamacpp: missing field nParallel"
    assert emulator.post(image(llamacpp=complete)).status_code == 200
