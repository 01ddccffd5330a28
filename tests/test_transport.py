"""The transport below every request: deadlines through TLS and proxies, and what it shares with strangers."""

import socket
import ssl
import threading
from contextlib import suppress

import httpx2
import pytest
from speaker import Speaker, http

from hfdeploy import errors, transport
from hfdeploy.transport import Transport, bounded, is_bounded


@pytest.fixture
def speaker():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def caller():
    with httpx2.Client(transport=Transport(), trust_env=False, timeout=httpx2.Timeout(5)) as caller:
        yield caller


def test_a_request_of_a_stranger_keeps_its_own_timeouts(caller, speaker) -> None:
    """huggingface_hub has one session per process, and not every request through it is ours."""
    speaker.on("/slow", lambda line: line.wait())
    speaker.on("/", http(200, b"hello", "text/plain"))

    assert caller.post(f"{speaker.url}/", content=b"x" * 100_000).text == "hello"
    with pytest.raises(httpx2.ReadTimeout):
        caller.get(f"{speaker.url}/slow", timeout=0.2)


def test_bounds_end_with_their_block(caller, speaker) -> None:
    """Else the next request of the thread would inherit a deadline that has passed."""
    speaker.on("/", http(200, b"hello", "text/plain"))

    with bounded(total=0.0):
        assert is_bounded()
        with pytest.raises(httpx2.TimeoutException):
            caller.get(speaker.url)
    assert not is_bounded()
    assert caller.get(speaker.url).text == "hello"


def test_bounds_are_those_of_the_thread(caller, speaker) -> None:
    """Fifty operations run at once, each with a deadline of its own."""
    speaker.on("/", http(200, b"hello", "text/plain"))
    found: list[str] = []

    with bounded(total=0.0):
        other = threading.Thread(target=lambda: found.append(caller.get(speaker.url).text))
        other.start()
        other.join()

    assert found == ["hello"]


@pytest.mark.fault(9)
def test_a_body_that_never_ends_is_cut(caller, speaker, monkeypatch) -> None:
    """A server that sends fast enough meets every deadline, and fills the memory."""
    monkeypatch.setattr(transport, "MAX_BODY", 10_000)
    speaker.on("/", http(200, b"x" * 10_001))

    with bounded(total=10), pytest.raises(httpx2.ReadError, match="longer than"):
        caller.get(speaker.url)


def test_a_large_body_is_sent_and_read(caller, speaker) -> None:
    """Pieces must come together again."""
    speaker.on("/", http(200, b"y" * 300_000, "text/plain"))

    with bounded(total=10):
        reply = caller.post(speaker.url, content=b"x" * 300_000)

    assert speaker.heard[0].body == b"x" * 300_000
    assert reply.content == b"y" * 300_000


def test_every_address_of_a_name_is_tried(caller) -> None:
    """`localhost` is ::1 first on many machines, and the server may only listen on the other."""
    with Speaker() as speaker, bounded(total=10):
        speaker.on("/", http(200, b"hello", "text/plain"))

        assert caller.get(f"http://localhost:{speaker.port}/").text == "hello"


def test_a_name_that_nobody_knows_is_a_connection_that_was_not_made(caller) -> None:
    """Nothing was sent, so everything may be repeated."""
    with bounded(total=10), pytest.raises(httpx2.ConnectError, match="cannot be resolved"):
        caller.get("http://no-such-host.invalid/")


def test_a_proxy_of_the_environment_is_used(caller, speaker, monkeypatch) -> None:
    """Behind a company's proxy there is no other way out."""
    for variable in ("NO_PROXY", "no_proxy", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HTTP_PROXY", speaker.url.replace("//", "//user:pass@"))
    speaker.on("http://api.acme.invalid/v2/x", http(200, b"through the proxy", "text/plain"))

    with bounded(total=10):
        assert caller.get("http://api.acme.invalid/v2/x").text == "through the proxy"

    assert speaker.heard[0].headers["proxy-authorization"].startswith("Basic ")


def test_this_machine_is_never_reached_through_a_proxy(caller, speaker, monkeypatch) -> None:
    """The emulator's requests would otherwise leave the machine."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    speaker.on("/", http(200, b"direct", "text/plain"))

    with bounded(total=10):
        assert caller.get(speaker.url).text == "direct"


def test_a_proxy_of_another_kind_is_named(caller, monkeypatch) -> None:
    """A sentence is better than a time-out."""
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")

    with bounded(total=10), pytest.raises(errors.UsageError, match="socks5"):
        caller.get("http://api.acme.invalid/")


@pytest.fixture
def tls(monkeypatch):
    """A listener that speaks TLS without a certificate, and callers that accept that: no key has to lie about."""

    def anonymous(protocol: int) -> ssl.SSLContext:
        context = ssl.SSLContext(protocol)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
        return context

    monkeypatch.setattr(httpx2, "create_ssl_context", lambda: anonymous(ssl.PROTOCOL_TLS_CLIENT))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener, anonymous(ssl.PROTOCOL_TLS_SERVER)


def serve_once(tls, *pieces: bytes, every: float) -> threading.Thread:
    """Answer one request with the pieces, a pause after each, until the caller has had enough."""
    listener, context = tls

    def serve() -> None:
        connection, _ = listener.accept()
        with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(65536)
            for piece in pieces:
                secure.sendall(piece)
                threading.Event().wait(every)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.fault(9)
def test_deadlines_hold_within_tls(caller, tls) -> None:
    """That is how the real service is reached."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n"
    thread = serve_once(tls, head, *[b"x"] * 50, every=0.05)

    with bounded(total=0.4), pytest.raises(httpx2.ReadTimeout):
        caller.get(f"https://127.0.0.1:{tls[0].getsockname()[1]}/")
    thread.join()


def test_an_answer_comes_through_tls(caller, tls) -> None:
    """With a pause in it that is longer than the slices in which a reader waits."""
    thread = serve_once(tls, b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", b"again", every=0.4)

    with bounded(total=10):
        assert caller.get(f"https://127.0.0.1:{tls[0].getsockname()[1]}/").text == "helloagain"
    thread.join()


def test_a_server_that_never_shakes_hands_is_left(caller) -> None:
    """The handshake has its share of the deadline too."""
    with Speaker() as speaker, bounded(total=0.3), pytest.raises(httpx2.ConnectTimeout):
        caller.get(f"https://127.0.0.1:{speaker.port}/")
