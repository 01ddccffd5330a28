"""Courses of events that drawn schedules found broken once, each as small as it can be."""

from collections.abc import Iterator

import pytest
from control_plane import Running
from invariants import endpoints
from reconcile import Run, Stack
from sabotage import Change, Injury
from schedule import BAD, BASE, NAMES, REGISTRY, SECRET, Schedule
from theatre import Theatre, theatre

ONE = NAMES[0]
LISTS = 6
"""Requests of a first run before its endpoint has long been asked for: it is being waited for."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    """One emulator and one plugin process for all of them."""
    with theatre(tmp_path_factory.mktemp("plugin")) as made:
        yield made


def writes(world: Running, name: str) -> list[str]:
    """Methods of what was sent to one endpoint, reads left out."""
    path = f"/v2/endpoint/acme/{name}"
    return [one["method"] for one in world.requests() if one["path"].startswith(path) and one["method"] != "GET"]


@pytest.mark.fault(1)
@pytest.mark.parametrize("more", [SECRET, REGISTRY], ids=["secrets", "credentials"])
def test_a_first_run_killed_before_its_proof_is_not_stuck_for_ever(stage: Theatre, more: dict) -> None:
    """Nobody knows which values it was made with, so they are sent again; the service may keep its replicas."""
    schedule = Schedule("create", {}, {ONE: {**BASE, **more}}, (Injury("killed before", 9),))

    verdict = stage.play(schedule)

    assert [str(run) for run in verdict.runs] == ["killed", "green", "green"]
    assert verdict.violations == []


@pytest.mark.fault(5)
def test_a_namesake_that_came_during_the_first_rollout_is_not_paused(stage: Theatre) -> None:
    """The failure is about the one that is gone."""
    broken = {ONE: {**BASE, "engine": {**BASE["engine"], "image": BAD}}}
    change = Change("recreated by somebody", LISTS, ONE)

    verdict = stage.play(Schedule("bad create", {}, broken, (), change, failure="broken_image"))

    assert verdict.was_changed
    assert "is not the endpoint that this stack made" in str(verdict.runs[0])
    assert verdict.violations == []
    assert writes(stage.world, ONE) == []


@pytest.mark.fault(5)
@pytest.mark.parametrize("at", range(4, 16))
def test_a_namesake_that_came_during_an_update_is_not_restored_into(stage: Theatre, at: int) -> None:
    """Whenever it came, nothing is put back on it."""
    good = {ONE: BASE}
    broken = {ONE: {**BASE, "engine": {**BASE["engine"], "image": BAD}}}
    change = Change("recreated by somebody", at, ONE)

    verdict = stage.play(Schedule("bad update", good, broken, (), change, failure="empty"))

    assert verdict.was_changed
    assert verdict.violations == []


@pytest.mark.fault(36)
def test_credentials_are_not_compared_and_not_shown(stage: Theatre) -> None:
    """They come back blanked, which is no difference and nobody's business."""
    good = {ONE: {**BASE, **REGISTRY}}
    broken = {ONE: {**good[ONE], "engine": {**REGISTRY["engine"], "image": BAD}}}

    verdict = stage.play(
        Schedule("bad update", good, broken, (), Change("image edited", 18, ONE), failure="broken_image")
    )

    assert "credentials" not in "".join(map(str, verdict.runs))
    assert verdict.violations == []


@pytest.mark.fault(14)
def test_a_restore_that_failed_is_not_green_afterwards_and_the_spec_as_it_was_comes_back(stage: Theatre) -> None:
    """All is as asked for and the service gave up on it: that is no operational state."""
    good, world = {ONE: BASE}, stage.world
    broken = {ONE: {**BASE, "engine": {**BASE["engine"], "image": BAD}}}
    world._script("POST", "/reset")
    stack = Stack(stage.host)
    assert stack.up(good).is_green
    world.set(outcomes=[{"match": {"name": ONE}, "outcome": "broken_image", "times": 2}])
    assert "did not succeed either" in str(stack.up(broken))

    assert world.inner(ONE)["state"] == "updateFailed"
    assert "But what was put back is updateFailed" in str(stack.up(broken))
    assert stack.preview(good) == [f"endpoint {ONE} would be changed"]
    assert stack.up(good).is_green
    assert world.inner(ONE)["state"] == "running"
    assert stack.preview(good) == []


@pytest.mark.fault(18)
def test_a_change_that_went_to_a_paused_endpoint_is_unverified(stage: Theatre) -> None:
    """What was proved before is not what would run now."""
    stage.world._script("POST", "/reset")
    stack = Stack(stage.host)
    assert stack.up({ONE: BASE}).is_green
    stage.world.mutate(ONE, state="paused")

    assert stack.up({ONE: {**BASE, "env": {"A": "1"}}}).is_green

    assert stack.outs("endpoint", ONE)["verdict"] == "unverified"
    assert stack.outs("endpoint", ONE).get("ttft_ms") is None
    stage.world.mutate(ONE, state="running")
    assert stack.up({ONE: {**BASE, "env": {"A": "1"}}}).is_green
    assert stack.outs("endpoint", ONE)["verdict"] == "passed"


@pytest.mark.fault(6)
def test_an_update_does_not_clear_the_tags(stage: Theatre) -> None:
    """Without the owner tag nothing of this stack could touch it any more."""
    stage.world._script("POST", "/reset")
    stage.world.set(tags_survive_update="no")
    stack = Stack(stage.host)
    assert stack.up({ONE: BASE}).is_green
    tags = stage.world.inner(ONE)["config"]["tags"]

    assert stack.up({ONE: {**BASE, "env": {"A": "1"}}}).is_green

    assert stage.world.inner(ONE)["config"]["tags"] == tags
    assert writes(stage.world, ONE) == ["PUT"]
    assert stack.destroy().is_green


def test_what_the_driver_does_is_what_the_engine_does(stage: Theatre) -> None:
    """A failed create is forgotten, a failed update keeps what was, and a removed spec is deleted last."""
    stage.world._script("POST", "/reset")
    stack = Stack(stage.host)
    stage.world.fault("not_an_object", status=400, method="POST", path="/v2/endpoint/acme")
    run: Run = stack.up({ONE: BASE})
    assert not run.is_green
    assert list(stack.state) == [("guard", "stack-guard")]

    assert stack.up({ONE: BASE, "other": BASE}).is_green
    stage.world.fault("not_an_object", status=400, method="PUT")
    assert not stack.up({ONE: {**BASE, "env": {"A": "1"}}}).is_green
    assert stack.state["endpoint", ONE].inputs["env"] == BASE["env"]
    assert stack.has("identity", "other")

    assert stack.up({ONE: {**BASE, "env": {"A": "1"}}}).is_green
    assert list(endpoints(stage.world)) == [ONE]
    assert stack.destroy().is_green
    assert stack.state == {}
