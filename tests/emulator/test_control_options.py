"""Every option of the control plane in each of its values.

`CASES` is held against the shipped options: an option or a value without a case fails here.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from control_plane import BODY, Running, merged

from hfdeploy.emulator.lifecycle import OUTCOMES
from hfdeploy.emulator.options import control_options

EP = "/v2/endpoint/acme/demo"
CASES: dict[tuple[str, Any], Callable[[Running], Any]] = {}
"""What is asked of the emulator with an option at a value; each returns whether it behaves accordingly."""


def case(name: str, *values: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a case for some values of an option; it is given emulator and value, and returns what it found."""

    def register(check: Callable[..., Any]) -> Callable[..., Any]:
        for value in values:
            CASES[name, value] = lambda emulator, value=value: check(emulator, value)
        return check

    return register


def post(emulator: Running, **changes: Any) -> int:
    """Status of a POST."""
    return emulator.post(merged(BODY, changes)).status_code


def hardware(emulator: Running) -> dict[str, dict]:
    vendors = emulator.owner.get("/v2/provider/acme").json()["vendors"]
    return {row["id"]: row for vendor in vendors for region in vendor["regions"] for row in region["computes"]}


def used(emulator: Running) -> int:
    return hardware(emulator)["aws-us-east-1-nvidia-l4-x1"]["quota"]["usedAccelerators"]


@case("error_body", "with_code", "error_only")
def _(emulator, value):
    body = emulator.owner.get("/v2/endpoint/acme/absent").json()
    assert ("code" in body) is (value == "with_code")
    assert body["error"].startswith("Not Found: ")


@case("timestamp_digits", 0, 3, 9)
def _(emulator, value):
    fraction = emulator.create()["status"]["createdAt"].removesuffix("Z").partition(".")[2]
    assert len(fraction) == value


@case("no_access_status", 403, 401)
def _(emulator, value):
    assert [emulator.owner.get(f"/v2/endpoint/{one}").status_code for one in ("unpaid", "elsewhere")] == [value] * 2


@case("cursor_names", "forward", "swapped")
def _(emulator, value):
    for name in "abc":
        emulator.seed(name)
    first = emulator.owner.get("/v2/endpoint/acme?limit=2").json()
    assert [key for key in first if key.endswith("Cursor")] == ["nextCursor" if value == "forward" else "prevCursor"]


@case("status_sse_framing", "data", "event")
def _(emulator, value):
    emulator.seed()
    with emulator.owner.stream("GET", f"{EP}/sse") as response:
        first = next(response.iter_lines())
    assert first.startswith("event: status" if value == "event" else "data: {")


@case("provider_without_token", "refused", "allowed")
def _(emulator, value):
    assert emulator.anonymous.get("/v2/provider").status_code == (401 if value == "refused" else 200)


@case("domain_status", "pending", "ready")
def _(emulator, value):
    assert emulator.owner.post("/v2/network/domain/acme", json={"domain": "a.example"}).json()["status"] == value


@case("route_domain", "must_exist", "anything")
def _(emulator, value):
    assert post(emulator, route={"domain": "a.example"}) == (400 if value == "must_exist" else 200)


@case("name_rule", "characters", "dns_label")
def _(emulator, value):
    statuses = [post(emulator, name=name) for name in ("a", "-ab", "ab-", "a-b")]
    assert statuses == ([200] * 4 if value == "characters" else [400, 400, 400, 200])


@case("tag_rule", "any", "lowercase_32")
def _(emulator, value):
    assert post(emulator, tags=["Team A"]) == (200 if value == "any" else 400)
    assert post(emulator, name="other", tags=["team-a"]) == 200


@case("tags_survive_update", "yes", "no")
def _(emulator, value):
    emulator.started(tags=["a"])
    assert emulator.put({"type": "public"}).json()["tags"] == (["a"] if value == "yes" else [])


@case("secrets_in_reply", "empty", "keys")
def _(emulator, value):
    created = emulator.create(model={"secrets": {"K": "s3cret"}})
    assert created["model"]["secrets"] == ({} if value == "empty" else {"K": "***"})


@case("unknown_fields", "ignored", "refused")
def _(emulator, value):
    expected = 200 if value == "ignored" else 400
    assert [post(emulator, surprise=1), post(emulator, name="b", model={"surprise": 1})] == [expected] * 2


@case("new_variant_fields", "common_only", "kept")
def _(emulator, value):
    created = emulator.create(model={"image": {"hfServe": {"url": "x", "fancy": 1}}})
    assert ("fancy" in created["model"]["image"]["hfServe"]) is (value == "kept")


@case("default_ports", "upstream", "absent")
def _(emulator, value):
    created = emulator.create(model={"image": {"sGLang": {"url": "x"}}})
    assert created["model"]["image"]["sGLang"].get("port") == (30000 if value == "upstream" else None)


@case("framework_check", "current", "with_older", "any")
def _(emulator, value):
    accepted = [name for name in ("llamacpp", "tensorflow", "abacus") if post(emulator, name=name, model={"framework": name}) == 200]  # fmt: skip  # noqa: E501
    assert len(accepted) == {"current": 1, "with_older": 2, "any": 3}[value]


@case("task_check", "any", "listed")
def _(emulator, value):
    assert post(emulator, model={"task": "juggling"}) == (200 if value == "any" else 400)
    assert post(emulator, name="b", model={"task": "text-generation"}) == 200


@case("accelerators", "current", "with_zero_gpu_and_tpu")
def _(emulator, value):
    error = emulator.post(merged(BODY, {"compute": {"accelerator": "tpu"}})).json()["error"]
    assert ("not found" in error) is (value != "current")


@case("type_verified", "refused", "accepted")
def _(emulator, value):
    assert post(emulator, type="verified") == (400 if value == "refused" else 200)


@case("extra_aws_regions", "absent", "empty", "as_us_east_1")
def _(emulator, value):
    aws = emulator.owner.get("/v2/provider").json()["vendors"][0]["regions"]
    extra = {region["name"]: len(region["computes"]) for region in aws if region["name"].startswith("us-")}
    counts = {
        "absent": {},
        "empty": {"us-east-2": 0, "us-west-2": 0},
        "as_us_east_1": {"us-east-2": 36, "us-west-2": 36},
    }
    assert extra == {"us-east-1": 36} | counts[value]


@case("assumed_hardware", "listed", "absent")
def _(emulator, value):
    assert len(hardware(emulator)) == (62 if value == "listed" else 17)


@case("cpu_accelerators", "one", "vcpus")
def _(emulator, value):
    assert hardware(emulator)["aws-us-east-1-intel-spr-x8"]["numAccelerators"] == (1 if value == "one" else 8)


@case("gpu_memory", "total", "per_accelerator")
def _(emulator, value):
    assert hardware(emulator)["aws-us-east-1-nvidia-a100-x8"]["gpuMemoryGb"] == (640 if value == "total" else 80)


@case("gpu_memory_figures", "api", "docs")
def _(emulator, value):
    assert hardware(emulator)["aws-us-east-1-nvidia-t4-x4"]["gpuMemoryGb"] == (64 if value == "api" else 56)


@case("private_service_fields", "account_and_region", "account_and_shared")
def _(emulator, value):
    assert post(emulator, privateService={"accountId": "1"}) == (400 if value == "account_and_region" else 200)
    made = emulator.create("b", privateService={"accountId": "1", "region": "us-east-1"})
    assert ("region" in made["privateService"]) is (value == "account_and_region")


@case("put_private_service", "ignored", "refused", "accepted")
def _(emulator, value):
    emulator.started()
    reply = emulator.put({"privateService": {"accountId": "1", "region": "us-east-1"}})
    assert reply.status_code == (400 if value == "refused" else 200)
    assert ("privateService" in reply.json()) is (value == "accepted")


@case("put_opaque", "accepted", "ignored", "refused")
def _(emulator, value):
    emulator.started()
    reply = emulator.put({"notifications": {"mail": "x"}})
    assert reply.status_code == (400 if value == "refused" else 200)
    assert (reply.json().get("notifications") == {"mail": "x"}) is (value == "accepted")


@case("put_name_provider", "ignored", "refused")
def _(emulator, value):
    emulator.started()
    replies = [emulator.put({"name": "b"}), emulator.put({"provider": {"vendor": "gcp", "region": "us-east4"}})]
    assert [reply.status_code for reply in replies] == [200 if value == "ignored" else 400] * 2
    assert emulator.get()["provider"]["vendor"] == "aws"


@case("cache_http_responses_reply", "hidden", "top_level", "experimental")
def _(emulator, value):
    made = emulator.create(cacheHttpResponses=True)
    where = ["cacheHttpResponses" in made, "cacheHttpResponses" in made["experimentalFeatures"]]
    assert where == [value == "top_level", value == "experimental"]


@case("custom_router_reply", "shown", "hidden")
def _(emulator, value):
    made = emulator.create(customRouter={"tag": "v1"})
    assert made.get("customRouter") == ({"tag": "v1", "port": 3000} if value == "shown" else None)


@case("experimental_features_reply", "as_sent", "filled")
def _(emulator, value):
    made = emulator.create(experimentalFeatures={"kvRouter": True})
    assert made["experimentalFeatures"].get("mcpLb") is (None if value == "as_sent" else False)
    assert made["experimentalFeatures"]["kvRouter"] is True


@case("variant_fields_left_out", "defaults", "kept")
def _(emulator, value):
    emulator.started(model={"image": {"tgi": {"url": "x:1", "maxInputLength": 99}}})
    after = emulator.put({"model": {"image": {"tgi": {"url": "x:2"}}}}).json()["model"]["image"]["tgi"]
    assert (after["url"], after.get("maxInputLength")) == ("x:2", 99 if value == "kept" else None)


@case("maps_in_put", "replace", "merge")
def _(emulator, value):
    emulator.started(model={"env": {"A": "1", "B": "2"}, "secrets": {"S": "1"}})
    emulator.put({"model": {"env": {"B": "3"}, "secrets": {"T": "2"}}})
    model = emulator.inner()["config"]["model"]
    replaced = ({"B": "3"}, {"T": "2"})
    merged_maps = ({"A": "1", "B": "3"}, {"S": "1", "T": "2"})
    assert (model["env"], model["secrets"]) == (replaced if value == "replace" else merged_maps)


@case("accelerator_change", "accepted", "refused")
def _(emulator, value):
    emulator.started()
    reply = emulator.put({"compute": {"accelerator": "cpu", "instanceType": "intel-spr", "instanceSize": "x4"}})
    assert reply.status_code == (200 if value == "accepted" else 400)


@case("timeout_with_min_replica", "refused", "accepted")
def _(emulator, value):
    awake = {"scaling": {"minReplica": 1, "scaleToZeroTimeout": 15}}
    assert post(emulator, compute=awake) == (400 if value == "refused" else 200)
    assert post(emulator, name="b", compute=merged(awake, {"scaling": {"scaleToZeroTimeout": None}})) == 200


@case("scale_to_zero_fill", 15, 60)
def _(emulator, value):
    assert emulator.create()["compute"]["scaling"]["scaleToZeroTimeout"] == value


@case("parallel_sizes", "required", "optional")
def _(emulator, value):
    def with_sizes(name: str, **sizes: int):
        image = {"vLLM": {"url": "x", **sizes}}
        return emulator.post(merged(BODY, {"name": name, "compute": {"instanceSize": "x4"}, "model": {"image": image}}))

    unset = with_sizes("unset")
    assert unset.status_code == (400 if value == "required" else 200)
    if value == "optional":
        assert unset.json()["model"]["image"]["vLLM"]["tensorParallelSize"] == 4
    assert with_sizes("wrong", tensorParallelSize=2).status_code == 400
    assert with_sizes("right", tensorParallelSize=2, dataParallelSize=2).status_code == 200


@case("unknown_repository", "accepted", "refused")
def _(emulator, value):
    expected = 200 if value == "accepted" else 400
    assert post(emulator, model={"repository": "acme/none"}) == expected
    assert post(emulator, name="b", model={"revision": "no-such-branch"}) == expected
    assert post(emulator, name="c") == 200


@case("name_taken_status", 409, 400)
def _(emulator, value):
    emulator.create()
    assert emulator.post(BODY).status_code == value


@case("quota_counts_paused", "no", "yes")
def _(emulator, value):
    emulator.seed(state="paused")
    assert used(emulator) == (0 if value == "no" else 1)


@case("quota_measure", "max_replica", "current_replicas")
def _(emulator, value):
    emulator.set(quota={"nvidia-l4": 3})
    emulator.seed(compute={"scaling": {"minReplica": 1, "maxReplica": 3}})
    assert used(emulator) == (3 if value == "max_replica" else 1)
    assert post(emulator, name="b", compute={"scaling": {"maxReplica": 9}}) == (409 if value == "max_replica" else 200)


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


NAMED = [(option.name, value) for option in control_options() for value in option.values]


@pytest.mark.parametrize(("name", "value"), NAMED, ids=lambda value: str(value))
def test_every_unverified_behaviour_is_behind_a_named_option(emulator, name, value) -> None:
    """Who finds out how the service really behaves turns a switch, and all tests run against the truth."""
    emulator.set(**{name: value})

    CASES[name, value](emulator)


def test_no_case_is_for_an_option_that_is_not_there() -> None:
    """A renamed option leaves no case behind."""
    assert CASES.keys() == set(NAMED)


@pytest.mark.parametrize("option", control_options(), ids=lambda option: option.name)
def test_each_option_says_what_it_means_and_where_the_doubt_comes_from(option) -> None:
    """The reference is not in this repository; the options are what is left of it."""
    assert option.meaning
    assert option.source
    assert not option.values or option.default in option.values


def accounts(emulator):
    accounts = {"hf_x": {"user": "xenia", "organisations": ["xorg"]}, **emulator.app.world.options["accounts"]}
    return accounts, lambda: emulator.anonymous.get("/v2/endpoint/xorg", headers={"Authorization": "Bearer hf_x"}).status_code == 200  # fmt: skip  # noqa: E501


def idle(emulator):
    def falls_asleep() -> bool:
        emulator.started()
        emulator.seed("idle")
        emulator.advance(31)
        return emulator.state("idle") == "scaledToZero"

    return 30, falls_asleep


def outcome(emulator):
    return [{"outcome": "broken_image", "match": {"name": "demo"}}], lambda: emulator.started()["status"]["state"] == "failed"  # fmt: skip  # noqa: E501


def limited(emulator):
    def refuses_the_third() -> bool:
        replies = [emulator.owner.get("/v2/endpoint/acme") for _ in range(3)]
        free = emulator.stranger.get("/v2/endpoint/stranger").status_code
        emulator.advance(61)
        again = emulator.owner.get("/v2/endpoint/acme").status_code
        statuses = [reply.status_code for reply in replies]
        return (statuses, free, again) == ([200, 200, 429], 200, 200) and "ratelimit" in replies[2].headers

    return {"requests": 2, "seconds": 60}, refuses_the_third


def short_log(emulator):
    def keeps_two() -> bool:
        for _ in range(3):
            emulator.owner.get("/v2/endpoint/acme")
        return len(emulator.requests()) == 2

    return 2, keeps_two


def durations(emulator):
    def is_initializing_after_six_seconds() -> bool:
        emulator.create()
        emulator.advance(6)
        return emulator.state() == "initializing"

    return {"pending": 5}, is_initializing_after_six_seconds


def container(emulator):
    image = {"custom": {"url": "x/app:1", "port": 80}}
    return {"x/*": {"port": 81}}, lambda: emulator.started(model={"image": image})["status"]["state"] == "initializing"


def lingering(emulator):
    def is_still_shown() -> bool:
        emulator.seed()
        emulator.owner.delete(EP)
        return emulator.owner.get(EP).status_code == 200

    return 5, is_still_shown


def reserved(emulator):
    def is_taken() -> bool:
        emulator.create()
        emulator.owner.delete(EP)
        return emulator.post(BODY).status_code == 409

    return 5, is_taken


def ghost(emulator):
    def is_named() -> bool:
        emulator.seed()
        emulator.mutate(tags=["x"])
        return emulator.get()["status"]["updatedBy"]["name"] == "ghost"

    return {"id": "0" * 24, "name": "ghost"}, is_named


OPEN: dict[str, Callable[[Running], tuple[Any, Callable[[], bool]]]] = {
    "accounts": accounts,
    "other_namespaces": lambda e: (["far"], lambda: e.owner.get("/v2/endpoint/far").status_code == 403),
    "unpaid_namespaces": lambda e: (["acme"], lambda: post(e) == 403),
    "outside_user": ghost,
    "outcomes": outcome,
    "containers": container,
    "durations": durations,
    "idle_timeout_seconds": idle,
    "quota": lambda e: ({"gpu": 0}, lambda: post(e) == 409),
    "hardware_status": lambda e: ({"aws-us-east-1-nvidia-l4-x1": "deprecated"}, lambda: post(e) == 400),
    "rate_limit": limited,
    "request_log_size": short_log,
    "max_replica_bound": lambda e: (2, lambda: post(e, compute={"scaling": {"maxReplica": 3}}) == 400),
    "delete_visible_seconds": lingering,
    "name_free_after_seconds": reserved,
}
"""Options whose values are not named: a value, and whether the emulator follows it."""


@pytest.mark.parametrize("name", [option.name for option in control_options() if not option.values])
def test_options_with_free_values_take_effect(emulator, name) -> None:
    """And not before they are set."""
    value, follows = OPEN[name](emulator)
    before = follows()
    emulator._script("POST", "/reset")
    emulator.set(**{name: value})

    assert (before, follows()) == (False, True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("delete_status", "200"),
        ("delete_status", 201),
        ("quota", 3),
        ("quota", {"gpu": "many"}),
        ("request_log_size", -1),
        ("request_log_size", True),
        ("outcomes", [{"outcome": "bad"}]),
        ("outcomes", [{"outcome": "healthy", "matches": {}}]),
        ("outcomes", [{"outcome": "healthy", "seconds": {"naps": 1}}]),
        ("outcomes", ["healthy"]),
        ("durations", {"naps": 1}),
        ("accounts", {"hf_x": {"user": "x"}}),
        ("rate_limit", {"requests": 3}),
        ("containers", {"x": {"ports": 3}}),
        ("outside_user", {"name": "x"}),
        ("idle_timeout_seconds", "soon"),
        ("idle_timeout_seconds", {}),
        ("no_such_option", 1),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(emulator, name, value) -> None:
    """And none of the others in the same request is set."""
    body = {"default_ports": "absent", name: value}
    refused = emulator.anonymous.put("/_emulator/options", json=body)

    assert refused.status_code == 400
    assert f"`{name}`" in refused.json()["error"]
    assert emulator.anonymous.get("/_emulator/options").json()["default_ports"] == "upstream"


def test_options_describe_themselves(emulator) -> None:
    """Both planes' options, and the outcomes there are."""
    described = emulator.anonymous.get("/_emulator/options/described").json()

    assert described["outcomes"] == list(OUTCOMES)
    assert described["options"]["delete_status"]["values"] == [200, 202, 204]
    assert "scale_up_timeout_answer" in described["options"]
    assert json.dumps(emulator.anonymous.get("/_emulator/options").json())
