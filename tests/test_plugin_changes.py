"""Updates in the stock plugin process: what a change of a spec sends, what is no change, and what is proved."""

import json
from typing import Any

import pytest
from control_plane import Running
from plugin_process import Plugin
from plugin_stack import SPEC, Stack, outlive_the_listing, puts

pytest_plugins = ["project", "plugin_stack"]

CHANGES: dict[str, tuple[dict[str, Any], Any]] = {
    "security": ({"security": "authenticated"}, {"type": "authenticated"}),
    "instance": ({"instance": "nvidia-l4 x1"}, {"compute": {"instanceType": "nvidia-l4"}}),
    "instance size": ({"instance": "nvidia-t4 x4"}, {"compute": {"instanceSize": "x4"}}),
    "instance kind": (
        {"instance": "intel-spr x1"},
        {"compute": {"accelerator": "cpu", "instanceType": "intel-spr"}},
    ),
    "autoscaling.min": (
        {"autoscaling": {"min": 1, "max": 2, "measure": {"hardware_usage": 80}}},
        {"compute": {"scaling": {"minReplica": 1}}},
    ),
    "autoscaling.max": (
        {"autoscaling": {**SPEC["autoscaling"], "max": 3}},
        {"compute": {"scaling": {"maxReplica": 3}}},
    ),
    "autoscaling.scale_to_zero_after": (
        {"autoscaling": {**SPEC["autoscaling"], "scale_to_zero_after": "1h"}},
        {"compute": {"scaling": {"scaleToZeroTimeout": 60}}},
    ),
    "autoscaling.measure": (
        {"autoscaling": {**SPEC["autoscaling"], "measure": {"pending_requests": 2.5}}},
        {"compute": {"scaling": {"measure": {"pendingRequests": 2.5}}}},
    ),
    "repository": (
        {"repository": "tiiuae/falcon-7b-instruct"},
        {"model": {"repository": "tiiuae/falcon-7b-instruct", "revision": "main"}},
    ),
    "revision": ({"revision": "2" * 40}, {"model": {"revision": "2" * 40}}),
    "task": ({"task": "text2text-generation"}, {"model": {"task": "text2text-generation"}}),
    "engine": (
        {"engine": {**SPEC["engine"], "max_input_length": 512}},
        {
            "model": {
                "image": {
                    "tgi": {
                        "url": "acme/text-generation-inference:3.3.7",
                        "maxInputLength": 512,
                        "maxTotalTokens": 2048,
                    }
                }
            }
        },
    ),
    "env": ({"env": {"LOG_LEVEL": "debug"}}, {"model": {"env": {"LOG_LEVEL": "debug"}}}),
    "env cleared": ({"env": None}, {"model": {"env": {}}}),
    "args": ({"args": []}, {"model": {"args": []}}),
    "command": ({"command": None}, {"model": {"command": []}}),
    "tags": ({"tags": ["team-b"]}, {"tags": ["hfd-o-OWNER", "hfd-l-tiny", "team-b"]}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_field_sends_exactly_that_field(world: Running, plugin: Plugin, name: str) -> None:
    """The law of the no-op, its other half: a PUT merges, and whatever else it held could undo somebody's work."""
    changes, expected = CHANGES[name]
    stack = Stack(plugin)

    assert stack.has_changes(**changes)
    stack.update(**changes)

    text = json.dumps(expected).replace("OWNER", stack.guard.outs["owner"])
    assert puts(world) == [json.loads(text)]
    assert not stack.has_changes(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"instance": "nvidia-t4 x1"},
        {"instance": {"type": "nvidia-t4", "size": "x1"}},
        {"autoscaling": {"max": 2.0, "scale_to_zero_after": "15m", "measure": {"hardware_usage": 80.0}}},
        {"version": 1},
        {"verify": {"max_new_tokens": 4, "when": "changed"}},
        {"rollout": {"timeout": "30m"}},
    ],
    ids=str,
)
def test_the_same_meaning_in_other_words_is_no_change(world: Running, plugin: Plugin, changes: dict[str, Any]) -> None:
    """Tidying a spec must not touch production."""
    stack = Stack(plugin)

    assert not stack.has_changes(**changes)
    stack.update(**changes)

    assert puts(world) == []


@pytest.mark.fault(39)
def test_a_branch_is_resolved_once_and_kept(world: Running, plugin: Plugin) -> None:
    """A push to `main` must not change what production serves."""
    stack = Stack(plugin)
    kept = stack.endpoint.outs["revision"]
    world._script("POST", "/hub", {"repository": SPEC["repository"], "branch": "main", "commit": "f" * 40})

    stack.update(env={"LOG_LEVEL": "debug"})

    assert world.get("tiny")["model"]["revision"] == kept
    assert stack.endpoint.outs["revision"] == kept


def test_an_update_that_a_killed_run_sent_is_still_verified(world: Running, plugin: Plugin) -> None:
    """The refresh finds live what the spec wants; without a memory of what was proved that would be a green lie."""
    stack = Stack(plugin)
    world.mutate("tiny", model={"env": {"LOG_LEVEL": "debug"}})
    outlive_the_listing()
    stack.refresh()
    since = len(world.requests())

    assert stack.has_changes(env={"LOG_LEVEL": "debug"})
    stack.update(env={"LOG_LEVEL": "debug"})

    assert puts(world) == []
    assert [one for one in world.requests()[since:] if one["path"].endswith("/generate_stream")]
    assert not stack.has_changes(env={"LOG_LEVEL": "debug"})


def test_a_change_of_a_paused_endpoint_stays_a_change_until_it_is_proved(world: Running, plugin: Plugin) -> None:
    """A person's pause is left alone, and nothing that was never verified counts as brought live."""
    stack = Stack(plugin)
    world.act("pause", "tiny")

    stack.update(env={"LOG_LEVEL": "debug"})

    assert puts(world) == [{"model": {"env": {"LOG_LEVEL": "debug"}}}]
    assert world.state("tiny") == "paused"
    assert any("is paused" in line and "nothing was verified" in line for line in plugin.lines(is_lasting=True))
    assert stack.has_changes(env={"LOG_LEVEL": "debug"})

    world.act("resume", "tiny")
    stack.update(env={"LOG_LEVEL": "debug"})
    assert stack.endpoint.outs["verdict"] == "passed"
    assert not stack.has_changes(env={"LOG_LEVEL": "debug"})
