"""A first rollout that fails is paused, kept or deleted: there is nothing to go back to."""

import pytest
from broken_image import create_failing
from control_plane import Running
from plugin_process import Plugin

pytest_plugins = ["project", "plugin_stack"]


@pytest.mark.fault(13)
@pytest.mark.parametrize(
    ("policy", "sentence", "left"),
    [
        ("pause", "was paused and does not bill", ["paused"]),
        ("keep", "was kept as it is", ["running"]),
        ("delete", "was deleted", []),
    ],
)
def test_a_first_rollout_that_fails_follows_its_policy(
    world: Running, plugin: Plugin, policy: str, sentence: str, left: list[str]
) -> None:
    """There is nothing to go back to; the default costs nothing and loses nothing."""
    said = create_failing(
        plugin, verify={"max_new_tokens": 4, "expect": "^never$"}, rollout={"on_create_failure": policy}
    )

    assert sentence in said
    assert [world.state(item["name"]) for item in world._script("GET", "/endpoints")["items"]] == left


@pytest.mark.fault(12)
@pytest.mark.parametrize("policy", ["pause", "delete"])
def test_an_endpoint_that_gets_no_hardware_is_paused_and_never_deleted(
    world: Running, plugin: Plugin, policy: str
) -> None:
    """Stuck in `pending` proves nothing against the configuration."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "stuck_pending"}])

    said = create_failing(plugin, rollout={"timeout": "3s", "on_create_failure": policy})

    assert "was still pending after" in said
    assert "gave it no hardware, which proves nothing" in said
    assert world.state("tiny") == "paused"


@pytest.mark.fault(12)
def test_an_endpoint_that_never_leaves_initializing_has_failed(world: Running, plugin: Plugin) -> None:
    """It had its hardware and did not start: usually a wrong port or too little memory, and it bills."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "stuck_initializing"}])

    said = create_failing(plugin, rollout={"timeout": "3s"})

    assert "was still initializing after" in said
    assert world.state("tiny") == "paused"


@pytest.mark.fault(42)
def test_a_rollout_that_costs_more_than_it_may_has_failed(world: Running, plugin: Plugin) -> None:
    """Starting is billed: a stuck start of eight H200 is forty dollars an hour."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "stuck_initializing"}])

    said = create_failing(plugin, rollout={"timeout": "10m", "max_usd": 0.0003})

    assert "above rollout.max_usd ($0.00)" in said
    assert world.state("tiny") == "paused"
