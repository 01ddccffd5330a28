"""Specs that nobody could judge: no sum, no answer and no headline is a clean bill with one of them in the change."""

import json
from pathlib import Path
from typing import Any

import pytest
from clone import Repository
from command_line import ROOT, SPEC, run, talking_to
from control_plane import Running
from jsonschema import Draft202012Validator

pytest_plugins = ["clone", "command_line"]

POLICY = "version: 1\napprovals:\n  - { above_monthly_delta_usd: 100000, group: finops }\nlimits: { clouds: [azure] }\n"
FLAGS = ("✅", "❔", "⚠️", "❌")


def moved(repository: Repository) -> Repository:
    """Falcon where there is no A100."""
    repository.write("falcon-40b.yaml", "us-east-1", "eu-west-1")
    return repository


def planned(*arguments: str | Path, cwd: Path = ROOT, code: int = 5) -> str:
    ended = run("plan", *arguments, cwd=cwd)
    assert ended.returncode == code, ended.stderr
    return ended.stdout


def marks(markdown: str) -> list[str]:
    """The sign of each of the five answers."""
    return [
        line.split("|")[1].strip() for line in markdown.splitlines() if line.startswith(tuple(f"| {s}" for s in FLAGS))
    ]


class TestUnplanned:
    def test_it_is_a_row_with_what_it_costs_now(self, repository: Repository) -> None:
        """Else the change looks as if the endpoint were neither there nor missing, and as if its cost were saved."""
        said = planned("specs", "--against", "main", cwd=moved(repository).folder)

        row = next(line for line in said.splitlines() if line.startswith("falcon-40b"))
        assert "cannot be planned" in row
        assert "$1,825.00 -> unknown" in row
        assert "3 unchanged, 1 spec could not be judged; a month costs at most $3,747.82 -> $1,922.82 + unknown" in said
        assert "1 spec could not be judged, and is not in the sums: falcon-40b." in said
        assert "%)" not in said.splitlines()[0]

    def test_every_answer_in_a_comment_is_open(self, repository: Repository) -> None:
        said = planned("specs", "--against", "main", "--format", "markdown", cwd=moved(repository).folder)

        assert marks(said) == ["❔", "❔", "❔", "❔", "❌"]
        assert "1 spec could not be judged" in next(line for line in said.splitlines() if line.startswith("### "))
        row = next(line for line in said.splitlines() if line.startswith("| `falcon-40b`"))
        assert "**cannot be planned**" in row
        assert "$0.00–$1,825.00 → unknown" in row

    def test_a_page_says_the_same(self, repository: Repository) -> None:
        said = planned("specs", "--against", "main", "--format", "html", cwd=moved(repository).folder)

        assert "1 finding to be settled first; 1 spec could not be judged" in said
        assert said.count('class="unknown"') == 4
        assert ">cannot be planned</span>" in said
        assert "$1,922.82 + unknown" in said

    def test_programs_find_no_sum_to_judge_by(self, repository: Repository) -> None:
        said = json.loads(planned("specs", "--against", "main", "--format", "json", cwd=moved(repository).folder))

        Draft202012Validator(json.loads((ROOT / "hfdeploy/data/review.schema.json").read_text())).validate(said)
        [falcon] = [one for one in said["changes"] if one["endpoint"] == "falcon-40b"]
        assert (falcon["action"], falcon["monthly_ceiling"]) == (
            "unplanned",
            {"before": "1825", "after": None, "delta": None},
        )
        assert said["delta"]["monthly_ceiling"] == {"before": "3747.82", "after": None, "delta": None}
        assert (said["unjudged"], said["totals"]["unpriced"]) == (["falcon-40b"], ["falcon-40b"])

    def test_approval_is_asked_of_everybody(self, repository: Repository) -> None:
        """Nobody knows how much dearer it gets."""
        (repository.folder / "policy.yaml").write_text(POLICY)
        options = ("--against", "main", "--policy", "policy.yaml")

        assert "approval required: finops" in planned("specs", *options, cwd=moved(repository).folder)

    def test_alone_it_is_no_empty_change(self, tmp_path: Path) -> None:
        file = tmp_path / "unknown.yaml"
        file.write_text(SPEC.replace("nvidia-l4 x1", "nvidia-unobtainium x1"))

        said = planned(file, "--format", "markdown")
        plain = planned(file)

        assert marks(said) == ["❔", "❔", "❔", "❔", "❌"]
        assert "### 1 spec could not be judged; 1 to be settled first" in said
        assert "$0.00" not in said
        assert "cannot be planned" in plain
        assert "1 spec could not be judged, and is not in the sums: demo." in plain


class TestUnread:
    @pytest.fixture
    def broken(self, repository: Repository) -> Repository:
        """One file of four that is no YAML."""
        (repository.specs / "smollm.yaml").write_text("name: [smollm\n")
        repository.write("qwen-chat.yaml", "max: 2", "max: 4")
        (repository.folder / "policy.yaml").write_text(POLICY)
        return repository

    def said(self, broken: Repository, form: str) -> Any:
        options = ("--against", "main", "--policy", "policy.yaml", "--format", form)
        return planned("specs", *options, cwd=broken.folder, code=2)

    def test_the_others_are_reviewed_as_ever(self, broken: Repository) -> None:
        said = self.said(broken, "markdown")

        assert "autoscaling.max: 2 → 4" in said
        assert "`spec-invalid`" in said
        assert "`policy-cloud`" in said
        assert "`unpinned-revision`" in said
        assert marks(said) == ["❔", "⚠️", "❔", "❔", "❌"]
        assert "1 update, 2 unchanged, 1 spec could not be judged" in said

    def test_what_may_be_in_the_broken_file_is_not_removed(self, broken: Repository) -> None:
        said = self.said(broken, "markdown")

        assert "smollm has no spec that can be read" in said
        assert "**delete**" not in said

    def test_nothing_but_a_broken_file_is_no_empty_change(self, tmp_path: Path) -> None:
        (tmp_path / "broken.yaml").write_text("name: [demo\n")

        said = planned(tmp_path, "--format", "markdown", code=2)

        assert marks(said) == ["❔", "❔", "❔", "❔", "❌"]
        assert "### 1 spec could not be judged; " in said
        assert "$0.00" not in said


class TestLive:
    def test_what_runs_now_still_costs_and_holds(self, emulator: Running, tmp_path: Path) -> None:
        """The endpoint is there: it is neither free nor gone, and gives no quota back to others."""
        (tmp_path / "demo.yaml").write_text(SPEC.replace("nvidia-l4 x1", "nvidia-unobtainium x1"))
        (tmp_path / "other.yaml").write_text(SPEC.replace("demo", "other"))
        emulator.set(quota={"aws/nvidia-l4": 3})
        emulator.started("demo", compute={"scaling": {"maxReplica": 3}})

        ended = run("plan", tmp_path, "--against", "live", "--format", "json", env=talking_to(emulator))

        assert ended.returncode == 5, ended.stderr
        said = json.loads(ended.stdout)
        [demo] = [one for one in said["changes"] if one["endpoint"] == "demo"]
        assert (demo["action"], demo["monthly_ceiling"]["before"]) == ("unplanned", "1752")
        [entry] = said["quota"]["entries"]
        assert (entry["used"], entry["ours"], entry["short_by"]) == (3, 0, 1)
