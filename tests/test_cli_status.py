"""status: a stack that the real engine brought up, and a namespace without any stack."""

import json
import shutil

import pytest
from command_line import on_terminal, run, succeed, surroundings, talking_to, tell
from control_plane import Running
from project import Project

from hfdeploy.evidence import Shelf

pytest_plugins = ["project", "command_line"]

LATER = "2099-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory, quick_emulator):
    """A stack with two endpoints, brought up once; its folder is a checkout like any other."""
    quick_emulator._script("POST", "/reset")
    project = Project(tmp_path_factory.mktemp("checkout"), quick_emulator.url)
    project.spec("chat")
    project.spec("other", verify={"when": "never"})
    project.up()
    return project


@pytest.fixture
def env(deployed: Project) -> dict[str, str]:
    """Somebody who works with the states of this stack, and has nothing else set."""
    return surroundings(PULUMI_BACKEND_URL=deployed.environment["PULUMI_BACKEND_URL"], PULUMI_CONFIG_PASSPHRASE="")


@pytest.fixture
def answer(deployed: Project) -> str:
    """What the model said while the stack was brought up."""
    kept = Shelf(deployed.stacks, "test", "chat").proof(deployed.outputs_of("chat")["verified_at"])
    return str(kept["sample"]["text"]).strip()


def test_a_stack_shows_everything_about_its_endpoints(deployed: Project, env, answer) -> None:
    """The end of `make up`: where is it, what does it cost, was it proved, what did it say."""
    said = succeed("status", "--stack", "test", cwd=deployed.folder, env=env)

    chat, other, summary = said.split("\n\n")
    first, *facts = chat.splitlines()
    assert first == "chat  passed  running · nvidia-t4 x1 · $0.50/h"
    known = dict(line.strip().split("  ", 1) for line in facts)
    assert known["url"].strip() == f"{deployed.url}/endpoints/acme/chat"
    assert "first token after" in known["proof"]
    assert "8 tokens (counted by details)" in known["proof"]
    assert "tokens/s" in known["proof"]
    assert known["when"].endswith(" UTC")
    assert known["answer"].strip() == answer
    assert other.splitlines()[0] == "other  unverified  running · nvidia-t4 x1 · $0.50/h"
    assert "when" not in other
    assert summary == "2 endpoints: 1 passed, 1 unverified\n"


def test_answers_of_earlier_runs_are_not_shown_as_if_they_were_new(deployed: Project, env, answer) -> None:
    """A second `make up` that changes nothing verifies nothing."""
    earlier = succeed("status", "--stack", "test", "--since", "2020-01-01T00:00:00", cwd=deployed.folder, env=env)
    later = succeed("status", "--stack", "test", "--since", LATER, cwd=deployed.folder, env=env)

    assert answer in earlier
    assert "before this run" not in earlier
    assert answer not in later
    assert "UTC, before this run" in later


def test_a_status_for_programs_has_the_names_of_the_outputs(deployed: Project, env, answer) -> None:
    """Scripts read the same words here and in `pulumi stack output`."""
    told = tell("status", "chat", "--stack", "test", cwd=deployed.folder, env=env)
    outputs = deployed.outputs_of("chat")

    (chat,) = told["endpoints"]
    names = ("url", "openai_base_url", "model", "engine", "instance", "price_per_hour", "revision", "state", "verdict")
    assert {name: chat[name] for name in names} == {name: outputs[name] for name in names}
    assert (chat["tokens"], chat["ttft_ms"], chat["verified_at"]) == (8, outputs["ttft_ms"], outputs["verified_at"])
    assert (chat["text"], chat["state_is_live"], told["stack"]) == (answer, True, "test")


def test_a_status_in_markdown(deployed: Project, env) -> None:
    """For a comment after a deployment."""
    said = succeed("status", "--stack", "test", "--format", "markdown", cwd=deployed.folder, env=env)

    assert r"| chat | running | nvidia-t4 x1 | \$0.50/h | passed | 20" in said
    assert said.count("\n") == 4


@pytest.mark.parametrize("columns", [110, 50])
def test_a_status_is_readable_at_any_width(deployed: Project, env, answer, columns) -> None:
    """`make up` ends in whatever terminal somebody has."""
    said = on_terminal(
        "status", "--stack", "test", columns=columns, cwd=deployed.folder, env=env | {"NO_COLOR": "1"}
    ).replace("\r", "\n")

    lines = [line for line in said.splitlines() if "\x1b" not in line]
    assert max(map(len, lines)) <= columns
    assert answer.split()[0] in said
    assert "…" not in said


def test_what_changed_behind_the_stacks_back_is_shown(deployed: Project, env, quick_emulator: Running) -> None:
    """The state says what the last run saw; the service says what is."""
    quick_emulator.act("pause", "other")
    try:
        paused = tell("status", "other", "--stack", "test", cwd=deployed.folder, env=env)
    finally:
        quick_emulator.act("resume", "other")

    assert [(one["state"], one["state_is_live"]) for one in paused["endpoints"]] == [("paused", True)]


def test_a_stack_whose_service_is_away_is_shown_from_its_state(deployed: Project, env, tmp_path) -> None:
    """Better the last run's word than none, if it says so."""
    shutil.copytree(deployed.stacks, tmp_path / "stacks")
    config = tmp_path / "stacks" / "Pulumi.test.yaml"
    config.write_text(config.read_text().replace(deployed.url, "http://127.0.0.1:9"))

    ended = run("status", "--stack", "test", "--format", "json", cwd=tmp_path, env=env)

    assert ended.returncode == 0
    assert ended.stderr.startswith("warning: The service was not asked, so states are those of the last run: ")
    assert [(one["state"], one["state_is_live"]) for one in json.loads(ended.stdout)["endpoints"]] == [
        ("running", False)
    ] * 2


def test_an_encrypted_token_is_read_through_the_engine(deployed: Project, env) -> None:
    """`pulumi config set --secret hfdeploy:token` is where a team keeps it; it is never printed."""
    config = deployed.stacks / "Pulumi.test.yaml"
    before = config.read_text()
    deployed.pulumi("config", "set", "--secret", "hfdeploy:token", "hf_emulator_owner", "--stack", "test")
    try:
        assert "hf_emulator_owner" not in config.read_text()
        ended = run("status", "--stack", "test", "--format", "json", cwd=deployed.folder, env=env)
    finally:
        config.write_text(before)

    assert [one["state_is_live"] for one in json.loads(ended.stdout)["endpoints"]] == [True, True]
    assert "hf_emulator_owner" not in ended.stdout + ended.stderr


def test_a_name_that_the_stack_does_not_have_is_refused(deployed: Project, env) -> None:
    """An empty answer would look like an endpoint that is gone."""
    ended = run("status", "caht", "--stack", "test", cwd=deployed.folder, env=env)

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: There is no endpoint 'caht' in test. Did you mean chat?\n"


def test_a_stack_that_was_never_brought_up_says_so(deployed: Project, env) -> None:
    """Its configuration is there, its state is not."""
    (deployed.stacks / "Pulumi.prod.yaml").write_text("config: { 'hfdeploy:namespace': acme }\n")
    try:
        ended = run("status", "--stack", "prod", cwd=deployed.folder, env=env)
    finally:
        (deployed.stacks / "Pulumi.prod.yaml").unlink()

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == "error: The stack prod was never brought up: `pulumi up --stack prod` does that.\n"


@pytest.mark.usefixtures("deployed")
def test_without_a_stack_the_namespace_is_shown(quick_emulator: Running) -> None:
    """Endpoints that somebody made by hand cost money, too."""
    quick_emulator.seed("by-hand")
    try:
        told = tell("status", env=talking_to(quick_emulator))
        said = succeed("status", "by-hand", env=talking_to(quick_emulator))
    finally:
        quick_emulator.owner.delete("/v2/endpoint/acme/by-hand")

    assert [(one["name"], one["verdict"], one["state_is_live"]) for one in told["endpoints"]] == [
        ("by-hand", None, True),
        ("chat", None, True),
        ("other", None, True),
    ]
    assert told["endpoints"][1]["price_per_hour"] == "0.5"
    assert told["endpoints"][1]["openai_base_url"] == f"{quick_emulator.url}/endpoints/acme/chat/v1"
    assert said.startswith("by-hand  running · ")
    assert said.endswith("\n1 endpoint\n")
