"""--usage usage.csv: expected cost from a table, with its assumptions, and never without."""

from decimal import Decimal
from pathlib import Path

import pytest
from audited import VLLM, compute, days_ago, model, run_audit
from command_line import SPEC, run, succeed, tell
from control_plane import Running
from hypothesis import given
from hypothesis import strategies as st
from usage import SMALL

from hfdeploy.errors import SpecError, UsageError
from hfdeploy.usage import read_usage

pytest_plugins = ["command_line", "usage"]

HEAD = "name,active_hours_per_day,avg_replicas\n"


def table(folder: Path, *lines: str) -> Path:
    file = folder / "usage.csv"
    file.write_text(HEAD + "".join(f"{line}\n" for line in lines))
    return file


def test_a_table_makes_an_expected_month_with_what_it_assumes(specs: Path, tmp_path: Path) -> None:
    """8 of 24 hours at 1.5 replicas of $0.80: 730 / 24 x 8 x 1.5 x 0.80."""
    file = table(tmp_path, "demo,8,1.5")

    told = tell("plan", specs, "--usage", file)
    said = succeed("plan", specs, "--usage", file)

    assert told["endpoints"][0]["cost"]["monthly_expected"] == told["totals"]["monthly_expected"] == "292"
    assert told["endpoints"][0]["usage"] == {
        "active_hours_per_day": "8",
        "avg_replicas": "1.5",
        "source": f"{file}:2",
        "assumption": f"8 h a day at 1.5 replicas ({file}:2)",
    }
    assert f"$292.00/month (demo $292.00, 8 h a day at 1.5 replicas ({file}:2))" in said


def test_without_usage_nothing_is_expected(specs: Path, emulator: Running) -> None:
    """One number would be read as the bill."""
    emulator.seed("one", lastUsedAt=days_ago(0))
    said = succeed("plan", specs)
    told = tell("plan", specs)
    audited = run_audit(emulator, "--no-hub").stdout

    assert "xpected" not in said + audited
    assert (told["endpoints"][0]["cost"]["monthly_expected"], told["endpoints"][0]["usage"]) == (None, None)
    assert told["totals"]["monthly_expected"] is None


def test_what_no_usage_is_known_of_is_named_and_not_taken_for_free(specs: Path, tmp_path: Path) -> None:
    """A sum over some endpoints looks like the sum over all."""
    (specs / "other.yaml").write_text(SPEC.replace("demo", "other"))
    ended = run("plan", specs, "--usage", table(tmp_path, "demo,24,1", "gone,1,1"))

    assert ended.returncode == 0
    assert "Nothing is expected of other, whose usage or price is not known." in ended.stdout
    assert "usage.csv:3: gone is no endpoint here." in ended.stderr


def test_everything_wrong_in_a_table_is_said_at_once(specs: Path, tmp_path: Path) -> None:
    """With lines, and with 2."""
    file = table(tmp_path, "demo,25,1", "demo,x,-1", ",1,1", "demo,4", "a,1,NaN", "b,1,9")
    (specs / "b.yaml").write_text(SPEC.replace("name: demo", "name: b"))

    ended = run("plan", specs, "--usage", file)

    assert (ended.returncode, ended.stdout) == (2, "")
    said = [line.removeprefix(f"{file}:") for line in ended.stderr.splitlines()]
    assert said == [
        "2: active_hours_per_day: is 25, and a day has 24 hours",
        "3: active_hours_per_day: must be a number from 0 on, such as 4 or 1.5; found 'x'",
        "3: avg_replicas: must be a number from 0 on, such as 4 or 1.5; found '-1'",
        "3: name: is demo, and so is that of line 2; an endpoint has one line",
        "4: name: is empty: which endpoint is meant?",
        "5: has 2 cells, and the first line names 3 columns",
        "6: avg_replicas: must be a number from 0 on, such as 4 or 1.5; found 'NaN'",
        "7: avg_replicas: is 9, and autoscaling.max of b is 1",
        "error: 8 problems in 1 file.",
    ]


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("name,hours", "lacks the column active_hours_per_day, lacks the column avg_replicas, has a column 'hours'"),
        ("", "lacks the column name"),
        ("name,name,active_hours_per_day,avg_replicas", "has the column name twice"),
    ],
)
def test_a_wrong_first_line_says_what_the_columns_are(tmp_path: Path, head: str, said: str) -> None:
    """The rest means nothing then."""
    file = tmp_path / "usage.csv"
    file.write_text(f"{head}\ndemo,1,1\n")

    with pytest.raises(SpecError, match=said) as met:
        read_usage(file)
    assert "the columns are name, active_hours_per_day, avg_replicas" in str(met.value)


def test_columns_in_any_order_blank_lines_and_a_mark_of_a_spreadsheet_are_fine(tmp_path: Path) -> None:
    """That is how spreadsheets save them."""
    file = tmp_path / "usage.csv"
    file.write_text('\ufeffavg_replicas, name ,active_hours_per_day\r\n\r\n1.5,"demo", 8\r\n', encoding="utf-8")

    (known,) = read_usage(file).items()

    assert known[0] == "demo"
    assert (known[1].usage.active_hours_per_day, known[1].usage.avg_replicas, known[1].line) == (8, Decimal("1.5"), 3)


def test_a_file_that_is_no_table_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """Missing, binary, or a folder."""
    binary = tmp_path / "usage.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    for file in (tmp_path / "nowhere.csv", binary, tmp_path):
        with pytest.raises(UsageError):
            read_usage(file)


@given(st.text(max_size=200))
def test_no_table_ends_in_anything_but_an_answer_or_our_own_error(tmp_path_factory, text: str) -> None:
    """People export from anywhere."""
    file = tmp_path_factory.mktemp("usage") / "usage.csv"
    file.write_text(HEAD + text, encoding="utf-8", errors="replace")
    try:
        found = read_usage(file)
    except UsageError:
        return
    assert all(0 <= known.usage.active_hours_per_day <= 24 for known in found.values())


def test_an_audit_expects_by_a_table(emulator: Running, tmp_path: Path) -> None:
    """The same table as for a plan."""
    emulator.seed("demo", compute=compute("nvidia-l4 x1", 0, 3), model=model(SMALL, VLLM), lastUsedAt=days_ago(0))
    file = table(tmp_path, "demo,8,1.5")

    ended = run_audit(emulator, "--usage", str(file), "--no-hub")

    assert "$292.00/month (demo $292.00, 8 h a day at 1.5 replicas" in ended.stdout
    assert "EXPECTED" in ended.stdout
