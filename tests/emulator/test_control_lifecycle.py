"""States over time, on a clock that tests wind."""

import pytest
from control_plane import BODY, merged, running

IMAGE = BODY["model"]["image"]["tgi"]["url"]


def tour(emulator, *seconds: float, name: str = "demo") -> list[str]:
    """States now, and after each of the waits."""
    seen = [emulator.state(name)]
    for wait in seconds:
        emulator.advance(wait)
        seen.append(emulator.state(name))
    return seen


def test_states_advance_on_a_fake_clock_through_pending_initializing_running(emulator) -> None:
    """The recorded times: 20 s, then 137 s."""
    emulator.create()

    assert tour(emulator, 19, 2, 130, 8) == ["pending", "pending", "initializing", "initializing", "running"]


@pytest.mark.parametrize(
    ("outcome", "end", "message"),
    [
        ("broken_image", "failed", "Endpoint failed to deploy"),
        ("stuck_pending", "pending", "Endpoint waiting to be scheduled"),
        ("stuck_initializing", "initializing", "Endpoint is initializing"),
        ("update_failed", "running", "Endpoint is ready"),
        ("healthy", "running", "Endpoint is ready"),
    ],
)
def test_scripted_failed_stuck_pending_stuck_initializing(emulator, outcome, end, message) -> None:
    """Chosen by a field of the configuration: what fails is this image."""
    emulator.set(outcomes=[{"outcome": outcome, "match": {"model.image.*.url": "ghcr.io/*:3.3.7"}}])
    emulator.create()
    emulator.advance(600)
    status = emulator.get()["status"]

    assert (status["state"], status["message"]) == (end, message)


def test_scripted_update_failed(emulator) -> None:
    """The start is well, the update is not."""
    emulator.started()
    emulator.set(outcomes=[{"outcome": "update_failed", "match": {"model.image.tgi.url": "x/bad:1"}}])
    emulator.put({"model": {"image": {"tgi": {"url": "x/bad:1"}}}})

    assert tour(emulator, 100) == ["updating", "updateFailed"]


def test_the_previous_configuration_is_healthy_again(emulator) -> None:
    """A restore must be able to succeed."""
    emulator.set(outcomes=[{"outcome": "broken_image", "match": {"model.image.tgi.url": "x/bad:1"}}])
    emulator.started()
    emulator.put({"model": {"image": {"tgi": {"url": "x/bad:1"}}}})
    emulator.advance(100)
    emulator.put({"model": {"image": {"tgi": {"url": IMAGE}}}})

    assert tour(emulator, 100) == ["updating", "running"]


def test_long_hardware_wait(emulator) -> None:
    """3.5 minutes more in `pending`: no failure."""
    emulator.set(outcomes=[{"outcome": "long_hardware_wait"}])
    emulator.create()

    assert tour(emulator, 225, 10, 140) == ["pending", "pending", "initializing", "running"]


def test_an_outcome_may_be_used_up(emulator) -> None:
    """`times`: the next two journeys, not the one after."""
    emulator.set(outcomes=[{"outcome": "broken_image", "times": 2}])

    ends = [emulator.started(f"e{index}")["status"]["state"] for index in range(3)]
    assert ends == ["failed", "failed", "running"]


def test_an_outcome_may_concern_one_kind_of_journey_and_its_own_durations(emulator) -> None:
    """A resume that takes an hour."""
    emulator.set(outcomes=[{"outcome": "healthy", "journey": "resume", "seconds": {"resume": 3600}}])
    emulator.started()
    emulator.act("pause")
    emulator.act("resume")

    assert tour(emulator, 600, 3600) == ["pending", "initializing", "running"]


@pytest.mark.parametrize(
    ("fields", "extra"),
    [
        ({"port": 8080}, {}),
        ({"healthRoute": "/healthz"}, {}),
        ({}, {"args": ["--port", "9000"]}),
        ({}, {"env": {"PORT": "9000"}}),
    ],
    ids=["port", "route", "args", "env"],
)
def test_a_wrong_port_or_health_route_never_leaves_initializing(emulator, fields, extra) -> None:
    """The commonest mistake with containers: logs look fine, the state is stuck."""
    emulator.started(model={"image": {"tgi": {"url": IMAGE, **fields}}, **extra})

    assert tour(emulator, 7200) == ["initializing", "initializing"]


def test_a_port_moved_on_both_sides_is_fine(emulator) -> None:
    """What counts is that they agree."""
    emulator.started(model={"image": {"tgi": {"url": IMAGE, "port": 9000}}, "args": ["--port=9000"]})

    assert emulator.state() == "running"


@pytest.mark.parametrize(
    ("port", "route", "end"),
    [(3000, "/up", "running"), (80, "/up", "initializing"), (3000, "/", "initializing")],
)
def test_a_custom_container_listens_where_the_options_say(emulator, port, route, end) -> None:
    """Nobody can know otherwise."""
    emulator.set(containers={"x/app:*": {"port": 3000, "health_route": "/up"}})
    emulator.started(model={"image": {"custom": {"url": "x/app:1", "port": port, "healthRoute": route}}})

    assert emulator.state() == end


def test_running_visible_before_the_health_route_answers_200(emulator) -> None:
    """`running` alone is no readiness."""
    emulator.set(outcomes=[{"outcome": "late_health"}])
    emulator.create()
    emulator.advance(160)
    early = (emulator.state(), emulator.owner.get("/endpoints/acme/demo/health").status_code)
    emulator.advance(40)
    late = (emulator.state(), emulator.owner.get("/endpoints/acme/demo/health").status_code)

    assert (early, late) == (("running", 503), ("running", 200))


def test_url_visible_before_running(emulator) -> None:
    """huggingface_hub #2229."""
    emulator.create()
    emulator.advance(30)
    status = emulator.get()["status"]

    assert (status["state"], status["url"]) == ("initializing", f"{emulator.url}/endpoints/acme/demo")


def test_pause_resume_scale_to_zero(emulator) -> None:
    """Paused at once; a resume starts anew; asleep at once, woken by resume."""
    emulator.started()
    seen = [emulator.act("pause").json()["status"]["state"], *tour(emulator, 7200)]
    seen += [emulator.act("resume").json()["status"]["state"], *tour(emulator, 400)]
    seen += [emulator.act("scale-to-zero").json()["status"]["state"], emulator.act("resume").json()["status"]["state"]]
    seen += tour(emulator, 100)

    assert seen == [
        "paused", "paused", "paused",
        "pending", "pending", "running",
        "scaledToZero", "initializing", "initializing", "running",
    ]  # fmt: skip


def test_resume_while_running_400(emulator, api) -> None:
    """The SDK swallows exactly this text."""
    emulator.started()
    refused = emulator.act("resume")
    resumed = api.resume_inference_endpoint("demo", namespace="acme")

    assert (refused.status_code, "already running" in refused.json()["error"]) == (400, True)
    assert resumed.status == "running"


@pytest.mark.parametrize("action", ["pause", "resume", "scale-to-zero"])
def test_actions_on_an_absent_endpoint_are_404(emulator, action) -> None:
    """As for GET."""
    assert emulator.act(action).status_code == 404


def test_pause_keeps_the_url_and_the_bounds(emulator) -> None:
    """By default; both are options."""
    emulator.started(compute={"scaling": {"minReplica": 1, "maxReplica": 4}})
    paused = emulator.act("pause").json()
    emulator.act("resume")
    resumed = emulator.get()

    assert paused["status"]["url"] == f"{emulator.url}/endpoints/acme/demo"
    assert (resumed["compute"]["scaling"]["minReplica"], resumed["compute"]["scaling"]["maxReplica"]) == (1, 4)


def test_idle_endpoints_with_min_replica_0_fall_asleep(emulator) -> None:
    """After scaleToZeroTimeout minutes without a request, whatever --speed is."""
    emulator.started("sleeper", compute={"scaling": {"scaleToZeroTimeout": 20}})
    emulator.started("awake", compute={"scaling": {"minReplica": 1}})
    emulator.advance(5 * 60)
    emulator.owner.get("/endpoints/acme/sleeper/health")

    assert tour(emulator, 19 * 60, 2 * 60, name="sleeper") == ["running", "running", "scaledToZero"]
    assert emulator.state("awake") == "running"


def test_an_authorised_request_wakes_and_an_unauthorised_one_does_not(emulator) -> None:
    """Otherwise strangers could make others pay."""
    emulator.seed(state="scaledToZero")
    emulator.anonymous.get("/endpoints/acme/demo/health")
    asleep = emulator.state()
    emulator.owner.get("/endpoints/acme/demo/health")

    assert [asleep, *tour(emulator, 60)] == ["scaledToZero", "initializing", "running"]


def test_served_revision_observable_during_and_after_an_update(emulator) -> None:
    """Old replicas serve the old revision until the new ones are ready."""
    emulator.seed(model={"revision": "a" * 40})
    old = emulator.owner.get("/v2/endpoint/acme/demo/replica").json()["items"]
    emulator.put({"model": {"revision": "b" * 40}})
    during = emulator.owner.get("/endpoints/acme/demo/health").headers["x-emulated-revision"]
    both = emulator.owner.get("/v2/endpoint/acme/demo/replica").json()["items"]
    emulator.advance(100)
    after = emulator.owner.get("/endpoints/acme/demo/health").headers["x-emulated-revision"]
    new = emulator.owner.get("/v2/endpoint/acme/demo/replica").json()["items"]

    assert (during, after) == ("a" * 40, "b" * 40)
    assert [item["status"]["live"] for item in both] == [True, False]
    assert (both[0]["id"], both[1]["id"]) == (old[0]["id"], new[0]["id"])


def test_a_failed_update_goes_on_serving_the_old_revision(emulator) -> None:
    """By default; option `update_failed_serves`."""
    emulator.seed(model={"revision": "a" * 40}, outcome="update_failed")
    emulator.put({"model": {"revision": "b" * 40}})
    emulator.advance(100)

    assert (emulator.state(), emulator.get()["model"]["revision"]) == ("updateFailed", "b" * 40)
    assert emulator.owner.get("/endpoints/acme/demo/health").headers["x-emulated-revision"] == "a" * 40


def test_a_change_of_bounds_alone_starts_no_new_replica(emulator) -> None:
    """The same replica goes on."""
    emulator.seed()
    before = emulator.owner.get("/v2/endpoint/acme/demo/replica").json()
    emulator.put({"compute": {"scaling": {"maxReplica": 2}}})
    emulator.advance(100)

    assert emulator.owner.get("/v2/endpoint/acme/demo/replica").json() == before


def test_cost_counter_per_state(emulator) -> None:
    """Billed in `initializing` and `running`; free while pending, paused and asleep. An L4 is 0.80 an hour."""
    emulator.create(compute={"scaling": {"minReplica": 1}})
    emulator.advance(20 + 137 + 3600)
    emulator.act("pause")
    emulator.advance(3600)
    cost = emulator.inner()["cost"]

    assert cost["initializing"]["usd"] == pytest.approx(0.8 * 137 / 3600, rel=1e-3)
    assert cost["running"]["usd"] == pytest.approx(0.8, rel=1e-2)
    assert (cost["pending"]["usd"], cost["paused"]["usd"]) == (0, 0)
    assert cost["paused"]["seconds"] == pytest.approx(3600, abs=5)


def test_speed_divides_the_durations_of_deployments_only() -> None:
    """Ten minutes of roll-out in seconds, and an idle timeout that stays what it says."""
    with running(speed=100) as fast:
        fast.create()
        fast.advance(2)
        states = [fast.state()]
        fast.advance(14 * 60)
        states.append(fast.state())
        fast.advance(60)
        states.append(fast.state())

    assert states == ["running", "running", "scaledToZero"]


def test_a_put_revives_a_failed_endpoint(emulator) -> None:
    """lighteval resizes this way."""
    emulator.set(outcomes=[{"outcome": "broken_image", "match": {"compute.instanceType": "nvidia-l4"}}])
    emulator.started()
    emulator.put(merged({}, {"compute": {"instanceType": "nvidia-a10g"}}))

    assert tour(emulator, 400) == ["pending", "running"]


def test_scale_to_zero_and_pause_reach_the_replicas(emulator) -> None:
    """The data plane says why it does not answer."""
    emulator.seed()
    emulator.act("scale-to-zero")
    asleep = emulator.owner.get("/endpoints/acme/demo/health").status_code
    emulator.act("pause")
    paused = emulator.owner.get("/endpoints/acme/demo/health").status_code

    assert (asleep, paused) == (503, 400)
