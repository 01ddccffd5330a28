"""bfloat16 on a card that has none: an engine that is told to compute in it does not start, memory or not."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import run, talking_to

from hfdeploy.catalog import Catalog
from hfdeploy.fit import FitVerdict
from hfdeploy.lock import FILE, read_lock
from hfdeploy.review import Review, review_specs
from hfdeploy.spec import load_specs

pytest_plugins = ["command_line"]

SHIPPED = Path(__file__).parents[1] / "specs"


def judged(folder: Path, **changes: Any) -> Review:
    """SmolLM2, which is stored in bfloat16, on a T4."""
    spec = yaml.safe_load((SHIPPED / "smollm.yaml").read_text()) | {"instance": "nvidia-t4 x1", **changes}
    (folder / "chat.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))
    return review_specs(load_specs([folder]), Catalog.snapshot(), read_lock(SHIPPED / FILE))


@pytest.mark.parametrize("args", [["--dtype", "bfloat16"], ["--dtype=bfloat16"]])
def test_vllm_that_is_told_bfloat16_on_a_t4_would_not_start(tmp_path: Path, args: list[str]) -> None:
    """vllm-project/vllm#1157. It is no matter of memory, and the verdict on that stays."""
    review = judged(tmp_path, engine={"type": "vllm"}, args=args)

    [finding] = review.blocking
    [fit] = review.fits.values()
    assert (finding.rule, finding.field, fit.verdict) == ("dtype-unsupported", "args.0", FitVerdict.FIT)
    assert "nvidia-t4 x1 does not compute in bfloat16" in finding.sentence
    assert any("tell it float16" in note for note in fit.notes)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"engine": {"type": "vllm"}}, id="vLLM takes float16 by itself"),
        pytest.param({"engine": {"type": "vllm"}, "args": ["--dtype", "half"]}, id="it is told float16"),
        pytest.param({"engine": {"type": "sglang"}, "args": ["--dtype", "bfloat16"]}, id="SGLang takes float16"),
        pytest.param(
            {"engine": {"type": "vllm"}, "args": ["--dtype", "bfloat16"], "instance": "nvidia-l4 x1"}, id="L4"
        ),
    ],
)
def test_where_the_engine_starts_nothing_is_said(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Newer cards have it, and engines that choose for themselves choose what the card has."""
    assert "dtype-unsupported" not in {finding.rule for finding in judged(tmp_path, **changes).findings}


def test_of_tgi_nobody_knows(tmp_path: Path) -> None:
    """Whether its kernels refuse was not seen: a warning."""
    review = judged(tmp_path, engine={"type": "tgi"}, args=["--dtype", "bfloat16"])

    found = [(one.rule, one.severity.value) for one in review.findings if one.rule == "dtype-unsupported"]
    assert found == [("dtype-unsupported", "warning")]


def test_a_ranking_says_it_of_the_instance_that_is_asked_for(emulator) -> None:
    """The memory holds, so the verdict does; float16 has nothing against it."""
    asked = ["fit", "HuggingFaceTB/SmolLM2-360M-Instruct", "--cloud", "aws", "--region", "us-east-1"]
    asked += ["--instance", "nvidia-t4 x1", "--dtype"]
    env = talking_to(emulator, HF_ENDPOINT=emulator.url)

    told, half = run(*asked, "bfloat16", env=env), run(*asked, "half", env=env)

    assert (told.returncode, half.returncode) == (0, 0)
    assert "does not compute in bfloat16, which the engine is told to do" in " ".join(told.stdout.split())
    assert "bfloat16" not in half.stdout.partition("per GPU")[2]
