"""The report of `make faults`: a run that did not show every fault is red, whatever its tests said."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fault_report import BEGIN, END, load_catalogue, with_block

PROVES_ALL = """
import pytest

@pytest.mark.fault(*range(1, 46))
@pytest.mark.parametrize("n", [1, 2])
def test_all(record_property, n):
    record_property("kills", n)
    record_property("orphans", 0)
    record_property("colour", "blue")
"""


def campaign(folder: Path, text: str, *options: str) -> tuple[int, str]:
    """A run of those tests with the plugin, in a process of its own."""
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = fault(*rows): as in the real one\n")
    (folder / "test_some.py").write_text(text)
    (folder / "README.md").write_text(f"# Title\n{BEGIN}\nold\n{END}\nafter\n")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "fault_report", "-p", "no:cacheprovider", "-m", "fault", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_the_catalogue_has_its_45_rows_in_order() -> None:
    """Numbers are what tests and documents refer to."""
    assert [fault.number for fault in load_catalogue()] == list(range(1, 46))
    assert len({fault.name for fault in load_catalogue()}) == 45


@pytest.mark.parametrize("workers", [[], ["-n", "2"]], ids=["one process", "two workers"])
def test_a_run_that_shows_every_fault_is_green_and_kept(tmp_path: Path, workers: list[str]) -> None:
    """Rows and figures travel from the workers; the numbers of the documents are those of the run."""
    code, said = campaign(tmp_path, PROVES_ALL, *workers)

    assert code == 0, said
    kept = json.loads((tmp_path / ".state" / "faults.json").read_text())
    assert kept["figures"] == {"kills": 3, "orphans": 0}
    assert [one["shown"] for one in kept["faults"]] == [True] * 45
    assert len(kept["faults"][0]["tests"]) == 2
    assert "45 of 45 faults shown, 2 tests (2 passed, 0 failed, 0 skipped), 3 kills, 0 orphans" in said
    assert "not counted: faults injected, schedules" in said
    assert kept["summary"] in (tmp_path / "docs" / "reliability.md").read_text()
    assert kept["summary"] in (tmp_path / "README.md").read_text()
    assert "old" not in (tmp_path / "README.md").read_text()


@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ("@pytest.mark.fault(7)\ndef test_one(): pytest.skip('no')", "NOT SHOWN: 7"),
        ("@pytest.mark.fault(7)\ndef test_one(): assert False", "NOT SHOWN: 7"),
        ("@pytest.mark.fault(46)\ndef test_one(): pass", "NO SUCH ROW in the catalogue: 46"),
    ],
    ids=["skipped", "failed", "unknown row"],
)
def test_one_test_that_shows_nothing_turns_it_red(tmp_path: Path, test: str, sentence: str) -> None:
    """Another test of the same row does not make up for it, and no document is written."""
    code, said = campaign(tmp_path, f"{PROVES_ALL}\n{test}\n")

    assert code == 1
    assert sentence in said
    assert not (tmp_path / "docs").exists()
    assert "old" in (tmp_path / "README.md").read_text()


def test_a_row_without_a_test_turns_it_red(tmp_path: Path) -> None:
    """All tests are green, and one fault was never tried."""
    code, said = campaign(tmp_path, PROVES_ALL.replace("range(1, 46)", "range(1, 45)"))

    assert code == 1
    assert "NOT SHOWN: 45" in said
    assert "44 of 45 faults shown" in said


def test_a_document_without_the_markers_is_left_alone() -> None:
    """Nobody's text is overwritten."""
    assert with_block("nothing to replace\n", "block") == "nothing to replace\n"
