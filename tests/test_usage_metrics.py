"""--usage metrics: expected cost from what the service measured, and never from what it did not."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from audited import VLLM, compute, days_ago, model, run_audit
from command_line import SPEC, run, talking_to
from control_plane import Running
from hypothesis import given
from hypothesis import strategies as st
from usage import SMALL

from hfdeploy.catalog import Catalog
from hfdeploy.cost import HOURS_PER_MONTH, estimate
from hfdeploy.usage import Known, load_of, measure
from hfdeploy.wire import parse_metrics

pytest_plugins = ["command_line", "usage"]

START = datetime(2026, 11, 1, tzinfo=UTC)
WEEK = START + timedelta(days=7)


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


@given(st.lists(st.integers(0, 9), min_size=7, max_size=7), st.integers(0, 9))
def test_no_measured_week_is_above_what_an_endpoint_may_cost(counts: list[int], most: int) -> None:
    """An update runs old and new replicas together, and the limit may have been lowered since that week."""
    points = [(START + timedelta(days=day), count) for day, count in enumerate(counts)]
    known = measure(parse_metrics(running(*points)), START, WEEK)

    assert isinstance(known, Known)
    capped = known.at_most(most)
    row = Catalog.snapshot().find("aws", "us-east-1", "nvidia-t4", "x1")
    assert row
    cost = estimate(row, min_replicas=0, max_replicas=most, idle_minutes=15, usage=capped.usage)
    assert cost.expected is not None
    assert cost.ceiling is not None
    assert cost.expected <= cost.ceiling
    assert (capped == known) == (known.usage.avg_replicas <= most) == ("autoscaling.max" not in capped.source)


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


@pytest.mark.parametrize("command", ["plan", "audit"])
def test_more_replicas_than_there_may_be_count_as_many_as_there_may(
    emulator: Running, specs: Path, command: str
) -> None:
    """For 20 minutes of the week an update had the old replica beside the new one. The rest is judged all the same."""
    update = 20 / 60 / 24
    counts = [[days_ago(7), 1], [days_ago(3), 2], [days_ago(3 - update), 1]]
    emulator.seed("demo", compute=compute("nvidia-l4 x1", 1, 1), model=model(SMALL, VLLM), replicaCounts=counts)
    (specs / "demo.yaml").write_text(SPEC + "autoscaling: { min: 1, max: 1 }\n")

    if command == "plan":
        ended = run("plan", specs, "--usage", "metrics", "--format", "json", env=talking_to(emulator))
    else:
        ended = run_audit(emulator, "--usage", "metrics", "--no-hub", "--format", "json")

    (told,) = json.loads(ended.stdout)["endpoints"]
    assert (ended.returncode, float(told["cost"]["monthly_expected"])) == (0, 730 * 0.8)
    assert told["usage"]["avg_replicas"] == "1"
    assert told["usage"]["source"] == "metrics of 7.0 days, whose 1.002 replicas count as autoscaling.max 1"


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
