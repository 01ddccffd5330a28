"""What a failed update is put back to: exactly what served before, or else what was last proved; and what is said."""

from typing import Any

import pytest
from control_plane import Running
from plugin_stack import puts
from rollouts import BAD, GOOD, WORSE, Make, seeded, served, tgi

pytest_plugins = ["project", "rollouts"]

BACK = "The previous configuration was put back and serves again"
NOT_BACK = "Putting the previous configuration back did not succeed either"


def empty(world: Running, only: str = BAD) -> None:
    """That image starts, runs and answers with no text."""
    world.mutate("tiny", behaviour={"stream": "empty", "only": only})


def given_up(*images: str) -> dict[str, Any]:
    """The service gives up updates to these images."""
    return {"outcomes": [{"match": {"model.image.tgi.url": one}, "outcome": "update_failed"} for one in images]}


@pytest.mark.fault(14, 36)
def test_an_image_and_a_secret_that_a_killed_run_sent_go_back_as_far_as_they_can(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image that was proved serves, the secret keeps the new value and is named, and nothing is sent twice."""
    monkeypatch.setenv("K", "one1one1")
    stack = make(secrets={"A": {"from_env": "K"}})
    empty(world)
    monkeypatch.setenv("K", "two2two2")
    stack.kill(**tgi(BAD))
    assert stack.images_sent == [BAD]
    stack.refresh()

    said = stack.fail(**tgi(BAD))

    assert BACK in said
    assert "except secrets A, whose old values are known to nobody" in said
    assert (stack.image, stack.config["model"]["secrets"]) == (GOOD, {"A": "two2two2"})
    assert stack.images_sent == [BAD, GOOD]
    assert len(stack.tags("hfd-bad-")) == 1
    assert "it was not sent again" in stack.fail(**tgi(BAD))
    assert stack.images_sent == [BAD, GOOD]


@pytest.mark.fault(14)
def test_what_was_last_proved_is_the_second_choice(make: Make, world: Running) -> None:
    """A killed run's configuration serves when the next one fails; it is given its chance, and then the proved one."""
    stack = make()
    empty(world, only=WORSE)
    world.set(**given_up(BAD))
    stack.kill(**tgi(WORSE))
    stack.refresh()

    said = stack.fail(**tgi(BAD))

    assert stack.images_sent == [WORSE, BAD, WORSE, GOOD]
    assert (stack.image, world.state("tiny")) == (GOOD, "running")
    assert f"{BACK} (4 tokens" in said
    assert "(what was live before this run did not: acme/tiny does not answer as it must: the stream ended" in said


@pytest.mark.fault(14)
def test_what_the_service_had_given_up_on_is_not_put_back(make: Make, world: Running) -> None:
    """Found `updateFailed`, it is no help to anybody: only the proved configuration is tried."""
    stack = make()
    world.set(**given_up(BAD, WORSE))
    stack.kill(**tgi(WORSE))
    assert world.state("tiny") == "updateFailed"
    stack.refresh()

    said = stack.fail(**tgi(BAD))

    assert BACK in said
    assert stack.images_sent == [WORSE, BAD, GOOD]
    assert (stack.image, world.state("tiny")) == (GOOD, "running")


@pytest.mark.fault(24)
def test_what_nothing_was_proved_against_is_put_back_first(make: Make, world: Running) -> None:
    """An inconclusive update stays, and is what served when the next one failed."""
    stack = make()
    world.mutate("tiny", behaviour={"status": 500, "only": WORSE})
    assert "Nothing was undone" in stack.fail(**tgi(WORSE), rollout={"timeout": "1m"})
    world.mutate("tiny", behaviour={})
    world.set(**given_up(BAD))
    stack.refresh()

    assert BACK in stack.fail(**tgi(BAD))
    assert (stack.image, stack.images_sent) == (WORSE, [WORSE, BAD, WORSE])


@pytest.mark.fault(14)
def test_a_field_that_an_update_added_is_gone_again(make: Make, world: Running) -> None:
    """What was put back is exactly what was: nothing of the failed configuration stays, and nothing is left to do."""
    stack = make()
    before = stack.config["model"]

    said = stack.fail(**tgi(quantize="awq"), verify={"max_new_tokens": 4, "expect": "^never said$"})

    assert BACK in said
    assert stack.config["model"] == before
    stack.refresh()
    assert stack.reasons() == []


@pytest.mark.fault(14)
@pytest.mark.parametrize("is_given_up", [False, True])
def test_a_field_that_the_service_keeps_is_no_restore(make: Make, world: Running, is_given_up: bool) -> None:
    """A service that merges images goes on serving the failed one; that is said, and never called put back."""
    stack = make()
    world.set(variant_fields_left_out="kept")
    if is_given_up:
        world.set(outcomes=[{"match": {"model.image.tgi.quantize": "awq"}, "outcome": "update_failed"}])
    verify = {} if is_given_up else {"verify": {"max_new_tokens": 4, "expect": "^never said$"}}

    said = stack.fail(**tgi(quantize="awq"), **verify)

    assert NOT_BACK in said
    assert BACK not in said
    assert stack.config["model"]["image"]["tgi"]["quantize"] == "awq"
    assert is_given_up or "the service kept engine.quantize of the configuration that failed" in said


def test_a_measure_that_an_update_added_is_gone_again(make: Make, world: Running) -> None:
    """The service had left it to itself, and has a value of its own for it."""
    stack = make(autoscaling={"min": 1, "max": 2})
    before = stack.config["compute"]["scaling"]
    empty(world)

    said = stack.fail(**tgi(BAD), autoscaling={"min": 1, "max": 2, "measure": {"pending_requests": 1.5}})

    assert BACK in said
    assert stack.config["compute"]["scaling"] == before


@pytest.mark.fault(14, 36)
def test_a_takeover_that_failed_claims_nothing_of_what_nobody_knows(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's secrets were replaced and cannot come back: those that were sent are named, the others hinted at."""
    monkeypatch.setenv("K", "one1one1")
    theirs = seeded(world, {**served(GOOD), "secrets": {"A": "theirs-value", "BY_HAND": "kept-please"}})
    empty(world)
    stack = make(is_live=False, **theirs, **tgi(BAD), secrets={"A": {"from_env": "K"}})

    said = stack.fail()

    assert BACK in said
    assert "except secrets A and whatever secrets and registry credentials it had, whose values are known" in said
    assert (stack.image, stack.config["model"]["secrets"]) == (GOOD, {"A": "one1one1"})


@pytest.mark.fault(14)
def test_a_takeover_that_failed_says_that_the_registry_has_no_password_any_more(make: Make, world: Running) -> None:
    """Credentials come back blanked: none is sent, and the next start may not find the image."""
    credentials = {"username": "u", "password": "pull-please"}
    url = "registry.example.org/x:1"
    theirs = seeded(world, {"image": {"custom": {"url": url, "credentials": credentials}}})
    empty(world)
    stack = make(is_live=False, **theirs, **tgi(BAD))

    said = stack.fail()

    assert "though without the credentials of its image's registry, which are known to nobody" in said
    assert stack.config["model"]["image"] == {"custom": {"url": url, "port": 80}}


@pytest.mark.fault(14)
def test_after_a_restore_that_failed_the_old_spec_is_proved_and_not_unchanged(make: Make, world: Running) -> None:
    """It is live, looks as if nothing had been, and nobody has seen it answer: green only once it does."""
    stack = make()
    world.mutate("tiny", behaviour={"stream": "empty"})
    assert NOT_BACK in stack.fail(**tgi(quantize="awq"))
    stack.refresh()
    assert stack.reasons() == ["verify"]

    assert "It is the configuration that was last proved, so there is none to put back" in stack.fail()
    assert stack.reasons() == ["verify"]

    world.mutate("tiny", behaviour={})
    stack.bring()
    assert stack.outs is not None
    assert (stack.outs["verdict"], stack.config["model"]["image"]["tgi"]["url"]) == ("passed", GOOD)
    assert stack.reasons() == []


@pytest.mark.fault(13, 14)
def test_hardware_that_is_not_to_be_had_for_a_moment_does_not_end_a_restore(make: Make, world: Running) -> None:
    """It says nothing about the configuration that served, so it is asked for again."""
    stack = make()
    empty(world)
    gone = {"aws-us-east-1-nvidia-t4-x1": "not_available"}
    stack.row.hands = {
        "putting the previous": lambda: world.set(hardware_status=gone),
        "asking again: PUT": lambda: world.set(hardware_status={}),
    }

    said = stack.fail(**tgi(BAD))

    assert stack.row.hands == {}
    assert BACK in said
    assert (stack.image, world.state("tiny")) == (GOOD, "running")


@pytest.mark.fault(10)
def test_a_token_that_dies_while_a_restore_is_proved_is_not_used_again(make: Make, world: Running) -> None:
    """The endpoint's own answer says it; the management API is not asked to hear it twice more."""
    stack = make()
    empty(world)
    stack.row.hands = {
        "putting the previous": lambda: world.fault("html", path="/endpoints/*", status=401, times=None),
    }

    said = stack.fail(**tgi(BAD))

    assert NOT_BACK in said
    assert "the token was not accepted (401)" in said
    statuses = [one["status"] for one in world.requests()]
    assert len(statuses) - statuses.index(401) <= 2
    assert stack.image == GOOD


@pytest.mark.fault(12)
@pytest.mark.parametrize(("policy", "count"), [("restore", 2), ("hold", 1)])
def test_labels_on_which_an_endpoint_hangs_are_asked_for_once_more(
    make: Make, world: Running, policy: str, count: int
) -> None:
    """There is nothing else to put back, and a run that only waits again would never end green; `hold` leaves it."""
    stack = make(rollout={"timeout": "60s", "on_update_failure": policy})
    stuck = {"match": {"name": "tiny"}, "outcome": "stuck_initializing", "times": 1}
    world.set(outcomes=[stuck])
    change = {"tags": ["nightly"], "rollout": {"timeout": "60s", "on_update_failure": policy}}

    said = stack.fail(**change)

    assert "there is none to put back" in said
    assert ("It hung, so it was asked for once more and begins anew" in said) == (policy == "restore")
    assert len(puts(world)) == count
    if policy == "restore":
        stack.bring(**change)
        assert world.state("tiny") == "running"
        assert len(puts(world)) == count
