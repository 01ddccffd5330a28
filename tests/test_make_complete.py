"""The rule that all tests run: a run in which anything was left out fails."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from checkout import ROOT

PASSES = "def test_passes(): pass\n"
LEFT_OUT = {
    "1 skipped": "import pytest\n@pytest.mark.skip\ndef test_it(): pass\n",
    "1 skipped ": "import pytest\npytest.importorskip('nothing_here')\n",
    "1 xfailed": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert 0\n",
    "1 deselected": "def test_deselected(): pass\n",
}


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A pytest of its own with our conftest."""
    for name in ("conftest.py", "clocks.py"):
        shutil.copy(ROOT / "tests" / name, folder)
    (folder / "test_passes.py").write_text(PASSES)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "not deselected", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("told", "test"), LEFT_OUT.items(), ids=["skip", "module skip", "xfail", "-k"])
def test_a_test_that_did_not_run_fails_the_run(tmp_path, told, test) -> None:
    """A skip is green everywhere else, and stays for years."""
    (tmp_path / "test_left_out.py").write_text(test)

    ended = pytest_in(tmp_path, "--complete")

    assert ended.returncode == 1
    assert f"INCOMPLETE: {told.strip()}; every test has to run." in ended.stdout


def test_the_workers_of_a_parallel_run_report_what_they_left_out(tmp_path) -> None:
    """`make test` runs in parallel, where the main process does not see what a worker deselected."""
    (tmp_path / "test_left_out.py").write_text(LEFT_OUT["1 deselected"])

    ended = pytest_in(tmp_path, "--complete", "-n", "2")

    assert ended.returncode == 1
    assert "INCOMPLETE: 1 deselected;" in ended.stdout


@pytest.mark.parametrize(("marked", "code"), [("", 0), ("@pytest.mark.fault(1)\n", 1)], ids=["no fault", "a fault"])
def test_a_run_of_the_faults_may_leave_out_what_proves_none(tmp_path, marked, code) -> None:
    """`make faults` takes its tests by their marker; one of them that `-k` leaves out is missing all the same."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = fault(*rows): as in the real one\n")
    (tmp_path / "test_rows.py").write_text(
        f"import pytest\n@pytest.mark.fault(2)\ndef test_it(): pass\n{marked}def test_deselected(): pass\n"
    )

    assert pytest_in(tmp_path, "--complete", "-m", "fault").returncode == code


def test_a_run_in_which_everything_ran_passes(tmp_path) -> None:
    """The counterpart: the rule does not cry wolf."""
    assert pytest_in(tmp_path, "--complete").returncode == 0
