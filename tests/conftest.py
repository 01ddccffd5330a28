"""What every test may use, and the rule that a run counts only when every test in it ran."""

from collections import Counter

import pytest
from clocks import Clock
from hypothesis import HealthCheck, settings

from hfdeploy import redact

# Machines that run tests are slow and noisy: how long an example takes says nothing about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

NOT_RUN = ("skipped", "xfailed", "xpassed")
DESELECTED = pytest.StashKey[int]()


@pytest.fixture
def clock() -> Clock:
    """Time that a test winds."""
    return Clock()


@pytest.fixture(autouse=True)
def _own_secrets() -> None:
    """What an earlier test made secret is masked, and text that may begin it held back, in no other test."""
    redact.known._forms = ()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--complete` is what `make test` passes: a run in which anything was left out fails."""
    parser.addoption("--complete", action="store_true", help="fail when a test was skipped, deselected or xfailed")
    parser.addoption(
        "--kill", metavar="POINT", help="one kill point of tests/faults/test_kills.py, e.g. create:engine:after:2"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Start counting."""
    config.stash[DESELECTED] = 0


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what `-k` and `-m` leave out; with xdist this happens in each worker.

    Of `-m fault` the tests that prove no fault are left out on purpose.
    """
    if items:
        config = items[0].config
        is_campaign = config.option.markexpr == "fault"
        config.stash[DESELECTED] += sum(not is_campaign or "fault" in item.keywords for item in items)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error) -> None:
    """Each xdist worker collects everything, so the workers' counts are the same: take the largest."""
    counted = getattr(node, "workeroutput", {}).get("deselected", 0)
    node.config.stash[DESELECTED] = max(node.config.stash[DESELECTED], counted)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn a green run red when something in it did not run."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["deselected"] = config.stash[DESELECTED]
    elif config.getoption("--complete") and session.exitstatus == pytest.ExitCode.OK and left_out(config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """Say what was left out, since the counts alone look green."""
    missing = left_out(config)
    if config.getoption("--complete") and missing:
        told = ", ".join(f"{count} {outcome}" for outcome, count in missing.items())
        terminalreporter.write_line(f"INCOMPLETE: {told}; every test has to run.", red=True)


def left_out(config: pytest.Config) -> Counter[str]:
    """How many tests were collected and did not run to an ordinary end, by outcome."""
    stats = config.pluginmanager.get_plugin("terminalreporter").stats
    counts = Counter({outcome: len(stats.get(outcome, [])) for outcome in NOT_RUN})
    counts["deselected"] = config.stash[DESELECTED]
    return +counts
