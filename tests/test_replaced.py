"""A replacement waits until what it deleted is gone: that is never continued, and nothing is made beside it."""

from typing import Any

import pytest
from control_plane import Running
from plugin_stack import puts
from rollouts import Make

from hfdeploy.errors import Inconclusive, OwnershipError
from hfdeploy.provider import memory

pytest_plugins = ["project", "rollouts"]

CHANGES: dict[str, dict[str, Any]] = {
    "region": {"region": "eu-west-1"},
    "private link": {"private_service": {"account_id": "123456789012", "region": "us-east-1", "shared": False}},
}
SHOWN: dict[str, Any] = {"delete_visible_seconds": 60}
TAKEN: dict[str, Any] = {"name_free_after_seconds": 6}


def existing(world: Running) -> list[str]:
    return [item["name"] for item in world._script("GET", "/endpoints")["items"]]


@pytest.mark.fault(22)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("option", [SHOWN, TAKEN], ids=["still shown", "name still taken"])
def test_a_replacement_is_a_new_endpoint(make: Make, world: Running, option: dict[str, Any], change: str) -> None:
    """What was deleted may answer GET or hold its name for a while; the new one is made after that, and proved."""
    stack = make()
    deleted = stack.own["generation"]
    world.set(**option)
    stack.remove()
    stack.spec |= CHANGES[change]
    stack.clock.goes_on = world.advance

    stack.make()
    stack.bring()

    assert stack.own["generation"] != deleted
    assert world.get("tiny")["status"]["createdAt"] == stack.own["generation"]
    assert stack.outs is not None
    assert stack.outs["verdict"] == "passed"
    world.advance(600)
    assert existing(world) == ["tiny"]
    assert world.state("tiny") == "running"


@pytest.mark.fault(22)
def test_an_endpoint_that_is_shown_for_ever_is_not_taken_for_the_new_one(make: Make, world: Running) -> None:
    """Two minutes are waited; then nothing was made, and another run may."""
    stack = make()
    world.set(delete_visible_seconds=100_000)
    stack.remove()
    since = len(world.requests())

    with pytest.raises(Inconclusive, match=r"was deleted and is still there after 120 s, so no new one was made"):
        stack.make()

    assert {one["method"] for one in world.requests()[since:]} == {"GET"}
    assert 119 < sum(stack.clock.naps) < 130


@pytest.mark.fault(22)
def test_another_run_does_not_continue_it_in_the_wrong_place(make: Make, world: Running) -> None:
    """A run that deleted it and was killed leaves no memory of that, but the place differs from the spec's."""
    stack = make()
    world.set(delete_visible_seconds=100_000)
    stack.remove()
    stack.spec |= CHANGES["region"]
    since = len(world.requests())

    with pytest.raises(OwnershipError, match=r"is still there on aws in us-east-1, although it was to be deleted"):
        stack.exist()

    assert {one["method"] for one in world.requests()[since:]} == {"GET"}


@pytest.mark.fault(22, 39)
def test_a_replacement_that_another_run_finishes_has_what_the_branch_is_now(make: Make, world: Running) -> None:
    """The commit that the deleted endpoint had is nobody's wish: the new one was made of another."""
    stack = make()
    world._script("POST", "/hub", {"repository": stack.spec["repository"], "branch": "main", "commit": "f" * 40})
    stack.remove()
    stack.spec |= CHANGES["region"]
    stack.make()
    memory._posted.clear()
    world.mutate("tiny", by="alice", compute={"scaling": {"maxReplica": 1}})

    stack.bring()

    assert stack.outs is not None
    assert (stack.outs["verdict"], stack.outs["revision"]) == ("passed", "f" * 40)
    assert [put["model"]["revision"] for put in puts(world) if "model" in put] == ["main"]
