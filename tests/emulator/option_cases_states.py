"""Cases of options that concern states, logs, metrics and plans."""

from option_cases import EP, case


@case("delete_status", 200, 202, 204)
def _(emulator, value):
    emulator.seed()
    assert emulator.owner.delete(EP).status_code == value


@case("state_after_put", "updating", "pending")
def _(emulator, value):
    emulator.started()
    assert emulator.put({"tags": ["a"]}).json()["status"]["state"] == value
    assert emulator.put({"tags": ["b"]}).json()["status"]["state"] == value
    emulator.advance(100)
    assert emulator.state() == "running"


@case("update_strategy", "rolling", "recreate")
def _(emulator, value):
    emulator.seed()
    emulator.put({"model": {"env": {"A": "1"}}})
    during = emulator.owner.get("/endpoints/acme/demo/health").status_code
    emulator.advance(100)
    after = emulator.owner.get("/endpoints/acme/demo/health").status_code
    assert (during, after) == (200 if value == "rolling" else 503, 200)


@case("update_failed_serves", "old", "nothing")
def _(emulator, value):
    emulator.seed(outcome="update_failed")
    emulator.put({"model": {"env": {"A": "1"}}})
    emulator.advance(100)
    assert emulator.state() == "updateFailed"
    assert emulator.owner.get("/endpoints/acme/demo/health").status_code == (200 if value == "old" else 503)


@case("update_failed_configuration", "new", "rolled_back")
def _(emulator, value):
    emulator.seed(outcome="update_failed")
    emulator.put({"model": {"env": {"A": "1"}}})
    emulator.advance(100)
    assert emulator.get()["model"]["env"] == ({"A": "1"} if value == "new" else {})

    emulator.set(update_strategy="recreate")
    emulator.put({"model": {"env": {"B": "2"}}})
    emulator.advance(100)
    assert emulator.get()["model"]["env"] == ({"B": "2"} if value == "new" else {})


@case("put_on_paused", "kept", "starts", "refused")
def _(emulator, value):
    emulator.seed(state="paused")
    assert emulator.put({"tags": ["a"]}).status_code == (400 if value == "refused" else 200)
    assert emulator.state() == ("pending" if value == "starts" else "paused")
    assert emulator.get()["tags"] == ([] if value == "refused" else ["a"])


@case("put_on_scaled_to_zero", "kept", "starts", "refused")
def _(emulator, value):
    emulator.seed(state="scaledToZero")
    assert emulator.put({"tags": ["a"]}).status_code == (400 if value == "refused" else 200)
    assert emulator.state() == ("initializing" if value == "starts" else "scaledToZero")


@case("put_on_failed", "starts", "refused")
def _(emulator, value):
    emulator.seed(state="failed")
    assert emulator.put({"tags": ["a"]}).status_code == (400 if value == "refused" else 200)
    assert emulator.state() == ("pending" if value == "starts" else "failed")


@case("put_while_moving", "restarts", "refused")
def _(emulator, value):
    emulator.create()
    emulator.advance(30)
    assert emulator.put({"tags": ["a"]}).status_code == (400 if value == "refused" else 200)
    assert emulator.state() == ("pending" if value == "restarts" else "initializing")


@case("pause_when_paused", "accepted", "refused")
def _(emulator, value):
    emulator.seed(state="paused")
    assert emulator.act("pause").status_code == (200 if value == "accepted" else 400)


@case("resume_while_moving", "accepted", "refused")
def _(emulator, value):
    emulator.create()
    reply = emulator.act("resume")
    assert reply.status_code == (200 if value == "accepted" else 400)
    assert ("already running" in reply.text) is (value == "refused")


@case("scale_to_zero_when_not_running", "refused", "accepted")
def _(emulator, value):
    emulator.create()
    assert emulator.act("scale-to-zero").status_code == (400 if value == "refused" else 200)
    assert emulator.state() == ("pending" if value == "refused" else "scaledToZero")


@case("resume_replicas", "kept", "both_one")
def _(emulator, value):
    emulator.started(compute={"scaling": {"minReplica": 0, "maxReplica": 3}})

    def bounds() -> tuple[int, int]:
        scaling = emulator.get()["compute"]["scaling"]
        return scaling["minReplica"], scaling["maxReplica"]

    emulator.act("pause")
    paused = bounds()
    emulator.act("resume")
    assert (paused, bounds()) == (((0, 3), (0, 3)) if value == "kept" else ((0, 0), (1, 1)))


@case("url_while_paused", "kept", "absent")
def _(emulator, value):
    emulator.seed(state="running")
    assert ("url" in emulator.act("pause").json()["status"]) is (value == "kept")


@case("replica_stage", "state", "kubernetes")
def _(emulator, value):
    emulator.seed()
    [item] = emulator.owner.get(f"{EP}/replica").json()["items"]
    assert item["status"]["stage"] == ("running" if value == "state" else "Running")


@case("log_search", "available", "missing")
def _(emulator, value):
    emulator.seed()
    assert emulator.owner.get("/v3/endpoint/acme/demo/logs").status_code == (200 if value == "available" else 501)


@case("log_order", "asc_or_desc", "ignored")
def _(emulator, value):
    emulator.started()
    plain, turned = (emulator.owner.get(f"/v3/endpoint/acme/demo/logs{query}").json() for query in ("", "?order=desc"))
    assert turned == (plain[::-1] if value == "asc_or_desc" else plain)


@case("metrics_when_unused", "empty", "not_found")
def _(emulator, value):
    emulator.seed()
    period = {"start": "2020-01-01T00:00:00Z", "stop": "2099-01-01T00:00:00Z"}
    reply = emulator.owner.post(f"{EP}/metrics", json=period)
    assert reply.status_code == (200 if value == "empty" else 404)


@case("gpu_graphs", "refused", "named")
def _(emulator, value):
    emulator.seed()
    period = {"start": "2020-01-01T00:00:00Z", "stop": "2099-01-01T00:00:00Z"}
    assert emulator.owner.post(f"{EP}/metrics/hardware-gpu", json=period).status_code == (
        200 if value == "named" else 404
    )


@case("plan", "free", "pro", "team")
def _(emulator, value):
    emulator.seed()
    audit = emulator.owner.get("/v2/audit-logs/acme").status_code
    metrics = emulator.owner.get(f"{EP}/open-metrics").status_code
    assert (audit, metrics) == {"free": (403, 403), "pro": (200, 403), "team": (200, 200)}[value]


@case("open_metrics_plan", "team", "pro")
def _(emulator, value):
    emulator.set(plan="pro")
    emulator.seed()
    assert emulator.owner.get(f"{EP}/open-metrics").status_code == (403 if value == "team" else 200)
