"""A model to serve and a folder of specs, for tests of what is used.

A pytest plugin that test modules also import from, hence PYTEST_DONT_REWRITE.
"""

from pathlib import Path

import pytest
from command_line import SPEC

SMALL = "HuggingFaceTB/SmolLM2-360M-Instruct"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with one spec on an L4 at $0.80/h, up to three replicas, asleep when idle."""
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "demo.yaml").write_text(SPEC + "autoscaling: { min: 0, max: 3 }\n")
    return folder
