"""Catalogue, whoami, domains, CIDR lists, private services, audit log."""

import pytest
from control_plane import BODY
from huggingface_hub import HfApi

# Catalogue methods of huggingface_hub say of themselves that they are experimental.
pytestmark = pytest.mark.filterwarnings("ignore:.*is experimental:UserWarning")


def test_catalogue(emulator, api: HfApi) -> None:
    """Listed, filtered, deployed; marked as coming from it."""
    models = {model.repo_id: model for model in api.list_inference_catalog()}
    cpu = api.list_inference_catalog(accelerator="cpu", engine="tei", limit=1)
    made = api.create_inference_endpoint_from_catalog("BAAI/bge-small-en-v1.5", namespace="acme", name="bge")
    named = api.create_inference_endpoint_from_catalog(recipe_id="qwen-lima-x1l40s", namespace="acme")

    assert [recipe.engine for recipe in models["Qwen/Qwen2.5-7B-Instruct"].recipes] == ["vllm", "sglang"]
    assert [model.repo_id for model in cpu] == ["BAAI/bge-small-en-v1.5"]
    assert (made.name, made.raw["model"]["fromCatalog"], made.raw["type"]) == ("bge", True, "authenticated")
    assert named.name.startswith("qwen2-5-7b-instruct-")
    assert len(named.name) <= 32
    assert emulator.owner.post("/api/v1/catalog/recipe/none/deploy", json={"namespace": "acme"}).status_code == 404


def test_every_recipe_deploys(emulator, api) -> None:
    """A catalogue of tested configurations."""
    for model in api.list_inference_catalog():
        for recipe in model.recipes:
            made = api.create_inference_endpoint_from_catalog(recipe_id=recipe.id, namespace="acme")
            emulator.advance(400)
            assert emulator.state(made.name) == "running"


@pytest.mark.usefixtures("emulator")
def test_whoami_gives_the_sdk_its_namespace(api) -> None:
    """It is asked whenever the namespace is left out."""
    me = api.whoami()
    made = api.create_inference_endpoint(
        "mine",
        repository="Qwen/Qwen2.5-7B-Instruct",
        framework="pytorch",
        accelerator="gpu",
        instance_size="x1",
        instance_type="nvidia-l4",
        region="us-east-1",
        vendor="aws",
    )

    assert (me["name"], {org["name"]: org["canPay"] for org in me["orgs"]}) == (
        "founder",
        {"acme": True, "emulated": True, "unpaid": False},
    )
    assert made.namespace == "founder"


def test_custom_domains(emulator) -> None:
    """Create it first, then use it: huggingface_hub #3013."""
    too_early = emulator.post(BODY | {"route": {"domain": "llm.acme.example"}})
    made = emulator.owner.post("/v2/network/domain/acme", json={"domain": "llm.acme.example"}).json()
    twice = emulator.owner.post("/v2/network/domain/acme", json={"domain": "llm.acme.example"})
    used = emulator.create(route={"domain": "llm.acme.example"})
    listed = emulator.owner.get("/v2/network/domain/acme").json()
    gone = emulator.owner.delete("/v2/network/domain/acme/llm.acme.example")

    assert (too_early.status_code, twice.status_code, gone.json()) == (400, 409, {})
    assert made.keys() == {"domain", "status", "createdAt"}
    assert (used["route"], listed) == ({"domain": "llm.acme.example"}, [made])
    assert emulator.owner.get("/v2/network/domain/acme").json() == []


def test_cidr_lists(emulator) -> None:
    """Made, changed, removed."""
    made = emulator.owner.post(
        "/v2/network/cidr-list/acme", json={"name": "office", "cidrList": ["192.0.2.0/24"]}
    ).json()
    emulator.owner.post(f"/v2/network/cidr-list/acme/{made['id']}", json={"name": "office", "cidrList": []})
    listed = emulator.owner.get("/v2/network/cidr-list/acme").json()

    assert listed == [{"id": made["id"], "name": "office", "cidrList": []}]
    assert emulator.owner.delete(f"/v2/network/cidr-list/acme/{made['id']}").status_code == 200
    assert emulator.owner.delete(f"/v2/network/cidr-list/acme/{made['id']}").status_code == 404


def test_audit_logs_name_user_action_and_request(emulator) -> None:
    """The same request id as on the reply."""
    made = emulator.post(BODY)
    emulator.act("pause")
    items = emulator.owner.get("/v2/audit-logs/acme", params={"endpoint": "demo"}).json()["items"]

    assert [(item["action"], item["user"]["name"]) for item in items] == [("pause", "founder"), ("create", "founder")]
    assert items[1]["requestId"] == made.headers["x-request-id"]


def test_the_diagnostic_agent_answers_with_the_object(emulator) -> None:
    """And changes nothing."""
    emulator.seed()

    assert emulator.act("agent/debug").json()["name"] == "demo"


def test_private_services_can_be_listed_and_removed(emulator) -> None:
    """Filtered by account."""
    emulator.seed(privateService={"accountId": "1", "region": "us-east-1"})
    path = "/v2/network/private-service/acme"
    [service] = emulator.owner.get(path, params={"account-id": "1", "shared": "false"}).json()

    assert emulator.owner.get(path, params={"account-id": "2"}).json() == []
    assert emulator.owner.delete(f"{path}/{service['id']}").status_code == 200
    assert emulator.owner.get(path).json() == []
