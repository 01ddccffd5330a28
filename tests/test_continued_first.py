"""A first rollout that another run began, and that this one goes on with: whatever the spec says now is what serves.

The service gives back no secret, no text of a revision, and an image with its own defaults in it. What the earlier run
asked for of these is asked for anew, unless a note shows that it was asked for so and nobody touched it since.
"""

from pathlib import Path
from typing import Any

import pytest
from control_plane import Running
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugin_stack import puts
from rollouts import BASE, GOOD, INSTANTLY, Make, Stack, keep_listing, tgi

from hfdeploy.provider import memory

pytest_plugins = ["project", "rollouts"]

NEVER = {"verify": {"when": "never"}}
SECRET = {"secrets": {"A": {"from_env": "K"}}}
COMMIT = "1" * 40

SPECS = st.fixed_dictionaries(
    {
        "engine": st.fixed_dictionaries(
            {"type": st.just("tgi"), "image": st.sampled_from([GOOD, "acme/tgi:9"])},
            optional={
                "quantize": st.just("awq"),
                "max_input_length": st.just(512),
                "disable_custom_kernels": st.just(True),
            },
        ),
        "revision": st.sampled_from([None, "main", "v1.0", "v2.0", COMMIT]),
        "secrets": st.dictionaries(st.sampled_from(["A", "B"]), st.just({"from_env": "K"})),
        "env": st.dictionaries(st.just("LOG_LEVEL"), st.sampled_from(["info", "debug"])),
        "max_model_len": st.sampled_from([None, 2048]),
    }
)


@pytest.fixture(autouse=True)
def _value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K", "one1one1")


def begun(make: Make, **spec: Any) -> Stack:
    """Made by a process that is gone."""
    stack = make(is_live=False, **spec)
    memory._posted.clear()
    return stack


def asked(stack: Stack) -> dict[str, Any]:
    """What the service has but for our tags."""
    return {**stack.config, "tags": [tag for tag in stack.config["tags"] if not tag.startswith("hfd-")]}


@pytest.mark.fault(1, 2)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=SPECS, now=SPECS)
def test_whoever_continues_gets_what_whoever_begins_gets(
    world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: dict[str, Any], now: dict[str, Any]
) -> None:
    """The law: made from the one spec and continued with the other is made from the other."""
    monkeypatch.chdir(tmp_path)
    found = []
    for first in (before, now):
        world._script("POST", "/reset")
        world.set(durations=INSTANTLY)
        stack = Stack(world, **{**first, **NEVER}).exist()
        memory._posted.clear()
        stack.bring(**now)
        found.append(asked(stack))
        stack.close()

    assert found[0] == found[1]


@pytest.mark.fault(1)
def test_the_same_spec_asks_for_nothing_twice(make: Make, world: Running) -> None:
    """The note of its POST, and that nobody has touched it since, say that all of it is as asked."""
    stack = begun(make)

    stack.bring()

    assert puts(world) == []
    assert stack.outs is not None
    assert stack.outs["verdict"] == "passed"


@pytest.mark.fault(1)
@pytest.mark.parametrize("doubt", ["another machine", "somebody touched it"])
def test_in_doubt_it_is_asked_for_once_more(
    make: Make, world: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doubt: str
) -> None:
    """Once: the note of the update that settled it is as good as that of a POST, for as long as nobody touches it."""
    stack = begun(make)
    if doubt == "another machine":
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
    else:
        world.mutate("tiny", by="alice", compute={"scaling": {"maxReplica": 2}})
    before = asked(stack)

    stack.bring()

    (sent,) = puts(world)
    assert {**sent["model"], "image": {}} == {"image": {}, "revision": BASE["revision"], "secrets": {}}
    assert asked(stack) == before
    stack.outs = None  # nobody wrote it down
    stack.bring()
    assert len(puts(world)) == 1


@pytest.mark.fault(12, 13)
def test_what_failed_and_was_kept_is_asked_for_again(make: Make, world: Running) -> None:
    """The service gave up on it, and by itself it stays so."""
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "broken_image", "times": 1}])
    keep = {"rollout": {"on_create_failure": "keep"}}
    stack = make(is_live=False, **keep)
    assert "was kept as it is" in stack.fail()
    assert world.state("tiny") == "failed"
    memory._posted.clear()

    stack.bring()

    assert world.state("tiny") == "running"


@pytest.mark.fault(1)
@pytest.mark.parametrize("is_first", [True, False])
def test_an_old_replica_does_not_answer_for_a_new_revision(
    make: Make, world: Running, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    """Its text alone is sent, and what the service shows of it afterwards is another commit: that is nothing twice."""
    stack = make(is_live=not is_first, revision="v1.0")
    memory._posted.clear()
    keep_listing(world, monkeypatch)

    assert "still lists replicas from before the update" in stack.fail(revision="v2.0")


@pytest.mark.fault(1, 36)
def test_a_secret_that_a_killed_first_run_sent_is_withdrawn(make: Make) -> None:
    """Taken out of the spec, its value must not stay in the container."""
    stack = begun(make, **SECRET)
    assert stack.config["model"]["secrets"] == {"A": "one1one1"}

    stack.bring(secrets=None)

    assert stack.config["model"]["secrets"] == {}


@pytest.mark.fault(13)
def test_a_field_that_made_the_first_run_fail_is_gone(make: Make, world: Running) -> None:
    """The same old cause must not condemn the mended spec."""
    world.set(outcomes=[{"match": {"model.image.tgi.quantize": "awq"}, "outcome": "broken_image"}])
    stack = make(is_live=False, **tgi(quantize="awq"))
    assert "It was paused and does not bill" in stack.fail()
    memory._posted.clear()

    stack.bring(**tgi())

    assert "quantize" not in stack.config["model"]["image"]["tgi"]
    assert world.state("tiny") == "running"
