"""`hfdeploy lock`: which specs it reads, and what it leaves in the lock file."""

from pathlib import Path

import pytest
from command_line import SPEC, run, succeed, talking_to

from hfdeploy.lock import FILE, pinned, read_lock
from hfdeploy.spec import load_specs

pytest_plugins = ["command_line"]

MODELS = {
    "chat": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "falcon": "tiiuae/falcon-40b-instruct",
    "small": "BAAI/bge-small-en-v1.5",
}


@pytest.fixture
def hub(emulator):
    """The emulator's Hub beside its API."""
    return talking_to(emulator, HF_ENDPOINT=emulator.url)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """Three specs that name three repositories, and no commit."""
    folder = tmp_path / "specs"
    folder.mkdir()
    for name, repository in MODELS.items():
        text = SPEC.replace("demo", name).replace("HuggingFaceTB/SmolLM2-360M-Instruct", repository)
        (folder / f"{name}.yaml").write_text(text)
    return folder


def test_a_file_locked_by_itself_leaves_the_others_where_they_are(hub, specs: Path) -> None:
    """Else the others would be deployed at whatever their branches stand for, and not at what was reviewed."""
    succeed("lock", specs, env=hub)
    text = (specs / FILE).read_text()
    before = read_lock(specs / FILE)

    succeed("lock", specs / "chat.yaml", env=hub)

    assert (specs / FILE).read_text() == text
    after = read_lock(specs / FILE)
    for one in load_specs([specs]):
        assert pinned(one.spec, after).revision == pinned(one.spec, before).revision is not None


@pytest.mark.parametrize("order", [sorted(MODELS), sorted(MODELS, reverse=True)])
def test_files_locked_one_after_the_other_are_the_folder_locked_at_once(hub, specs: Path, order: list[str]) -> None:
    """In whatever order."""
    for name in order:
        succeed("lock", specs / f"{name}.yaml", env=hub)
    text = (specs / FILE).read_text()
    (specs / FILE).unlink()
    succeed("lock", specs, env=hub)

    assert (specs / FILE).read_text() == text


def test_a_folder_locked_as_a_whole_loses_what_it_no_longer_uses(hub, specs: Path) -> None:
    """An entry that nobody uses any more would be there for ever."""
    succeed("lock", specs, env=hub)
    (specs / "falcon.yaml").unlink()

    succeed("lock", specs, env=hub)

    assert sorted(read_lock(specs / FILE).models) == sorted([MODELS["chat"], MODELS["small"]])


def test_a_lock_file_that_cannot_be_read_is_not_written_over_for_one_file(hub, specs: Path) -> None:
    """What it held of the others would be gone; for the whole folder it is made anew."""
    (specs / FILE).write_text("{")

    ended = run("lock", specs / "chat.yaml", env=hub)

    assert (ended.returncode, (specs / FILE).read_text()) == (2, "{")
    assert "`hfdeploy lock` makes it anew" in ended.stderr
    succeed("lock", specs, env=hub)
    assert sorted(read_lock(specs / FILE).models) == sorted(MODELS.values())


def test_a_stack_is_locked_where_its_specs_are(hub, specs: Path) -> None:
    """The specs that `plan --stack` judges and `deploy()` deploys, and the lock file beside them."""
    program, more = specs.parent / "stacks", specs.parent / "more"
    for folder in (program, more):
        folder.mkdir()
    (program / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (program / "Pulumi.prod.yaml").write_text("config: { 'hfdeploy:specs': '../more/p*.yaml' }\n")
    (program / "Pulumi.dev.yaml").write_text("config: {}\n")
    (more / "prod.yaml").write_text((specs / "chat.yaml").read_text())
    (more / "other.yaml").write_text((specs / "falcon.yaml").read_text())

    succeed("lock", "--stack", "prod", cwd=specs.parent, env=hub)
    assert list(read_lock(more / FILE).models) == [MODELS["chat"]]
    assert not (specs / FILE).exists()

    succeed("lock", "--stack", "dev", cwd=specs.parent, env=hub)
    assert sorted(read_lock(specs / FILE).models) == sorted(MODELS.values())
