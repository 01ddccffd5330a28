"""What a review says in words beside its figures: durations, what a sum counts, and what a length or a type means."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from clone import Repository
from command_line import ROOT, run, succeed
from rulebook import rules_document

from hfdeploy import render
from hfdeploy.catalog import Catalog
from hfdeploy.fit import Load, Model, Precision, Weights, rank
from hfdeploy.lock import FILE

pytest_plugins = ["command_line"]


@pytest.mark.parametrize(("after", "said"), [("26h", "sleeps after 26 h"), ("90m", "sleeps after 90 min")])
def test_long_times_are_in_hours(tmp_path: Path, after: str, said: str) -> None:
    spec = yaml.safe_load((ROOT / "specs" / "falcon-40b.yaml").read_text())
    spec["autoscaling"]["scale_to_zero_after"] = after
    (tmp_path / "falcon-40b.yaml").write_text(yaml.safe_dump(spec))

    assert said in run("plan", tmp_path, "--format", "markdown").stdout


def test_a_quota_says_that_it_counts_what_stays_as_it_is(tmp_path: Path) -> None:
    """The sums beside it are of the changed endpoints alone."""
    repository = Repository(tmp_path / "clone")
    repository.write("qwen-chat.yaml", "max: 2", "max: 4")

    plain = succeed("plan", "specs", "--against", "main", cwd=repository.folder)
    comment = succeed("plan", "specs", "--against", "main", "--format", "markdown", cwd=repository.folder)

    assert "Accelerators all endpoints take, unchanged ones included: aws intel-spr" in " ".join(plain.split())
    assert "All endpoints, unchanged ones included, take at most" in comment


def test_the_rules_say_when_a_secret_is_looked_at() -> None:
    assert "not set here; looked at with `--stack` only" in rules_document()


def test_a_cpu_row_says_what_was_judged() -> None:
    """Nobody knows how a CPU would hold smaller weights, so they count as they are stored."""
    model = Model("acme/own", Weights(10**10, 5 * 10**9, ("BF16",)), None)
    rows = [row for row in Catalog.snapshot().rows if row.spelling == "intel-spr x8"][:1]

    [cells] = render.fit_table(rank(model, rows, Load(precision=Precision.INT8))).rows

    assert "as stored" in cells
    assert "The weights take 9.31 GiB" in cells[-1]


class TestLength:
    """The model of the shipped chat has 32768 positions, by the lock file."""

    def found(self, folder: Path, **fields: Any) -> list[tuple[str, str, str]]:
        shutil.copy(ROOT / "specs" / FILE, folder / FILE)
        spec = yaml.safe_load((ROOT / "specs" / "qwen-chat.yaml").read_text())
        (folder / "qwen-chat.yaml").write_text(yaml.safe_dump({**spec, "engine": {"type": "vllm"}, **fields}))
        told = json.loads(run("plan", folder, "--format", "json").stdout)["findings"]
        return [(one["severity"], one["field"], one["sentence"]) for one in told if one["rule"] == "context-too-long"]

    def test_more_than_the_model_has_positions_for(self, tmp_path: Path) -> None:
        [(severity, field, sentence)] = self.found(tmp_path, max_model_len=131072)

        assert (severity, field) == ("warning", "max_model_len")
        assert "131072 tokens" in sentence
        assert "positions for 32768" in sentence
        assert "vLLM refuses to start" in sentence

    @pytest.mark.parametrize(
        "fields",
        [
            {"max_model_len": 32768},
            {"max_model_len": 131072, "env": {"VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1"}},
            {"max_model_len": 131072, "args": ["--hf-overrides", '{"rope_scaling": {"factor": 4.0}}']},
        ],
    )
    def test_what_is_meant_draws_no_remark(self, tmp_path: Path, fields: dict[str, Any]) -> None:
        assert self.found(tmp_path, **fields) == []
