"""doctor on a broken backend: locks, checkpoints and orphans, mended where that loses nothing."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from control_plane import Running
from examination import NOBODY, bare_project, emptied, live_project, on, unwound_emulator
from patience import soon
from project import IDENTITY, Project
from traffic import names

own_emulator = pytest.fixture(unwound_emulator, scope="module")
clean = pytest.fixture(emptied)
live = pytest.fixture(live_project)
bare = pytest.fixture(bare_project)


def stored(project: Project, name: str = "test.json") -> Path:
    """A file of the backend beside the state."""
    return project.folder / "state" / ".pulumi" / "stacks" / "hfdeploy" / name


def leave_lock(project: Project, pid: int, host: str) -> Path:
    """A lock as the engine writes it."""
    folder = project.folder / "state" / ".pulumi" / "locks" / "organization" / "hfdeploy" / "test"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "0b1c.json"
    file.write_text(json.dumps({"pid": pid, "username": "ada", "hostname": host, "timestamp": "2026-11-01T00:00:00Z"}))
    return file


@pytest.mark.fault(1)
def test_a_killed_engines_lock_and_pending_operation_are_found_and_the_lock_goes(bare: Project, clean: Running) -> None:
    """The commonest thing after a crash: every later command fails, and nobody knows whether it is safe to go on."""
    clean.fault("hang", path="/v2/endpoint/*", skip=1, times=1, commit=True)
    engine = subprocess.Popen(
        [str(bare._engine.pulumi), "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "test"],
        cwd=bare.stacks,
        env=bare.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert soon(lambda: names(clean) == ["tiny"])
    finally:
        engine.kill()
        engine.wait()
    clean._script("DELETE", "/faults")
    assert bare.pulumi("up", "--yes", "--skip-preview", code=None).returncode != 0

    found = on(bare)
    assert found.code == 4
    assert found.level("lock") == "blocking"
    assert f"process {engine.pid}" in found.of("lock")["text"]
    assert "creating tiny" in found.of("pending")["text"]
    assert "acme/tiny" in found.of("orphans")["text"]

    mended = on(bare, "--fix", "--yes")

    assert any(f"process {engine.pid}" in one for one in mended.report["mended"])
    assert mended.code == 0, mended.said
    bare.up()
    assert names(clean) == ["tiny"]
    assert on(bare).level("orphans") == "ok"


@pytest.mark.parametrize(
    ("pid", "host"), [(os.getpid(), socket.gethostname()), (NOBODY, "somewhere-else")], ids=["living", "elsewhere"]
)
def test_a_lock_of_the_living_or_of_another_machine_is_left(bare: Project, pid: int, host: str) -> None:
    """Somebody may be working under it."""
    lock = leave_lock(bare, pid, host)

    found = on(bare, "--fix", "--yes")

    assert found.code == 4
    assert found.level("lock") == "blocking"
    assert not found.of("lock")["is_mendable"]
    assert "pulumi cancel --stack test" in found.of("lock")["cure"]
    assert lock.exists()


def test_a_lock_that_cannot_be_read_is_left(bare: Project) -> None:
    """It says of nobody that he is dead."""
    lock = leave_lock(bare, 1, "x")
    lock.write_text("")

    assert on(bare, "--fix", "--yes").level("lock") == "blocking"
    assert lock.exists()


def test_nothing_is_mended_without_a_yes(bare: Project) -> None:
    """Neither by looking, nor where nobody can be asked."""
    lock = leave_lock(bare, NOBODY, socket.gethostname())

    assert on(bare).of("lock")["is_mendable"]
    refused = on(bare, "--fix")

    assert refused.code == 2
    assert "--yes" in refused.said
    assert lock.exists()


def _empty(file: Path) -> None:
    file.write_bytes(b"")


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:200])


BROKEN = {
    "empty attributes": (_empty, "test.json.attrs"),
    "empty attributes of the backend": (_empty, "../../meta.yaml.attrs"),
    "empty description of the backend": (_empty, "../../meta.yaml"),
    "truncated checkpoint": (_cut, "test.json"),
    "empty checkpoint": (_empty, "test.json"),
    "lost checkpoint": (Path.unlink, "test.json"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_backend_that_a_kill_has_broken_is_mended_and_nothing_is_thrown_away(
    live: Project, clean: Running, name: str
) -> None:
    """Each of these makes every command of the engine fail; the endpoints live on, and the state knows them again."""
    damage, file = BROKEN[name]
    before = {one["urn"] for one in live.state()}
    damage(stored(live, file))
    assert live.pulumi("stack", "export", code=None).returncode != 0

    found = on(live)
    assert found.code == 4
    assert found.of("checkpoint")["is_mendable"], found.said

    mended = on(live, "--fix", "--yes")

    assert mended.code == 0, mended.said
    assert mended.level("checkpoint") == "ok"
    live.up()
    assert {one["urn"] for one in live.state()} == before
    assert names(clean) == ["tiny"]
    if "description" not in name and "lost" not in name:
        aside = stored(live, file)
        assert list(aside.parent.glob(f"{aside.name}.broken-*"))


def test_a_broken_checkpoint_without_a_backup_is_left_as_it_is(live: Project) -> None:
    """What is in it may be all that is left of the state."""
    _cut(stored(live))
    stored(live, "test.json.bak").write_bytes(b"{")
    kept = live.kept_bytes()

    found = on(live, "--fix", "--yes")

    assert found.code == 4
    assert found.level("checkpoint") == "blocking"
    assert "backups" in found.of("checkpoint")["cure"]
    assert live.kept_bytes() == kept


def test_no_checkpoint_is_mended_under_a_lock_of_the_living(live: Project) -> None:
    """An engine may be writing it at this moment."""
    leave_lock(live, os.getpid(), socket.gethostname())
    _cut(stored(live))
    _empty(stored(live, "test.json.attrs"))
    kept = live.kept_bytes()

    assert on(live, "--fix", "--yes").level("checkpoint") == "blocking"
    assert live.kept_bytes() == kept


def test_orphans_are_reported_and_block_nobody(live: Project, clean: Running) -> None:
    """The next `up` may be what takes them back, so a pipeline must get there."""
    owner = live.outputs_of("tiny", IDENTITY)["owner"]
    clean.seed("left", tags=[f"hfd-o-{owner}", "hfd-l-left"])

    found = on(live, "--fix", "--yes")

    assert found.code == 0
    assert found.level("orphans") == "warning"
    assert "acme/left" in found.of("orphans")["text"]
    assert "hfdeploy orphans --stack test --delete" in found.of("orphans")["cure"]
    assert names(clean) == ["left", "tiny"]
