"""Secrets and credentials in the stock plugin process: sent once, remembered as digests, wiped by nothing."""

import json
from pathlib import Path

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure, puts

pytest_plugins = ["project", "plugin_stack"]


@pytest.mark.fault(34, 36)
def test_secrets_are_sent_and_remembered_only_as_digests(world: Running, tmp_path: Path) -> None:
    """Values never reach the state; a rotated one is an update that the row names."""
    sources = {"API_KEY": {"from_env": "THE_KEY"}, "OTHER": {"from_config": "other"}}
    settings = {**config(world), "hfdeploy:other": "from-the-config"}
    with running_plugin(settings, {"THE_KEY": "first-value"}, tmp_path) as plugin:
        stack = Stack(plugin, secrets=sources)
        assert world.inner("tiny")["config"]["model"]["secrets"] == {
            "API_KEY": "first-value",
            "OTHER": "from-the-config",
        }
        assert puts(world) == []
        assert not stack.has_changes()
        kept = json.dumps([stack.endpoint.outs, stack.identity.outs])
        assert "first-value" not in kept
        assert "from-the-config" not in kept

    with running_plugin(settings, {"THE_KEY": "second-value"}, tmp_path) as plugin:
        stack.plugin = plugin
        assert stack.has_changes()
        assert any("API_KEY" in line and "OTHER" not in line for line in plugin.lines(is_lasting=True))
        stack.update()
        assert puts(world) == [{"model": {"secrets": {"API_KEY": "second-value", "OTHER": "from-the-config"}}}]
        assert not stack.has_changes()


def test_a_missing_secret_stops_everything_before_a_request(world: Running, plugin: Plugin) -> None:
    """A half-configured container would start, fail, and bill."""
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**SPEC, "owner": guard.outs["owner"], "logical_name": "tiny"}

    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("identity", {**inputs, "secrets": {"API_KEY": {"from_env": "NO_SUCH_VARIABLE"}}})

    assert "API_KEY (environment variable NO_SUCH_VARIABLE)" in failure(caught)
    assert [request for request in world.requests() if request["method"] != "GET"] == []


def test_another_fields_update_wipes_no_secret(world: Running, tmp_path: Path) -> None:
    """Other tools lost secrets, environment and credentials that way."""
    sources = {"API_KEY": {"from_env": "THE_KEY"}}
    with running_plugin(config(world), {"THE_KEY": "value-of-the-key"}, tmp_path) as plugin:
        stack = Stack(plugin, secrets=sources)
        stack.update(tags=["team-b"])

    assert world.inner("tiny")["config"]["model"]["secrets"] == {"API_KEY": "value-of-the-key"}
    assert world.inner("tiny")["config"]["model"]["env"] == {"LOG_LEVEL": "info"}


def test_registry_credentials_survive_an_update_of_the_image(world: Running, tmp_path: Path) -> None:
    """They come back blanked; what is read must never be echoed."""
    engine = {
        "type": "custom",
        "image": "registry.example.org/acme/server:1",
        "health_route": "/health",
        "registry": {"username": "puller", "password": {"from_env": "REGISTRY_PASSWORD"}},
    }
    with running_plugin(config(world), {"REGISTRY_PASSWORD": "pull-secret"}, tmp_path) as plugin:
        stack = Stack(plugin, engine=engine, max_model_len=None, verify={"when": "never"})
        assert not stack.has_changes()
        stack.update(engine={**engine, "image": "registry.example.org/acme/server:2"})

    image = world.inner("tiny")["config"]["model"]["image"]["custom"]
    assert image["url"].endswith(":2")
    assert image["credentials"] == {"username": "puller", "password": "pull-secret"}
