"""--usage: expected cost from a table or from metrics, with its assumptions, and never without."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from audited import VLLM, compute, days_ago, model, run_audit
from command_line import SPEC, run, succeed, talking_to, tell
from control_plane import Running
from hypothesis import given
from hypothesis import strategies as st

from hfdeploy.catalog import Catalog
from hfdeploy.cost import HOURS_PER_MONTH, estimate
from hfdeploy.errors import SpecError, UsageError
from hfdeploy.usage import Known, load_of, measure, read_usage
from hfdeploy.wire import parse_metrics

pytest_plugins = ["command_line"]

SMALL = "HuggingFaceTB/SmolLM2-360M-Instruct"
HEAD = "name,active_hours_per_day,avg_replicas\n"
START = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = START + timedelta(days=7)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    """A folder with one spec on an L4 at $0.80/h, up to three replicas, asleep when idle."""
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "demo.yaml").write_text(SPEC + "autoscaling: { min: 0, max: 3 }\n")
    return folder


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


def running(*points: tuple[datetime, float | None]) -> dict:
    return {
        "replicasRunning": {
            "series": [{"status": "running", "data": [{"x": at.isoformat(), "y": count} for at, count in points]}]
        }
    }


@given(
    counts=st.lists(st.integers(0, 5), min_size=7, max_size=7),
    hours=st.lists(st.integers(1, 23), min_size=7, max_size=7),
)
def test_what_is_expected_is_what_was_run_carried_on(counts: list[int], hours: list[int]) -> None:
    """For an endpoint that may sleep: replica-hours of the week, for a month of 730 hours."""
    points = []
    for day, (count, long) in enumerate(zip(counts, hours, strict=True)):
        points += [(START + timedelta(days=day), count), (START + timedelta(days=day, hours=long), 0)]
    replica_hours = sum(count * long for count, long in zip(counts, hours, strict=True))

    known = measure(parse_metrics(running(*points)), START, WEEK)

    assert isinstance(known, Known)
    row = Catalog.snapshot().find("aws", "us-east-1", "nvidia-t4", "x1")
    assert row
    cost = estimate(row, min_replicas=0, max_replicas=5, idle_minutes=15, usage=known.usage)
    assert cost.expected is not None
    assert float(cost.expected) == pytest.approx(0.5 * replica_hours / (7 * 24) * HOURS_PER_MONTH, rel=1e-3)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (None, "no metrics"),
        ({}, "do not say how many replicas ran"),
        ({"replicasRunning": {"series": [{"status": "ready", "data": []}]}}, "do not say how many replicas ran"),
        (running((WEEK - timedelta(hours=5), 1)), "cover 5.0 hours"),
        (running((START, None)), "cover 0.0 hours"),
        (running((WEEK + timedelta(days=1), 1)), "cover 0.0 hours"),
    ],
)
def test_what_metrics_do_not_say_is_not_made_up(reply: dict | None, said: str) -> None:
    """An expected month from an hour, or from a label that nobody knows, is a guess."""
    found = measure(None if reply is None else parse_metrics(reply), START, WEEK)

    assert isinstance(found, str)
    assert said in found


@pytest.mark.parametrize("scale", [1, 1000])
def test_times_may_be_numbers(scale: int) -> None:
    """Seconds or milliseconds: the description of the API says neither."""
    data = [{"x": START.timestamp() * scale, "y": 2}]
    known = measure(parse_metrics({"replicasRunning": {"series": [{"status": "running", "data": data}]}}), START, WEEK)

    assert isinstance(known, Known)
    assert (known.usage.avg_replicas, known.usage.active_hours_per_day) == (2, 24)


def test_refused_callers_are_no_use() -> None:
    """A scanner without a token would keep every endpoint from being idle."""
    series = [
        {"statusCode": code, "data": [{"x": START.isoformat(), "y": count}]} for code, count in ((401, 9), ("200", 2))
    ]
    metrics = parse_metrics({"responseStatusCodeGrouped": {"series": series}})

    assert load_of(metrics, START, WEEK, is_cpu=False).requests == 2
    assert load_of(parse_metrics({}), START, WEEK, is_cpu=False).requests is None


@pytest.fixture
def measured(emulator: Running) -> Running:
    """One endpoint that ran two replicas every second day of a week and nobody calls, and one without figures."""
    counts = [[days_ago(7 - half), 2 if half % 2 == 0 else 0] for half in range(7)]
    emulator.seed(
        "demo",
        compute=compute("nvidia-l4 x1", 0, 3),
        model=model(SMALL, VLLM),
        createdAt=days_ago(100),
        replicaCounts=counts,
        usage={"hardwareGpu": 4.0},
    )
    emulator.seed(
        "other",
        compute=compute("nvidia-l4 x1"),
        model=model(SMALL, VLLM),
        createdAt=days_ago(100),
        replicaCounts=[[days_ago(0.2), 1]],
    )
    return emulator


def test_a_plan_expects_by_the_metrics_of_what_is_live(measured: Running, specs: Path) -> None:
    """4 of 7 days at two replicas of $0.80: 730 x 4 / 7 x 2 x 0.80."""
    (specs / "new.yaml").write_text(SPEC.replace("demo", "new"))

    ended = run("plan", specs, "--usage", "metrics", "--format", "json", env=talking_to(measured))

    told = {one["name"]: one for one in json.loads(ended.stdout)["endpoints"]}
    assert float(told["demo"]["cost"]["monthly_expected"]) == pytest.approx(730 * 4 / 7 * 2 * 0.8, rel=1e-3)
    assert told["demo"]["usage"]["source"] == "metrics of 7.0 days"
    assert (told["new"]["usage"], ended.returncode) == (None, 0)
    assert "Nothing is expected of new: the service has no metrics of it." in ended.stderr


def test_an_audit_expects_and_judges_by_metrics(measured: Running) -> None:
    """Nobody called it in a week although it was up; the one whose figures are too young is said to be unknown."""
    before = len(measured.requests())
    ended = run_audit(measured, "--usage", "metrics", "--no-hub", "--format", "json")
    sent = [one for one in measured.requests()[before:] if not one["path"].startswith("/_emulator")]

    told = json.loads(ended.stdout)
    demo, other = told["endpoints"]
    assert float(demo["cost"]["monthly_expected"]) == pytest.approx(730 * 4 / 7 * 2 * 0.8, rel=1e-3)
    assert (demo["is_idle"], demo["idle_why"]) == (True, "its metrics of 7 days count no requests")
    assert (other["usage"], other["cost"]["monthly_expected"]) == (None, None)
    assert "of less than a day no month can be expected" in other["usage_unknown"]
    assert {one["path"] for one in sent if one["method"] != "GET"} == {
        "/v2/endpoint/acme/demo/metrics",
        "/v2/endpoint/acme/other/metrics",
    }


@pytest.mark.parametrize(("percent", "rule", "severity"), [(4.0, "oversized", "note"), (97.0, "undersized", "warning")])
def test_processors_with_too_little_or_too_much_to_do(
    emulator: Running, percent: float, rule: str, severity: str
) -> None:
    """By the figures of the period that was asked for."""
    emulator.seed(
        "demo",
        compute=compute("nvidia-t4 x1", 1, 1),
        model=model(SMALL, VLLM),
        createdAt=days_ago(100),
        lastUsedAt=days_ago(0.1),
        requests=[[days_ago(1), 200, 0.5]],
        usage={"hardwareGpu": percent},
    )

    told = json.loads(run_audit(emulator, "--usage", "metrics", "--no-hub", "--format", "json").stdout)

    (found,) = [one for one in told["findings"] if one["rule"] != "always-on"]
    assert (found["rule"], found["severity"]) == (rule, severity)
    assert f"{percent:.0f} %" in found["sentence"]


def test_an_audit_expects_by_a_table(emulator: Running, tmp_path: Path) -> None:
    """The same table as for a plan."""
    emulator.seed("demo", compute=compute("nvidia-l4 x1", 0, 3), model=model(SMALL, VLLM), lastUsedAt=days_ago(0))
    file = table(tmp_path, "demo,8,1.5")

    ended = run_audit(emulator, "--usage", str(file), "--no-hub")

    assert "$292.00/month (demo $292.00, 8 h a day at 1.5 replicas" in ended.stdout
    assert "EXPECTED" in ended.stdout


def test_metrics_that_cannot_be_read_leave_the_rest_of_an_audit(measured: Running) -> None:
    """One route that is down must not hide what everything costs."""
    measured.fault("server_error", path="/v2/endpoint/acme/demo/metrics", times=None)

    ended = run_audit(measured, "--usage", "metrics", "--no-hub", "--format", "json")

    demo, _ = json.loads(ended.stdout)["endpoints"]
    assert (ended.returncode, demo["usage"], demo["cost"]["monthly_ceiling"]) == (0, None, "1752")
    assert "The metrics of acme/demo could not be read" in ended.stderr
    assert demo["usage_unknown"]


def test_counters_that_cannot_be_read_leave_the_rest_of_an_audit(emulator: Running) -> None:
    """Whether one is used is not known then; the other's counters are read all the same."""
    for name in ("demo", "other"):
        emulator.seed(name, compute=compute("nvidia-t4 x1", 1, 1), model=model(SMALL, VLLM), createdAt=days_ago(100))
    emulator.fault("server_error", path="/v2/endpoint/acme/demo/open-metrics", times=None)

    ended = run_audit(emulator, "--no-hub", "--format", "json")

    demo, other = json.loads(ended.stdout)["endpoints"]
    assert (ended.returncode, demo["is_idle"], other["is_idle"]) == (0, None, True)
    assert "The counters of acme/demo could not be read" in ended.stderr
