"""Drift in the plugin process: what is declared, the process that looks, and what it says of changes."""

from collections.abc import Iterator
from typing import Any

import pytest
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import config

DOMAIN = "chat.example.org"
RICH: dict[str, Any] = {
    "route": {"domain": DOMAIN, "path": "/v1"},
    "private_service": {"account_id": "123456789012", "region": "us-east-1", "shared": False},
    "secrets": {"API_KEY": {"from_env": "THE_KEY"}, "OTHER_KEY": {"from_env": "THE_OTHER_KEY"}},
    "verify": {"when": "never"},
}
"""On top of `SPEC`: everything that a PUT of something else could wipe."""

VALUES = {"THE_KEY": "first-value-of-the-key", "THE_OTHER_KEY": "first-value-of-the-other"}


def shared_process(fast_emulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    """One process for all tests here that do not need one of their own: starting it takes longer than they do."""
    with running_plugin(config(fast_emulator), VALUES, tmp_path_factory.mktemp("program")) as process:
        yield process


def quiet_plugin(world: Running, process: Plugin) -> Plugin:
    world.set(domain_status="ready")
    world.owner.post("/v2/network/domain/acme", json={"domain": DOMAIN}).raise_for_status()
    process.engine.lines.clear()
    return process


def said(plugin: Plugin) -> list[str]:
    return [line for line in plugin.lines(is_lasting=True) if "changed outside" in line or "did not end" in line]


def kept(world: Running) -> Any:
    """What the service has of the endpoint: its whole configuration, secrets and credentials in the clear."""
    return world.inner("tiny")["config"]
