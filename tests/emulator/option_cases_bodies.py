"""Cases of options that concern bodies, replies and hardware."""

from control_plane import BODY, merged
from option_cases import EP, case, hardware, post, used


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
