"""A changed field of a spec: in place, by a new endpoint, refused, or of no consequence."""

from collections.abc import Iterator
from typing import Any

import pytest
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config

from hfdeploy.spec import parse_spec

pytest_plugins = ["project"]

IN_PLACE: dict[str, Any] = {
    "repository": "tiiuae/falcon-7b-instruct",
    "revision": "2" * 40,
    "task": "text2text-generation",
    "instance": "nvidia-l4 x1",
    "autoscaling": {"max": 3},
    "security": "authenticated",
    "engine": {"type": "vllm"},
    "max_model_len": 1024,
    "args": ["--other"],
    "command": ["/other.sh"],
    "env": {"LOG_LEVEL": "debug"},
    "secrets": {"K": {"from_env": "PATH"}},
    "route": {"domain": "chat.example.org", "path": "/"},
    "tags": ["team-b"],
    "verify": {"max_new_tokens": 9},
    "rollout": {"timeout": "45m"},
    "state": "running",
    "concurrency": 3,
}
REPLACED: dict[str, Any] = {
    "namespace": "emulated",
    "name": "other",
    "cloud": "gcp",
    "region": "eu-west-1",
    "private_service": {"account_id": "123456789012", "region": "us-east-1"},
}
FORBIDDEN: dict[str, Any] = {
    "version": 2,
    "security": "protected",
    "name": "Not A Name",
    "instance": 7,
    "region": "",
}
QUIET: dict[str, Any] = {"adopt": "2026-11-01T09:00:00.000Z"}
NEEDS_ANOTHER = {"acknowledge_public"}
"""Has a meaning together with `security: public` only, which has a case of its own below."""


@pytest.fixture(scope="module")
def stack(fast_emulator: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    fast_emulator._script("POST", "/reset")
    with running_plugin(config(fast_emulator), folder=tmp_path_factory.mktemp("program")) as plugin:
        yield Stack(plugin, verify={"when": "never"})


def kinds(plugin: Plugin, stack: Stack, **changes: Any) -> tuple[list[str], bool, bool]:
    """What the engine is told: what replaces it, whether the old one goes first, and whether there is an update."""
    inputs = stack.inputs(**changes)
    diff = plugin.diff("identity", stack.identity, inputs)
    updates = plugin.has_changes("endpoint", stack.endpoint, inputs)
    return list(diff.replaces), diff.deleteBeforeReplace, updates


def test_every_field_of_a_spec_has_a_verdict_here() -> None:
    """In place, replaced, forbidden or of no consequence: a new field must be one of them."""
    told = IN_PLACE.keys() | REPLACED.keys() | QUIET.keys() | NEEDS_ANOTHER | {"version"}
    assert told == set(type(parse_spec({**SPEC})).model_fields)


@pytest.mark.fault(21)
@pytest.mark.parametrize("field", IN_PLACE)
def test_a_field_that_is_changed_in_place(stack: Stack, field: str) -> None:
    """No downtime and the same URL."""
    replaces, _, updates = kinds(stack.plugin, stack, **{field: IN_PLACE[field]})

    assert (replaces, updates) == ([], True)


@pytest.mark.fault(21)
@pytest.mark.parametrize("field", REPLACED)
def test_a_field_that_replaces_says_what_that_means(stack: Stack, field: str) -> None:
    """The name is taken until the old one is gone, so it goes first; the row says downtime and new address."""
    stack.plugin.engine.lines.clear()
    replaces, goes_first, _ = kinds(stack.plugin, stack, **{field: REPLACED[field]})

    assert (replaces, goes_first) == ([field], True)
    (line,) = [line for line in stack.plugin.lines(is_lasting=True) if "replace" in line]
    assert line == (
        f"a changed {field} replaces acme/tiny: it is deleted first, nothing answers until the new one runs, and its "
        f"URL may be another"
    )


@pytest.mark.fault(21)
@pytest.mark.parametrize("field", FORBIDDEN)
def test_a_value_that_no_endpoint_can_have_is_refused(stack: Stack, field: str) -> None:
    """Before anything is compared or sent."""
    _, failures = stack.plugin.check("identity", stack.inputs(**{field: FORBIDDEN[field]}))

    assert failures != []


@pytest.mark.fault(21, 37)
def test_opening_an_endpoint_is_in_place_once_it_is_acknowledged(stack: Stack) -> None:
    """And refused without."""
    _, failures = stack.plugin.check("identity", stack.inputs(security="public"))
    assert failures != []

    opened = {"security": "public", "acknowledge_public": "tiny"}
    assert stack.plugin.check("identity", stack.inputs(**opened))[1] == []
    assert kinds(stack.plugin, stack, **opened)[::2] == ([], True)


@pytest.mark.fault(21)
def test_taking_over_by_name_is_no_change_of_what_runs(stack: Stack) -> None:
    """`adopt` says how it became ours."""
    assert kinds(stack.plugin, stack, **QUIET)[::2] == ([], False)
