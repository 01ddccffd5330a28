"""A clone of a repository with specs, whose branch a change is compared with.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import ROOT, tell

WHO = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_COMMITTER_NAME": "a"}


class Repository:
    """A clone with the shipped specs on `main`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.specs = folder, folder / "specs"
        self.specs.mkdir(parents=True)
        for file in (ROOT / "specs").iterdir():
            (self.specs / file.name).write_bytes(file.read_bytes())
        self.git("init", "-q", "-b", "main")
        self.commit()

    def git(self, *arguments: str) -> str:
        env = {**os.environ, **WHO, "GIT_COMMITTER_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": "/dev/null"}
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "specs")

    def write(self, name: str, old: str, new: str) -> None:
        file = self.specs / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def changes(self, *options: str) -> dict[str, Any]:
        told = tell("plan", "specs", "--against", "main", *options, cwd=self.folder)
        return {one["endpoint"]: one for one in told["changes"]}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "clone")
