"""What a green rollout may claim: unverified is never passed, and only the right replicas prove anything."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from broken_image import BAD, GOOD, answers_with_nothing, bad_engine, fail_update, image, streams
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure, puts

from hfdeploy.emulator import reply

pytest_plugins = ["project"]

NEVER = {"max_new_tokens": 4, "when": "never"}


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    with running_plugin(config(world), {"THE_KEY": "first", "OTHER_KEY": "kept"}, tmp_path) as process:
        yield process


def update_while(hand: Callable[[], None], stack: Stack, **changes: Any) -> str:
    """What a failing update says while somebody else's hand is in it."""
    with ThreadPoolExecutor(1) as threads:
        update = threads.submit(stack.update, **changes)
        while not update.done():
            hand()
            time.sleep(0.01)
        with pytest.raises(grpc.RpcError) as caught:
            update.result()
    return failure(caught)


# verify.when


def test_what_never_was_verified_says_so(world: Running, plugin: Plugin) -> None:
    """`verify.when: never` is a choice; it makes nothing pass."""
    stack = Stack(plugin, verify=NEVER)

    assert (stack.endpoint.outs["verdict"], stack.endpoint.outs.get("verified_at")) == ("unverified", None)
    assert streams(world) == 0


def test_a_changed_configuration_that_is_not_verified_loses_the_verdict_of_the_one_before(
    world: Running, plugin: Plugin
) -> None:
    """The earlier proof was of something else, so it may not stand beside what serves now."""
    stack = Stack(plugin)
    assert stack.endpoint.outs["verdict"] == "passed"

    stack.update(verify=NEVER, env={"LOG_LEVEL": "debug"})

    assert stack.endpoint.outs["verdict"] == "unverified"
    assert stack.endpoint.outs.get("verified_at") is None
    assert stack.endpoint.outs.get("tokens") is None


def test_what_serves_unchanged_keeps_its_verdict(world: Running, plugin: Plugin) -> None:
    """Tags and bounds answer no prompt, and the proof of what does still stands."""
    stack = Stack(plugin)
    proved = stack.endpoint.outs["verified_at"]

    stack.update(verify=NEVER, tags=["team-b"])

    assert (stack.endpoint.outs["verdict"], stack.endpoint.outs["verified_at"]) == ("passed", proved)


def test_always_verifies_each_run_although_nothing_changed(world: Running, plugin: Plugin) -> None:
    """And `changed` does not."""
    stack = Stack(plugin)
    always = {"max_new_tokens": 4, "when": "always"}
    assert not stack.has_changes()
    assert stack.has_changes(verify=always)

    stack.update(verify=always)

    assert (streams(world), stack.has_changes(verify=always)) == (2, True)
    assert puts(world) == []


def test_a_configuration_sent_to_a_paused_endpoint_is_unverified(world: Running, plugin: Plugin) -> None:
    """It cannot answer, so nothing is known of it; the pause is a person's."""
    stack = Stack(plugin)
    world.act("pause", "tiny")

    stack.update(env={"LOG_LEVEL": "debug"})

    assert (stack.endpoint.outs["verdict"], world.state("tiny")) == ("unverified", "paused")
    assert stack.has_changes(env={"LOG_LEVEL": "debug"}), "it stays a change until it is brought live"


# Given back as it was found


@pytest.mark.fault(18)
def test_a_pause_that_the_service_ends_because_of_an_update_is_put_back(world: Running, plugin: Plugin) -> None:
    """Whether a PUT starts a paused endpoint is not documented; a person paused it, and it must not bill."""
    world.set(put_on_paused="starts")
    stack = Stack(plugin)
    world.act("pause", "tiny")

    stack.update(env={"LOG_LEVEL": "debug"})

    assert (stack.endpoint.outs["verdict"], world.state("tiny")) == ("unverified", "paused")


@pytest.mark.fault(27)
@pytest.mark.parametrize("behaviour", [{"stream": "empty", "only": BAD}, {"status": 500, "only": BAD}])
def test_an_endpoint_found_asleep_is_given_back_asleep_however_the_rollout_ended(
    world: Running, plugin: Plugin, behaviour: dict[str, Any]
) -> None:
    """Put back, or without evidence either way: being asked is no reason to bill for an idle hour."""
    stack = Stack(plugin)
    world.mutate("tiny", behaviour=behaviour)
    world.act("scale-to-zero", "tiny")

    fail_update(stack, **bad_engine() | {"rollout": {"timeout": "8s"}})

    assert world.state("tiny") == "scaledToZero"


@pytest.mark.parametrize(
    "change",
    [
        {"tags": ["team-b"]},
        {"autoscaling": {**SPEC["autoscaling"], "max": 3}},
        {"autoscaling": {**SPEC["autoscaling"], "scale_to_zero_after": "30m"}},
    ],
)
def test_edits_that_no_answer_depends_on_wake_nobody(world: Running, plugin: Plugin, change: dict[str, Any]) -> None:
    """Waking costs money: not one request goes to the endpoint."""
    stack = Stack(plugin)
    world.act("scale-to-zero", "tiny")
    before = len([one for one in world.requests() if one["path"].startswith("/endpoints/")])

    stack.update(**change)

    asked = len([one for one in world.requests() if one["path"].startswith("/endpoints/")])
    assert (world.state("tiny"), asked, len(puts(world))) == ("scaledToZero", before, 1)
    assert stack.endpoint.outs["verdict"] == "passed"


# The right thing answered


@pytest.mark.fault(24)
def test_replicas_that_cannot_be_listed_stop_an_update_before_it_is_sent(world: Running, plugin: Plugin) -> None:
    """Nobody could tell then whether an old one answers the prompt for the new configuration."""
    stack = Stack(plugin)
    world.fault("not_an_object", path="*/replica", status=404, times=None)

    said = fail_update(stack, env={"LOG_LEVEL": "debug"})

    assert "The replicas of acme/tiny cannot be listed, so which answers is not known" in said
    assert puts(world) == []


@pytest.mark.fault(24)
def test_old_replicas_that_stay_listed_are_inconclusive_and_not_passed(
    world: Running, plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During a rolling update the old replica answers; that proves nothing about the new configuration."""
    stack = Stack(plugin)
    (old,) = world.owner.get("/v2/endpoint/acme/tiny/replica").json()["items"]
    listed = reply.replicas

    def with_the_old_one(*asked: Any) -> list[dict[str, Any]]:
        items = listed(*asked)
        return items if old["id"] in {one["id"] for one in items} else [*items, old]

    monkeypatch.setattr(reply, "replicas", with_the_old_one)

    said = fail_update(stack, env={"LOG_LEVEL": "debug"}, rollout={"timeout": "8s"})

    assert "still lists replicas from before the update" in said
    assert "Nothing was verified" in said
    assert len(puts(world)) == 1, "no evidence puts nothing back"


@pytest.mark.fault(24)
def test_a_configuration_changed_while_it_was_verified_is_no_proof(world: Running, plugin: Plugin) -> None:
    """Somebody's edit in the middle of the prompt: what answered is not what serves."""
    world.set(first_token_ms=3000)
    stack = Stack(plugin)

    before = streams(world)

    def edit_during_the_prompt() -> None:
        if streams(world) > before and "EDITED" not in world.get("tiny")["model"]["env"]:
            world.mutate("tiny", model={"env": {"EDITED": "1"}})

    said = update_while(edit_during_the_prompt, stack, args=["--other"])

    assert "was changed while it was verified, so what was proved is not what serves: env is" in said
    assert len(puts(world)) == 1


# A restore


def test_only_the_secrets_whose_values_changed_are_named_as_lost(
    world: Running, tmp_path: Path, plugin: Plugin
) -> None:
    """The others were sent with the values they had."""
    keys = {"API_KEY": {"from_env": "THE_KEY"}, "OTHER": {"from_env": "OTHER_KEY"}}
    stack = Stack(plugin, secrets=keys)
    answers_with_nothing(world)
    with running_plugin(config(world), {"THE_KEY": "second", "OTHER_KEY": "kept"}, tmp_path) as other:
        stack.plugin = other

        said = fail_update(stack, **bad_engine())

    assert "except secrets API_KEY, whose old values are known to nobody" in said
    assert image(world) == GOOD


def test_a_restore_whose_replicas_cannot_be_listed_is_made_and_says_so(world: Running, plugin: Plugin) -> None:
    """A second witness that is away must not keep what served from coming back."""
    stack = Stack(plugin)
    answers_with_nothing(world)
    # Listed before the update and after it; from then on the route is away.
    world.fault("not_an_object", path="*/replica", status=404, times=None, skip=2)

    said = fail_update(stack, **bad_engine())

    assert "put back and serves again" in said
    assert "the replicas could not be listed, so whether those of the failed one are gone is not known" in said
    assert image(world) == GOOD


@pytest.mark.fault(14)
def test_how_long_it_was_away_is_said_as_an_upper_bound(world: Running, plugin: Plugin) -> None:
    """From the update to the answer of what was put back: nobody can say later that it was more."""
    stack = Stack(plugin)
    answers_with_nothing(world)

    said = fail_update(stack, **bad_engine())

    assert "; it was away for at most " in said
    assert " s, from the update to this answer." in said
