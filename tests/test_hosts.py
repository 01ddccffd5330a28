"""Where the token goes: to the API, to hosts of endpoints and to the Hub, whatever replies, redirects and names say."""

import socket
import ssl
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from canaries import TOKEN
from command_line import run, surroundings
from replies import endpoint_reply
from speaker import Speaker, http, stream, tgi

from hfdeploy import client, errors, trust
from hfdeploy.client import Deadlines
from hfdeploy.hub import Hub
from hfdeploy.redact import Secret
from hfdeploy.rollout import make_check
from hfdeploy.settings import API, HUB, Settings
from hfdeploy.transport import Transport, Untrusted, bounded
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import Patience, prove
from hfdeploy.wire import parse_endpoint

SECRET = Secret(TOKEN)
BRIEF = Patience(wake=1, trouble=0.2, answer=2, every=0.1, backoff=0.01)
ALL, TINY = "/v2/endpoint/acme", "/v2/endpoint/acme/tiny"

ELSEWHERE = [
    "http://127.0.0.1:{other}",
    "http://localhost:{other}",
    "http://127.1:{other}",
    "http://2130706433:{other}",
    "http://0x7f000001:{other}",
    "http://0177.0.0.1:{other}",
    "http://[::ffff:127.0.0.1]:{other}",
    "http://0:{other}",
    "http://127.0.0.1.:{other}",
    "http://user:pw@127.0.0.1:{other}",
    "http://127.0.0.1:{own}@127.0.0.1:{other}",
    "http://127.0.0.1:{own}\\@127.0.0.1:{other}",
    "http://127.0.0.1:{own}#@127.0.0.1:{other}",
    "http://127.0.0.1:{own}?@127.0.0.1:{other}",
    "http://127.0.0.1:{own}/../@127.0.0.1:{other}",
    "http://127.0.0.1%3a{own}:{other}",
    "http://127。0。0。1:{other}",
    "http://１２７.0.0.1:{other}",
    "//127.0.0.1:{other}",
    "https://127.0.0.1:{other}",
    "http://127.0.0.1:{own}\r\nhost: 127.0.0.1:{other}",
    "http://x.endpoints.huggingface.cloud:{other}",
]
"""What a reply may call the address of an endpoint; all of them lead, for one parser or another, to another server."""


@pytest.fixture
def service():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def other():
    """Somebody else's server, which keeps what it is sent."""
    with Speaker() as speaker:
        for path in ("/health", "/info", "/generate_stream", "/v1/models", TINY, ALL):
            speaker.on(path, http(200, endpoint_reply()))
        yield speaker


def tokens(*others: Speaker) -> int:
    """How many requests brought a token."""
    return sum("authorization" in heard.headers or TOKEN in str(heard) for one in others for heard in one.heard)


def asked_at(service: Speaker, url: str, clock):
    """What a verification makes of an endpoint whose reply names this address."""
    reply = endpoint_reply()
    reply["status"]["url"] = url
    settings = Settings(api_url=service.url, token=SECRET)
    return prove(make_check(parse_endpoint(reply), settings), clock=clock, patience=BRIEF)


@pytest.mark.fault(33)
def test_an_address_elsewhere_gets_no_token(service, other, clock, monkeypatch, record_property) -> None:
    """`status.url` is data from outside, and every name leads to the other server here."""
    leading_to("127.0.0.1", monkeypatch, [])
    for pattern in ELSEWHERE:
        found = asked_at(service, pattern.format(own=service.port, other=other.port), clock)
        assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST), pattern

    record_property("hostile_urls", len(ELSEWHERE))
    record_property("tokens_delivered", tokens(other))
    assert other.callers == 0
    assert service.heard == []


REDIRECTS = (301, 302, 303, 307, 308)


@pytest.mark.fault(33)
@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("path", ["/health", "/generate_stream", "/info"])
def test_an_endpoint_that_redirects_is_not_followed(service, other, clock, path, status) -> None:
    """The health route, the questions before the prompt, and the prompt."""
    service.on("/health", http(200, b"", "text/plain"))
    service.on("/info", http(200, {"model_id": "acme/tiny"}))
    service.on("/generate_stream", stream(*tgi("a")))
    service.on(path, http(status, location=f"{other.url}{path}"))

    asked_at(service, service.url, clock)

    assert service.heard
    assert other.callers == 0


@pytest.mark.fault(33)
@pytest.mark.parametrize("status", REDIRECTS)
def test_the_hub_sends_nobody_a_token(service, other, status) -> None:
    """It redirects, and is followed; the token stays behind."""
    path = "/api/models/acme/tiny"
    service.on(path, http(status, location=f"{other.url}/api"))
    other.on("/api", http(200, {"sha": "1" * 40}))

    with Hub(Settings(api_url=service.url, hub_url=service.url, token=SECRET, hub_token=SECRET)) as hub:
        assert hub.commit("acme/tiny") == "1" * 40

    assert (tokens(service), tokens(other)) == (1, 0)


INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.9", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1", "fd00::1",
    "fe80::1%eth0", "::ffff:10.0.0.1", "0.0.0.0", "no address",  # noqa: S104
]  # fmt: skip


def leading_to(address: str, monkeypatch, lookups: list[str]) -> None:
    """Let every name lead to one address."""

    def look_up(host, port, *_arguments, **_more):
        lookups.append(str(host))
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.fault(33)
@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_the_service_is_not_found_on_a_private_network(monkeypatch, clock, address) -> None:
    """A name server that says so lies, and asking it again changes nothing: one lookup, one sentence, nothing sent."""
    lookups: list[str] = []
    leading_to(address, monkeypatch, lookups)

    with client.connect(Settings(token=SECRET), clock=clock) as api, pytest.raises(errors.Untrusted) as problem:
        api.get("acme", "tiny")
    with Hub(Settings(token=SECRET, hub_token=SECRET), clock=clock) as hub, pytest.raises(errors.Untrusted):
        hub.commit("acme/tiny")

    assert lookups == [API.removeprefix("https://"), HUB.removeprefix("https://")]
    assert clock.naps == []
    assert "was not sent: who answers cannot be proved to be the service" in str(problem.value)


@pytest.mark.fault(33)
@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_on_the_internet(address) -> None:
    """In every notation that the system's own lookup gives."""
    assert not trust.on_the_internet(address)
    assert trust.on_the_internet("93.184.216.34")
    assert trust.on_the_internet("2606:4700::1111")
    assert [trust.here(one) for one in ("127.0.0.9", "::1", "::ffff:127.0.0.1", "10.0.0.1", "x")] == [True] * 3 + [
        False
    ] * 2


@pytest.mark.fault(33)
@pytest.mark.parametrize("address", ["10.0.0.1", "93.184.216.34", "169.254.169.254"])
def test_without_https_nothing_leaves_this_machine(monkeypatch, address) -> None:
    """`localhost` is a name like any other."""
    leading_to(address, monkeypatch, [])
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)

    with httpx2.Client(transport=Transport(), trust_env=False) as caller, bounded(total=5), pytest.raises(Untrusted):
        caller.get("http://localhost:8300/", headers={"authorization": f"Bearer {TOKEN}"})


@pytest.fixture(scope="module")
def own_signature(tmp_path_factory) -> ssl.SSLContext:
    """TLS with a certificate that nobody but its owner vouches for, made for this run."""
    folder: Path = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


OPERATIONS = {
    "get": lambda api: api.get("acme", "tiny"),
    "list": lambda api: api.list("acme"),
    "create": lambda api: api.create("acme", {"name": "tiny"}),
    "update": lambda api: api.update("acme", "tiny", {"type": "public"}, is_applied=lambda _live: True),
    "delete": lambda api: api.delete("acme", "tiny", is_same=lambda _seen: True),
    "pause": lambda api: api.pause("acme", "tiny"),
}


@pytest.mark.fault(33)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_refused_certificate_is_final(own_signature, clock, operation) -> None:
    """Whoever sits in between is there at the next try, too: one connection, one sentence, no request."""
    with Speaker(tls=own_signature) as server:
        settings = Settings(api_url=server.url, token=SECRET)
        with client.connect(settings, clock=clock) as api, pytest.raises(errors.Untrusted) as problem:
            OPERATIONS[operation](api)

        assert (server.callers, server.heard, clock.naps) == (1, [], [])
    assert "certificate verify failed" in str(problem.value)
    assert "\n" not in str(problem.value)


def test_a_handshake_that_is_cut_off_is_no_refusal(clock) -> None:
    """A connection that breaks is a fault of the network, and passes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = Settings(api_url=f"https://127.0.0.1:{port}", token=SECRET)

    with (
        client.connect(settings, clock=clock, deadlines=replace(Deadlines(), call=5)) as api,
        pytest.raises(errors.Unreachable),
    ):
        api.get("acme", "tiny")
    assert len(clock.naps) >= 1


@pytest.mark.fault(33)
def test_a_command_ends_with_one_sentence_about_the_certificate(own_signature) -> None:
    """No traceback, no header, and an exit code of its own kind."""
    with Speaker(tls=own_signature) as server:
        env = surroundings(HFDEPLOY_API_URL=server.url, HF_TOKEN=TOKEN, HFDEPLOY_NAMESPACE="acme")
        ended = run("logs", "tiny", env=env)
        assert server.heard == []

    assert ended.returncode == errors.Untrusted.exit_code
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "cannot be proved to be the service" in ended.stderr


@pytest.mark.fault(35)
def test_hf_debug_stops_every_command_that_signs_in() -> None:
    """It would have huggingface_hub log the bodies of requests, secrets in them."""
    ended = run("logs", "tiny", env=surroundings(HF_DEBUG="1", HF_TOKEN=TOKEN, HFDEPLOY_NAMESPACE="acme"))

    assert ended.returncode == errors.UsageError.exit_code
    assert "HF_DEBUG is set" in ended.stderr
    assert TOKEN not in ended.stderr
