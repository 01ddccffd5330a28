"""A Pulumi project in a folder of its own, deployed by the real engine to an emulator of the service.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from control_plane import Running, running

from hfdeploy import engine

SPEED = 200.0
"""Of the emulators here: a first start of 157 s takes less than one."""

PROGRAM = "import hfdeploy\n\nhfdeploy.deploy()\n"

SPEC: dict[str, Any] = {
    "repository": "HuggingFaceTB/SmolLM2-360M-Instruct",
    "task": "text-generation",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
    "engine": {"type": "tgi"},
    "max_model_len": 2048,
    "verify": {"prompt": "Once upon a time", "max_new_tokens": 8},
}
"""A small text-generation endpoint; `Project.spec` makes variations."""

ENDPOINT = "pulumi-python:dynamic/hfdeploy:InferenceEndpoint"
IDENTITY = "pulumi-python:dynamic/hfdeploy:EndpointIdentity"


class Project:
    """`folder/stacks` is the program, `folder/specs` the specs, `folder/state` the backend."""

    def __init__(self, folder: Path, url: str, *, program: str = PROGRAM, refresh: bool = True) -> None:
        self.folder, self.url = folder, url
        self.stacks, self.specs = folder / "stacks", folder / "specs"
        for part in (self.stacks, self.specs, folder / "state"):
            part.mkdir(parents=True)
        options = {"options": {"refresh": "always"}} if refresh else {}
        self._write("Pulumi.yaml", {"name": "hfdeploy", "runtime": "python", **options})
        self.configure()
        self.program(program)
        self.environment = self._environment()
        self.pulumi("stack", "init", "test")

    def configure(self, **values: str) -> None:
        """The stack's configuration: the emulator, and what is given (keys without `hfdeploy:`)."""
        common = {"namespace": "acme", "apiUrl": self.url, "hubUrl": self.url, "token": "hf_emulator_owner"}
        config = {f"hfdeploy:{key}": value for key, value in {**common, **values}.items()}
        self._write("Pulumi.test.yaml", {"config": config})

    def forget(self, key: str) -> None:
        """Take a key out of the stack's configuration."""
        config = yaml.safe_load((self.stacks / "Pulumi.test.yaml").read_text())["config"]
        del config[f"hfdeploy:{key}"]
        self._write("Pulumi.test.yaml", {"config": config})

    def program(self, text: str) -> None:
        """Replace the stack program."""
        (self.stacks / "__main__.py").write_text(text)

    def spec(self, name: str, **changes: Any) -> None:
        """Write a spec; None leaves a field out."""
        fields = {"name": name, **SPEC, **changes}
        text = yaml.safe_dump({key: value for key, value in fields.items() if value is not None}, allow_unicode=True)
        (self.specs / f"{name}.yaml").write_text(text)

    def drop(self, name: str) -> None:
        """Remove a spec."""
        (self.specs / f"{name}.yaml").unlink()

    def pulumi(self, *arguments: str, code: int | None = 0, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run the real CLI; `code` is the exit code expected, None for any."""
        done = subprocess.run(
            [str(self._engine.folder / "pulumi"), *arguments, "--non-interactive", "--color", "never"],
            cwd=self.stacks,
            env={**self.environment, **extra},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert code is None or done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def up(self, *arguments: str, code: int | None = 0, **extra: str) -> str:
        """`pulumi up` without a preview; what the terminal shows."""
        done = self.pulumi("up", "--yes", "--skip-preview", *arguments, code=code, **extra)
        return done.stdout + done.stderr

    def destroy(self, *arguments: str, code: int | None = 0) -> str:
        done = self.pulumi("destroy", "--yes", "--skip-preview", *arguments, code=code)
        return done.stdout + done.stderr

    def refresh(self, *arguments: str, code: int | None = 0) -> str:
        done = self.pulumi("refresh", *(arguments or ("--yes", "--skip-preview")), code=code)
        return done.stdout + done.stderr

    def state(self) -> list[dict[str, Any]]:
        """The resources in the state file."""
        exported = json.loads(self.pulumi("stack", "export").stdout)
        resources: list[dict[str, Any]] = exported["deployment"].get("resources", [])
        return resources

    def outputs_of(self, name: str, kind: str = ENDPOINT) -> dict[str, Any]:
        """The outputs of one resource in the state."""
        found = [one for one in self.state() if one["type"] == kind and one["urn"].endswith(f"::{name}")]
        assert len(found) == 1, f"{len(found)} resources {name}"
        outputs: dict[str, Any] = found[0]["outputs"]
        return outputs

    def kept_bytes(self) -> bytes:
        """Everything that this project left on disk, state and backups included."""
        return b"".join(path.read_bytes() for path in self.folder.rglob("*") if path.is_file())

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        (self.stacks / name).write_text(yaml.safe_dump(dict(content)))

    def _environment(self) -> dict[str, str]:
        found = engine.find(os.environ)
        assert found is not None, "no Pulumi engine: `hfdeploy engine install` gets one"
        self._engine = found
        ours = engine.environment(
            found,
            python=Path(sys.executable),
            path=os.environ["PATH"],
            backend=(self.folder / "state").as_uri(),
            passphrase="",
        )
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "HF_"))}
        return {**plain, **ours}


@pytest.fixture(scope="session")
def fast_emulator() -> Iterator[Running]:
    """One emulator for all tests of a worker; deployments take less than a second."""
    with running(speed=SPEED) as emulator:
        yield emulator


@pytest.fixture
def world(fast_emulator: Running) -> Running:
    """The emulator with nothing in it."""
    fast_emulator._script("POST", "/reset")
    return fast_emulator


@pytest.fixture
def project(world: Running, tmp_path: Path) -> Project:
    """An empty project beside the emulator."""
    return Project(tmp_path, world.url)


@pytest.fixture
def another_project(world: Running, tmp_path: Path) -> Callable[..., Project]:
    """Further projects, such as a copy of the repository with a backend of its own."""
    made: list[Project] = []

    def make(**arguments: Any) -> Project:
        made.append(Project(tmp_path / f"other-{len(made)}", world.url, **arguments))
        return made[-1]

    return make
