"""Secrets and credentials in a diff: rotated, blanked or missing ones, and one that somebody else wrote."""

import json
import os
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from drift import RICH, VALUES, quiet_plugin, said, shared_process
from plugin_process import Plugin, running_plugin
from plugin_stack import Stack, config, failure, outlive_the_listing, puts

pytest_plugins = ["project"]

process = pytest.fixture(shared_process, scope="module")
plugin = pytest.fixture(quiet_plugin)


@pytest.mark.fault(36)
def test_a_rotated_secret_is_no_drift_and_one_update(world: Running, plugin: Plugin, tmp_path: Path) -> None:
    """A refresh has nothing to show; a preview names the secret, and only its digest changes in the state."""
    stack = Stack(plugin, **RICH)
    declared = stack.endpoint
    rotated = {**VALUES, "THE_KEY": "second-value-of-the-key"}
    with running_plugin(config(world), rotated, tmp_path) as later:
        stack.plugin = later
        stack.refresh()
        assert (stack.endpoint.outs, stack.endpoint.inputs) == (declared.outs, declared.inputs)
        assert said(later) == []

        assert stack.has_changes()
        assert later.lines(is_lasting=True) == ["changed secrets: API_KEY"]
        stack.update()

        assert puts(world) == [
            {"model": {"secrets": {"API_KEY": "second-value-of-the-key", "OTHER_KEY": VALUES["THE_OTHER_KEY"]}}}
        ]
        was, now = declared.outs, stack.endpoint.outs
        assert {name for name in was.keys() | now.keys() if was.get(name) != now.get(name)} <= {
            "remembered",
            "value_marks",
        }
        assert was["remembered"]["digests"]["OTHER_KEY"] == now["remembered"]["digests"]["OTHER_KEY"]
        assert was["remembered"]["digests"]["API_KEY"] != now["remembered"]["digests"]["API_KEY"]
        assert not stack.has_changes()


def test_blanked_credentials_are_no_difference(world: Running, tmp_path: Path) -> None:
    """They come back empty whoever asks."""
    engine = {
        "type": "custom",
        "image": "registry.example.org/acme/server:1",
        "health_route": "/health",
        "registry": {"username": "puller", "password": {"from_env": "PULL"}},
    }
    with running_plugin(config(world), {"PULL": "pull-secret"}, tmp_path) as plugin:
        stack = Stack(plugin, engine=engine, max_model_len=None, verify={"when": "never"})
        before = stack.endpoint
        outlive_the_listing()
        stack.refresh()

        assert world.get("tiny")["model"]["image"]["custom"]["credentials"] == {"username": "", "password": None}
        assert (stack.endpoint.outs, stack.endpoint.inputs) == (before.outs, before.inputs)
        assert not stack.has_changes()


@pytest.mark.fault(36)
def test_a_secret_that_is_missing_changes_nothing_in_a_preview_and_stops_an_up(
    world: Running, plugin: Plugin, tmp_path: Path
) -> None:
    """Whoever previews need not hold the secrets; whoever deploys must, and is told before anything is sent."""
    stack = Stack(plugin, **RICH)
    assert "THE_KEY" not in os.environ
    with running_plugin(config(world), {"THE_OTHER_KEY": VALUES["THE_OTHER_KEY"]}, tmp_path) as later:
        stack.plugin = later
        assert not stack.has_changes()
        assert stack.has_changes(tags=["team-b"])
        with pytest.raises(grpc.RpcError) as caught:
            stack.update(tags=["team-b"])

    assert "API_KEY (environment variable THE_KEY)" in failure(caught)
    assert puts(world) == []


@pytest.mark.fault(34)
@pytest.mark.parametrize(
    ("changes", "leaked"),
    [
        ({"model": {"env": {"LOG_LEVEL": "info", "SOMEBODYS": "hf_" + "q" * 30}}}, "hf_" + "q" * 30),
        ({"model": {"args": ["--trust-remote-code", "--token", "sk-" + "w" * 30]}}, "sk-" + "w" * 30),
    ],
    ids=["env", "args"],
)
def test_a_credential_that_somebody_wrote_into_an_endpoint_is_not_kept(
    world: Running, plugin: Plugin, changes: dict[str, Any], leaked: str
) -> None:
    """It is a change that is named and put back, and its value gets into no state."""
    stack = Stack(plugin)
    world.mutate("tiny", **changes)
    outlive_the_listing()

    stack.refresh()

    kept = json.dumps([stack.endpoint.outs, stack.endpoint.inputs])
    assert leaked not in kept
    assert "(a credential, not shown)" in kept
    assert leaked not in "\n".join(plugin.lines())
    assert stack.has_changes()
