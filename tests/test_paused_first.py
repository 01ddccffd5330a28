"""A failed first rollout that was paused, and the spec that mends it: nothing that failed is left running for it."""

import pytest
from control_plane import Running
from rollouts import GOOD, WORSE, Make, Stack, tgi

from hfdeploy.errors import AuthError, Cancelled, HfdeployError, UnclearOutcome
from hfdeploy.provider import memory

pytest_plugins = ["project", "rollouts"]

ENDPOINT = "/v2/endpoint/acme/tiny"
LINE = "`hf endpoints pause tiny --namespace acme` pauses it."


@pytest.fixture
def paused(make: Make, world: Running) -> Stack:
    """Its first rollout failed in a run that is over, and was paused; the service refuses what it does not know."""
    stack = make(is_live=False, verify={"max_new_tokens": 4, "expect": "^never$"})
    assert "It was paused and does not bill" in stack.fail()
    memory._posted.clear()
    world.set(unknown_repository="refused")
    return stack


def actions(world: Running) -> list[str]:
    """What was done to it beside updates, in order."""
    sent = [one for one in world.requests() if one["method"] == "POST"]
    return [one["path"].rpartition("/")[2] for one in sent if one["path"].startswith(f"{ENDPOINT}/")]


@pytest.mark.fault(13)
@pytest.mark.parametrize("policy", ["pause", "keep"])
def test_a_refused_update_leaves_it_paused(paused: Stack, world: Running, policy: str) -> None:
    """It had to be resumed to learn whether a running one takes what a paused one does not."""
    said = paused.fail(revision="v9", rollout={"on_create_failure": policy})

    assert "answered 400: " in said
    assert "revision v9 of HuggingFaceTB/SmolLM2-360M-Instruct not found" in said
    assert said.endswith("It had been resumed for this update, was paused again and does not bill.")
    assert actions(world) == ["pause", "resume", "pause"]
    assert world.state("tiny") == "paused"
    assert paused.image == GOOD


@pytest.mark.fault(13)
def test_a_pause_that_fails_as_well_is_said_with_the_line_that_pauses(paused: Stack, world: Running) -> None:
    """Somebody has to know that it bills."""
    world.fault("html", method="POST", path=f"{ENDPOINT}/pause", status=400, times=None)

    said = paused.fail(revision="v9")

    assert "revision v9 of HuggingFaceTB/SmolLM2-360M-Instruct not found" in said
    assert "It had been resumed for this update, could not be paused again and may bill: POST " in said
    assert said.endswith(LINE)


@pytest.mark.fault(10, 13)
def test_a_token_that_dies_between_is_not_used_to_pause(paused: Stack, world: Running) -> None:
    """What it leaves running is said all the same."""
    world.set(put_on_paused="refused")
    world.fault("html", method="PUT", path=ENDPOINT, status=401, skip=1)

    said = paused.fail()

    assert said.endswith(f"It had been resumed for this update and may bill. {LINE}")
    assert actions(world) == ["pause", "resume"]


@pytest.mark.fault(8, 13)
def test_an_update_of_unknown_fate_says_that_it_was_resumed(paused: Stack, world: Running) -> None:
    """Whether the update was made is not known; that it was resumed, and bills, is."""
    world.set(put_on_paused="refused")
    world.fault("server_error", method="PUT", path=ENDPOINT, skip=1, times=None)

    with pytest.raises(UnclearOutcome) as caught:
        paused.bring()

    assert "Whether it was done is unknown: look before repeating." in str(caught.value)
    assert str(caught.value).endswith(f"It had been resumed for this update and may bill. {LINE}")
    assert world.state("tiny") != "paused"


@pytest.mark.fault(8, 13)
def test_a_resume_of_unknown_fate_says_that_it_may_bill(paused: Stack, world: Running) -> None:
    """No update is sent to what may be paused still."""
    world.set(put_on_paused="refused")
    world.fault("server_error", method="POST", path=f"{ENDPOINT}/resume", times=None)

    with pytest.raises(UnclearOutcome) as caught:
        paused.bring()

    assert str(caught.value).endswith(f"It may have been resumed for this update and may bill. {LINE}")


def without_quota(world: Running, *, refused_pauses: int | None) -> None:
    """Nothing fits, and so many pauses are refused (None: all)."""
    world.set(put_on_paused="refused", quota={"nvidia-l4": 0})
    world.fault("html", method="POST", path=f"{ENDPOINT}/pause", status=400, times=refused_pauses)


AGAIN = "It had been resumed for this update, could not be paused again and may bill: POST "


@pytest.mark.fault(13)
def test_quota_that_never_comes_ends_with_the_line_that_pauses(paused: Stack, world: Running) -> None:
    """The last refusal is not that of the run's first try, and it bills all the same."""
    without_quota(world, refused_pauses=None)

    said = paused.fail(instance="nvidia-l4 x1", rollout={"timeout": "1m"})

    assert "Quota exceeded" in said
    assert AGAIN in said
    assert said.count(LINE) == 1
    assert world.state("tiny") != "paused"


@pytest.mark.fault(13)
def test_a_pause_that_failed_is_tried_again_with_the_update(paused: Stack, world: Running) -> None:
    """What failed is not left to bill for as long as quota is missing."""
    without_quota(world, refused_pauses=1)

    said = paused.fail(instance="nvidia-l4 x1", rollout={"timeout": "40s"})

    assert "It had been resumed for this update, was paused again and does not bill." in said
    assert LINE not in said
    assert world.state("tiny") == "paused"


@pytest.mark.fault(13)
@pytest.mark.parametrize(("met", "kind"), [("a stop", Cancelled), ("a dead token", AuthError)])
def test_whatever_ends_the_wait_for_quota_says_that_it_bills(
    paused: Stack, world: Running, met: str, kind: type[HfdeployError]
) -> None:
    """It runs for an update that was never taken."""

    def end() -> None:
        paused.clock.is_killed = met == "a stop"
        if met == "a dead token":
            world.fault("html", method="GET", path=ENDPOINT, status=403, times=None)

    without_quota(world, refused_pauses=None)
    paused.row.hands = {"asking again: PUT": end}

    with pytest.raises(kind) as caught:
        paused.bring(instance="nvidia-l4 x1")

    assert AGAIN in str(caught.value)
    assert str(caught.value).endswith(LINE)


@pytest.mark.fault(13)
def test_quota_that_is_missing_is_waited_for_without_a_bill(paused: Stack, world: Running) -> None:
    """Asked for again every few seconds: what failed does not run, and bill, for as long."""
    seen: list[str] = []

    def grant() -> None:
        seen.append(world.state("tiny"))
        world.set(quota={})

    world.set(put_on_paused="refused", quota={"nvidia-l4": 0})
    paused.row.hands = {"asking again: PUT": grant}

    paused.bring(instance="nvidia-l4 x1", verify={"max_new_tokens": 4})

    assert seen == ["paused"]
    assert (paused.config["compute"]["instanceType"], world.state("tiny")) == ("nvidia-l4", "running")


@pytest.mark.fault(13)
@pytest.mark.parametrize("rule", ["kept", "starts", "refused"])
def test_a_mended_spec_is_brought_live(paused: Stack, world: Running, rule: str) -> None:
    """Whatever the service makes of an update while it is paused."""
    world.set(put_on_paused=rule)

    paused.bring(**tgi(WORSE), verify={"max_new_tokens": 4})

    assert (paused.image, world.state("tiny")) == (WORSE, "running")
