"""Replicas, logs, metrics, event streams."""

import json
import threading

import pytest

EP = "/v2/endpoint/acme/demo"
LOGS = "/v3/endpoint/acme/demo/logs"


def lines(response) -> list[str]:
    return [entry["line"] for entry in response.json()]


def events(emulator, path: str, count: int, meanwhile=lambda: None) -> list[dict]:
    """The first events of a stream; `meanwhile` happens after the first."""
    found: list[dict] = []
    with emulator.owner.stream("GET", path) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            if line.startswith("data: "):
                found.append(json.loads(line.removeprefix("data: ")))
                if len(found) == 1:
                    thread = threading.Thread(target=meanwhile)
                    thread.start()
                if len(found) == count:
                    break
    thread.join()
    return found


def test_replica(emulator) -> None:
    """Ids look like `xxxxxxxx-xxxxx`."""
    emulator.create(compute={"scaling": {"minReplica": 2, "maxReplica": 2}})
    pending = emulator.owner.get(f"{EP}/replica").json()["items"]
    emulator.advance(30)
    starting = emulator.owner.get(f"{EP}/replica").json()["items"]
    emulator.advance(400)
    started = emulator.owner.get(f"{EP}/replica").json()["items"]

    assert pending == []
    assert [item["status"]["live"] for item in starting] == [False, False]
    assert [item["status"]["live"] for item in started] == [True, True]
    assert [len(part) for part in started[0]["id"].split("-")] == [8, 5]


def test_v2_logs_are_text_with_tail_and_line_length(emulator) -> None:
    """One line per line."""
    emulator.started()
    whole = emulator.owner.get(f"{EP}/logs").text.splitlines()
    tail = emulator.owner.get(f"{EP}/logs", params={"tail": 1, "line_max_length": 9}).text
    nobody = emulator.owner.get(f"{EP}/logs", params={"replica": "none"}).text

    assert whole[-1] == "Connected: ready to accept requests"
    assert (tail, nobody) == ("Connected\n", "")


def test_v2_logs_follow(emulator) -> None:
    """`follow=true` goes on until the caller leaves."""
    emulator.started()
    found = []
    with emulator.owner.stream("GET", f"{EP}/logs", params={"follow": "true", "tail": 1}) as response:
        for line in response.iter_lines():
            found.append(line)
            if len(found) == 1:
                emulator.act("pause")
            if len(found) == 2:
                break

    assert found[1] == "Signal received: shutting down"


def test_v3_logs_with_filters(emulator) -> None:
    """level, search, since, until, tail, limit, order, replica."""
    emulator.set(outcomes=[{"outcome": "broken_image"}])
    emulator.create()
    emulator.advance(400)
    everything = emulator.owner.get(LOGS).json()

    def found(**query) -> list[str]:
        return lines(emulator.owner.get(LOGS, params=query))

    first, last = everything[0], everything[-1]
    assert {"timestamp", "line", "stream", "replica_id", "level"} == first.keys()
    assert found(level="error") == [last["line"]]
    assert found(search="DOWNLOADING") == ["Downloading files to /repository"]
    assert found(since=last["timestamp"]) == [entry["line"] for entry in everything[-2:]]
    assert found(until=first["timestamp"]) == [entry["line"] for entry in everything[:2]]
    assert found(tail=1) == [last["line"]]
    assert found(limit=1) == [first["line"]]
    assert found(order="desc") == [entry["line"] for entry in everything[::-1]]
    assert found(replica="nobody") == []
    assert (last["stream"], first["stream"]) == ("stderr", "stdout")


@pytest.mark.parametrize("query", [{"since": "yesterday"}, {"limit": "x"}, {"tail": "-1"}], ids=str)
def test_a_log_filter_that_is_none_is_400(emulator, query) -> None:
    """Not silently everything."""
    emulator.started()

    assert emulator.owner.get(LOGS, params=query).status_code == 400


def test_v3_logs_501_option(emulator) -> None:
    """Log search is not available everywhere."""
    emulator.started()
    emulator.set(log_search="missing")

    assert emulator.owner.get(LOGS).status_code == 501
    assert emulator.owner.get(f"{LOGS}/sse").status_code == 501
    assert emulator.owner.get(f"{EP}/logs").status_code == 200


def test_logs_sse(emulator) -> None:
    """Backfill, then what happens."""
    emulator.started()
    old = events(emulator, f"{EP}/logs/sse?tail=1", 1)
    new = events(emulator, f"{LOGS}/sse?tail=1&search=e", 2, lambda: emulator.act("pause"))

    assert old == ["Connected: ready to accept requests"]
    assert [entry["line"] for entry in new] == [
        "Connected: ready to accept requests",
        "Signal received: shutting down",
    ]


def test_status_sse(emulator) -> None:
    """The object whenever it changes."""
    emulator.started()
    found = events(emulator, f"{EP}/sse", 2, lambda: emulator.act("pause"))

    assert [one["status"]["state"] for one in found] == ["running", "paused"]


@pytest.fixture
def called(emulator):
    """An endpoint with three answered requests and a refused one."""
    emulator.seed(model={"image": {"tgi": {"url": "x/tgi:3.3.7"}}})
    for _ in range(3):
        assert emulator.owner.get("/endpoints/acme/demo/health").status_code == 200
    emulator.anonymous.get("/endpoints/acme/demo/health")
    return emulator


PERIOD = {"start": "2020-01-01T00:00:00Z", "stop": "2099-01-01T00:00:00Z"}


def test_metrics(called) -> None:
    """All graphs at once."""
    graphs = called.owner.post(f"{EP}/metrics", json=PERIOD).json()
    counts = {series["statusCode"]: series["data"][0]["y"] for series in graphs["responseStatusCodeGrouped"]["series"]}

    assert counts == {"200": 3, "401": 1}
    assert {series["percentile"] for series in graphs["responseElapsed"]["series"]} == {"p50", "p90", "p95", "p99"}
    assert graphs.keys() >= {"pendingRequest", "replicasRunning", "hardwareCpu", "hardwareGpu", "inference"}
    assert graphs["hardwareCpu"]["series"][0].keys() == {"replicaId", "deviceId", "data"}


def test_the_graph_of_replicas_has_every_change(emulator) -> None:
    """How long how many ran, which is what a bill is made of."""
    emulator.started()
    emulator.act("pause")

    (line,) = emulator.owner.post(f"{EP}/metrics", json=PERIOD).json()["replicasRunning"]["series"]

    assert (line["status"], [point["y"] for point in line["data"]]) == ("running", [0, 1, 0, 0])
    assert [point["x"] for point in line["data"]] == sorted(point["x"] for point in line["data"])


def test_a_seeded_endpoint_may_have_a_past(emulator) -> None:
    """When it was last called, by whom to what end, how many replicas ran, and how busy they were."""
    emulator.seed(
        createdAt="2026-01-01T00:00:00Z",
        lastUsedAt="2026-03-01T00:00:00Z",
        requests=[["2026-03-01T00:00:00Z", 200, 0.5]],
        replicaCounts=[["2026-01-01T00:00:00Z", 3], ["2026-02-01T00:00:00Z", 1]],
        usage={"hardwareGpu": 3.0},
    )
    period = {"start": "2026-01-15T00:00:00Z", "stop": "2026-04-01T00:00:00Z"}

    graphs = emulator.owner.post(f"{EP}/metrics", json=period).json()

    assert emulator.get()["status"]["lastUsedAt"].startswith("2026-03-01T00:00:00")
    assert graphs["responseStatusCodeGrouped"]["series"][0]["data"][0]["y"] == 1
    assert [point["y"] for point in graphs["replicasRunning"]["series"][0]["data"]] == [3, 1, 1]
    assert {point["y"] for line in graphs["hardwareGpu"]["series"] for point in line["data"]} == {3.0}


@pytest.mark.parametrize(
    "graph",
    [
        "response-status-code",
        "response-elapsed",
        "pending-request",
        "replica-status",
        "replica-running",
        "hardware-cpu",
    ],
)
def test_one_graph(called, graph) -> None:
    """By its name in the route."""
    assert called.owner.post(f"{EP}/metrics/{graph}", json=PERIOD).json()["series"]


def test_vllm_graphs(emulator) -> None:
    """Only where vLLM runs."""
    emulator.seed(model={"image": {"vLLM": {"url": "x/vllm:1"}}})
    emulator.seed("other")

    assert "waiting" in emulator.owner.post(f"{EP}/metrics/vllm/requests", json=PERIOD).json()
    assert emulator.owner.post("/v2/endpoint/acme/other/metrics/vllm/requests", json=PERIOD).status_code == 404


@pytest.mark.parametrize(
    ("metric", "value"),
    [("request-count", 4), ("success-throughput", 3), ("bad-request-throughput", 1), ("server-error-throughput", 0),
     ("request-count-rate", 4 / 3600), ("ready-replicas", 1), ("target-replicas", 1), ("gpu-usage", 55.0)],
)  # fmt: skip
def test_the_older_form_of_metrics(called, metric, value) -> None:
    """Clients of 2023: unix seconds and a step."""
    now = called.owner.get("/_emulator").json()["now"]
    body = {"from": now - 1800, "to": now + 1000, "step": 3600}
    [point] = called.owner.post(f"{EP}/metrics/{metric}", json=body).json()["values"]

    assert point[1] == pytest.approx(value)


def test_unknown_metrics_are_404_and_a_period_is_required(called) -> None:
    """In both forms."""
    assert called.owner.post(f"{EP}/metrics/nothing", json=PERIOD).status_code == 404
    assert called.owner.post(f"{EP}/metrics/nothing", json={"from": 0, "to": 1}).status_code == 404
    assert called.owner.post(f"{EP}/metrics", json={}).status_code == 400


def test_open_metrics(called) -> None:
    """Names that the documentation prints."""
    response = called.owner.get(f"{EP}/open-metrics")

    assert response.headers["content-type"].startswith("text/plain")
    for text in (
        'latency_distribution{quantile="0.95"}',
        "latency_distribution_count 4",
        "cpu_usage_percent{replica_id=",
    ):
        assert text in response.text
    assert 'status_code="200"} 3' in response.text
