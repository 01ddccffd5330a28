"""The guard's lists: what a run would lose, in state of every release, without an engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, Resource, running_plugin
from plugin_stack import config, failure

from hfdeploy.errors import UsageError
from hfdeploy.provider.members import Losses, losses, member, namespaces_of
from hfdeploy.settings import Drift, Safeguards, load_safeguards

pytest_plugins = ["project"]

HERE = {"namespace": "acme", "cloud": "aws", "region": "us-east-1"}


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    with running_plugin({**config(world), "hfdeploy:namespace": "acme"}, folder=tmp_path) as process:
        yield process


@pytest.mark.parametrize(
    ("before", "after", "removed", "replaced"),
    [
        (["a@acme/aws/us"], ["a@acme/aws/us"], (), ()),
        (["a@acme/aws/us", "b@acme/aws/us"], ["b@acme/aws/us", "c@acme/aws/us"], ("a",), ()),
        (["a@acme/aws/us"], ["a@acme/aws/eu"], (), ("a",)),
        (["a@acme/aws/us"], ["a@acme/gcp/us"], (), ("a",)),
        (["a@acme/aws/us"], ["a@other/aws/us"], (), ("a",)),
        (["a@acme/aws/us"], [], ("a",), ()),
        (["a", "b"], ["a@acme/aws/us"], ("b",), ()),
        (["a@*/aws/us"], ["a@acme/aws/us"], (), ()),
        (["a@acme/aws/us"], ["a@*/*/*"], (), ()),
    ],
)
def test_what_a_run_would_lose(before: list[str], after: list[str], removed: Any, replaced: Any) -> None:
    """A bare name is what the first release kept, a star what only the run finds out: neither is a loss."""
    assert losses(before, after) == Losses(removed, replaced)


def test_a_member_is_its_endpoints_name_and_place() -> None:
    """Not its resource's: a renamed variable with an alias loses nothing."""
    assert member({"name": "tiny", **HERE}, "resource") == "tiny@acme/aws/us-east-1"
    assert member({"name": object(), "cloud": "aws"}, "resource") == "resource@*/aws/*"
    assert namespaces_of(["a@acme/aws/us", "b@*/aws/us", "c"]) == {"acme"}


def test_the_limit_is_two_or_a_tenth_or_what_was_said() -> None:
    """A fleet of a hundred loses ten in a day without an accident."""
    assert [Safeguards().most_removals(count) for count in (0, 5, 20, 35, 100)] == [2, 2, 2, 3, 10]
    assert Safeguards(max_removals=0).most_removals(100) == 0
    assert Safeguards(max_removals=0, allowed_removals=7).most_removals(100) == 7


def test_what_is_typed_before_a_command_goes_beyond_the_stack() -> None:
    """It is for one run; the stack's configuration is for all."""
    stack = {"hfdeploy:drift": "block", "hfdeploy:maxRemovals": "1", "hfdeploy:orphans": "delete"}

    assert load_safeguards(stack, {}) == Safeguards(1, 0, True, Drift.BLOCK)
    told = load_safeguards(stack, {"HFDEPLOY_DRIFT": "revert", "HFDEPLOY_ALLOW_REMOVALS": "5"})
    assert told == Safeguards(1, 5, True, Drift.REVERT)


@pytest.mark.parametrize(
    ("stack", "environ"),
    [
        ({"drift": "ignore"}, {}),
        ({}, {"HFDEPLOY_DRIFT": "off"}),
        ({"orphans": "true"}, {}),
        ({"maxRemovals": "-1"}, {}),
        ({}, {"HFDEPLOY_ALLOW_REMOVALS": "all"}),
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused(stack: dict[str, str], environ: dict[str, str]) -> None:
    """A typing mistake must not switch a protection off."""
    with pytest.raises(UsageError, match="it must be"):
        load_safeguards(stack, environ)


def test_state_of_the_first_release_is_read(world: Running, plugin: Plugin) -> None:
    """It has bare names, and neither namespaces nor what was retained; it is brought up to date by the next run."""
    owner = "0123456789ab"
    old = Resource(owner, {"members": ["a", "b"]}, {"owner": owner, "members": ["a", "b"]})
    news = {"members": ["a@acme/aws/us", "b@acme/aws/us"]}

    assert plugin.check("guard", news)[1] == []
    assert plugin.has_changes("guard", old, news)
    new = plugin.update("guard", old, news)
    assert (new.outs["owner"], new.outs["namespaces"], new.outs["kept"]) == (owner, ["acme"], [])
    assert not plugin.has_changes("guard", new, news)

    world.seed("a", tags=[f"hfd-o-{owner}", "hfd-l-a"])
    for state in (old, new):
        with pytest.raises(grpc.RpcError) as caught:
            plugin.delete("guard", state)
        assert "1 endpoint of this stack is alive and in no state: acme/a" in failure(caught)
