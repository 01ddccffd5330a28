"""The emulator as a thing to work with: clients, the request log, state on disk, the process."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
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
        deleted = second.owner.delete("/v2/endpoint/acme/other").status_code

    before["status"].pop("url"), after["status"].pop("url")
    assert after == before
    assert kept[: len(log)] == log
    assert state["config"]["model"]["secrets"] == {"K": "s3cret"}
    assert (over.status_code, aged, deleted, gateway) == (409, "running", 204, 502)
    assert (domains[0]["domain"], sha) == ("a.example", "e" * 40)


def test_what_was_answered_is_on_disk(tmp_path) -> None:
    """Even a killed emulator has lost nothing that anybody was told of."""
    with running(tmp_path) as emulator:
        emulator.create()
        saved = json.loads((tmp_path / "state.json").read_text())
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}

    assert [record["name"] for record in saved["store"]["records"]] == ["demo"]
    assert modes == {"state.json": 0o600, "requests.jsonl": 0o600}


def test_a_log_line_that_a_crash_cut_short_is_left_out(tmp_path) -> None:
    """The rest is read."""
    with running(tmp_path) as emulator:
        emulator.owner.get("/v2/endpoint/acme")
    with (tmp_path / "requests.jsonl").open("a") as file:
        file.write('{"number": 99, "ti')
    with running(tmp_path) as emulator:
        assert [one["number"] for one in emulator.requests()] == [1]


@contextmanager
def process(*arguments: str, **environment: str):
    """`serve` as a process of its own; its first line of output, or None when it ended without one."""
    code = "import sys; from pathlib import Path; from hfdeploy.emulator.server import serve; sys.exit(serve({}))"
    started = subprocess.Popen(
        [sys.executable, "-c", code.format(", ".join(arguments))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    try:
        yield started, started.stdout.readline()
    finally:
        started.kill()
        started.wait()
        started.stdout.close()
        started.stderr.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda value: value.name)
def test_signals_end_it_cleanly_with_streams_open(tmp_path, number) -> None:
    """Event streams, a held request and a hanging one; nobody waits for them, and nothing is said of them."""
    with process("0", "speed=100", f"data_dir=Path({str(tmp_path)!r})") as (emulator, line):
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]
        client = httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {OWNER}"}, timeout=30)
        client.post("/_emulator/endpoints/acme/demo", json={"behaviour": {"stream": "drip"}})
        client.post("/_emulator/endpoints/acme/idle", json={"state": "scaledToZero", "outcome": "stuck_initializing"})
        client.post("/_emulator/faults", json={"kind": "hang", "path": "/v2/provider"})
        begun = threading.Barrier(4, timeout=20)
        threads = [
            threading.Thread(target=_read, args=(client, begun, "GET", "/v2/endpoint/acme/demo/sse")),
            threading.Thread(target=_read, args=(client, begun, "GET", "/v2/endpoint/acme/idle", {"hang": True})),
            threading.Thread(target=_read, args=(client, begun, "GET", "/v3/endpoint/acme/demo/logs/sse?tail=5")),
        ]
        for thread in threads:
            thread.start()
        begun.wait()
        emulator.send_signal(number)
        code = emulator.wait(timeout=20)
        said = emulator.stderr.read()
        for thread in threads:
            thread.join(timeout=20)
        client.close()

    assert (code, said) == (0, "")
    assert "deployments run 100 times faster than real ones" in line
    assert json.loads((tmp_path / "state.json").read_text())["store"]["records"][0]["name"] == "demo"


def _read(client: httpx2.Client, begun: threading.Barrier, method: str, path: str, hang: dict | None = None) -> None:
    """Open a stream, tell that it has begun, and read until the other side ends it."""
    headers = {"X-Scale-Up-Timeout": "60"} if hang else {}
    if hang:
        # Nothing comes back from a held request: it has begun when it was logged.
        begun.wait()
        path = "/endpoints/acme/idle/health"
        with pytest.raises(httpx2.TransportError):
            client.request(method, path, headers=headers)
        return
    try:
        with client.stream(method, path) as response:
            lines = response.iter_lines()
            next(lines)
            begun.wait()
            for _ in lines:
                pass
    except httpx2.TransportError:
        return


def test_a_taken_port_is_one_clear_sentence() -> None:
    """It names the port and the way out."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with process(str(port)) as (emulator, line):
            code = emulator.wait(timeout=20)
            said = emulator.stderr.read()

    assert (code, line) == (2, "")
    assert said == (
        f"The emulator cannot listen on 127.0.0.1:{port} (Address already in use): "
        "set EMULATOR_PORT or --port to a free port (0 picks one).\n"
    )


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{", "cannot be read"),
        ("[]", "no JSON object"),
        ('{"no_option": 1}', "no_option"),
        ('{"delete_status": 201}', "204"),
    ],
    ids=["json", "kind", "name", "value"],
)
def test_a_wrong_options_file_ends_with_2_and_a_sentence(tmp_path, text, word) -> None:
    """Before anything listens."""
    path = tmp_path / "options.json"
    path.write_text(text)
    with process("0", f"options_file=Path({str(path)!r})") as (emulator, line):
        code = emulator.wait(timeout=20)
        said = emulator.stderr.read()

    assert (code, line) == (2, "")
    assert word in said
    assert len(said.splitlines()) == 1


def test_options_may_come_from_a_file(tmp_path) -> None:
    """`--options FILE`."""
    path = tmp_path / "options.json"
    path.write_text('{"delete_status": 202}')
    with process("0", f"options_file=Path({str(path)!r})") as (_, line):
        url = re.search(r"http://127\.0\.0\.1:\d+", line)[0]

        assert httpx2.get(f"{url}/_emulator/options").json()["delete_status"] == 202


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
