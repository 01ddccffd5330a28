"""`deploy()` says of a stack over its budget what `hfdeploy plan` says, among everything else that is wrong."""

from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest
from command_line import SPEC

from hfdeploy.resources import ProgramError
from hfdeploy.stack import deploy


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A program that nobody runs, whose stack may cost a dollar a month."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "demo.yaml").write_text(SPEC)
    program = tmp_path / "stacks"
    program.mkdir()
    config = "config:\n  hfdeploy:budget:\n    monthly_ceiling_usd: 1\n"
    (program / f"Pulumi.{pulumi.get_stack()}.yaml").write_text(config)
    monkeypatch.chdir(program)
    for name in ("HFDEPLOY_NAMESPACE", "HFDEPLOY_API_URL", "HF_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    pulumi.runtime.set_all_config({"hfdeploy:budget": '{"monthly_ceiling_usd": 1}', "hfdeploy:namespace": "acme"})
    yield program
    pulumi.runtime.set_all_config({})


def test_a_budget_is_one_of_the_problems_of_a_preview(stack: Path) -> None:
    """With another blocking finding beside it, neither hides the other."""
    other = SPEC.replace("demo", "other").replace("nvidia-l4 x1", "nvidia-a1000 x1")
    (stack.parent / "specs" / "other.yaml").write_text(other)

    with pytest.raises(ProgramError) as refused:
        deploy()

    said = str(refused.value)
    assert f"Pulumi.{pulumi.get_stack()}.yaml:2: hfdeploy:budget: With every replica up this stack costs $" in said
    assert "hfdeploy:budget allows $1.00/month: demo $" in said
    assert "nvidia-a1000 x1" in said
