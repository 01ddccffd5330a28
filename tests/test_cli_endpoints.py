"""verify, logs: against a running emulator, as people and programs use them."""

import json
import os
import subprocess

import pytest
from command_line import COMMAND, SPEC, on_terminal, run, succeed, surroundings, talking_to
from control_plane import STARTED

from hfdeploy.cli.endpoints import new_lines

pytest_plugins = ["command_line"]


@pytest.fixture
def env(emulator):
    """Somebody who works with the emulator, where `demo` runs."""
    emulator.started("demo")
    return talking_to(emulator)


@pytest.fixture
def spec(tmp_path):
    """The spec of `demo`, with demands."""

    def write(**changes: str):
        file = tmp_path / "demo.yaml"
        text = SPEC + "verify: { prompt: Name a bird, max_new_tokens: 9, expect: %s }\n"
        file.write_text(text % changes.get("expect", '"[a-z]"') + changes.get("more", ""))
        return file

    return write


def test_a_verification_shows_the_text_and_what_was_measured(env) -> None:
    """Is it up, is it fast, does it make sense: one command."""
    said = succeed("verify", "demo", env=env)

    text, _, facts = said.partition("\n\npassed  acme/demo\n")
    assert len(text.split()) > 20
    labels = [line.strip().partition("  ")[0] for line in facts.splitlines()]
    assert labels == ["first token", "tokens", "speed", "finish", "route"]
    assert "64 (counted by details)" in facts
    assert "tokens/s" in facts
    assert "length" in facts


def test_a_verification_for_programs_keeps_the_text_out_of_the_way(env) -> None:
    """Standard output is one JSON document; the text streams past on standard error."""
    ended = run("verify", "demo", "--format", "json", env=env)

    told = json.loads(ended.stdout)
    assert (ended.returncode, told["endpoint"], told["verdict"]) == (0, "acme/demo", "passed")
    assert (told["tokens"], told["counted_by"], told["finish_reason"]) == (64, "details", "length")
    assert told["sample"]["text"].strip() == ended.stderr.strip()


def test_a_verification_in_markdown(env) -> None:
    """For an issue."""
    assert "| verdict | passed |\n| endpoint | acme/demo |\n" in succeed(
        "verify", "demo", "--format", "markdown", env=env
    )


def test_the_prompt_can_be_ones_own(env, emulator) -> None:
    """What is sent is what was typed."""
    succeed("verify", "demo", "--prompt", "What is a falcon?", env=env)

    asked = [one["body"] for one in emulator.requests() if one["path"].endswith("/generate_stream")]
    assert [body["inputs"] for body in asked] == ["What is a falcon?"]


def test_a_spec_brings_its_prompt_and_its_demands(env, emulator, spec) -> None:
    """The same proof as in a rollout, at any time."""
    told = json.loads(succeed("verify", "demo", "--spec", spec(), "--format", "json", env=env))

    asked = [one["body"] for one in emulator.requests() if one["path"].endswith("/generate_stream")]
    assert [(body["inputs"], body["parameters"]["max_new_tokens"]) for body in asked] == [("Name a bird", 9)]
    assert told["tokens"] == 9


IMAGE = {"url": "ghcr.io/huggingface/text-generation-inference:3.3.7", "maxTotalTokens": 2048}


def deep(spec, asked: str):
    """The spec of `demo` with a length, as `IMAGE` has it, and deeper proof."""
    file = spec(more="max_model_len: 2048\n")
    file.write_text(file.read_text().replace("expect: ", f"deep: {asked}, expect: "))
    return file


def test_deeper_proof_is_shown_part_by_part(env, emulator, spec) -> None:
    """The numbers are the plain prompt's; each part has a verdict of its own."""
    emulator.mutate("demo", model={"image": {"tgi": IMAGE}})
    asked = deep(spec, "{ long_prompt: true, concurrency: 3, bake: 10s }")
    said = succeed("verify", "demo", "--spec", asked, env=env)

    facts = dict(line.strip().split("  ", 1) for line in said.partition("passed  acme/demo\n")[2].splitlines())
    assert facts["tokens"].strip() == "9 (counted by details)"
    assert facts["long prompt"].strip().startswith("passed: a prompt of ")
    assert facts["concurrency"].strip() == "passed: 3 requests at once were all answered"
    assert " prompts were answered within " in facts["bake"]


def test_a_deeper_proof_that_fails_names_both_verdicts(env, emulator, spec) -> None:
    """For people and for programs."""
    emulator.set(first_token_ms=300)
    emulator.mutate("demo", behaviour={"fails_at_concurrency": 3}, model={"image": {"tgi": IMAGE}})
    asked = deep(spec, "{ concurrency: 3 }")

    ended = run("verify", "demo", "--spec", asked, env=env)
    told = json.loads(run("verify", "demo", "--spec", asked, "--format", "json", env=env).stdout)

    assert ended.returncode == 4
    assert "the plain prompt passed, verify.deep.concurrency failed: 3 of 3 requests at once failed" in " ".join(
        ended.stdout.split()
    )
    assert (told["verdict"], told["plain"]["verdict"]) == ("failed", "passed")
    assert [(part["name"], part["verdict"]) for part in told["deep"]] == [("concurrency", "failed")]


def test_exit_4_an_answer_that_is_not_as_it_must_be(env, spec) -> None:
    """A script that deploys must stop here."""
    ended = run("verify", "demo", "--spec", spec(expect="Aplomado"), env=env)

    assert ended.returncode == 4
    assert "failed  acme/demo" in ended.stdout
    assert "does not match the expected pattern 'Aplomado'" in ended.stdout


def test_an_endpoint_that_is_not_as_the_spec_says_is_not_asked(env, emulator, spec) -> None:
    """An answer of another configuration proves nothing about this one."""
    ended = run("verify", "demo", "--spec", spec(more="max_model_len: 1024\n"), env=env)

    assert ended.returncode == 9
    assert "the live configuration is not the declared one: " in ended.stdout
    assert not [one for one in emulator.requests() if one["path"].endswith("/generate_stream")]


def test_a_sleeping_endpoint_is_woken_and_that_is_said(env, emulator) -> None:
    """Waking takes minutes and is billed, so nobody should wonder what it is doing."""
    emulator.act("scale-to-zero")
    assert emulator.state() == "scaledToZero"

    ended = run("verify", "demo", env=env)

    assert ended.returncode == 0
    assert ended.stderr.startswith("acme/demo is not awake; waking it")
    assert "woken" in ended.stdout
    assert emulator.state() == "running"


def test_a_folder_of_specs_is_not_one_spec(env, tmp_path) -> None:
    """Which of them?"""
    (tmp_path / "a.yaml").write_text(SPEC)
    (tmp_path / "b.yaml").write_text(SPEC.replace("demo", "other"))

    ended = run("verify", "demo", "--spec", tmp_path, env=env)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert "holds 2 specs: name the one to verify by." in ended.stderr


def test_on_a_terminal_the_verdict_comes_below_the_text(env) -> None:
    """The spinner is gone when the text comes."""
    said = on_terminal("verify", "demo", env=env | {"NO_COLOR": "1"}).replace("\r", "")

    assert "asking acme/demo" in said or "try 1 of 3" in said
    assert "\npassed  acme/demo\n" in said


def test_logs_are_the_newest_lines(env) -> None:
    """What did the container say before it died?"""
    everything = succeed("logs", "demo", env=env).splitlines()
    last = succeed("logs", "demo", "--tail", "2", env=env).splitlines()

    assert len(everything) > 2
    assert last == everything[-2:]


def test_the_namespace_can_be_named(emulator) -> None:
    """An option beats the environment."""
    emulator.started("demo")
    env = talking_to(emulator) | {"HFDEPLOY_NAMESPACE": "elsewhere"}

    assert run("logs", "demo", env=env).returncode != 0
    assert succeed("logs", "demo", "--namespace", "acme", env=env)


def test_a_stack_brings_address_namespace_and_token(emulator, tmp_path) -> None:
    """Nothing to export for somebody who works with one checkout."""
    emulator.started("demo")
    program = tmp_path / "stacks"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (program / "Pulumi.test.yaml").write_text(
        f"config:\n  hfdeploy:namespace: acme\n  hfdeploy:apiUrl: {emulator.url}\n"
        f"  hfdeploy:hubUrl: {emulator.url}\n  hfdeploy:token: hf_emulator_owner\n"
    )

    assert succeed("logs", "demo", "--stack", "test", cwd=tmp_path)
    elsewhere = run("logs", "demo", "--stack", "test", cwd=tmp_path, env=surroundings(HFDEPLOY_API_URL="https://other"))
    assert elsewhere.returncode == 2
    assert "Two addresses for one service" in elsewhere.stderr


@pytest.mark.parametrize(
    ("seen", "lines", "new"),
    [
        ([], ["a", "b"], ["a", "b"]),
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["a", "b", "c"], ["c"]),
        (["a", "b", "c"], ["b", "c", "d"], ["d"]),
        (["a", "b"], ["x", "y"], ["x", "y"]),
        (["a", "a"], ["a", "a", "a"], ["a"]),
        (["a"], [], []),
    ],
    ids=["first", "nothing", "one", "window moved", "all new", "repeated", "gone"],
)
def test_following_prints_each_line_once(seen, lines, new) -> None:
    """The service gives the newest lines each time, not the new ones."""
    assert new_lines(seen, lines) == new


def test_what_answers_after_a_failed_update_is_no_proof_of_the_new_configuration(env, emulator, spec) -> None:
    """The service shows the new one already, and the replicas of the old one answer."""
    emulator.set(outcomes=[{"match": {"name": "demo"}, "outcome": "broken_image"}])
    emulator.owner.put("/v2/endpoint/acme/demo", json={"model": {"env": {"LEVEL": "1"}}})
    emulator.advance(STARTED)
    assert emulator.state() == "updateFailed"

    ended = run("verify", "demo", "--spec", spec(more="env: { LEVEL: '1' }\n"), env=env)

    assert ended.returncode == 9
    assert "it is updateFailed, so what answers may be what served before" in ended.stdout


def test_a_spec_is_verified_by_its_locked_commit(env, spec) -> None:
    """That is what `up` deploys, whatever the branch is by now."""
    file = spec()
    locked = {"HuggingFaceTB/SmolLM2-360M-Instruct": {"commit": "e" * 40, "unknown": "not read"}}
    (file.parent / "hfdeploy.lock.json").write_text(json.dumps({"version": 1, "models": locked}))

    ended = run("verify", "demo", "--spec", file, env=env)

    assert ended.returncode == 9
    assert "revision is" in ended.stdout
    assert "e" * 40 in ended.stdout


def test_a_reader_of_logs_that_goes_away_ends_the_following(env) -> None:
    """`hfdeploy logs --follow | head -1` must not go on for ever."""
    read, write = os.pipe()
    os.close(read)

    command = [*COMMAND, "logs", "demo", "--follow"]
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=env, timeout=60, check=False)
    os.close(write)

    assert (ended.returncode, ended.stderr) == (0, b"")
