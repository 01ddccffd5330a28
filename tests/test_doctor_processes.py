"""doctor on what was left running: emulators and plugin processes, and the notes of dead ones."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from examination import NOBODY, bare_project, doctor, emptied, on, speaking_service, unwound_emulator
from project import Project
from speaker import Speaker, http

own_emulator = pytest.fixture(unwound_emulator, scope="module")
clean = pytest.fixture(emptied)
bare = pytest.fixture(bare_project)
speaker = pytest.fixture(speaking_service)


def test_the_note_of_a_dead_emulator_is_cleared_up(bare: Project) -> None:
    """Only what answers counts: a number in a file may be anybody's by now."""
    note = bare.folder / ".state" / "emulator.port"
    note.parent.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        note.write_text(f"{free.getsockname()[1]}\n")

    found = on(bare)
    assert found.level("emulator") == "warning"
    assert "does not run any more" in found.of("emulator")["text"]
    assert on(bare, "--fix", "--yes").code == 0
    assert not note.exists()


def test_a_living_emulator_is_left_even_when_its_folder_is_gone(bare: Project, speaker: Speaker) -> None:
    """An old one is named with the command that ends it; doctor itself ends nothing that answers."""
    data = bare.folder / ".state" / "emulator"
    data.mkdir(parents=True)
    note = data.with_suffix(".port")
    note.write_text(f"{speaker.port}\n")
    says = {"name": "hfdeploy-emulator", "pid": NOBODY, "data": str(data), "speed": 1}
    speaker.on("/_emulator", http(200, says))

    assert on(bare).level("emulator") == "ok"
    (bare.folder / "specs").mkdir(exist_ok=True)
    assert doctor(bare.folder / "specs", "--stack", "local", "--program", "../stacks").level("emulator") == "ok"

    data.rmdir()
    found = on(bare, "--fix", "--yes")
    assert "An old emulator runs" in found.of("emulator")["text"]
    assert f"kill {NOBODY}" in found.of("emulator")["cure"]
    assert note.exists()


@contextlib.contextmanager
def plugin(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """The stock plugin process, told that its engine listens on that port."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{port}"], cwd=folder, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it serves
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()  # type: ignore[union-attr]


@pytest.mark.fault(1)
def test_a_plugin_that_has_outlived_its_engine_is_ended_and_no_other_one(bare: Project, tmp_path: Path) -> None:
    """It could still be sending what nobody waits for; one with a living engine, or of another program, is working."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        closed = gone.getsockname()[1]
    with (
        socket.create_server(("127.0.0.1", 0)) as engine,
        plugin(bare.stacks, closed) as orphaned,
        plugin(bare.stacks, engine.getsockname()[1]) as working,
        plugin(tmp_path, closed) as foreign,
    ):
        found = on(bare)
        assert f"Plugin process {orphaned.pid}" in found.of("plugins")["text"]
        assert str(working.pid) not in found.said
        assert str(foreign.pid) not in found.said

        on(bare, "--fix", "--yes")

        assert orphaned.wait(timeout=60) == -signal.SIGTERM
        assert working.poll() is None
        assert foreign.poll() is None
