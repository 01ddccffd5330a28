"""Faults by request number."""

import time

import httpx2
import pytest
from control_plane import BODY
from huggingface_hub.errors import HfHubHTTPError

E = "/v2/endpoint/acme"


def exists(emulator) -> bool:
    return "demo" in {item["name"] for item in emulator.anonymous.get("/_emulator/endpoints").json()["items"]}


@pytest.mark.parametrize("retry_after", [None, 7])
def test_429_with_and_without_retry_after(emulator, retry_after) -> None:
    """And the headers that the SDK reads."""
    emulator.fault("too_many_requests", retry_after=retry_after)
    response = emulator.owner.get(E)

    assert (response.status_code, response.headers.get("retry-after")) == (
        429,
        str(retry_after) if retry_after else None,
    )
    assert response.headers["ratelimit"] == '"api";r=0;t=55'
    assert emulator.owner.get(E).status_code == 200


@pytest.mark.parametrize("commit", [False, True])
def test_500_before_and_after_commit(emulator, commit) -> None:
    """The same answer; only a look tells whether the endpoint is there."""
    emulator.fault("server_error", method="POST", commit=commit)
    response = emulator.post(BODY)

    assert (response.status_code, response.json()["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert exists(emulator) is commit


@pytest.mark.parametrize(("kind", "status"), [("bad_gateway", 502), ("unavailable", 503)])
def test_502_and_503(emulator, kind, status) -> None:
    """Nothing was done."""
    emulator.fault(kind, method="POST")

    assert emulator.post(BODY).status_code == status
    assert not exists(emulator)


@pytest.mark.parametrize("commit", [False, True])
def test_reset(emulator, commit) -> None:
    """The connection dies; the request may have been carried out."""
    emulator.fault("reset", method="POST", commit=commit)
    with pytest.raises(httpx2.TransportError):
        emulator.post(BODY)

    assert exists(emulator) is commit


def test_half_body(emulator) -> None:
    """Carried out, and the answer breaks off."""
    emulator.fault("half_body", method="POST")
    with pytest.raises(httpx2.RemoteProtocolError):
        emulator.post(BODY)

    assert exists(emulator)


def test_slow(emulator) -> None:
    """The answer is right and late."""
    emulator.fault("slow", seconds=0.2)
    started = time.monotonic()
    response = emulator.owner.get(E)

    assert response.status_code == 200
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize("commit", [False, True])
def test_hang(emulator, commit) -> None:
    """Without a timeout of one's own a call hangs for ever."""
    emulator.fault("hang", method="POST", commit=commit)
    with pytest.raises(httpx2.ReadTimeout):
        emulator.owner.post(E, json=BODY, timeout=0.2)

    assert exists(emulator) is commit


@pytest.mark.parametrize("status", [None, 503])
def test_html_body(emulator, status) -> None:
    """A gateway's page, also with status 200."""
    emulator.fault("html", status=status)
    response = emulator.owner.get(E)

    assert (response.status_code, response.headers["content-type"]) == (status or 200, "text/html; charset=utf-8")


def test_non_object_json_error(emulator, api) -> None:
    """It breaks huggingface_hub 2.4.0 with AttributeError instead of its own error."""
    emulator.fault("not_an_object")
    with pytest.raises((AttributeError, HfHubHTTPError)):
        api.list_inference_endpoints(namespace="acme")

    assert isinstance(emulator.owner.get(E).json(), dict)


def test_faults_by_request_number(emulator) -> None:
    """The number of the log, counted from the first request of all."""
    emulator.owner.get(E)
    number = emulator.requests()[-1]["number"]
    emulator.fault("bad_gateway", number=number + 2)

    assert [emulator.owner.get(E).status_code for _ in range(3)] == [200, 502, 200]
    assert [request["faults"] for request in emulator.requests(number)] == [[], ["bad_gateway"], []]


def test_faults_by_pattern_after_some_and_so_many_times(emulator) -> None:
    """Method and path; `skip` lets the first pass."""
    emulator.seed()
    emulator.fault("unavailable", method="GET", path=f"{E}/*", skip=1, times=2)
    statuses = [emulator.owner.get(f"{E}/demo").status_code for _ in range(4)]
    others = [emulator.owner.get(E).status_code, emulator.put({}).status_code]

    assert (statuses, others) == ([200, 503, 503, 200], [200, 200])


def test_a_fault_without_end_can_be_taken_back(emulator) -> None:
    """`times: null`."""
    emulator.fault("unavailable", times=None)
    during = [emulator.owner.get(E).status_code for _ in range(3)]
    emulator.anonymous.delete("/_emulator/faults")

    assert (during, emulator.owner.get(E).status_code) == ([503] * 3, 200)


def test_faults_reach_the_data_plane_and_the_hub_too(emulator) -> None:
    """One network, one set of troubles."""
    emulator.seed()
    emulator.fault("bad_gateway", times=2)
    data = emulator.owner.get("/endpoints/acme/demo/health").status_code
    hub = emulator.owner.get("/api/models/Qwen/Qwen2.5-7B-Instruct").status_code

    assert (data, hub) == (502, 502)


@pytest.mark.parametrize("rule", [{"kind": "earthquake"}, {"kind": "reset", "when": 1}, {}], ids=str)
def test_a_misspelt_fault_is_refused(emulator, rule) -> None:
    """With what there is."""
    refused = emulator.anonymous.post("/_emulator/faults", json=rule)

    assert refused.status_code == 400
    assert "bad_gateway" in refused.json()["error"] or "retry_after" in refused.json()["error"]
