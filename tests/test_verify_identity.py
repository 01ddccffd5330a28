"""Before an endpoint is asked: it is the declared one, at an address of its own, and it serves the right commit."""

from dataclasses import replace

import pytest
from exchange import API, TOKEN
from hostile import HOSTILE
from proof import LONG, check_of, tries, well
from speaker import Speaker, http

from hfdeploy.stream import Target
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import Check, prove

server = pytest.fixture(well)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40


def test_nothing_is_sent_to_a_configuration_that_is_not_the_declared_one(server, clock) -> None:
    """The stream would prove the wrong thing."""
    check = replace(check_of(server), mismatches=["revision is abc, asked for is def", "compute is x1 instead of x4"])

    proof = prove(check, clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_AS_ASKED)
    assert "revision is abc, asked for is def; compute is x1 instead of x4" in proof.sentence
    assert server.callers == 0


@pytest.mark.fault(33)
@pytest.mark.parametrize("url", HOSTILE)
def test_a_foreign_host_gets_no_request_at_all(server, clock, monkeypatch, url) -> None:
    """Fault 33: every name leads to a server that would take the token; nobody even calls it."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("127.0.0.1", server.port))])

    proof = prove(Check(Target(url=url, api_url=API, engine="tgi", token=TOKEN)), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST)
    assert "nothing was sent" in proof.sentence
    assert server.callers == 0


def test_an_endpoint_on_another_port_of_this_machine_gets_nothing(server, clock) -> None:
    """The emulator's own origin is the only one that is asked."""
    check = replace(check_of(server), target=replace(check_of(server).target, api_url="http://127.0.0.1:1"))

    assert prove(check, clock=clock).reason is Reason.FOREIGN_HOST
    assert server.callers == 0


def test_a_public_name_that_leads_home_is_a_foreign_host(server, clock, monkeypatch) -> None:
    """The lookup is data from outside as well."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("127.0.0.1", server.port))])
    target = Target(url="https://x.endpoints.huggingface.cloud", api_url=API, engine="tgi", token=TOKEN)

    proof = prove(Check(target), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST)
    assert server.heard == []


def test_an_endpoint_without_an_address_is_inconclusive(clock) -> None:
    """It is shown as running before it has one."""
    proof = prove(Check(Target(url="", api_url=API)), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.UNHEALTHY)


@pytest.mark.parametrize("route", ["//evil.example/health", "https://evil.example", "/x\r\ny: z"])
def test_a_health_route_that_is_no_path_is_not_asked(server, clock, route) -> None:
    """It would take the token elsewhere."""
    proof = prove(check_of(server, health_route=route), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST)
    assert server.callers == 0


@pytest.mark.fault(28)
def test_a_declared_health_route_that_is_missing_fails(server, clock) -> None:
    """It is part of the configuration, and it is wrong."""
    proof = prove(check_of(server, health_route="/ready"), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.UNHEALTHY)
    assert "/ready answered 404" in proof.sentence


@pytest.mark.fault(33)
def test_a_redirecting_health_route_is_neither_followed_nor_evidence(server, clock) -> None:
    """Fault 33."""
    with Speaker() as other:
        server.on("/health", http(302, location=f"{other.url}/health"))

        proof = prove(check_of(server), clock=clock)

        assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.UNHEALTHY)
        assert other.callers == 0


def test_a_replica_of_another_commit_is_no_proof(server, clock) -> None:
    """During an update the old replicas still answer."""
    server.on("/info", http(200, {"model_sha": OTHER}))

    proof = prove(check_of(server, revision=COMMIT), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.WRONG_REVISION, 0)
    assert f"serves commit {OTHER[:12]}, asked for is {COMMIT[:12]}" in proof.sentence


def test_the_right_commit_may_come_a_moment_later(server, clock) -> None:
    """The old replica leaves while the tries go on."""
    server.on("/info", http(200, {"model_sha": OTHER}), http(200, {"model_sha": COMMIT}))

    proof = prove(check_of(server, revision=COMMIT), clock=clock, deadlines=LONG)

    assert (proof.passed, tries(server)) == (True, 1)


@pytest.mark.parametrize("info", [{"model_sha": None}, {"model_sha": "main"}, {}, [1]])
def test_an_engine_that_does_not_know_its_commit_is_believed(server, clock, info) -> None:
    """On the service models are mounted, and the engine often cannot tell."""
    server.on("/info", http(200, info))

    assert prove(check_of(server, revision=COMMIT), clock=clock, deadlines=LONG).passed
