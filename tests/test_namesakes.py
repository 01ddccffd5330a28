"""A change that is asked for again finds another endpoint of that name: it is somebody else's, and stays as it is."""

from collections.abc import Callable
from typing import Any

import pytest
from control_plane import Running
from existence import of
from rollouts import BAD, OWNER_ID, Make, Stack, tgi

from hfdeploy.emulator import outside
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.store import Store
from hfdeploy.orphans import Orphan, sweep
from hfdeploy.provider import memory

pytest_plugins = ["project", "rollouts"]

ENDPOINT = "/v2/endpoint/acme/tiny"
THEIRS: dict[str, Any] = {"tags": ["hfd-o-ba9876543210", "hfd-l-tiny"], "type": "protected"}
LOST: dict[str, dict[str, Any]] = {
    "500 after the commit": {"kind": "server_error", "commit": True},
    "reset after the commit": {"kind": "reset", "commit": True},
}
BUSY = {"kind": "not_an_object", "status": 409}


class Namesake:
    """Somebody deletes the endpoint, where it is still there, and makes another of that name."""

    def __init__(self, world: Running) -> None:
        self._world = world
        self.as_made: dict[str, Any] = {}

    def come(self) -> None:
        if self._world.owner.get(ENDPOINT).status_code == 200:
            self._world._script("DELETE", "/endpoints/acme/tiny")
        self._world.seed("tiny", **THEIRS)
        self.as_made = self.now

    def come_after_the_delete(self, _seconds: float) -> None:
        """For a clock that is slept on: in the first pause after a DELETE."""
        if not self.as_made and of(self._world, "acme", "DELETE"):
            self.come()

    @property
    def now(self) -> dict[str, Any]:
        """All that tells whether somebody touched it."""
        inner = self._world.inner("tiny")
        return {key: inner[key] for key in ("config", "created", "updated", "updated_by", "state")}

    def require_untouched(self) -> None:
        assert self.as_made
        assert self.now == self.as_made


@pytest.fixture
def namesake(world: Running) -> Namesake:
    return Namesake(world)


@pytest.fixture
def paused(make: Make, world: Running) -> Stack:
    """Its first rollout failed and was paused; the service takes no update of what is paused, nor a wrong revision."""
    stack = make(is_live=False, verify={"max_new_tokens": 4, "expect": "^never$"})
    stack.fail()
    memory._posted.clear()
    world.set(unknown_repository="refused", put_on_paused="refused")
    return stack


def replaced_at_refusal(number: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service refuses an update for the so-many-th time, and has another endpoint of that name at once."""
    update, refusals = Store.update, []

    def refuse(store: Store, namespace: str, name: str, body: Any, by: str) -> Any:
        try:
            return update(store, namespace, name, body, by)
        except Refused as refused:
            refusals.append(refused)
            if len(refusals) == number:
                store.delete(namespace, name)
                outside.seed(store, namespace, name, {**THEIRS, "state": state})
            raise

    monkeypatch.setattr(Store, "update", refuse)


def actions(world: Running) -> list[str]:
    """Updates, and what was done beside them, in order."""
    sent = [one for one in of(world, "acme", "POST", "PUT") if one["path"].startswith(ENDPOINT)]
    return [one["path"].removeprefix(ENDPOINT).strip("/") or one["method"] for one in sent]


@pytest.mark.fault(13)
def test_an_update_that_waits_for_quota_is_not_sent_to_a_namesake(
    make: Make, world: Running, namesake: Namesake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be given our configuration, and our secrets with it."""
    monkeypatch.setenv("K", "one1one1")
    stack = make()

    def replace() -> None:
        namesake.come()
        world.set(quota={})

    world.set(quota={"nvidia-l4": 0})
    stack.row.hands = {"asking again: PUT": replace}

    said = stack.fail(instance="nvidia-l4 x1", secrets={"A": {"from_env": "K"}})

    namesake.require_untouched()
    assert "acme/tiny is not the endpoint that this stack made" in said
    assert actions(world) == ["PUT"]


@pytest.mark.fault(13)
def test_an_update_that_waits_for_quota_is_not_repeated_for_what_was_deleted(make: Make, world: Running) -> None:
    """The look says that it is gone."""
    stack = make()
    world.set(quota={"nvidia-l4": 0})
    stack.row.hands = {"asking again: PUT": lambda: world._script("DELETE", "/endpoints/acme/tiny")}

    said = stack.fail(instance="nvidia-l4 x1")

    assert f"GET {ENDPOINT}" in said
    assert "answered 404" in said
    assert actions(world) == ["PUT"]


@pytest.mark.fault(13, 14)
def test_a_restore_that_waits_for_hardware_is_not_sent_to_a_namesake(
    make: Make, world: Running, namesake: Namesake
) -> None:
    """What failed is gone, and with it what was to be put back."""
    stack = make()
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})

    def replace() -> None:
        namesake.come()
        world.set(hardware_status={})

    stack.row.hands = {
        "putting the previous": lambda: world.set(hardware_status={"aws-us-east-1-nvidia-t4-x1": "not_available"}),
        "asking again: PUT": replace,
    }

    said = stack.fail(**tgi(BAD))

    namesake.require_untouched()
    assert "Putting the previous configuration back did not succeed either: acme/tiny is not the endpoint" in said


@pytest.mark.fault(13)
def test_a_namesake_that_is_paused_is_not_resumed_for_our_update(
    paused: Stack, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It came between the refused update and the look at why it was refused."""
    replaced_at_refusal(1, "paused", monkeypatch)

    said = paused.fail()

    assert "acme/tiny is not the endpoint that this stack made" in said
    assert actions(world) == ["pause", "PUT"]
    assert world.get("tiny")["tags"] == THEIRS["tags"]


@pytest.mark.fault(13)
def test_a_namesake_of_what_was_resumed_is_not_paused(
    paused: Stack, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It serves somebody; what had been resumed is gone, and nobody is told to pause anything."""
    replaced_at_refusal(2, "running", monkeypatch)

    said = paused.fail(revision="v9")

    assert "revision v9 of HuggingFaceTB/SmolLM2-360M-Instruct not found" in said
    assert "It had been resumed for this update and is gone, so nothing was paused: acme/tiny is not the" in said
    assert "hf endpoints pause" not in said
    assert actions(world) == ["pause", "PUT", "resume", "PUT"]
    assert world.state("tiny") == "running"


@pytest.mark.fault(13)
def test_nobody_is_told_to_pause_a_namesake_of_what_was_resumed(
    paused: Stack, world: Running, namesake: Namesake
) -> None:
    """What was resumed, and could not be paused again, is gone by the next look."""
    world.set(quota={"nvidia-l4": 0})
    world.fault("html", method="POST", path=f"{ENDPOINT}/pause", status=400)
    paused.row.hands = {"asking again: PUT": namesake.come}

    said = paused.fail(instance="nvidia-l4 x1")

    namesake.require_untouched()
    assert "acme/tiny is not the endpoint that this stack made" in said
    assert "hf endpoints pause" not in said


Delete = Callable[[Stack], object]


def by_destroy(stack: Stack) -> None:
    stack.remove()


def by_sweep(stack: Stack) -> None:
    generation = stack.own["generation"]
    doomed = Orphan("acme", "tiny", "tiny", generation, "alice", "running", is_kept=False, rate=None, replicas=1)
    assert sweep(stack.session().api, [doomed], owner=OWNER_ID) == {}


def by_policy(stack: Stack) -> None:
    assert "It was deleted (rollout.on_create_failure: delete)" in stack.fail()


DELETES: dict[str, Delete] = {"destroy": by_destroy, "sweep": by_sweep, "policy": by_policy}


@pytest.fixture
def doomed(make: Make) -> Stack:
    """One whose first rollout would fail."""
    return make(
        is_live=False, verify={"max_new_tokens": 4, "expect": "^never$"}, rollout={"on_create_failure": "delete"}
    )


@pytest.mark.fault(22)
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("way", DELETES)
def test_a_delete_whose_answer_was_lost_is_not_sent_to_a_namesake(
    doomed: Stack, world: Running, namesake: Namesake, way: str, lost: str
) -> None:
    """Another stack may have been waiting for the name."""
    world.fault(**LOST[lost], method="DELETE", path=ENDPOINT)
    doomed.clock.goes_on = namesake.come_after_the_delete

    DELETES[way](doomed)

    namesake.require_untouched()
    assert len(of(world, "acme", "DELETE")) == 1


@pytest.mark.fault(22)
@pytest.mark.parametrize("way", DELETES)
def test_a_delete_that_waits_for_a_busy_one_is_not_sent_to_a_namesake(
    doomed: Stack, world: Running, namesake: Namesake, way: str
) -> None:
    """Somebody else deleted it first, which is as good."""
    world.fault(**BUSY, method="DELETE", path=ENDPOINT)
    doomed.clock.goes_on = namesake.come_after_the_delete

    DELETES[way](doomed)

    namesake.require_untouched()
    assert [one["status"] for one in of(world, "acme", "DELETE")] == [409]


@pytest.mark.fault(22)
@pytest.mark.parametrize("fault", [BUSY, {"kind": "server_error"}], ids=["busy", "500"])
def test_a_delete_that_was_not_done_is_asked_for_again(doomed: Stack, world: Running, fault: dict[str, Any]) -> None:
    """The look shows the same endpoint."""
    world.fault(**fault, method="DELETE", path=ENDPOINT)

    doomed.remove()

    assert [one["method"] for one in of(world, "acme", "GET", "DELETE")][-3:] == ["DELETE", "GET", "DELETE"]
    assert world.owner.get(ENDPOINT).status_code == 404
