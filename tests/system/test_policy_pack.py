"""The policy pack on the real engine: an organisation's word holds whatever the repository of a stack says.

An engine of today starts a Python pack through its language host, as `python -m pulumi.policy` in the pack's own
environment. The newest host that is published as a Go module is older than that, so here a program on PATH of two lines
does the same, under a runtime name of its own; `runtime: python` itself is not shown.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import environments
import pytest
from control_plane import Running
from project import SPEC, Project
from test_up import names, writes

pytest_plugins = ["project"]

ROOT = Path(__file__).parents[2]
PACK = ROOT / "policy-pack"

SHIM = '#!/bin/sh\nunset PYTHONPATH\nexec "{python}" -u -m pulumi.policy "$1" "$2"\n'

VLLM = {"engine": {"type": "vllm"}, "instance": "nvidia-l4 x1"}

Enforce = Callable[..., str]


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pack's environment as its README says: pinned packages, and hfdeploy without what else it needs."""
    python = environments.python("policy-pack", PACK / "requirements.txt")
    wheels = tmp_path_factory.mktemp("wheels")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(wheels)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall"]
    subprocess.run([*install, "--no-deps", "--no-index", *map(str, wheels.glob("*.whl"))], check=True)
    return python


@pytest.fixture
def enforce(project: Project, interpreter: Path, tmp_path: Path) -> Enforce:
    """Run `pulumi` on a project with the pack and a policy of the organisation; what the terminal shows."""
    programs, pack = tmp_path / "programs", tmp_path / "pack"
    programs.mkdir()
    shim = programs / "pulumi-analyzer-policy-packshim"
    shim.write_text(SHIM.format(python=interpreter))
    shim.chmod(0o755)
    shutil.copytree(PACK, pack)
    (pack / "PulumiPolicy.yaml").write_text("runtime: packshim\n")

    def run(*arguments: str, policy: str | None = None, code: int = 0) -> str:
        if policy is not None:
            (pack / "policy.yaml").write_text(policy)
        path = f"{programs}:{project.environment['PATH']}"
        done = project.pulumi(*arguments, "--policy-pack", str(pack), code=None, PATH=path)
        said = done.stdout + done.stderr
        assert (done.returncode != 0) == bool(code), f"{done.returncode}\n{said}"
        return said

    return run


def test_a_stack_that_keeps_the_policy_comes_up(world: Running, project: Project, enforce: Enforce) -> None:
    """A pack that is in the way of good changes is taken out."""
    project.spec("chat", **VLLM)

    shown = enforce("preview", policy="limits: { clouds: [aws], security: [private], max_replicas: 1 }\n")
    brought = enforce("up", "--yes", "--skip-preview")

    assert "[mandatory]" not in shown + brought
    assert "hfdeploy" in shown.partition("Policies:")[2]
    assert names(world) == ["chat"]


def test_a_violation_blocks_preview_and_up_and_nothing_is_sent(
    world: Running, project: Project, enforce: Enforce
) -> None:
    """Also without a preview, and whatever policy the repository names for itself."""
    (project.stacks / "own.yaml").write_text("rules: { public-endpoint: 'off' }\nlimits: { security: [public] }\n")
    project.configure(policy="own.yaml")
    project.spec("open", **VLLM, security="public", acknowledge_public="open")

    previewed = enforce("preview", code=1)
    brought = enforce("up", "--yes", "--skip-preview", code=1)

    for said in (previewed, brought):
        assert "[mandatory]  policy-security" in said
        assert "public is no security level that the policy allows: private, authenticated." in said
    assert (writes(world), names(world)) == ([], [])


def test_a_program_that_goes_round_the_specs_is_judged_too(world: Running, project: Project, enforce: Enforce) -> None:
    """The pack sees what is registered, and an identity alone would ask for hardware."""
    fields = {key: value for key, value in SPEC.items() if key != "verify"} | {"name": "big", "namespace": "acme"}
    project.program(
        "import pulumi\nfrom hfdeploy.resources import EndpointIdentity, guard\n"
        f"EndpointIdentity('big', {{**{fields!r}, 'instance': 'nvidia-a100 x8', 'owner': guard().owner}}, "
        "pulumi.ResourceOptions())\n"
    )

    said = enforce("up", "--yes", "--skip-preview", policy="limits: { max_price_per_hour_usd: 5 }\n", code=1)

    assert "nvidia-a100 x8 costs $20.00/h, and the policy allows $5.00/h per replica." in said
    assert writes(world) == []


def test_all_endpoints_together_have_a_ceiling(world: Running, project: Project, enforce: Enforce) -> None:
    """Each of them alone is cheap."""
    for name in ("one", "two", "three"):
        project.spec(name, **VLLM)

    enforce("preview", policy="limits: { monthly_ceiling_usd: 1752 }\n")
    said = enforce("preview", policy="limits: { monthly_ceiling_usd: 1751.99 }\n", code=1)

    assert "policy-monthly-ceiling" in said
    assert "all endpoints together cost $1,752.00/month, and the policy allows $1,751.99/month" in said


def test_a_warning_is_shown_and_stops_nothing(project: Project, enforce: Enforce) -> None:
    """And a policy may make an error of it, or silence it."""
    project.spec("tiny")

    warned = enforce("preview", policy="version: 1\n")
    silent = enforce("preview", policy="rules: { engine-maintenance: 'off' }\n")
    blocked = enforce("preview", policy="rules: { engine-maintenance: error }\n", code=1)

    assert warned.count("[advisory]  engine-maintenance") == 1
    assert "engine-maintenance" not in silent.partition("Policies:")[2]
    assert "[mandatory]  engine-maintenance" in blocked


def test_a_pack_without_a_policy_that_can_be_read_lets_nothing_through(
    world: Running, project: Project, enforce: Enforce
) -> None:
    """A typing mistake must not lift every limit."""
    project.spec("tiny")

    enforce("up", "--yes", "--skip-preview", policy="limits: { securty: [private] }\n", code=1)

    assert writes(world) == []
