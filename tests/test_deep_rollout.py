"""`verify.deep` in a rollout: what the plain prompt misses fails the update, which is put back and proved."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from control_plane import Running
from plugin_process import Plugin, running_plugin
from plugin_stack import SPEC, Stack, config, failure, puts
from project import Project

pytest_plugins = ["project"]

GOOD = "acme/text-generation-inference:3.3.7"
BAD = "acme/broken-inference:1"
CONTEXT = 2048
FAST = {"timeout": "60s"}
PLAIN = {"max_new_tokens": 4}

FAULTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "long_prompt": ({"fails_above_tokens": CONTEXT * 8 // 10}, {"long_prompt": True}),
    "concurrency": ({"fails_at_concurrency": 4}, {"concurrency": 4}),
}


@pytest.fixture
def plugin(world: Running, tmp_path: Path) -> Iterator[Plugin]:
    world.set(first_token_ms=300)  # so that requests sent at once are under way at once, however busy this machine is
    with running_plugin(config(world), folder=tmp_path) as process:
        yield process


def engine(image: str) -> dict[str, Any]:
    return {"type": "tgi", "image": image}


def image(world: Running) -> str:
    return str(world.get("tiny")["model"]["image"]["tgi"]["url"])


def evidence(folder: Path) -> Any:
    return json.loads((folder / ".hfdeploy" / "evidence" / "test" / "tiny.json").read_text())


@pytest.mark.fault(24, 25)
@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_that_the_plain_prompt_misses_fails_the_deeper_proof_and_is_put_back(
    world: Running, plugin: Plugin, tmp_path: Path, name: str
) -> None:
    """Dies at 80 % of the context, or with the fourth request: green with the plain prompt, put back with the deep."""
    behaviour, deep = FAULTS[name]
    stack = Stack(plugin, engine=engine(GOOD), max_model_len=CONTEXT)
    world.mutate("tiny", behaviour={**behaviour, "only": BAD})

    stack.update(engine=engine(BAD), verify=PLAIN, rollout=FAST)
    assert (stack.endpoint.outs["verdict"], image(world)) == ("passed", BAD)
    stack.update(engine=engine(GOOD), verify=PLAIN, rollout=FAST)

    with pytest.raises(grpc.RpcError) as caught:
        stack.update(engine=engine(BAD), verify={**PLAIN, "deep": deep}, rollout=FAST)

    said = failure(caught)
    assert f"the plain prompt passed, verify.deep.{name} failed: " in said
    assert "CUDA out of memory" in said
    assert "The previous configuration was put back and serves again (4 tokens" in said
    assert (image(world), world.state("tiny")) == (GOOD, "running")
    assert [put["model"]["image"]["tgi"]["url"] for put in puts(world)][-2:] == [BAD, GOOD]
    kept = evidence(tmp_path)
    assert (kept["verdict"], kept["proof"]["verdict"], kept["proof"]["plain"]["verdict"]) == (
        "failed",
        "failed",
        "passed",
    )
    assert [(part["name"], part["verdict"]) for part in kept["proof"]["deep"]] == [(name, "failed")]
    assert (kept["restore"]["proof"]["verdict"], kept["restore"]["proof"]["deep"]) == ("passed", [])


def test_what_was_shown_deeply_is_on_the_row_and_in_the_evidence(
    world: Running, plugin: Plugin, tmp_path: Path
) -> None:
    """The outputs keep their names; each part has its own verdict where people look."""
    deep = {"long_prompt": True, "concurrency": 4, "bake": "10s"}

    stack = Stack(plugin, engine=engine(GOOD), max_model_len=CONTEXT, verify={**PLAIN, "deep": deep})

    notes = plugin.lines(is_lasting=True)
    assert [note.split(":")[0] for note in notes] == [
        "verify.deep.long_prompt passed",
        "verify.deep.concurrency passed",
        "verify.deep.bake passed",
    ]
    assert "4 requests at once were all answered" in notes[1]
    assert stack.endpoint.outs["verdict"] == "passed"
    assert stack.endpoint.outs["tokens"] == 4
    assert [part["verdict"] for part in evidence(tmp_path)["proof"]["deep"]] == ["passed"] * 3
    assert not [key for key in stack.endpoint.outs if "deep" in key]


def test_deeper_proof_that_is_asked_for_later_is_made_without_an_update(world: Running, plugin: Plugin) -> None:
    """Only the proof changed: nothing is sent, and what fails it is not put back to itself."""
    stack = Stack(plugin, engine=engine(GOOD), max_model_len=CONTEXT)
    world.mutate("tiny", behaviour={"fails_at_concurrency": 4})

    with pytest.raises(grpc.RpcError) as caught:
        stack.update(verify={**PLAIN, "deep": {"concurrency": 4}})

    assert "verify.deep.concurrency failed" in failure(caught)
    assert "Nothing had been changed, so nothing was put back" in failure(caught)
    assert puts(world) == []


def test_a_first_rollout_that_fails_its_deeper_proof_is_paused(world: Running, plugin: Plugin) -> None:
    """There is nothing to go back to."""
    world.set(outcomes=[])
    guard = plugin.create("guard", {"members": ["tiny"]})
    spec = {**SPEC, "engine": engine(GOOD), "max_model_len": CONTEXT, "verify": {**PLAIN, "deep": {"concurrency": 4}}}
    inputs = {**spec, "owner": guard.outs["owner"], "logical_name": "tiny"}
    identity = plugin.create("identity", inputs)
    world.mutate("tiny", behaviour={"fails_at_concurrency": 4})

    with pytest.raises(grpc.RpcError) as caught:
        plugin.create("endpoint", {**inputs, "generation": identity.outs["generation"]})

    assert "verify.deep.concurrency failed" in failure(caught)
    assert "It was paused and does not bill" in failure(caught)
    assert world.state("tiny") == "paused"


def test_a_bake_that_does_not_fit_into_what_is_left_of_the_rollout_is_inconclusive(
    world: Running, plugin: Plugin
) -> None:
    """`rollout.timeout` is the end of everything; what was shown by then is said."""
    stack = Stack(plugin, engine=engine(GOOD), max_model_len=CONTEXT)

    with pytest.raises(grpc.RpcError) as caught:
        stack.update(
            engine=engine(BAD), verify={**PLAIN, "deep": {"bake": "11s"}}, rollout={"timeout": "12s"}, env={"A": "1"}
        )

    assert "verify.deep.bake inconclusive: " in failure(caught)
    assert "were shown when rollout.timeout was over" in failure(caught)
    assert image(world) == BAD


def test_a_bake_ends_with_its_engine(world: Running, plugin: Plugin) -> None:
    """A killed engine leaves its plugins running; ours does not bake for nobody."""
    stack = Stack(plugin, engine=engine(GOOD), max_model_len=CONTEXT)
    with ThreadPoolExecutor(1) as threads:
        update = threads.submit(stack.update, verify={**PLAIN, "deep": {"bake": "10m"}})
        while not any("verify.deep.bake: " in line for line in plugin.lines()):
            assert not update.done()
        plugin.kill_engine()

        assert plugin.process.wait(timeout=30) == 0
        with pytest.raises(grpc.RpcError):
            update.result()


@pytest.mark.fault(24)
def test_the_terminal_names_both_verdicts(world: Running, project: Project) -> None:
    """On the real engine: the plain `up` is green, the deep one red, and the endpoint serves what it served."""
    world.set(first_token_ms=300)
    project.spec("chat", engine=engine(GOOD))
    project.up()
    world.mutate("chat", behaviour={"fails_at_concurrency": 4, "only": BAD})
    project.spec("chat", engine=engine(BAD), verify={"max_new_tokens": 8, "deep": {"concurrency": 4}})

    said = project.up(code=None)

    assert "update failed" in said

    assert "the plain prompt passed, verify.deep.concurrency failed: 4 of 4 requests at once failed" in said
    assert "put back and serves again" in said
    assert "evidence: .hfdeploy/evidence/test/chat/" in said
    assert world.get("chat")["model"]["image"]["tgi"]["url"] == GOOD
    assert project.outputs_of("chat")["verdict"] == "passed"
