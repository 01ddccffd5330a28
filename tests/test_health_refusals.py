"""A declared health route that answers 4xx: evidence, but not the first time, since a proxy may say it for a moment."""

from collections.abc import Iterator

import pytest
from clocks import Clock
from control_plane import Running
from plugin_stack import puts
from rollouts import GOOD, Make
from speaker import Speaker, http
from test_verify import GOOD as STREAM
from test_verify import check_of

from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import prove

pytest_plugins = ["project", "rollouts"]

MISSING = http(404, {"error": "not found"})


@pytest.fixture
def server() -> Iterator[Speaker]:
    with Speaker() as speaker:
        speaker.on("/info", http(200, {"model_id": "/repository", "model_sha": None, "max_total_tokens": 4096}))
        speaker.on("/generate_stream", STREAM)
        yield speaker


@pytest.mark.fault(24)
@pytest.mark.parametrize("status", [400, 404, 405, 422])
@pytest.mark.parametrize(("refusals", "verdict"), [(1, Verdict.PASSED), (2, Verdict.PASSED), (3, Verdict.FAILED)])
def test_three_refusals_are_a_verdict(
    server: Speaker, clock: Clock, refusals: int, verdict: Verdict, status: int
) -> None:
    """Fewer are a flake; with the third nothing more is asked, and the prompt never is."""
    server.on("/health", *[http(status, {"error": "not found"})] * refusals, http(200))

    proof = prove(check_of(server), clock=clock)

    assert proof.verdict is verdict
    assert len(server.asked("/health")) == min(refusals + 1, 3)
    assert len(server.asked("/generate_stream")) == (verdict is Verdict.PASSED)
    if verdict is Verdict.FAILED:
        assert proof.reason is Reason.UNHEALTHY
        assert f"/health answered {status} instead of 200" in proof.sentence


@pytest.mark.fault(24)
def test_refusals_count_together_across_other_trouble(server: Speaker, clock: Clock) -> None:
    """A 404, a 500 and two more of the first are three refusals of one route."""
    server.on("/health", MISSING, http(500), MISSING, http(502), MISSING)

    proof = prove(check_of(server), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.UNHEALTHY)


@pytest.mark.fault(14, 24)
@pytest.mark.parametrize("times", [1, 2])
def test_an_update_is_not_taken_back_for_a_moment_without_a_health_route(
    make: Make, world: Running, times: int
) -> None:
    """What answers a moment later is green, and nothing is put back."""
    stack = make()
    world.fault("html", path="*/health", status=404, times=times)

    stack.bring(env={"LOG_LEVEL": "debug"})

    assert stack.outs is not None
    assert stack.outs["verdict"] == "passed"
    assert [put["model"] for put in puts(world)] == [{"env": {"LOG_LEVEL": "debug"}}]
    assert stack.tags("hfd-bad-") == []


@pytest.mark.fault(14, 24)
def test_an_update_whose_health_route_stays_away_is_taken_back(make: Make, world: Running) -> None:
    """Three times is evidence against it; what served before is asked anew."""
    stack = make()
    world.fault("html", path="*/health", status=404, times=3)

    said = stack.fail(env={"LOG_LEVEL": "debug"})

    assert "/health answered 404 instead of 200" in said
    assert "The previous configuration was put back and serves again" in said
    assert (stack.image, stack.config["model"]["env"]) == (GOOD, {"LOG_LEVEL": "info"})
