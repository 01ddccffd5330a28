"""Changed secrets are one update of secrets, whatever the service merges or lists, and whichever run sent them.

In this process, against the emulator, whose store has them in the clear.
"""

from typing import Any

import pytest
from control_plane import Running
from full_endpoint import OPTIONS, SPEC, VALUES, Make, Stack
from plugin_stack import puts

from hfdeploy.errors import Inconclusive

pytest_plugins = ["project", "full_endpoint"]

SECRETS = {"API_KEY": "first-value-of-the-key", "OTHER_KEY": "first-value-of-the-other"}

SECRET_CHANGES: dict[str, tuple[dict[str, Any], dict[str, str], dict[str, str], list[str]]] = {
    "rotated": ({}, {"THE_KEY": "second-value"}, {**SECRETS, "API_KEY": "second-value"}, ["API_KEY"]),
    "both rotated": (
        {},
        {"THE_KEY": "second-value", "THE_OTHER_KEY": "second-other"},
        {"API_KEY": "second-value", "OTHER_KEY": "second-other"},
        ["API_KEY", "OTHER_KEY"],
    ),
    "added": (
        {"secrets": {**SPEC["secrets"], "THIRD": {"from_env": "THE_THIRD"}}},
        {"THE_THIRD": "third-value"},
        {**SECRETS, "THIRD": "third-value"},
        ["THIRD"],
    ),
    "removed": (
        {"secrets": {"API_KEY": SPEC["secrets"]["API_KEY"]}},
        {},
        {"API_KEY": SECRETS["API_KEY"]},
        ["OTHER_KEY"],
    ),
    "all removed": ({"secrets": None}, {}, {}, ["API_KEY", "OTHER_KEY"]),
    "renamed": (
        {"secrets": {"NEW_NAME": SPEC["secrets"]["API_KEY"], "OTHER_KEY": SPEC["secrets"]["OTHER_KEY"]}},
        {},
        {"NEW_NAME": SECRETS["API_KEY"], "OTHER_KEY": SECRETS["OTHER_KEY"]},
        ["API_KEY", "NEW_NAME"],
    ),
    "emptied": ({}, {"THE_KEY": ""}, {**SECRETS, "API_KEY": ""}, ["API_KEY"]),
}


@pytest.mark.fault(36)
@pytest.mark.parametrize("keys", ["empty", "keys"])
@pytest.mark.parametrize("case", SECRET_CHANGES)
def test_changed_secrets_are_one_update_of_secrets(
    make_full: Make, world: Running, monkeypatch: pytest.MonkeyPatch, case: str, keys: str
) -> None:
    """The row names those that changed; the update holds all of them, since the service may replace the map."""
    changes, values, expected, names = SECRET_CHANGES[case]
    stack = make_full(secrets_in_reply=keys)
    before = stack.store()
    for name, value in values.items():
        monkeypatch.setenv(name, value)

    assert "secrets" in stack.reasons(**changes)
    assert stack.row.notes == [f"changed secrets: {', '.join(names)}"]
    stack.bring(**changes)

    assert [put["model"] for put in puts(world)] == [{"secrets": expected}]
    assert len(stack.marks()) == bool(expected)
    assert world.inner("tiny")["config"]["model"]["secrets"] == expected
    after = stack.store()
    differing = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert all(path.startswith("model.secrets") for path in differing)
    assert stack.reasons(**changes) == []


@pytest.mark.fault(36)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_rotated_registry_password_sends_the_whole_image(
    make_full: Make, world: Running, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """Nothing but the password differs afterwards."""
    stack = make_full(**options)
    before = stack.store()
    monkeypatch.setenv("PULL_PASSWORD", "second-pull-password")

    assert stack.reasons() == ["secrets"]
    assert stack.row.notes == ["changed secrets: registry password"]
    stack.bring()

    assert stack.store() == {**before, "model.image.custom.credentials.password": "second-pull-password"}
    assert list(puts(world)[0]["model"]) == ["image"]
    assert stack.reasons() == []


def test_a_source_that_moved_without_changing_its_value_is_no_update(
    make_full: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another variable with the same value: the spec's words differ, and there is nothing to send."""
    stack = make_full()
    monkeypatch.setenv("MOVED_KEY", VALUES["THE_KEY"])

    stack.bring(secrets={**SPEC["secrets"], "API_KEY": {"from_env": "MOVED_KEY"}})

    assert puts(world) == []


@pytest.mark.parametrize("keys", ["empty", "keys"])
def test_a_secret_that_a_merging_service_keeps_is_said_where_it_can_be_seen(make_full: Make, keys: str) -> None:
    """Where maps are merged and names are not listed nobody can know; where they are listed it is not green."""
    stack = make_full(maps_in_put="merge", secrets_in_reply=keys)
    changes = {"secrets": {"API_KEY": SPEC["secrets"]["API_KEY"]}}

    if keys == "keys":
        with pytest.raises(Inconclusive, match="still has the secret OTHER_KEY, which the spec no longer names"):
            stack.bring(**changes)
    else:
        stack.bring(**changes)


@pytest.fixture
def half_rotated(make_full: Make, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The run that sent a new value was killed: the service has it, and the state the digest of the old one."""
    stack = make_full()
    before = stack.outs
    monkeypatch.setenv("THE_KEY", "second-value")
    stack.bring()
    stack.outs = before
    return stack


def test_secrets_that_a_killed_run_sent_do_not_stop_the_next_one(half_rotated: Stack, world: Running) -> None:
    """The endpoint says that it has these values: they are proved, and not sent a second time."""
    stack = half_rotated
    sent = len(puts(world))

    stack.refresh()
    assert "secrets" in stack.reasons()
    stack.bring()

    assert len(puts(world)) == sent
    assert world.inner("tiny")["config"]["model"]["secrets"]["API_KEY"] == "second-value"
    assert stack.reasons() == []


@pytest.mark.fault(36)
def test_values_that_a_killed_run_sent_are_taken_back_when_the_old_ones_are_wanted_again(
    half_rotated: Stack, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state has the old digests and the source the old values; only the endpoint knows that it has others."""
    stack = half_rotated
    monkeypatch.setenv("THE_KEY", VALUES["THE_KEY"])

    stack.refresh()
    assert stack.reasons() == ["secrets"]
    assert stack.row.notes[-1] == "the endpoint has secret values that a run which did not succeed had sent"
    stack.bring()

    assert world.inner("tiny")["config"]["model"]["secrets"] == SECRETS
    stack.refresh()
    assert stack.reasons() == []


def test_a_mark_that_somebody_took_off_is_no_reason_for_an_update(
    make_full: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody knows then, and to send secrets is to start replicas anew."""
    stack = make_full()
    monkeypatch.setenv("THE_KEY", "second-value")
    stack.bring()
    world.mutate("tiny", tags=[tag for tag in world.get("tiny")["tags"] if not tag.startswith("hfd-s-")])

    stack.refresh()

    assert stack.reasons() == []
