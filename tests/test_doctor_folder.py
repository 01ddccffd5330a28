"""doctor on a folder: its configuration, stacks, passphrase and specs."""

import pytest
import yaml
from command_line import run, surroundings
from examination import Findings, bare_project, doctor, emptied, on, unwound_emulator
from project import Project

own_emulator = pytest.fixture(unwound_emulator, scope="module")
clean = pytest.fixture(emptied)
bare = pytest.fixture(bare_project)


@pytest.mark.parametrize("text", ["config: 7\n", "- a list\n", "config: {hfdeploy:specs: [1, 2]}\n", "{"])
def test_a_configuration_that_is_none_is_a_finding(bare: Project, text: str) -> None:
    """A merge conflict in the stack's file is one of the things that stop people."""
    (bare.stacks / "Pulumi.test.yaml").write_text(text)

    found = on(bare)

    assert found.code == 4
    assert {found.level("configuration"), found.level("specs")} & {"blocking"}


def test_a_placeholder_and_a_missing_stack_are_said(bare: Project) -> None:
    """Both are what a fresh clone has."""
    bare.configure(namespace="YOUR-NAMESPACE")

    assert "placeholder" in on(bare).of("configuration")["text"]
    missing = doctor(bare.folder, "--stack", "prod")
    assert missing.code == 4
    assert "There is no stack 'prod'" in missing.of("configuration")["text"]
    assert "Known: test" in missing.of("specs")["text"]


def test_without_a_stack_the_stacks_that_there_are_are_named(bare: Project) -> None:
    """So that the next try is the right one."""
    assert "--stack takes one of: test" in doctor(bare.folder).of("lock")["text"]


def test_a_missing_passphrase_is_said_before_the_engine_says_it(bare: Project) -> None:
    """With the words of the engine nobody knows which of three places it means."""
    file = bare.stacks / "Pulumi.test.yaml"
    file.write_text(yaml.safe_dump({**yaml.safe_load(file.read_text()), "encryptionsalt": "v1:x:y"}))
    backend = bare.environment["PULUMI_BACKEND_URL"]
    arguments = ["doctor", "--format", "json", "--stack", "test"]

    none = Findings(run(*arguments, cwd=bare.folder, env=surroundings(PULUMI_BACKEND_URL=backend)))
    lost = on(bare, PULUMI_CONFIG_PASSPHRASE="", PULUMI_CONFIG_PASSPHRASE_FILE="/nonexistent")

    assert none.level("passphrase") == "blocking"
    assert "PULUMI_CONFIG_PASSPHRASE" in none.of("passphrase")["cure"]
    assert lost.level("passphrase") == "ok"


def test_a_pattern_that_matches_no_spec_is_an_obstacle(bare: Project) -> None:
    """The run after it would remove every endpoint."""
    bare.configure(specs="../spcs/*.yaml")
    assert "No spec matches '../spcs/*.yaml'" in on(bare).of("specs")["text"]

    bare.configure()
    bare.spec("tiny", instance=None)
    found = on(bare)
    assert found.level("specs") == "blocking"
    assert "specs/tiny.yaml" in found.of("specs")["text"]
    assert "hfdeploy validate" in found.of("specs")["cure"]


def test_another_backends_password_is_not_shown(bare: Project) -> None:
    """The engine's own words may hold the address."""
    found = on(bare, PULUMI_BACKEND_URL="postgres://ada:s3cretpassw0rd@127.0.0.1:9/state")

    assert found.level("lock") == "unchecked"
    assert "The backend is postgres" in found.of("lock")["text"]
    assert found.level("checkpoint") == "blocking"
    assert "s3cretpassw0rd" not in found.said
