"""The emulator as a thing to work with: clients, the request log, state on disk, the process."""

import json
import os
import subprocess
import sys
from pathlib import Path

from control_plane import BODY, OWNER, merged, running
from huggingface_hub import HfApi, InferenceEndpoint

CREATE = {
    "repository": "Qwen/Qwen2.5-7B-Instruct",
    "framework": "pytorch",
    "accelerator": "gpu",
    "instance_size": "x1",
    "instance_type": "nvidia-l4",
    "region": "us-east-1",
    "vendor": "aws",
    "namespace": "acme",
    "token": OWNER,
}


def test_reachable_by_huggingface_hub_through_its_module_constants(emulator, api: HfApi) -> None:
    """Every method of HfApi that there is for endpoints, in one life."""
    made = api.create_inference_endpoint(
        "demo",
        **CREATE,
        custom_image={"url": "x/app:1", "port": 8080},
        container_registry_username="bot",
        container_registry_password="pw",
        env={"A": "1"},
        secrets={"K": "v"},
        tags=["one"],
        scaling_metric="pendingRequests",
        scaling_threshold=1.5,
        scale_to_zero_timeout=30,
        min_replica=0,
        type="private",
        path="/chat",
        cache_http_responses=True,
    )
    emulator.advance(400)
    updated = api.update_inference_endpoint("demo", namespace="acme", max_replica=2, secrets={"K": "w"}, tags=["two"])
    emulator.advance(400)
    states = [
        made.status,
        updated.status,
        api.get_inference_endpoint("demo", namespace="acme").status,
        api.scale_to_zero_inference_endpoint("demo", namespace="acme").status,
        api.pause_inference_endpoint("demo", namespace="acme").status,
        api.resume_inference_endpoint("demo", namespace="acme").status,
    ]
    api.delete_inference_endpoint("demo", namespace="acme")

    assert states == ["pending", "updating", "running", "scaledToZero", "paused", "pending"]
    assert made.raw["model"]["image"]["custom"]["url"] == "x/app:1"
    assert api.list_inference_endpoints(namespace="acme") == []


def test_wait_and_the_client_of_the_sdk_reach_the_data_plane(monkeypatch) -> None:
    """`status.url` points at the emulator's own data plane."""
    with running(speed=500) as fast:
        monkeypatch.setattr("huggingface_hub.constants.INFERENCE_ENDPOINTS_ENDPOINT", f"{fast.url}/v2")
        made = fast.api.create_inference_endpoint("demo", **CREATE, custom_image={"tgi": {"url": "x/tgi:3.3.7"}})
        # Returned objects carry the token of the call, but `fetch` of a fresh HfApi needs it as well.
        endpoint = InferenceEndpoint.from_raw(made.raw, namespace="acme", token=OWNER, api=fast.api)
        endpoint.wait(timeout=30, refresh_every=0.05)

        assert endpoint.url == f"{fast.url}/endpoints/acme/demo"
        assert endpoint.client.text_generation("Hello", max_new_tokens=3)


def test_requests_recorded_for_assertions(emulator) -> None:
    """Method, path, query, headers without the token, body as sent, status, order; data plane included."""
    emulator.create(model={"secrets": {"K": "s3cret"}})
    emulator.owner.get("/v2/endpoint/acme", params={"search": "de mo"}, headers={"X-Trace": "7"})
    emulator.advance(400)
    emulator.owner.post("/endpoints/acme/demo", json={"inputs": "Hi", "parameters": {"max_new_tokens": 2}})
    emulator.anonymous.post("/v2/endpoint/acme", content=b"no json")
    created, listed, called, refused = emulator.requests()

    assert created["body"]["model"]["secrets"] == {"K": "s3cret"}
    assert (listed["method"], listed["path"], listed["query"]) == ("GET", "/v2/endpoint/acme", "search=de+mo")
    assert listed["headers"]["x-trace"] == "7"
    assert called["body"] == {"inputs": "Hi", "parameters": {"max_new_tokens": 2}}
    assert [one["status"] for one in (created, listed, called, refused)] == [200, 200, 200, 401]
    assert (refused["body"], refused["account"], created["account"]) == ("no json", None, "founder")
    assert [one["number"] for one in (created, listed, called, refused)] == [
        created["number"] + index for index in range(4)
    ]
    assert "authorization" not in json.dumps([one["headers"] for one in emulator.requests()]).lower()
    assert OWNER not in json.dumps(emulator.requests())


def test_since_and_deleting_of_requests(emulator) -> None:
    """Numbers go on after the log was emptied."""
    emulator.owner.get("/v2/endpoint/acme")
    [first] = emulator.requests()
    emulator.owner.get("/v2/provider/acme")
    later = emulator.requests(first["number"])
    emulator.anonymous.delete("/_emulator/requests")
    emulator.owner.get("/v2/endpoint/acme")
    [last] = emulator.requests()

    assert [one["path"] for one in later] == ["/v2/provider/acme"]
    assert last["number"] == first["number"] + 2


def test_scripting_is_not_logged(emulator) -> None:
    """The hand that scripts is no client."""
    emulator.set(delete_status=204)

    assert emulator.requests() == []


def test_the_emulator_says_who_it_is(tmp_path) -> None:
    """So that a launcher recognises its own."""
    with running(tmp_path / "data", speed=7) as emulator:
        emulator.advance(5)
        identity = emulator.anonymous.get("/_emulator").json()

    assert identity["name"] == "hfdeploy-emulator"
    assert (identity["pid"], identity["data"], identity["speed"]) == (os.getpid(), str(tmp_path / "data"), 7)
    assert identity["clock_offset"] == 5


def test_a_page_for_people_needs_no_other_host(emulator) -> None:
    """Routes at a glance."""
    page = emulator.anonymous.get("/docs")

    assert page.headers["content-type"].startswith("text/html")
    assert "/v2/endpoint/{namespace}/{name}" in page.text
    assert "://" not in page.text


def test_the_clock_only_runs_forward(emulator) -> None:
    """Nothing that happened is undone."""
    assert emulator.anonymous.post("/_emulator/clock", json={"advance_seconds": -1}).status_code == 400


def test_an_injected_clock_is_the_emulators_time() -> None:
    """For tests in one process."""
    with running(now=lambda: 1_800_000_000.25) as emulator:
        assert emulator.create()["status"]["createdAt"] == "2027-01-15T08:00:00.250Z"


def test_a_restart_loses_nothing(tmp_path) -> None:
    """Endpoints with secrets and ages, options, quota use, faults, the Hub, domains, the request log."""
    with running(tmp_path) as first:
        first.set(delete_status=204, quota={"nvidia-l4": 2})
        first.create(model={"secrets": {"K": "s3cret"}})
        first.create("other")
        first.advance(100)
        first.owner.post("/v2/network/domain/acme", json={"domain": "a.example"})
        first.anonymous.post("/_emulator/hub", json={"repository": BODY["model"]["repository"], "commit": "e" * 40})
        first.fault("bad_gateway", path="/v2/provider", times=None)
        first.fault("bad_gateway", path="/v2/provider/acme")
        first.owner.get("/v2/provider/acme")
        before, log = first.get(), first.requests()
    with running(tmp_path) as second:
        after, kept = second.get(), second.requests()
        over = second.post(merged(BODY, {"name": "third"}))
        state = second.inner()
        second.advance(60)
        aged = second.state()
        domains = second.owner.get("/v2/network/domain/acme").json()
        sha = second.owner.get(f"/api/models/{BODY['model']['repository']}").json()["sha"]
        gateway = second.owner.get("/v2/provider").status_code
        used_up = second.owner.get("/v2/provider/acme").status_code
        deleted = second.owner.delete("/v2/endpoint/acme/other").status_code

    before["status"].pop("url"), after["status"].pop("url")
    assert after == before
    assert kept[: len(log)] == log
    assert state["config"]["model"]["secrets"] == {"K": "s3cret"}
    assert (over.status_code, aged, deleted, gateway, used_up) == (409, "running", 204, 502, 200)
    assert (domains[0]["domain"], sha) == ("a.example", "e" * 40)


def test_what_was_answered_is_on_disk(tmp_path) -> None:
    """Even a killed emulator has lost nothing that anybody was told of."""
    with running(tmp_path) as emulator:
        emulator.create()
        saved = json.loads((tmp_path / "state.json").read_text())
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert [record["name"] for record in saved["store"]["records"]] == ["demo"]
    assert modes == {"state.json": 0o600, "requests.jsonl": 0o600}


CHANGES = [
    ("POST", "/v2/endpoint/acme", BODY),
    ("PUT", "/v2/endpoint/acme/live", {"tags": ["a"]}),
    ("POST", "/v2/endpoint/acme/live/pause", None),
    ("POST", "/v2/endpoint/acme/live/scale-to-zero", None),
    ("POST", "/v2/endpoint/acme/paused/resume", None),
    ("DELETE", "/v2/endpoint/acme/live", None),
    ("GET", "/endpoints/acme/asleep", None),
    ("POST", "/v2/network/domain/acme", {"domain": "a.example"}),
    ("DELETE", "/v2/network/domain/acme/b.example", None),
    ("POST", "/v2/network/cidr-list/acme", {"name": "a", "cidrList": []}),
    ("DELETE", "/v2/network/cidr-list/acme/cidr-1", None),
    ("DELETE", "/v2/network/private-service/acme/SERVICE", None),
    ("POST", "/api/v1/catalog/model/BAAI/bge-small-en-v1.5/deploy", {"namespace": "acme"}),
    ("POST", "/_emulator/endpoints/acme/other", {}),
    ("PATCH", "/_emulator/endpoints/acme/live", {"tags": ["a"]}),
    ("PATCH", "/_emulator/endpoints/acme/live", {"state": "failed"}),
    ("PATCH", "/_emulator/endpoints/acme/live", {"behaviour": {"stream": "cut"}}),
    ("PATCH", "/_emulator/endpoints/acme/live", {"outcome": "stuck_pending"}),
    ("DELETE", "/_emulator/endpoints/acme/live", None),
    ("PUT", "/_emulator/options", {"delete_status": 204}),
    ("POST", "/_emulator/clock", {"advance_seconds": 1}),
    ("POST", "/_emulator/faults", {"kind": "reset"}),
    ("DELETE", "/_emulator/faults", None),
    ("POST", "/_emulator/hub", {"repository": BODY["model"]["repository"], "gated": "auto"}),
    ("DELETE", "/_emulator/requests", None),
    ("POST", "/_emulator/reset", None),
]


def test_every_change_is_on_disk_before_it_is_answered(tmp_path) -> None:
    """Whatever changes the world: a kill right after the answer undoes nothing."""
    # A clock that stands still: the states differ by the change alone.
    with running(tmp_path, now=lambda: 1_800_000_000.0) as emulator:
        for method, path, body in CHANGES:
            emulator.anonymous.post("/_emulator/reset")
            emulator.owner.post("/v2/network/domain/acme", json={"domain": "b.example"})
            emulator.owner.post("/v2/network/cidr-list/acme", json={"name": "b", "cidrList": []})
            emulator.fault("slow", number=0)
            emulator.seed("live", privateService={"accountId": "1", "region": "us-east-1"})
            emulator.seed("paused", state="paused")
            emulator.seed("asleep", state="scaledToZero")
            [service] = emulator.owner.get("/v2/network/private-service/acme").json()
            before = (tmp_path / "state.json").read_text()
            response = emulator.owner.request(method, path.replace("SERVICE", service["id"]), json=body)
            saved = json.loads((tmp_path / "state.json").read_text())

            assert response.status_code in {200, 503}, (method, path, response.text)
            assert saved != json.loads(before), (method, path)


def test_a_log_line_that_a_crash_cut_short_is_left_out(tmp_path) -> None:
    """The rest is read."""
    with running(tmp_path) as emulator:
        emulator.owner.get("/v2/endpoint/acme")
    with (tmp_path / "requests.jsonl").open("a") as file:
        file.write('{"number": 99, "ti')
    with running(tmp_path) as emulator:
        assert [one["number"] for one in emulator.requests()] == [1]


LAUNCHER = """
import sys, huggingface_hub.constants as constants
constants.INFERENCE_ENDPOINTS_ENDPOINT = sys.argv.pop(1)
from huggingface_hub.cli.hf import main; main()
"""


def test_the_hf_endpoints_commands_work(emulator, tmp_path: Path) -> None:
    """A client of another kind, in a process of its own; the address is a module constant, so two lines set it."""

    def hf(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LAUNCHER, f"{emulator.url}/v2", "endpoints", *words],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"HF_TOKEN": OWNER, "HF_ENDPOINT": emulator.url, "HF_HOME": str(tmp_path)},
        )

    made = hf(
        *("deploy", "demo", "--repo", "Qwen/Qwen2.5-7B-Instruct", "--framework", "pytorch", "--accelerator", "gpu"),
        *("--instance-size", "x1", "--instance-type", "nvidia-l4", "--region", "us-east-1", "--vendor", "aws"),
        *("--namespace", "acme"),
    )
    emulator.advance(400)
    paused = hf("pause", "demo", "--namespace", "acme")
    absent = hf("describe", "absent", "--namespace", "acme")

    assert made.returncode == 0, made.stderr
    assert paused.returncode == 0, paused.stderr
    assert emulator.state() == "paused"
    assert absent.returncode != 0
