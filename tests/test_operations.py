"""docs/operations.md names what exists: each command with its options, each message, each key."""

import re
from pathlib import Path

import pytest
import typer.main

from hfdeploy import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "operations.md").read_text("utf-8")
SOURCE = "\n".join(file.read_text("utf-8") for file in sorted((ROOT / "hfdeploy").rglob("*.py")))
COMMANDS = sorted(set(re.findall(r"(?:`|^\$ )(hfdeploy [a-z][^`\n]*)", TEXT, re.MULTILINE)))


PHRASES = [
    "was paused and does not bill (rollout.on_create_failure: pause); the next run resumes it.",
    "The previous configuration was put back and serves again",
    "This configuration is refused from now on: change the spec, or raise rollout.attempt (now ",
    "this configuration failed before and was put back, so it was not sent again.",
    "Putting the previous configuration back did not succeed either:",
    "It was left as it is (rollout.on_update_failure: hold). To go back, run `pulumi up` with the spec as it was",
    "could not be verified",
    "Nothing was undone",
    "alive and in no state",
    "looks like a lost state rather than like orphans",
    "exists already and is not this stack's:",
    "It carries a stack's owner id: if this stack's state was lost, `hfdeploy recover` rebuilds it.",
    "hfdeploy:maxRemovals lets it lose ",
    "endpoints of this stack are gone at once",
    "changed secrets: ",
]
"""What somebody searches for: the parts of messages that do not change."""


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one(command: str) -> None:
    """At three in the morning nobody wants to look for the right name of an option."""
    words = command.split()[1:]
    known = typer.main.get_command(cli.app).commands
    assert words[0] in known
    options = {option for parameter in known[words[0]].params for option in parameter.opts}
    assert {word for word in words[1:] if word.startswith("--")} <= options


def test_it_is_about_everything_that_happens() -> None:
    """One chapter for each kind of trouble; none of them vanishes in an edit."""
    titles = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)

    assert {
        "A rollout failed", "A restore failed", "A run was killed", "A lock is stale", "An orphan is found",
        "The checkpoint is unreadable", "The state is lost", "A token leaked", "Logs that are not ours",
    } <= set(titles)  # fmt: skip
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("phrase", PHRASES)
def test_every_message_is_one_of_ours(phrase: str) -> None:
    """Somebody searches for what is on the screen; a message that is said otherwise now is found by nobody."""
    code = re.sub(r"\{[^{}]*\}", "…", re.sub(r'"\s+f?"', "", SOURCE))

    assert phrase in " ".join(TEXT.split())
    assert phrase in code or phrase.rstrip(" ") in code


def test_every_kind_of_the_recovery_is_explained() -> None:
    """The table is the enumeration's."""
    from hfdeploy.recover import Kind

    rows = re.findall(r"^\| `([a-z ]+)` \|", TEXT, re.MULTILINE)
    assert rows == [kind.value for kind in Kind]
