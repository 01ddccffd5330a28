"""Who gets in, and in which words the others are refused."""

import re

import pytest
from control_plane import BODY, STRANGER
from huggingface_hub.errors import HfHubHTTPError

ROUTES = [
    ("GET", "/v2/endpoint/acme"),
    ("POST", "/v2/endpoint/acme"),
    ("GET", "/v2/endpoint/acme/demo"),
    ("PUT", "/v2/endpoint/acme/demo"),
    ("DELETE", "/v2/endpoint/acme/demo"),
    ("POST", "/v2/endpoint/acme/demo/pause"),
    ("POST", "/v2/endpoint/acme/demo/resume"),
    ("POST", "/v2/endpoint/acme/demo/scale-to-zero"),
    ("POST", "/v2/endpoint/acme/demo/agent/debug"),
    ("GET", "/v2/endpoint/acme/demo/sse"),
    ("GET", "/v2/endpoint/acme/demo/replica"),
    ("GET", "/v2/endpoint/acme/demo/logs"),
    ("GET", "/v2/endpoint/acme/demo/logs/sse"),
    ("GET", "/v3/endpoint/acme/demo/logs"),
    ("GET", "/v3/endpoint/acme/demo/logs/sse"),
    ("POST", "/v2/endpoint/acme/demo/metrics"),
    ("POST", "/v2/endpoint/acme/demo/metrics/hardware-cpu"),
    ("GET", "/v2/endpoint/acme/demo/open-metrics"),
    ("GET", "/v2/provider"),
    ("GET", "/v2/provider/acme"),
    ("GET", "/v2/provider/quotas/acme"),
    ("GET", "/v2/network/domain/acme"),
    ("POST", "/v2/network/domain/acme"),
    ("DELETE", "/v2/network/domain/acme/chat.acme.example"),
    ("GET", "/v2/network/cidr-list/acme"),
    ("POST", "/v2/network/cidr-list/acme"),
    ("POST", "/v2/network/cidr-list/acme/1"),
    ("DELETE", "/v2/network/cidr-list/acme/1"),
    ("GET", "/v2/network/private-service/acme"),
    ("DELETE", "/v2/network/private-service/acme/1"),
    ("GET", "/v2/audit-logs/acme"),
    ("GET", "/api/whoami-v2"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES, ids=lambda value: str(value))
def test_bearer_required_everywhere(emulator, method, path) -> None:
    """A client that forgets its token must learn of it here, not in production."""
    emulator.seed()
    body = {"namespace": "acme"} if method == "POST" else None
    missing = emulator.anonymous.request(method, path, json=body)
    unknown = emulator.anonymous.request(method, path, json=body, headers={"Authorization": "Bearer hf_nobody"})

    for response in (missing, unknown):
        assert (response.status_code, response.json()["code"]) == (401, "UNAUTHORIZED")
    assert emulator.state() == "running"


def test_a_catalogue_deploy_needs_a_token_too(emulator) -> None:
    """It creates an endpoint that costs."""
    response = emulator.anonymous.post(
        "/api/v1/catalog/model/BAAI/bge-small-en-v1.5/deploy", json={"namespace": "acme"}
    )

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("namespace", "text"),
    [
        ("unpaid", "Forbidden: Payment method required for namespace: unpaid"),
        ("elsewhere", "Forbidden: Not allowed to access namespace: elsewhere"),
    ],
)
def test_403_with_code_forbidden_without_payment_and_out_of_scope(emulator, api, namespace, text) -> None:
    """The two that a new user meets first."""
    refused = emulator.post(BODY, namespace)
    with pytest.raises(HfHubHTTPError) as error:
        api.list_inference_endpoints(namespace=namespace)

    assert (refused.status_code, refused.json()) == (403, {"error": text, "code": "FORBIDDEN"})
    assert error.value.response.status_code == 403


@pytest.mark.usefixtures("emulator")
def test_a_stranger_reaches_no_organisation_but_their_own_namespace(api) -> None:
    """Whoever holds a valid token of somebody else."""
    with pytest.raises(HfHubHTTPError, match="403"):
        api.list_inference_endpoints(namespace="acme", token=STRANGER)

    assert api.list_inference_endpoints(namespace="stranger", token=STRANGER) == []


def test_an_absent_namespace_is_404(emulator) -> None:
    """A typo in the namespace is no lack of rights."""
    assert emulator.owner.get("/v2/endpoint/nobody").status_code == 404


def test_error_body_is_phrase_text_and_code(emulator) -> None:
    """Clients classify by code and print the text."""
    response = emulator.owner.get("/v2/endpoint/acme/absent")

    assert (response.status_code, response.json()) == (
        404,
        {"error": "Not Found: Endpoint absent not found in namespace acme", "code": "NOT_FOUND"},
    )


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/endpoint/acme", 200),
        ("GET", "/v2/endpoint/acme/absent", 404),
        ("GET", "/v2/nothing", 404),
        ("PATCH", "/v2/endpoint/acme", 405),
        ("GET", "/endpoints/acme/absent", None),
        ("GET", "/_emulator", 200),
    ],
    ids=lambda value: str(value),
)
def test_x_request_id_on_every_reply(emulator, method, path, status) -> None:
    """Support asks for it; two requests never share one."""
    first, second = (emulator.owner.request(method, path) for _ in range(2))

    assert status in {None, first.status_code}
    assert re.fullmatch(r"[0-9a-f-]{36}", first.headers["x-request-id"])
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_a_body_that_is_no_json_is_400(emulator) -> None:
    """Never FastAPI's own `detail`."""
    response = emulator.owner.post("/v2/endpoint/acme", content=b"{")

    assert response.status_code == 400
    assert response.json()["error"].startswith("Bad Request: Failed to parse the request body as JSON: ")
