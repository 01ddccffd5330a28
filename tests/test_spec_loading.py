"""Where the loader looks: files and folders, their order and names, and that no spec reaches out of its folder."""

import os
from pathlib import Path

import pytest
from spec_folder import TINY, folder_of_specs, load, refused

from hfdeploy.errors import SpecError
from hfdeploy.spec import load_specs
from hfdeploy.spec.document import MOST_BYTES

folder = pytest.fixture(folder_of_specs)


def test_a_folder_is_its_yaml_files_in_order(folder: Path) -> None:
    """Editors leave locks and notes beside the specs."""
    for name in ("b.yml", "a.yaml"):
        (folder / name).write_text(TINY.replace("tiny", f"tiny-{name[0]}"))
    (folder / ".#a.yaml").write_text("nonsense")
    (folder / "notes.txt").write_text("nonsense")
    (folder / "below").mkdir()
    assert [Path(one.file).name for one in load_specs([folder, folder / "a.yaml"])] == ["a.yaml", "b.yml"]


def test_files_are_shown_as_people_know_them(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's home folder belongs into a pull request."""
    (folder / "one.yaml").write_text(TINY)
    monkeypatch.chdir(folder.parent)
    shown = [load_specs([path])[0].file for path in (Path("specs"), Path("specs/one.yaml"), folder)]
    assert shown == ["specs/one.yaml"] * 3
    monkeypatch.chdir(folder)
    assert load_specs([Path("../specs")])[0].file == "../specs/one.yaml"
    monkeypatch.chdir("/")
    assert load_specs([folder], root=folder.parent)[0].file.endswith("specs/one.yaml")


def test_a_field_has_a_line_or_the_one_of_what_is_around_it(folder: Path) -> None:
    """A finding about a default points at the section that leaves it out."""
    loaded = load(folder, TINY + "autoscaling:\n  min: 0\n  measure:\n    pending_requests: 2\nargs:\n  - a\n  - b\n")
    fields = ("name", "autoscaling.max", "autoscaling.measure.pending_requests", "args.1", "verify.deep.x", "")
    assert [loaded.line_of(field) for field in fields] == [1, 6, 9, 12, 1, 1]


def test_all_errors_of_all_files_come_in_one_go(folder: Path) -> None:
    """Nobody wants to learn of the second mistake by deploying again."""
    (folder / "a.yaml").write_text(TINY.replace("us-east-1", "US") + "tags: x\n")
    (folder / "b.yaml").write_text("name: [\n")
    (folder / "c.yaml").write_text(TINY.replace("cloud", "clud"))
    with pytest.raises(SpecError) as error:
        load_specs([folder, folder / "d.yaml"])
    assert [(Path(one.file).name, one.line, one.field) for one in error.value.problems] == [
        ("a.yaml", 4, "region"),
        ("a.yaml", 6, "tags"),
        ("b.yaml", 2, ""),
        ("c.yaml", 1, "cloud"),
        ("c.yaml", 1, "name"),
        ("c.yaml", 3, "clud"),
        ("d.yaml", 0, ""),
    ]
    assert "is tiny, and so is the one of " in str(error.value)


def test_two_specs_of_one_name_are_refused_although_one_is_broken(folder: Path) -> None:
    """They would fight over one endpoint."""
    (folder / "a.yaml").write_text(TINY)
    (folder / "b.yaml").write_text(TINY + "max_model_len: 0\n")
    said = refused(folder)
    assert said[0] == f"b.yaml: is tiny, and so is the one of {folder / 'a.yaml'}:1; a name belongs to one spec"
    assert said[1] == "b.yaml: must be at least 1; found 0"


def test_nothing_to_read_is_an_error(folder: Path) -> None:
    """An empty answer would mean: remove every endpoint."""
    assert refused() == ["specs: names no file and no folder"]
    assert refused(folder) == ["specs: holds no *.yaml and no *.yml"]
    assert refused(folder / "missing") == ["missing: does not exist"]


@pytest.mark.fault(31)
def test_no_spec_reaches_out_of_its_folder(folder: Path) -> None:
    """A pull request could otherwise make the pipeline read any file of the machine."""
    (folder / "link.yaml").symlink_to(folder.parent / "outside.yaml")
    (folder / "gone.yaml").symlink_to(folder / "nowhere")
    assert refused(folder) == [
        "gone.yaml: does not exist",
        "link.yaml: leads out of the folder of the specs, which none may leave",
    ]
    hostile = [
        folder / ".." / "outside.yaml",
        folder.parent / "outside.yaml",
        folder / "%2e%2e" / "outside.yaml",
        folder / "a\0.yaml",
        Path("/etc/passwd"),
        folder.parent,
    ]
    out = "leads out of the folder of the specs, which none may leave"
    assert sorted(refused(*hostile, root=folder)) == sorted(
        [
            "a\ufffd.yaml: has a NUL in its name",
            "outside.yaml: does not exist",
            *(f"{name}: {out}" for name in ("outside.yaml", "outside.yaml", "passwd", folder.parent.name)),
        ]
    )


def test_a_link_inside_the_folder_is_followed(folder: Path) -> None:
    """Some people keep one spec under two names of a branch."""
    (folder / "one.yaml").write_text(TINY)
    (folder / "two.yaml").symlink_to("one.yaml")
    assert len(load_specs([folder])) == 1


@pytest.mark.fault(31)
def test_only_ordinary_yaml_files_are_opened(folder: Path) -> None:
    """Opening a pipe would hang the run, and a device would never end."""
    os.mkfifo(folder / "pipe.yaml")
    (folder / "sub.yaml").mkdir()
    (folder / "spec.txt").write_text(TINY)
    assert refused(folder) == ["pipe.yaml: is no ordinary file", "sub.yaml: cannot be read: Is a directory"]
    assert refused(folder / "spec.txt") == ["spec.txt: is no spec: the name of one ends in .yaml or .yml"]


def test_a_file_beyond_the_limit_is_refused(folder: Path) -> None:
    """It is not even read to its end."""
    (folder / "huge.yaml").write_text(TINY + "# " + "x" * MOST_BYTES)
    assert refused(folder) == ["huge.yaml: has more than 256 KiB, and no spec needs that"]
