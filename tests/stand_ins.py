"""Shell scripts that stand in for an engine and its tools, and a world in which nothing else is found."""

from pathlib import Path

from hfdeploy import engine


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


def bare_world(tmp_path) -> dict[str, str]:
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
