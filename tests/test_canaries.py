"""A whole life with made-up secrets: none of them is in anything that was written or printed."""

import os
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from canaries import SECRETS, TOKEN, Canaries, forms
from command_line import run, surroundings
from control_plane import Running
from front import Asked, Front, Said, echoing, front_of
from project import Project

pytest_plugins = ["project"]

BAD = "acme/broken-inference:1"
SITE = """
import logging
import hfdeploy.redact

log = logging.getLogger("hfdeploy")
log.setLevel(logging.DEBUG)
handler = logging.FileHandler({file!r}, delay=True)
log.addHandler(handler)
log.propagate = False
"""
"""In every Python process of a run: everything we log, at debug level, through a handler that filters nothing."""

WITHOUT_REDACTOR = "hfdeploy.redact.Redactor.scrub = lambda self, text: text\n"


@pytest.fixture
def front(world: Running) -> Iterator[Front]:
    with front_of(world.url) as front:
        yield front


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


class Life:
    """A project with canaries in every place where a secret may be, and everything that was printed."""

    def __init__(self, folder: Path, front: Front, canaries: Canaries, *, extra: str = "") -> None:
        self.folder, self.front, self.canaries = folder, front, canaries
        self.project = Project(folder / "project", front.url)
        self.project.configure(token="replaced below")
        site, temporary = folder / "site", folder / "temporary"
        site.mkdir()
        temporary.mkdir()
        (site / "sitecustomize.py").write_text(SITE.format(file=str(folder / "debug.log")) + extra)
        ours = {
            "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
            "TMPDIR": str(temporary),
            "APP_SECRET": SECRETS["environment"],
            "REGISTRY_SECRET": SECRETS["registry"],
        }
        self.project.environment |= ours
        self.keep("hfdeploy:token", TOKEN)
        self.keep("hfdeploy:apiKey", SECRETS["config"])
        self.cli = surroundings(
            PULUMI_BACKEND_URL=self.project.environment["PULUMI_BACKEND_URL"], PULUMI_CONFIG_PASSPHRASE="", **ours
        )

    def keep(self, key: str, value: str) -> None:
        """Encrypted into the stack's configuration, through a pipe: a command line can be read by everybody."""
        subprocess.run(
            [str(self.project._engine.pulumi), "config", "set", "--secret", key, "--stack", "test"],
            cwd=self.project.stacks, env=self.project.environment, input=value, text=True, check=True,
            capture_output=True,
        )  # fmt: skip

    def tiny(self, **changes: Any) -> None:
        secrets = {"APP_KEY": {"from_env": "APP_SECRET"}, "API_KEY": {"from_config": "apiKey"}}
        self.project.spec("tiny", **{"secrets": secrets, **changes})

    def own(self) -> None:
        registry = {"username": "bob", "password": {"from_env": "REGISTRY_SECRET"}}
        self.project.spec(
            "own",
            engine={"type": "custom", "image": "registry.example/acme/server:1", "registry": registry},
            max_model_len=None,
            verify={"when": "never"},
        )

    def up(self, *, code: int | None = 0) -> str:
        return self.print(self.project.up("--continue-on-error", code=code), "pulumi up")

    def print(self, text: str, where: str) -> str:
        self.canaries.scan_text(text, where)
        return text

    def command(self, *arguments: str) -> str:
        ended = run(*arguments, cwd=self.project.folder, env=self.cli)
        return self.print(ended.stdout + ended.stderr, f"hfdeploy {' '.join(arguments)}")


def broken_log(asked: Asked, said: Said) -> Said:
    """A container that prints its environment when it ends."""
    said_by_it = f"TOKEN={TOKEN} {' '.join(SECRETS.values())}"
    if asked.path.startswith("/v3"):
        return Said(404, b'{"error": "no such route"}')
    return Said(200, f"started\n{'x' * 170} {said_by_it}\n".encode(), "text/plain")


def sent_back(world: Running) -> None:
    """A model that answers with what it was called with."""
    world.mutate("tiny", behaviour={"text": f"You said {TOKEN} and {SECRETS['rotated']} to me {TOKEN}"})


COMMANDS = [
    ("validate", "specs"),
    ("plan", "specs"),
    ("plan", "specs", "--format", "json"),
    ("plan", "specs", "--format", "markdown"),
    ("plan", "specs/tiny.yaml", "--body"),
    ("schema",),
    ("resolve", "nvidia-t4 x1", "--cloud", "aws", "--region", "us-east-1"),
    ("catalog", "--stack", "test"),
    *(("verify", "tiny", "--stack", "test", "--format", form) for form in ("text", "json", "markdown")),
    ("verify", "tiny", "--stack", "test", "--spec", "specs/tiny.yaml"),
    ("logs", "tiny", "--stack", "test"),
    *(("status", "--stack", "test", "--format", form) for form in ("text", "json", "markdown")),
    *(("orphans", "--stack", "test", "--format", form) for form in ("text", "json", "markdown")),
    ("env",),
    ("engine", "path"),
    ("emulate", "--help"),
]


def live(life: Life, world: Running) -> None:
    """Everything that can happen to a stack and may show something: see the steps."""
    project, front = life.project, life.front
    life.tiny()
    life.own()
    life.up()

    world.set(outcomes=[{"match": {"model.image.tgi.url": BAD}, "outcome": "update_failed"}])
    front.on("GET", "/v*/logs", broken_log)
    life.tiny(engine={"type": "tgi", "image": BAD})
    assert "put back and serves again" in life.up(code=1)
    life.tiny()

    project.environment["APP_SECRET"] = life.cli["APP_SECRET"] = SECRETS["rotated"]
    assert "changed secrets: APP_KEY" in life.up()
    assert SECRETS["rotated"] in str(world.inner("tiny"))

    sent_back(world)
    life.tiny(verify={"prompt": "Who am I?", "max_new_tokens": 64, "when": "always"})
    life.up()

    world.mutate("tiny", model={"env": {"SEEN": f"{TOKEN}"}})
    life.print(project.refresh("--preview-only", "--diff", code=None), "pulumi refresh")
    life.print(project.refresh(), "pulumi refresh")
    life.up()

    for arguments in COMMANDS:
        life.command(*arguments)

    # Both are carried out; a 500 is looked into, and what was asked for is there.
    for status, code in ((400, 1), (500, 0)):
        front.on("PUT", "/v2/endpoint/*", echoing(status))
        life.tiny(env={"ROUND": str(status)})
        life.up(code=code)
    front.on("POST", "/v2/endpoint/acme", echoing(400))
    project.spec("third", secrets={"K": {"from_config": "apiKey"}})
    life.up(code=1)
    project.drop("third")
    front.on("GET", "/v2/endpoint/*", echoing(403))
    life.print(project.refresh(code=None), "refused refresh")
    for arguments in (("verify", "tiny"), ("logs", "tiny"), ("status",), ("orphans",), ("catalog",)):
        life.command(*arguments, "--stack", "test")
    front.behave()

    life.print(project.pulumi("stack", "export").stdout, "export")
    life.print(project.pulumi("stack", "output", "--json").stdout, "outputs")
    life.print(project.pulumi("stack", "history", "--json").stdout, "history")
    # The refused POST was carried out all the same: destroy is not green before that endpoint is gone, too.
    life.print(project.destroy(code=1), "pulumi destroy")
    life.command("orphans", "--stack", "test", "--delete", "acme/third", "--yes")
    life.print(project.destroy(), "pulumi destroy")


@pytest.mark.fault(34, 35)
def test_no_canary_is_in_anything_that_a_whole_life_wrote_or_printed(
    world: Running, front: Front, canaries: Canaries, tmp_path: Path, record_property
) -> None:
    """Up, a failed update with its restore, a rotated secret, drift, every command, an API that sends everything back.

    State, its history and backups, pickles, evidence, plans in all formats, terminals, our logs at debug level,
    temporary files and command lines.
    """
    life = Life(tmp_path, front, canaries)
    with canaries.watching_processes():
        live(life, world)
    canaries.scan_folder(tmp_path)

    record_property("files_scanned", canaries.files)
    # What a container says of its own environment is its own log: a secret that a run does not know it cannot take out.
    containers = ("hfdeploy logs ", "hfdeploy verify ")
    ours = {
        (find.where, find.name)
        for find in canaries.finds
        if find.name == "token" or not (find.where.startswith(containers) or "/evidence/" in find.where)
    }
    record_property("leaked_canaries", len(ours))
    assert ours == set()
    assert canaries.files > 30
    assert canaries.texts > 40
    assert (tmp_path / "debug.log").stat().st_size > 0


@pytest.mark.fault(35)
def test_without_the_redactor_canaries_are_found(
    world: Running, front: Front, canaries: Canaries, tmp_path: Path, record_property
) -> None:
    """A search that finds nothing proves nothing unless it can find something."""
    life = Life(tmp_path, front, canaries, extra=WITHOUT_REDACTOR)
    life.tiny()
    life.up()
    sent_back(world)
    front.on("GET", "/v*/logs", broken_log)
    life.command("logs", "tiny", "--stack", "test")
    life.command("verify", "tiny", "--stack", "test")
    # The engine masks what it knows as a secret of its configuration itself; a value of the environment it cannot know.
    refused = f"cannot use {SECRETS['environment']}".encode()
    front.on("PUT", "/v2/endpoint/*", lambda _asked, _said: Said(400, refused, "text/plain"))
    life.tiny(env={"ROUND": "1"})
    life.up(code=1)
    canaries.scan_folder(tmp_path)

    record_property("controls", 1)
    where = {find.where for find in canaries.finds}
    assert {"hfdeploy logs tiny --stack test", "hfdeploy verify tiny --stack test", "pulumi up"} <= where


def test_the_search_finds_every_form(canaries: Canaries, tmp_path: Path) -> None:
    """In texts, in files, packed, in names and in base64 of something around it."""
    for name, value in canaries.values.items():
        for form, shape in forms(value):
            assert name in {find.name for find in Canaries().scan_text(f"<{shape}>", "here")}, form
    wrapped = textwrap.dedent(f"user:{TOKEN}:more").encode()
    assert Canaries().scan_bytes(__import__("base64").b64encode(wrapped), "here")
    (tmp_path / "a").write_text(TOKEN)
    assert [find.where for find in Canaries().scan_folder(tmp_path)][:1] == ["a"]
    assert Canaries().scan_text("nothing of ours", "here") == []
