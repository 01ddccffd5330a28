"""An update that no run saw through: a note of it beside the program, and nothing is believed before it is proved anew.

The engine's run was killed, or ended without a verdict, after its update: what the state says is not what serves, or
looks as if it were and was never asked.
"""

from typing import Any

import pytest
from control_plane import Running
from plugin_stack import puts
from rollouts import BAD, GOOD, Make, Stack, keep_listing, tgi

pytest_plugins = ["project", "rollouts"]

SENT: dict[str, Any] = {"env": {"LOG_LEVEL": "debug"}}


def asked(world: Running) -> int:
    """Prompts that were streamed."""
    return len([one for one in world.requests() if one["path"].endswith("/generate_stream")])


def test_a_killed_update_is_proved_by_the_next_run_and_not_sent_again(make: Make, world: Running) -> None:
    """All is as wanted, and nobody has seen it answer."""
    stack = make()
    stack.kill(**SENT)
    before = asked(world)
    stack.refresh()
    assert "verify" in stack.reasons(**SENT)

    stack.bring(**SENT)

    assert asked(world) == before + 1
    assert len(puts(world)) == 1
    assert stack.outs is not None
    assert (stack.outs["verdict"], stack.reasons(**SENT)) == ("passed", [])


def test_a_killed_update_that_somebody_took_back_is_proved_all_the_same(make: Make, world: Running) -> None:
    """It looks as if it had never been; whether what serves now answers is another question."""
    stack = make()
    stack.kill(**SENT)
    world.mutate("tiny", model={"env": {"LOG_LEVEL": "info"}})
    stack.refresh()
    assert stack.reasons() == ["verify"]
    before = asked(world)
    world.mutate("tiny", behaviour={"stream": "empty"})

    assert "does not answer as it must" in stack.fail()
    assert stack.reasons() == ["verify"]

    world.mutate("tiny", behaviour={})
    stack.bring()
    assert asked(world) > before
    assert stack.reasons() == []


@pytest.mark.fault(14)
def test_a_killed_update_that_does_not_answer_is_put_back(make: Make, world: Running) -> None:
    """The run that finds it sent nothing, and knows all the same what served before."""
    stack = make()
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    stack.kill(**tgi(BAD))
    stack.refresh()

    said = stack.fail(**tgi(BAD))

    assert "how long it was away is not known, since a run that did not end had sent the update" in said
    assert (stack.image, stack.images_sent) == (GOOD, [BAD, GOOD])
    stack.refresh()
    stack.bring()
    assert stack.reasons() == []


@pytest.mark.parametrize("is_replaced", [False, True], ids=["they stay", "they go"])
def test_replicas_that_had_to_go_for_a_killed_update_prove_nothing_for_it(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    """They are in the note: the next run sends nothing, and still waits until they are gone."""
    stack = make()
    with monkeypatch.context() as listing:
        old = keep_listing(world, listing)
        stack.kill(**SENT)
        if is_replaced:
            listing.undo()
        before = asked(world)
        if is_replaced:
            stack.bring(**SENT)
            assert asked(world) == before + 1
        else:
            said = stack.fail(**SENT)
            assert f"still lists replicas from before the update ({old})" in said
            assert asked(world) == before
            assert stack.reasons(**SENT) == ["env", "verify"]
    assert len(puts(world)) == 1


@pytest.fixture
def rotated(make: Make, world: Running, monkeypatch: pytest.MonkeyPatch) -> tuple[Stack, str]:
    """A secret has a new value, and the replica that has the old one, named here, stays in the listing."""
    monkeypatch.setenv("K", "one1one1")
    stack = make(secrets={"A": {"from_env": "K"}})
    old = keep_listing(world, monkeypatch)
    monkeypatch.setenv("K", "two2two2")
    return stack, old


@pytest.mark.fault(36)
def test_new_secrets_are_not_proved_by_replicas_that_have_the_old_ones(
    rotated: tuple[Stack, str], world: Running
) -> None:
    """The values are known to be new, so replicas that stay still have those of before."""
    stack, old = rotated
    before = asked(world)

    said = stack.fail()

    assert f"still lists replicas from before the update ({old})" in said
    assert asked(world) == before
    assert stack.config["model"]["secrets"] == {"A": "two2two2"}


@pytest.mark.fault(36)
def test_secrets_that_a_killed_run_sent_wait_for_its_replicas_too(rotated: tuple[Stack, str], world: Running) -> None:
    """The mark says that the values are there, and so nothing is sent; which replica has them is another question."""
    stack, old = rotated
    stack.kill()
    stack.refresh()

    said = stack.fail()

    assert f"still lists replicas from before the update ({old})" in said
    assert len(puts(world)) == 1


@pytest.mark.fault(24)
def test_what_was_put_back_without_a_proof_is_proved_by_the_next_run(make: Make, world: Running) -> None:
    """A restore that was sent, and that could not be asked, is not `unchanged` when the old spec comes back."""
    stack = make()
    world.mutate("tiny", behaviour={"stream": "empty", "only": BAD})
    stack.row.hands = {
        "putting the previous": lambda: world.mutate("tiny", behaviour={"status": 500, "only": GOOD}),
    }
    assert "did not succeed either" in stack.fail(**tgi(BAD), rollout={"timeout": "1m"})
    assert stack.image == GOOD
    world.mutate("tiny", behaviour={})
    stack.refresh()
    assert stack.reasons() == ["verify"]
    before = asked(world)

    stack.bring()

    assert asked(world) == before + 1
    assert stack.reasons() == []


def test_what_was_proved_and_then_paused_by_somebody_is_no_change_any_more(make: Make, world: Running) -> None:
    """The proof was of exactly that; a pause after it takes nothing back, and the next run has nothing to do."""
    stack = make()
    stack.row.hands = {"»": lambda: world.mutate("tiny", by="alice", state="paused")}

    stack.bring(env={"LOG_LEVEL": "debug"})

    assert stack.row.hands == {}
    assert stack.outs is not None
    assert (stack.outs["state"], stack.outs["verdict"]) == ("paused", "passed")
    assert stack.outs["declared"] == stack.outs["spec"]
