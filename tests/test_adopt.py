"""`adopt: <creation time>` in a spec: the one way an endpoint that is not ours becomes ours, in the plugin process."""

from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, Resource
from plugin_stack import SPEC, failure, puts

from hfdeploy.errors import SpecError
from hfdeploy.spec import parse_spec

pytest_plugins = ["project", "plugin_stack"]

MADE = "2026-11-01T09:00:00.000Z"
THEIRS = ["hfd-o-0123456789ab", "hfd-l-tiny", "hfd-keep", "team-b"]


def inputs(plugin: Plugin, **changes: Any) -> dict[str, Any]:
    owner = plugin.create("guard", {"members": ["tiny@acme/aws/us-east-1"]}).outs["owner"]
    return {**SPEC, "owner": owner, "logical_name": "tiny", "adopt": MADE, **changes}


def bring(plugin: Plugin, given: dict[str, Any]) -> tuple[Resource, Resource]:
    identity = plugin.create("identity", given)
    return identity, plugin.create("endpoint", {**given, "generation": identity.outs["generation"]})


@pytest.mark.fault(5)
@pytest.mark.parametrize("tags", [[], THEIRS], ids=["nobody's", "another stack's"])
def test_the_namesake_of_that_time_is_taken_over(world: Running, plugin: Plugin, tags: list[str]) -> None:
    """Moving from clicking to code, or from stack to stack: our tags first and alone, then the configuration."""
    world.seed("tiny", createdAt=MADE, tags=tags)
    given = inputs(plugin)

    identity, endpoint = bring(plugin, given)

    ours = [f"hfd-o-{given['owner']}", "hfd-l-tiny"]
    first, second = puts(world)
    assert first == {"tags": [*ours, *tags[3:]]}
    assert second["compute"]["instanceType"] == "nvidia-t4"
    assert world.get("tiny")["tags"] == [*ours, "team-a"]
    assert identity.outs["generation"] == world.get("tiny")["status"]["createdAt"] == MADE
    assert endpoint.outs["verdict"] == "passed"
    assert [one for one in world.requests() if one["method"] == "POST" and one["path"] == "/v2/endpoint/acme"] == []
    assert any("took over acme/tiny" in line for line in plugin.lines(is_lasting=True))

    plugin.delete("identity", identity)
    assert world._script("GET", "/endpoints")["items"] == []


@pytest.mark.fault(5)
def test_a_namesake_of_another_time_is_left_alone(world: Running, plugin: Plugin) -> None:
    """Not a lasting switch: whoever makes an endpoint of that name later keeps it."""
    world.seed("tiny", createdAt="2026-11-02T09:00:00.000Z")
    before = world.inner("tiny")["config"]

    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", inputs(plugin))

    assert "or take it over with `adopt: 2026-11-02T09:00:00.000Z`" in failure(caught)
    assert [one for one in world.requests() if one["method"] != "GET"] == []
    assert world.inner("tiny")["config"] == before


def test_an_endpoint_somewhere_else_is_not_taken_over(world: Running, plugin: Plugin) -> None:
    """The state would say one region and the bill another."""
    world.seed("tiny", createdAt=MADE, provider={"vendor": "aws", "region": "eu-west-1"})

    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", inputs(plugin))

    assert "it runs on aws in eu-west-1, and an endpoint cannot move" in failure(caught)
    assert puts(world) == []


def test_taking_the_word_out_afterwards_changes_nothing(world: Running, plugin: Plugin) -> None:
    """It has done its work; an update of production for it would be a surprise."""
    world.seed("tiny", createdAt=MADE)
    given = inputs(plugin)
    identity, endpoint = bring(plugin, given)
    plain = {key: value for key, value in given.items() if key != "adopt"}

    assert not plugin.has_changes("identity", identity, plain)
    assert not plugin.has_changes("endpoint", endpoint, {**plain, "generation": identity.outs["generation"]})


def test_without_a_namesake_a_new_one_is_made_with_a_warning(world: Running, plugin: Plugin) -> None:
    """After a replacement the word may still stand in the spec, and the new endpoint must come."""
    identity = plugin.create("identity", inputs(plugin))

    assert identity.outs["generation"] == world.get("tiny")["status"]["createdAt"]
    assert any("there is nothing to adopt" in line for line in plugin.lines(is_lasting=True))


@pytest.mark.parametrize("text", ["true", "yes", "2026-11-01", "always"])
def test_only_a_creation_time_is_taken(text: str) -> None:
    """A switch would take over whatever has the name one day."""
    with pytest.raises(SpecError, match="adopt: must be a creation time in the service's own spelling"):
        parse_spec({**SPEC, "adopt": text})


@pytest.mark.fault(5, 18)
def test_what_was_taken_over_paused_is_not_done(world: Running, plugin: Plugin) -> None:
    """Nothing of it was proved; a state that had it would call it unchanged from then on, also when it runs."""
    world.seed("tiny", createdAt=MADE)
    world.act("pause", "tiny")

    with pytest.raises(grpc.RpcError) as caught:
        bring(plugin, inputs(plugin))

    assert "was taken over and is paused" in failure(caught)
    assert "Resume it, or set `state: running` in the spec, and run this again" in failure(caught)
    assert world.state("tiny") == "paused"

    world.act("resume", "tiny")
    assert bring(plugin, inputs(plugin))[1].outs["verdict"] == "passed"
