"""What a spec or the name of one may not reach: other files of the machine, other addresses, the environment."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import run, surroundings
from control_plane import Running
from project import Project

from hfdeploy.errors import SpecError
from hfdeploy.spec import load_specs

pytest_plugins = ["project"]

FIELDS: dict[str, Any] = {
    "name": "tiny",
    "repository": "acme/tiny",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
}
CANARY = "canary-3f9c0a1b2d4e"
OUT = "leads out of the folder of the specs, which none may leave"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`inside` is where specs are; `outside.yaml` beside it is a good spec, and none of theirs."""
    (tmp_path / "inside").mkdir()
    (tmp_path / "outside.yaml").write_text(yaml.safe_dump({**FIELDS, "name": CANARY}))
    return tmp_path / "inside"


def refusal(*paths: Path, root: Path) -> str:
    with pytest.raises(SpecError) as caught:
        load_specs(paths, root=root)
    return str(caught.value)


TRICKS: dict[str, Callable[[Path], Path]] = {
    "upwards": lambda folder: folder / ".." / "outside.yaml",
    "upwards and back": lambda folder: folder / ".." / folder.name / ".." / "outside.yaml",
    "absolute": lambda folder: (folder.parent / "outside.yaml").resolve(),
    "a device": lambda _folder: Path("/dev/zero"),
    "percent": lambda folder: folder / "%2e%2e" / "outside.yaml",
    "percent and slash": lambda folder: folder / "%2e%2e%2foutside.yaml",
    "twice percent": lambda folder: folder / "%252e%252e" / "outside.yaml",
    "overlong UTF-8": lambda folder: folder / "\udcc0\udcae" / "outside.yaml",
    "backslash": lambda folder: folder / "..\\outside.yaml",
    "file://": lambda folder: Path(f"file://{folder.parent}/outside.yaml"),
    "https://": lambda _folder: Path("https://example.org/outside.yaml"),
    "NUL": lambda folder: folder / "..\0" / "outside.yaml",
    "NUL at the end": lambda folder: folder / "tiny.yaml\0.txt",
    "home": lambda _folder: Path("~/.ssh/config.yaml"),
    "a variable": lambda _folder: Path("$HOME/outside.yaml"),
}


@pytest.mark.fault(31)
@pytest.mark.parametrize("trick", TRICKS)
def test_no_name_leads_out(folder: Path, trick: str) -> None:
    """It is looked for as it is written, below the folder or nowhere; nothing of what lies elsewhere is shown."""
    (folder / "tiny.yaml").write_text(yaml.safe_dump(FIELDS))

    said = refusal(TRICKS[trick](folder), root=folder)

    assert OUT in said or "does not exist" in said or "has a NUL in its name" in said
    assert CANARY not in said


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", ["a file", "a folder", "a chain", "a circle"])
def test_no_link_leads_out(folder: Path, kind: str) -> None:
    """The target decides, however many links there are to it."""
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "far.yaml").write_text(yaml.safe_dump({**FIELDS, "name": CANARY}))
    link = folder / "link.yaml"
    if kind == "a file":
        link.symlink_to(folder.parent / "outside.yaml")
    elif kind == "a folder":
        (folder / "below").symlink_to(elsewhere)
        link = folder / "below" / "far.yaml"
    elif kind == "a chain":
        (folder / "step").symlink_to(folder.parent / "outside.yaml")
        link.symlink_to(folder / "step")
    else:
        link.symlink_to(folder / "back.yaml")
        (folder / "back.yaml").symlink_to(link)

    said = refusal(link, root=folder)

    assert OUT in said or (kind == "a circle" and "link.yaml: " in said), said
    assert CANARY not in said


@pytest.mark.fault(31)
def test_a_stack_reads_no_link_that_leads_out_of_its_specs(world: Running, project: Project) -> None:
    """A pull request could otherwise make the pipeline read any file that it can reach."""
    target = project.folder / "outside.yaml"
    target.write_text(yaml.safe_dump({**FIELDS, "name": CANARY}))
    (project.specs / "linked.yaml").symlink_to(target)
    (project.specs / "far").symlink_to(project.folder / "state")
    (project.specs / "circle.yaml").symlink_to(project.specs / "circle.yaml")

    for pattern in ("../specs/**/*.yaml", "../specs/linked.yaml"):
        project.configure(specs=pattern)
        done = project.pulumi("preview", code=None)
        assert done.returncode != 0
        assert f"linked.yaml: {OUT}" in done.stdout + done.stderr
        assert CANARY not in done.stdout + done.stderr
    assert [one for one in world.requests() if one["method"] != "GET"] == []


INCLUDES = {
    "a tag": "env: !include ../outside.yaml\n",
    "a tag of others": "env: !ENV ${HOME}\n",
    "a merge": "<<: ../outside.yaml\n",
    "a key": "include: ../outside.yaml\n",
    "a reference": "env: {$ref: 'file:///etc/passwd'}\n",
    "a file of a secret": "secrets: {KEY: {from_file: ../outside.yaml}}\n",
    "a command of a secret": "secrets: {KEY: {from_command: id}}\n",
    "two sources": "secrets: {KEY: {from_env: KEY, from_file: /etc/passwd}}\n",
    "the token as a secret": "secrets: {KEY: {from_env: HF_TOKEN}}\n",
    "the token of the stack": "secrets: {KEY: {from_config: 'hfdeploy:token'}}\n",
    "a source where no secret goes": "args: [{from_env: KEY}]\n",
    "a source in env": "env: {KEY: {from_env: KEY}}\n",
    "a source as the prompt": "verify: {prompt: {from_env: KEY}}\n",
}


@pytest.mark.fault(31)
@pytest.mark.parametrize("kind", INCLUDES)
def test_nothing_is_included(folder: Path, kind: str) -> None:
    """A spec is what stands in it; only where a secret goes, a name may stand for a value, and never for the token."""
    (folder / "tiny.yaml").write_text(yaml.safe_dump(FIELDS) + INCLUDES[kind])

    said = refusal(folder, root=folder)

    assert "tiny.yaml:" in said
    assert CANARY not in said
    assert "root:" not in said


WORDS = ["${CANARY}", "$CANARY", "{{ CANARY }}", "{{ lookup('env', 'CANARY') }}", "%CANARY%", "$(id)", "`id`", "~/x"]


@pytest.mark.fault(31)
def test_nothing_is_filled_in(folder: Path) -> None:
    """Words that other tools replace are words here, wherever any text may stand, up to the request itself."""
    env = {f"KEY_{number}": text for number, text in enumerate(WORDS)}
    fields = {**FIELDS, "env": env, "args": [*WORDS], "command": [*WORDS], "verify": {"prompt": " ".join(WORDS)}}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(fields))

    ended = run("plan", folder, "--body", "--format", "json", env=surroundings(CANARY=CANARY))

    (loaded,) = load_specs([folder])
    assert loaded.spec.verify.prompt == " ".join(WORDS)
    (told,) = json.loads(ended.stdout)["endpoints"]
    model = told["request"]["model"]
    assert (model["env"], model["args"], model["command"]) == (env, WORDS, WORDS)
    assert CANARY not in ended.stdout + ended.stderr
