"""One request always ends: at a deadline, at a stop request, and on a connection that is never made."""

import socket
import ssl
import threading

import pytest
from exchange import API, QUICK, TOKEN, answer, ask, listening, settled
from speaker import Speaker, chunked, tgi
from stream_shapes import SHAPES

from hfdeploy import errors
from hfdeploy.stream import Late, Lost, Stranger, conversation, endpoint_address, fetch
from hfdeploy.verdict import Deadline, Reason, Wanted, judge

server = pytest.fixture(listening)


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("shape", "deadline", "after"),
    [
        ("a black hole", Deadline.FIRST_TOKEN, 0.4),
        ("pings for ever", Deadline.FIRST_TOKEN, 0.4),
        ("a token, then pings for ever", Deadline.STALL, 0.4),
        ("a drip of tokens for ever", Deadline.TOTAL, 0.8),
    ],
)
def test_each_deadline_is_named_with_its_length_and_the_line_is_hung_up(server, shape, deadline, after) -> None:
    """A replica that goes on generating for nobody is paid for."""
    said, _, reason = SHAPES[shape]

    sample = answer(server, said, deadlines=QUICK[reason])

    assert (sample.deadline, sample.deadline_after) == (deadline, after)
    assert sample.duration >= after
    assert server.hung_up.wait(10)


def test_nothing_is_left_running_after_a_deadline(server) -> None:
    """The plugin process makes hundreds of these."""
    answer(server, SHAPES["pings for ever"][0], deadlines=QUICK[Reason.FIRST_TOKEN_TIMEOUT])

    assert settled(no_conversation)


def test_a_stop_request_ends_a_silent_try(server) -> None:
    """Ctrl-C has five seconds before the plugin is killed."""
    asked = threading.Event()
    server.on("/generate_stream", lambda line: (asked.set(), line.wait()))
    with pytest.raises(errors.Cancelled):
        ask(server, stopped=asked.is_set)

    assert server.hung_up.wait(10)


def without_certificates(side: int) -> ssl.SSLContext:
    """TLS with anonymous keys: real records on a real socket, and no private key in the repository."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AECDH-AES256-SHA:@SECLEVEL=0")
    return context


def test_a_connection_with_tls_is_measured_and_hung_up_like_any_other(monkeypatch) -> None:
    """The service is only reached so, and a TLS socket is shut down differently."""
    monkeypatch.setattr(conversation, "tls", lambda: without_certificates(ssl.PROTOCOL_TLS_CLIENT))
    with Speaker(tls=without_certificates(ssl.PROTOCOL_TLS_SERVER)) as server:
        good = answer(server, chunked(*tgi("a", "b")))
        stalled = answer(server, SHAPES["silence after the first token"][0], deadlines=QUICK[Reason.STALL])

        assert judge(good, Wanted()).passed
        assert stalled.deadline is Deadline.STALL
        assert server.hung_up.wait(10)
        assert settled(no_conversation)


def test_a_server_whose_certificate_is_not_trusted_gets_nothing() -> None:
    """The certificate is what makes a host the one it says."""
    with Speaker(tls=without_certificates(ssl.PROTOCOL_TLS_SERVER)) as server:
        with pytest.raises(Stranger, match="cannot be proved to be who was asked, so nothing was sent"):
            answer(server, chunked(*tgi("a")))

        assert server.heard == []


def test_a_host_that_swallows_connections_is_given_up() -> None:
    """A full backlog answers no SYN: the connection is neither made nor refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        address = endpoint_address(url, url)
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        with pytest.raises((Late, Lost)):
            fetch(address, "/health", token=None, seconds=0.4)
        for filler in fillers:
            filler.close()


def test_a_name_that_is_never_resolved_does_not_hold_up_the_caller(monkeypatch) -> None:
    """Name lookups know no timeout of their own."""
    done = threading.Event()

    def hang(*_args, **_kwargs):
        done.wait(30)
        raise socket.gaierror("never")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    with pytest.raises(Late):
        fetch(endpoint_address("https://x.endpoints.huggingface.cloud", API), "/health", token=TOKEN, seconds=0.3)
    done.set()


def test_a_name_that_does_not_exist_is_a_lost_connection(monkeypatch) -> None:
    """The usual picture of a new endpoint."""

    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Lost, match="not known"):
        fetch(endpoint_address("https://x.endpoints.huggingface.cloud", API), "/health", token=TOKEN)


def no_conversation() -> bool:
    """Whether no thread of ours reads any more."""
    return all(thread.name != "hfdeploy-conversation" for thread in threading.enumerate())
