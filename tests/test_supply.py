"""What is installed and what is unpickled: locked packages, no code at install, no names but ours in a state."""

import base64
import pickletools
import re
from pathlib import Path

import dill
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from hfdeploy.provider import EndpointProvider, GuardProvider, IdentityProvider

ROOT = Path(__file__).parents[1]
LOCKS = [*sorted((ROOT / "requirements").glob("*.txt")), ROOT / "policy-pack" / "requirements.txt"]
PINNED = re.compile(
    r"([A-Za-z0-9._-]+(?:\[[a-z,]+\])?)==[^\s;\\]+(?: ;[^\\]+)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n?"
)
PROVIDERS = (GuardProvider, IdentityProvider, EndpointProvider)


@pytest.mark.fault(40)
@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: f"{lock.parent.name}-{lock.name}")
def test_every_package_is_one_version_with_its_hashes(lock: Path) -> None:
    """And comes from wherever the installer is told to look: no address, no file, no branch."""
    text = "".join(line for line in lock.read_text().splitlines(keepends=True) if not line.startswith("#"))

    assert PINNED.sub("", text).strip() == ""
    assert "://" not in text
    assert PINNED.search(text)


@pytest.mark.fault(40)
def test_nothing_is_installed_without_hashes_and_nothing_of_ours_runs_at_install() -> None:
    """`--no-deps --no-build-isolation` is our own folder, whose build backend is among the pinned packages."""
    installs = [line for line in (ROOT / "Makefile").read_text().splitlines() if "pip install" in line]

    assert installs
    for line in installs:
        assert "--require-hashes" in line or (
            "--no-deps --no-build-isolation" in line and line.endswith("--editable .")
        )
    assert 'build-backend = "hatchling.build"' in (ROOT / "pyproject.toml").read_text()
    assert not [name for name in ("setup.py", "setup.cfg", "hatch_build.py") if (ROOT / name).exists()]


@pytest.mark.fault(41)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_pickled_provider_names_our_class_and_nothing_else(provider: type) -> None:
    """A state is code: what Pulumi loads at the next refresh is what the pickle names, and that is one class."""
    pickled = base64.b64decode(serialize_provider(provider()))

    names: list[str] = []
    called: list[str] = []
    for code, argument, _ in pickletools.genops(pickled):
        if code.name in {"SHORT_BINUNICODE", "BINUNICODE", "GLOBAL", "INST"}:
            names.append(str(argument))
        if code.name in {"REDUCE", "NEWOBJ", "BUILD", "NEWOBJ_EX", "OBJ", "EXT1", "EXT2", "EXT4", "PERSID"}:
            called.append(code.name)

    assert names == ["hfdeploy.provider", provider.__name__]
    assert called == ["REDUCE"]
    assert type(dill.loads(pickled)) is provider  # noqa: S301 - made a line ago
