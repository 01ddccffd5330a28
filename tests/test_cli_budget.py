"""plan --stack and the limits of a stack: its own, and those that the project sets for all."""

import json

import pytest
from command_line import demo_in, run

pytest_plugins = ["command_line"]


@pytest.fixture
def specs(tmp_path):
    """A folder with one spec."""
    return demo_in(tmp_path)


@pytest.mark.fault(42)
def test_exit_5_a_plan_of_a_stack_over_its_budget(specs) -> None:
    """The review says what `deploy()` is going to refuse."""
    program = specs.parent / "stacks"
    program.mkdir()
    (program / "Pulumi.yaml").write_text("name: hfdeploy\nruntime: python\n")
    for stack, most in (("poor", 1), ("rich", 100_000)):
        text = f"config: {{ 'hfdeploy:budget': {{ monthly_ceiling_usd: {most} }} }}\n"
        (program / f"Pulumi.{stack}.yaml").write_text(text)

    poor = run("plan", "--stack", "poor", cwd=specs.parent)
    rich = run("plan", "--stack", "rich", cwd=specs.parent)

    assert (poor.returncode, rich.returncode) == (5, 0)
    assert "stacks/Pulumi.poor.yaml:1: hfdeploy:budget: With every replica up" in poor.stdout
    assert "Nothing was sent" not in poor.stdout + poor.stderr
    assert "\ndemo " in poor.stdout
    for form in ("json", "markdown", "junit", "github", "sarif", "html"):
        document = run("plan", "--stack", "poor", "--format", form, cwd=specs.parent)
        assert document.returncode == 5
        assert "allows $1.00/month: demo $" in document.stdout.replace("\\$", "$"), form
        assert "monthly_ceiling_usd" in document.stdout.replace("\\_", "_"), form
    found = json.loads(run("plan", "--stack", "poor", "--format", "json", cwd=specs.parent).stdout)["findings"]
    assert [one["severity"] for one in found if one["rule"] == "budget-exceeded"] == ["error"]


@pytest.mark.fault(42)
def test_a_limit_that_the_project_sets_for_all_stacks_holds(specs) -> None:
    """Pulumi.yaml may say it, plainly or as a value with more to it."""
    program = specs.parent / "stacks"
    program.mkdir()
    (program / "Pulumi.one.yaml").write_text("config: {}\n")
    (program / "Pulumi.rich.yaml").write_text("config: { 'hfdeploy:budget': { monthly_ceiling_usd: 100000 } }\n")
    for limit in ("{ monthly_ceiling_usd: 1 }", "{ value: { monthly_ceiling_usd: 1 } }"):
        text = f"name: hfdeploy\nruntime: python\nconfig: {{ 'hfdeploy:budget': {limit} }}\n"
        (program / "Pulumi.yaml").write_text(text)

        poor = run("plan", "--stack", "one", cwd=specs.parent)

        assert poor.returncode == 5
        assert "hfdeploy:budget: With every replica up" in poor.stdout
        assert run("plan", "--stack", "rich", cwd=specs.parent).returncode == 0, "the stack has the last word"
