"""What happens when the rollout of an update fails: it is put back, and what was put back is proved."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from broken_image import BAD, FAST, GOOD, answers_with_nothing, bad_engine, fail_update, image, streams
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure, outlive_the_listing, puts

pytest_plugins = ["project"]


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    with running_plugin(config(world), {"THE_KEY": "first"}, tmp_path) as process:
        yield process


def bad_tags(world: Running) -> list[str]:
    return [tag for tag in world.get("tiny")["tags"] if tag.startswith("hfd-bad-")]


def test_an_update_that_answers_with_nothing_is_put_back_and_proved(world: Running, plugin: Plugin) -> None:
    """The people who call the endpoint should not notice; the pipeline must."""
    stack = Stack(plugin)
    answers_with_nothing(world)

    said = fail_update(stack, **bad_engine())

    assert image(world) == GOOD
    assert world.state("tiny") == "running"
    assert [put["model"]["image"]["tgi"]["url"] for put in puts(world)] == [BAD, GOOD]
    assert "does not answer as it must" in said
    assert "The previous configuration was put back and serves again (" in said
    assert "raise rollout.attempt (now 1)" in said
    assert len(bad_tags(world)) == 1
    assert set(bad_tags(world)) < set(puts(world)[1]["tags"])
    assert "team-a" in world.get("tiny")["tags"]


@pytest.mark.fault(14)
def test_a_configuration_that_was_put_back_is_refused_without_a_request(world: Running, plugin: Plugin) -> None:
    """A pipeline that retries every ten minutes must not break production every ten minutes."""
    stack = Stack(plugin)
    answers_with_nothing(world)
    fail_update(stack, **bad_engine())
    before = len(puts(world))

    said = fail_update(stack, **bad_engine())

    assert "failed before and was put back, so it was not sent again" in said
    assert len(puts(world)) == before

    again = fail_update(stack, **bad_engine() | {"rollout": {**FAST, "attempt": 2}})
    assert "put back and serves again" in again
    assert len(puts(world)) == before + 2
    assert len(bad_tags(world)) == 2

    stack.update(env={"LOG_LEVEL": "debug"})
    assert stack.endpoint.outs["verdict"] == "passed"


def test_the_refused_state_is_still_no_drift(world: Running, plugin: Plugin) -> None:
    """Own tags are in no diff, so what was put back is exactly what the state says."""
    stack = Stack(plugin)
    answers_with_nothing(world)
    fail_update(stack, **bad_engine())
    outlive_the_listing()

    stack.refresh()

    assert not stack.has_changes()


@pytest.mark.fault(14)
def test_an_update_that_the_service_gives_up_is_put_back(world: Running, plugin: Plugin) -> None:
    """`updateFailed`: the evidence is in the message, and the previous revision serves again."""
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])

    said = fail_update(stack, **bad_engine())

    assert "acme/tiny is updateFailed. Endpoint failed to start: the container exited with code 1." in said
    assert "put back and serves again" in said
    assert (image(world), world.state("tiny")) == (GOOD, "running")


def test_hold_leaves_all_as_it_is(world: Running, plugin: Plugin) -> None:
    """For a person who wants to look at it."""
    stack = Stack(plugin)
    answers_with_nothing(world)

    said = fail_update(stack, **bad_engine() | {"rollout": {**FAST, "on_update_failure": "hold"}})

    assert "left as it is (rollout.on_update_failure: hold)" in said
    assert image(world) == BAD
    assert len(puts(world)) == 1


def test_going_back_after_a_held_failure_is_green(world: Running, plugin: Plugin) -> None:
    """What still serves is the old configuration, so its replicas need not go."""
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])
    fail_update(stack, **bad_engine() | {"rollout": {**FAST, "on_update_failure": "hold"}})
    assert world.state("tiny") == "updateFailed"

    stack.update(rollout=FAST)

    assert (image(world), world.state("tiny"), stack.endpoint.outs["verdict"]) == (GOOD, "running", "passed")


def test_a_restore_that_fails_too_says_so(world: Running, plugin: Plugin) -> None:
    """Then a person is needed, and has to know."""
    stack = Stack(plugin)
    world.mutate("tiny", outcome="update_failed")

    said = fail_update(stack, **bad_engine())

    assert "Putting the previous configuration back did not succeed either" in said
    assert "hfdeploy logs tiny" in said


def test_no_evidence_undoes_nothing(world: Running, plugin: Plugin) -> None:
    """A 503 blip restores nothing; it is not green either."""
    stack = Stack(plugin)
    world.mutate("tiny", behaviour={"status": 500, "only": BAD})

    said = fail_update(stack, **bad_engine() | {"rollout": {"timeout": "5s"}})

    assert "could not be verified" in said
    assert "Nothing was undone" in said
    assert image(world) == BAD
    assert len(puts(world)) == 1


def test_a_stricter_proof_that_fails_puts_nothing_back(world: Running, plugin: Plugin) -> None:
    """Only `expect` changed: there is no earlier configuration that would pass it."""
    stack = Stack(plugin)

    said = fail_update(stack, verify={"max_new_tokens": 4, "expect": "^never said$"})

    assert "Nothing had been changed, so nothing was put back" in said
    assert puts(world) == []


def test_secrets_that_went_along_are_named_as_lost(world: Running, tmp_path: Path, plugin: Plugin) -> None:
    """Their old values are known to nobody, so nobody may believe that everything is as before."""
    stack = Stack(plugin, secrets={"API_KEY": {"from_env": "THE_KEY"}})
    answers_with_nothing(world)
    with running_plugin(config(world), {"THE_KEY": "second"}, tmp_path) as other:
        stack.plugin = other

        said = fail_update(stack, **bad_engine())

    assert "except secrets API_KEY, whose old values are known to nobody" in said
    assert image(world) == GOOD


def test_secrets_alone_cannot_be_put_back_and_the_earlier_ones_are_sent_when_wanted_again(
    world: Running, tmp_path: Path, plugin: Plugin
) -> None:
    """Nothing is claimed to be restored, no request repeats the failure, and going back is not `unchanged`."""
    stack = Stack(plugin, secrets={"API_KEY": {"from_env": "THE_KEY"}})
    world.mutate("tiny", behaviour={"stream": "empty"})
    with running_plugin(config(world), {"THE_KEY": "second"}, tmp_path) as other:
        stack.plugin = other

        said = fail_update(stack, rollout=FAST)
        again = fail_update(stack, rollout=FAST)

    for told in (said, again):
        assert "last proved (API_KEY). Their earlier values are known to nobody, so nothing could be put back" in told
    assert [list(put["model"]) for put in puts(world)] == [["secrets"]]

    world.mutate("tiny", behaviour={})
    stack.plugin = plugin
    outlive_the_listing()
    stack.refresh()
    assert stack.has_changes()
    stack.update()
    assert world.inner("tiny")["config"]["model"]["secrets"] == {"API_KEY": "first"}


def test_an_image_is_put_back_with_its_own_credentials(world: Running, plugin: Plugin) -> None:
    """The registry of the image that failed is not that of the one before."""
    registry = {"username": "puller", "password": {"from_env": "THE_KEY"}}
    own = {"type": "custom", "image": "registry.example.org/acme/server:1", "registry": registry}
    other = {"type": "custom", "image": BAD}
    stack = Stack(plugin, engine=own, command=None, args=None, max_model_len=None)
    answers_with_nothing(world)

    said = fail_update(stack, engine=other, rollout=FAST)

    assert "put back and serves again" in said
    image = world.inner("tiny")["config"]["model"]["image"]["custom"]
    assert image["url"] == own["image"]
    assert image["credentials"] == {"username": "puller", "password": "first"}


def test_what_was_taken_over_and_failed_with_secrets_is_refused_the_next_time(world: Running, plugin: Plugin) -> None:
    """Nothing of it is in the state, and still the same configuration is not sent twice."""
    world.seed("tiny", model={"image": {"tgi": {"url": GOOD}}})
    answers_with_nothing(world)
    spec = {**SPEC, **bad_engine(), "adopt": world.get("tiny")["status"]["createdAt"]}
    spec["secrets"] = {"API_KEY": {"from_env": "THE_KEY"}}
    guard = plugin.create("guard", {"members": ["tiny"]})
    inputs = {**spec, "owner": guard.outs["owner"], "logical_name": "tiny"}
    inputs["generation"] = plugin.create("identity", inputs).outs["generation"]

    with pytest.raises(grpc.RpcError) as first:
        plugin.create("endpoint", inputs)
    sent = len(puts(world))
    with pytest.raises(grpc.RpcError) as second:
        plugin.create("endpoint", inputs)

    assert "put back and serves again" in failure(first)
    assert "failed before and was put back, so it was not sent again" in failure(second)
    assert len(puts(world)) == sent


def test_a_failed_update_that_a_killed_run_sent_is_put_back_too(world: Running, plugin: Plugin) -> None:
    """The state knows what was last proved, also when this run had nothing to send."""
    stack = Stack(plugin)
    answers_with_nothing(world)
    world.mutate("tiny", model={"image": {"tgi": {"url": BAD, "maxInputLength": 1024, "maxTotalTokens": 2048}}})
    outlive_the_listing()
    stack.refresh()

    said = fail_update(stack, **bad_engine())

    assert "put back and serves again" in said
    assert "how long it was away is not known, since a run that did not end had sent the update" in said
    assert image(world) == GOOD


def test_an_endpoint_found_asleep_is_given_back_asleep(world: Running, plugin: Plugin) -> None:
    """Being verified is no reason to bill for an idle hour."""
    stack = Stack(plugin)
    world.act("scale-to-zero", "tiny")

    stack.update(env={"LOG_LEVEL": "debug"})

    assert stack.endpoint.outs["verdict"] == "passed"
    assert world.state("tiny") == "scaledToZero"


def test_tags_and_bounds_of_a_sleeping_endpoint_do_not_wake_it(world: Running, plugin: Plugin) -> None:
    """Waking costs money, and nothing that answers has changed."""
    stack = Stack(plugin)
    world.act("scale-to-zero", "tiny")
    before = streams(world)

    stack.update(tags=["team-b"])

    assert (world.state("tiny"), streams(world)) == ("scaledToZero", before)
