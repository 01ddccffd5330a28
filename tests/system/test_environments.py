"""What the system tests run on: pinned to the byte, made once, never skipped."""

import json
import re
from pathlib import Path

import environments
import pytest

WANTED = {
    "hub2": {"huggingface-hub": "2.4.0", "openai": "3.51.0"},
    "langchain": {"huggingface-hub": "1.33.0", "langchain-huggingface": "1.2.3", "langchain-core": "1.7.2"},
    "easyllm": {"huggingface-hub": "0.16.4", "easyllm": "0.6.2"},
    "text-generation": {"text-generation": "0.7.0"},
}
NODE = {"@huggingface/inference": "4.13.16", "openai": "6.49.0"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Where environments go in this test."""
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "clients")
    return tmp_path / "clients"


@pytest.mark.parametrize("name", WANTED)
def test_every_package_of_an_environment_has_a_version_and_hashes(name) -> None:
    """An unpinned client degrades silently, e.g. to an empty package of the same name."""
    text = (environments.CLIENTS / f"{name}.txt").read_text()
    listed = re.findall(r"^([a-z0-9-]+)==(\S+) \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE)

    assert len(listed) == len(re.findall(r"^\S", text, re.MULTILINE))
    assert WANTED[name].items() <= dict(listed).items()
    assert "://" not in text


def test_every_package_of_the_node_folder_has_a_version_and_a_checksum() -> None:
    """And the lock file says nothing of where somebody's registry is."""
    text = (environments.CLIENTS / "node" / "package-lock.json").read_text()
    packages = {path: package for path, package in json.loads(text)["packages"].items() if path}

    assert all(package["version"] and package["integrity"] for package in packages.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in NODE} == NODE
    assert "://" not in text


def test_a_folder_is_made_once_and_again_when_its_list_changes(folder, tmp_path) -> None:
    """Otherwise a run takes minutes, or tests yesterday's client."""
    packages = tmp_path / "packages.txt"
    packages.write_text("one==1")

    def build(path: Path) -> None:
        path.mkdir()
        (path / packages.read_text()).touch()

    def made() -> list[str]:
        path = environments._made("some", [packages], build)
        (path / "used").touch()
        return sorted(file.name for file in path.iterdir())

    assert (made(), made()) == (["one==1", "used"], ["one==1", "used"])
    packages.write_text("one==2")
    assert made() == ["one==2", "used"]


def test_a_folder_that_was_not_finished_is_made_again(folder, tmp_path) -> None:
    """A run that was stopped in the middle must not leave half a client behind."""

    def stopped(path: Path) -> None:
        path.mkdir()
        (path / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        environments._made("some", [], stopped)

    assert list(environments._made("some", [], Path.mkdir).iterdir()) == []


def test_packages_that_cannot_be_installed_are_an_error_with_the_reason(folder, tmp_path, monkeypatch) -> None:
    """A client that is not there fails its tests; it does not skip them."""
    (tmp_path / "none.txt").write_text("hfdeploy-nothing @ file:///nonexistent --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(environments, "CLIENTS", tmp_path)

    with pytest.raises(environments.MissingError, match=r"ended with 1:(.|\n)*nonexistent"):
        environments.python("none")
    assert not (folder / "none.built").exists()


def test_a_missing_program_that_nobody_may_install_is_an_error_with_the_way_out(monkeypatch) -> None:
    """On a machine that is not Debian, or for somebody who is not root."""
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(environments.MissingError, match="apt-get install one other"):
        environments.program("hfdeploy-nothing", "one", "other")
