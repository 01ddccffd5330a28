"""Where the token may go: to hosts of the service and to the emulator's own origin, and nowhere else."""

import socket

import pytest
from exchange import API, TOKEN, answer, listening, settled
from hostile import HOSTILE
from speaker import Speaker, event, http, stream, tgi

from hfdeploy import errors
from hfdeploy.redact import Secret
from hfdeploy.stream import Address, InsideAddress, Lost, Target, allowed_host, endpoint_address, fetch, is_path
from hfdeploy.stream.address import is_inside
from hfdeploy.stream.conversation import Call
from hfdeploy.verdict import Reason, Wanted, judge

server = pytest.fixture(listening)


@pytest.mark.fault(33)
@pytest.mark.parametrize("url", HOSTILE)
def test_no_hostile_address_may_have_the_token(url) -> None:
    """Fault 33: `status.url` is data from outside."""
    assert not allowed_host(url, API)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://abc.endpoints.huggingface.cloud", "abc.endpoints.huggingface.cloud"),
        ("https://a1b2.us-east-1.aws.endpoints.huggingface.cloud/", "a1b2.us-east-1.aws.endpoints.huggingface.cloud"),
        ("https://ABC.endpoints.huggingface.cloud:443", "abc.endpoints.huggingface.cloud"),
    ],
)
def test_addresses_of_the_service_are_allowed_and_made_from_their_parts(url, host) -> None:
    """What is asked is what was compared."""
    address = endpoint_address(url, API)

    assert address is not None
    assert address.to("/health") == f"https://{host}/health"
    assert not address.is_private


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8300/endpoints/acme/tiny", True),
        ("http://127.0.0.1:8301/endpoints/acme/tiny", False),
        ("https://127.0.0.1:8300/endpoints/acme/tiny", False),
        ("http://localhost:8300/endpoints/acme/tiny", False),
        ("http://127.0.0.1:8300@evil.example/", False),
        ("http://127.0.0.1:8300/../x", False),
        ("https://x.endpoints.huggingface.cloud", False),
    ],
)
def test_an_emulator_gets_the_requests_of_its_own_origin_only(url, allowed) -> None:
    """Neither does a made-up token leave it, nor a real one reach another port of this machine."""
    assert allowed_host(url, "http://127.0.0.1:8300/v2") is allowed


def test_a_path_prefix_of_an_endpoint_is_kept() -> None:
    """The emulator's endpoints live below one."""
    address = endpoint_address("http://127.0.0.1:8300/endpoints/acme/tiny/", "http://127.0.0.1:8300")

    assert address is not None
    assert address.to("/health") == "http://127.0.0.1:8300/endpoints/acme/tiny/health"


@pytest.mark.parametrize(
    "route", ["//evil.example/x", "https://evil.example", "/a@b", "/a\\b", "/a\r\nx: y", "health", "", "/../x", "/a b"]
)
def test_a_health_route_is_a_path(route) -> None:
    """It is appended to a host that gets the token."""
    assert not is_path(route)
    assert is_path("/health?deep=1")


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("192.168.0.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),  # noqa: S104 - an address to be refused
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fd00::1", True),
        ("::ffff:10.0.0.1", True),
        ("no address", True),
        ("8.8.8.8", False),
        ("2606:4700::1", False),
    ],
)
def test_private_loopback_and_link_local_addresses_are_inside(address, inside) -> None:
    """No endpoint of the service lives there."""
    assert is_inside(address) is inside


def test_a_public_name_that_leads_into_this_network_gets_nothing(server, monkeypatch) -> None:
    """The connection itself is looked at, so a second lookup cannot answer differently; not one byte is sent."""
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_a, **_k: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))],
    )
    address = endpoint_address("https://x.endpoints.huggingface.cloud", API)
    assert address is not None

    with pytest.raises(InsideAddress, match="nothing was sent"):
        fetch(address, "/health", token=TOKEN)

    assert settled(lambda: server.callers == 1)
    assert server.heard == []


def test_a_proxy_of_the_environment_serves_the_internet_and_never_sees_the_token(server, monkeypatch) -> None:
    """Companies have one inside their network; what goes through it is encrypted for the endpoint."""
    monkeypatch.setenv("HTTPS_PROXY", server.url)
    monkeypatch.setenv("NO_PROXY", "")

    with pytest.raises(Lost):
        fetch(endpoint_address("https://x.endpoints.huggingface.cloud", API), "/health", token=TOKEN)

    assert [(heard.method, heard.path) for heard in server.heard] == [("CONNECT", "x.endpoints.huggingface.cloud:443")]
    assert "authorization" not in server.heard[0].headers


def test_an_emulator_is_reached_without_the_proxy_of_the_environment(server, monkeypatch) -> None:
    """A proxy elsewhere cannot reach this machine's loopback."""
    with Speaker() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        server.on("/health", http(200))

        assert fetch(endpoint_address(server.url, server.url), "/health", token=TOKEN).status == 200
        assert proxy.callers == 0


@pytest.mark.fault(33)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server, status) -> None:
    """The other host would learn the token."""
    with Speaker() as other:
        other.on("/generate_stream", stream(*tgi("a")))
        sample = answer(server, http(status, location=f"{other.url}/generate_stream"))

        assert judge(sample, Wanted()).reason is Reason.REDIRECTED
        assert (other.callers, len(server.heard)) == (0, 1)


def test_the_token_travels_in_one_header_only(server) -> None:
    """Addresses and bodies end up in other people's logs."""
    answer(server, stream(*tgi("a")))

    heard = server.heard[0]
    assert heard.headers["authorization"] == f"Bearer {TOKEN.reveal()}"
    assert TOKEN.reveal() not in heard.path + heard.body.decode()
    assert heard.headers["user-agent"].startswith("hfdeploy/")


def test_without_a_token_there_is_no_such_header(server) -> None:
    """An empty bearer is refused by some proxies."""
    server.on("/health", http(200))
    fetch(endpoint_address(server.url, server.url), "/health", token=None)

    assert "authorization" not in server.heard[0].headers


def test_a_server_that_echoes_the_token_does_not_get_it_into_a_sample(server) -> None:
    """Samples are evidence, and evidence is kept."""
    sample = answer(server, http(422, {"error": f"bad header Bearer {TOKEN.reveal()}"}))
    framed = answer(server, stream(event({"error": f"bad header Bearer {TOKEN.reveal()}"})))

    assert "bad header" in sample.reply
    assert "bad header" in framed.error
    assert TOKEN.reveal() not in f"{sample}{framed}"


@pytest.mark.parametrize("text", ["hf_with\nnewline", "hf_with space", "hf_ünïcode"])
def test_a_token_that_cannot_be_sent_is_named_but_not_shown(server, text) -> None:
    """Libraries quote the header they could not send."""
    with pytest.raises(errors.AuthError, match="HF_TOKEN") as problem:
        fetch(endpoint_address(server.url, server.url), "/health", token=Secret(text))

    assert text not in str(problem.value)
    assert server.callers == 0


def test_neither_target_nor_call_shows_the_token() -> None:
    """Both end up in tracebacks."""
    call = Call("GET", Address("https", "x", 443), "/", {"authorization": TOKEN.reveal()})

    assert TOKEN.reveal() not in repr(call)
    assert TOKEN.reveal() not in repr(Target("https://x", API, token=TOKEN))
