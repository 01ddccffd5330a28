"""One request to an endpoint: what is sent, where it may go, what is counted, and that it always ends."""

import json
import re
import socket
import ssl
import struct
import threading
import time
from dataclasses import replace
from itertools import pairwise

import pytest
from hostile import HOSTILE
from hypothesis import given, settings
from hypothesis import strategies as st
from speaker import (
    ALIVE,
    DONE,
    Speaker,
    chat,
    chat_chunk,
    chunked,
    completions,
    event,
    http,
    opening,
    stream,
    tgi,
    tgi_end,
    tgi_token,
    usage,
)

from hfdeploy import errors
from hfdeploy.redact import Secret
from hfdeploy.stream import (
    About,
    Address,
    Deadlines,
    InsideAddress,
    Late,
    Lost,
    Prompt,
    Route,
    Stranger,
    Target,
    allowed_host,
    conversation,
    endpoint_address,
    fetch,
    health_path,
    is_path,
    make_request,
    measure,
    routes,
)
from hfdeploy.stream.address import is_inside
from hfdeploy.stream.answer import read_answer
from hfdeploy.stream.conversation import Call
from hfdeploy.stream.dialect import Dialect, Tally, read_frame
from hfdeploy.stream.prompt import TEXTS
from hfdeploy.stream.reading import events
from hfdeploy.stream.task import picture, sound, task_body
from hfdeploy.verdict import Deadline, Reason, Vectors, Verdict, Wanted, judge

API = "https://api.endpoints.huggingface.cloud"
TOKEN = Secret("hf_thisIsNobodysTokenAtAll0000")
PATIENT = Deadlines(first_token=30, stall=30, total=40, after_end=30, byte_cap=4096)
"""For answers that end by themselves, however busy the machine is."""
QUICK = {
    Reason.FIRST_TOKEN_TIMEOUT: replace(PATIENT, first_token=0.4),
    Reason.STALL: replace(PATIENT, stall=0.4),
    Reason.TOTAL_TIMEOUT: replace(PATIENT, total=0.8),
}
"""For answers that end at one deadline: that one is short."""
BRIEF = replace(PATIENT, after_end=0.2, total=60)
"""For lines that stay open after all was said."""
ROUTES = {Dialect.TGI: Route.GENERATE, Dialect.CHAT: Route.CHAT, Dialect.COMPLETIONS: Route.COMPLETIONS}


@pytest.fixture
def server():
    """Says what it is told."""
    with Speaker() as speaker:
        yield speaker


def ask(server, dialect=Dialect.TGI, *, route=None, task="", deadlines=PATIENT, **rest):
    """One try on a server that has its answers."""
    target = Target(url=server.url, api_url=server.url, repository="acme/model", task=task, token=TOKEN)
    request = make_request(target, route or ROUTES[dialect], Prompt("Say something."), About())
    address = endpoint_address(target.url, target.api_url)
    assert address is not None
    return measure(address, request, token=target.token, deadlines=deadlines, **rest)


def answer(server, *said, dialect=Dialect.TGI, **rest):
    """One try that is answered with `said`."""
    path = make_request(Target("", ""), ROUTES[dialect], Prompt(), About()).path
    server.on(path, *said)
    return ask(server, dialect, **rest)


# What is counted


def test_a_good_native_stream_is_measured_whole(server) -> None:
    """Everything a rollout reports comes from here."""
    pieces = []

    sample = answer(server, chunked(*tgi("The", " cät", " sleeps")), on_text=pieces.append)

    assert "".join(pieces) == "The cät sleeps"
    assert (sample.status, sample.content_type, sample.route) == (200, "text/event-stream", "/generate_stream")
    assert (sample.text, sample.tokens, sample.counted_by) == ("The cät sleeps", 4, "details")
    assert (sample.finish_reason, sample.has_ended, sample.error, sample.deadline) == ("eos_token", True, "", None)
    assert sample.ttft is not None
    assert 0 < sample.ttft <= sample.duration
    assert len(sample.gaps) == 2
    assert judge(sample, Wanted()).passed


def test_a_good_chat_is_counted_by_its_usage_chunk(server) -> None:
    """An engine may put several tokens into a frame; its own count is the right one."""
    sample = answer(server, stream(*chat("Hello", " there", tokens=7)), dialect=Dialect.CHAT)

    assert (sample.text, sample.tokens, sample.counted_by) == ("Hello there", 7, "usage")
    assert (sample.finish_reason, sample.has_ended) == ("length", True)


def test_without_anybodys_count_the_frames_are_counted(server) -> None:
    """Old engines send no usage."""
    sample = answer(server, stream(*chat("Hello", " there")), dialect=Dialect.CHAT)
    native = answer(server, stream(*tgi("Hello", " there", with_details=False)))

    assert (sample.tokens, sample.counted_by) == (2, "frames")
    assert (native.tokens, native.counted_by, native.has_ended) == (2, "frames", True)


def test_a_completion_ends_at_its_finish_reason_and_not_at_the_empty_ones_before(server) -> None:
    """TGI's completions route says an empty finish reason on every chunk."""
    whole = answer(server, stream(*completions("a", "b")), dialect=Dialect.COMPLETIONS)
    cut = answer(server, stream(*completions("a", "b")[:2]), dialect=Dialect.COMPLETIONS)

    assert (whole.tokens, whole.finish_reason, whole.has_ended) == (2, "length", True)
    assert (cut.tokens, cut.finish_reason, cut.has_ended) == (2, None, False)


@pytest.mark.parametrize(
    ("dialect", "frame"),
    [
        (Dialect.TGI, tgi_token("</s>", special=True)),
        (Dialect.TGI, tgi_token("")),
        (Dialect.TGI, event({"index": 1, "token": None, "generated_text": None})),
        (Dialect.TGI, event({"index": 1, "token": {"text": None, "special": False}})),
        (Dialect.CHAT, chat_chunk({"role": "assistant"})),
        (Dialect.CHAT, chat_chunk({"role": "assistant", "content": ""})),
        (Dialect.CHAT, chat_chunk({"content": None})),
        (Dialect.CHAT, chat_chunk({})),
        (Dialect.CHAT, usage(12)),
        (Dialect.CHAT, event({"choices": [None]})),
        (Dialect.CHAT, event({"choices": "none"})),
        (Dialect.COMPLETIONS, event({"choices": [{"text": "", "finish_reason": None}]})),
        (Dialect.CHAT, ALIVE),
        (Dialect.CHAT, b"data: {not json\n\n"),
        (Dialect.CHAT, b"data: 12\n\n"),
        (Dialect.CHAT, b"data: " + b"[" * 100_000 + b"\n\n"),
        (Dialect.CHAT, b"id: 1\nretry: 5\nevent: ping\nwhatever: x\n\n"),
    ],
)
def test_frames_without_text_count_for_nothing(dialect, frame) -> None:
    """Each of them is sent by an engine that generates nothing."""
    tally = tallied(dialect, [frame * 3])

    assert (tally.counted, "".join(tally.text), tally.error) == ((0, ""), "", "")


def test_the_thoughts_of_a_reasoning_model_count() -> None:
    """With a short limit there is nothing else, and the model is well."""
    frames = [chat_chunk({"reasoning_content": "Hm"}), chat_chunk({"reasoning": "m"}), chat_chunk({"content": "!"})]

    assert "".join(tallied(Dialect.CHAT, frames).text) == "Hmm!"


def test_lone_surrogates_do_not_reach_the_text() -> None:
    """JSON can spell them; a file or a terminal cannot take them."""
    tally = tallied(Dialect.CHAT, [rb'data: {"choices": [{"delta": {"content": "a\ud83d"}}]}' + b"\n\n"])

    assert "".join(tally.text).encode()


@pytest.mark.parametrize(
    ("frame", "words", "is_overload"),
    [
        ({"error": "CUDA out of memory", "error_type": "generation"}, "CUDA out of memory", False),
        ({"error": "Model is overloaded", "error_type": "overloaded"}, "Model is overloaded", True),
        ({"error": {"message": "too long", "http_status_code": 422}}, "too long", False),
        ({"error": {"message": "busy", "code": 429}}, "busy", True),
        ({"error": {"message": "no room", "http_status_code": 503}}, "no room", True),
        ({"error": {"type": "x"}}, '{"type": "x"}', False),
        ({"object": "error", "message": "flat", "code": 500}, "flat", False),
    ],
)
def test_an_error_frame_is_seen_in_every_engines_shape(frame, words, is_overload) -> None:
    """It arrives with status 200, and on OpenAI routes `[DONE]` follows as if nothing had been."""
    for dialect in Dialect:
        tally = tallied(dialect, [tgi_token("a"), chat_chunk({"content": "a"}), event(frame), DONE])

        assert (tally.error, tally.is_overload) == (words, is_overload)


def test_an_event_called_error_is_one_whatever_it_holds() -> None:
    """Some servers use the event's name instead of a key."""
    assert tallied(Dialect.CHAT, [b"event: error\ndata: out of memory\n\n"]).error == "out of memory"
    assert tallied(Dialect.CHAT, [b'event: error\ndata: {"message": "no"}\n\n']).error == "no"


def test_a_null_error_is_none() -> None:
    """Some engines send the key on every chunk."""
    tally = tallied(Dialect.CHAT, [event({"error": None, "choices": [{"delta": {"content": "a"}}]})])

    assert (tally.error, tally.counted) == ("", (1, "frames"))


def tallied(dialect, pieces) -> Tally:
    """The tally of some bytes, cut as they are."""
    tally = Tally()
    for at, said in enumerate(events(pieces)):
        tally.add(read_frame(dialect, said.data, said.event), float(at))
    return tally


# Bytes, however they are cut


@st.composite
def cut_streams(draw):
    """A stream of any dialect in any dress, and the same bytes cut anywhere."""
    dialect = draw(st.sampled_from(Dialect))
    words = draw(st.lists(st.text(alphabet="aé漢🐈\u2028 \t{}", min_size=1, max_size=6), max_size=6))
    make = {Dialect.TGI: tgi, Dialect.CHAT: chat, Dialect.COMPLETIONS: completions}[dialect]
    frames = make(*words)
    frames.insert(
        draw(st.integers(0, len(frames))), draw(st.sampled_from([ALIVE, b":\n", b"", usage(5), b"id: 3\n\n"]))
    )
    whole = b"".join(frames)
    if draw(st.booleans()):
        whole = whole.replace(b"data: {", b"data:{")
    whole = whole.replace(b"\n", draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=40)))
    return dialect, words, whole, [whole[start:stop] for start, stop in pairwise([0, *cuts, len(whole)])]


@settings(max_examples=150, deadline=None)
@given(cut_streams())
def test_a_stream_means_the_same_however_its_bytes_are_cut(case) -> None:
    """Networks cut inside JSON, inside characters and between CR and LF."""
    dialect, words, whole, pieces = case

    cut, at_once = tallied(dialect, pieces), tallied(dialect, [whole])

    assert "".join(cut.text) == "".join(words)
    assert (cut.counted, cut.text, cut.finish_reason, cut.ended_at is None) == (
        at_once.counted,
        at_once.text,
        at_once.finish_reason,
        at_once.ended_at is None,
    )


@pytest.mark.parametrize("every", [1, 7], ids=["byte by byte", "seven bytes at a time"])
def test_frames_split_on_the_wire_are_counted_all_the_same(server, every) -> None:
    """The same over a real socket."""
    whole = b"".join(tgi("Grüße", " 漢字")).replace(b"\n", b"\r\n").replace(b"data: ", b"data:")

    sample = answer(server, chunked(*(whole[at : at + every] for at in range(0, len(whole), every))))

    assert (sample.text, sample.tokens, sample.has_ended) == ("Grüße 漢字", 3, True)


def test_a_stream_in_another_declared_charset_is_read_as_utf_8() -> None:
    """Event streams are always UTF-8, whatever a header says."""
    assert "".join(tallied(Dialect.TGI, tgi("é")).text) == "é"


# The shapes of section 6.5 and others

SHAPES = {
    "good": (chunked(*tgi("a", "b")), Verdict.PASSED, Reason.PASSED),
    "good without a length": (stream(*tgi("a", "b")), Verdict.PASSED, Reason.PASSED),
    "good with parameters in its type": (
        stream(*tgi("a"), content_type="Text/Event-Stream; charset=utf-8"),
        Verdict.PASSED,
        Reason.PASSED,
    ),
    "good with pings": (stream(ALIVE, *tgi("a"), ALIVE), Verdict.PASSED, Reason.PASSED),
    "cut without an end": (stream(tgi_token("a"), tgi_token("b")), Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "cut inside a chunked body": (chunked(tgi_token("a"), is_cut=True), Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "cut inside the last frame": (
        stream(tgi_token("a"), b"".join(tgi_end(["a"]))[:-2]),
        Verdict.INCONCLUSIVE,
        Reason.TRUNCATED,
    ),
    "an empty stream": (stream(), Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "a page": (http(200, "<html>Welcome</html>", "text/html"), Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
    "right frames of the wrong type": (
        stream(*tgi("a"), content_type="text/plain"),
        Verdict.FAILED,
        Reason.WRONG_CONTENT_TYPE,
    ),
    "a json answer": (http(200, [{"generated_text": "a"}]), Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
    "a json error": (http(200, {"error": "boom", "error_type": "generation"}), Verdict.FAILED, Reason.ERROR_EVENT),
    "an error frame": (stream(tgi_token("a"), event({"error": "boom"})), Verdict.FAILED, Reason.ERROR_EVENT),
    "an error frame, then silence": (
        lambda line: (line.say(opening(), event({"error": "boom"})), line.wait()),
        Verdict.FAILED,
        Reason.ERROR_EVENT,
    ),
    "an error after the end": (stream(*tgi("a"), event({"error": "late"})), Verdict.FAILED, Reason.ERROR_EVENT),
    "an overloaded engine": (
        stream(event({"error": "Model is overloaded", "error_type": "overloaded"})),
        Verdict.INCONCLUSIVE,
        Reason.OVERLOADED,
    ),
    "empty text": (stream(tgi_token(""), *tgi_end([])), Verdict.FAILED, Reason.EMPTY),
    "special tokens only": (
        stream(tgi_token("<s>", special=True), *tgi_end([])),
        Verdict.FAILED,
        Reason.EMPTY,
    ),
    "done only": (stream(DONE), Verdict.FAILED, Reason.EMPTY),
    "silence before the first token": (
        lambda line: (line.say(opening()), line.wait()),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "silence after the first token": (
        lambda line: (line.say(opening(), tgi_token("a")), line.wait()),
        Verdict.INCONCLUSIVE,
        Reason.STALL,
    ),
    "pings for ever": (
        lambda line: (line.say(opening()), line.repeat(ALIVE, 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "a token, then pings for ever": (
        lambda line: (line.say(opening(), tgi_token("a")), line.repeat(ALIVE, 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.STALL,
    ),
    "special tokens for ever": (
        lambda line: (line.say(opening()), line.repeat(tgi_token("<s>", special=True), 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "a drip of tokens for ever": (
        lambda line: (line.say(opening()), line.repeat(tgi_token("a"), 0.1)),
        Verdict.INCONCLUSIVE,
        Reason.TOTAL_TIMEOUT,
    ),
    "a drip of headers for ever": (
        lambda line: (line.say(b"HTTP/1.1 200 OK\r\n"), line.repeat(b"x-drip: 1\r\n", 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.FIRST_TOKEN_TIMEOUT,
    ),
    "a black hole": (lambda line: line.wait(), Verdict.INCONCLUSIVE, Reason.FIRST_TOKEN_TIMEOUT),
    "an open line after the end": (
        lambda line: (line.say(opening(), *tgi("a")), line.wait()),
        Verdict.PASSED,
        Reason.PASSED,
    ),
    "pings for ever after the end": (
        lambda line: (line.say(opening(), *tgi("a")), line.repeat(ALIVE, 0.05)),
        Verdict.PASSED,
        Reason.PASSED,
    ),
    "a flood of tokens": (stream(*[tgi_token("a")] * 100), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "a flood of comments": (stream(ALIVE * 1000), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "a line without end": (stream(b"data: " + b"x" * 9000), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "a line that is closed": (lambda _line: None, Verdict.INCONCLUSIVE, Reason.TRANSPORT),
    "a line that breaks": (lambda line: line.reset(), Verdict.INCONCLUSIVE, Reason.TRANSPORT),
    "a line that breaks after a token": (
        lambda line: (line.say(opening(), tgi_token("a")), line.wait(0.1), line.reset()),
        Verdict.INCONCLUSIVE,
        Reason.TRUNCATED,
    ),
    "no http": (lambda line: line.say(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), Verdict.INCONCLUSIVE, Reason.TRANSPORT),
}


OPEN = {
    "an error frame, then silence",
    "an open line after the end",
    "pings for ever after the end",
}


@pytest.mark.fault(25, 26)
@pytest.mark.parametrize("shape", SHAPES)
def test_only_a_good_stream_passes(server, shape) -> None:
    """Fault 25 and 26: most of these are a normal end to the official client, or never end at all."""
    said, verdict, reason = SHAPES[shape]
    deadlines = BRIEF if shape in OPEN else QUICK.get(reason, PATIENT)

    judgement = judge(answer(server, said, deadlines=deadlines), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason), judgement.sentence
    assert shape not in OPEN or server.hung_up.wait(10), "what was said is enough; the line is not held"


@pytest.mark.fault(25)
def test_of_a_page_only_the_beginning_is_read(server) -> None:
    """Its type is the evidence; some pages have no end."""
    sample = answer(server, lambda line: (line.say(opening("text/html"), b"<h1>Welcome" * 2000), line.wait()))

    assert judge(sample, Wanted()).reason is Reason.WRONG_CONTENT_TYPE
    assert sample.reply.startswith("<h1>Welcome")
    assert len(sample.reply) == 512
    assert server.hung_up.wait(10)


OPENAI_SHAPES = {
    "good": (chat("a", tokens=3), Verdict.PASSED, Reason.PASSED),
    "without [DONE]": (chat("a")[:-1], Verdict.PASSED, Reason.PASSED),
    "without a finish reason": ([chat_chunk({"content": "a"}), DONE], Verdict.PASSED, Reason.PASSED),
    "without either": ([chat_chunk({"content": "a"})], Verdict.INCONCLUSIVE, Reason.TRUNCATED),
    "role only": (chat(), Verdict.FAILED, Reason.EMPTY),
    "usage without text": (chat(tokens=9), Verdict.FAILED, Reason.EMPTY),
    "an error, then [DONE]": (
        [chat_chunk({"content": "a"}), event({"error": {"message": "boom", "code": 500}}), DONE],
        Verdict.FAILED,
        Reason.ERROR_EVENT,
    ),
}


@pytest.mark.fault(25)
@pytest.mark.parametrize("shape", OPENAI_SHAPES)
def test_only_a_good_chat_passes(server, shape) -> None:
    """The same for the engines that speak OpenAI."""
    said, verdict, reason = OPENAI_SHAPES[shape]

    judgement = judge(answer(server, stream(*said), dialect=Dialect.CHAT), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason), judgement.sentence


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("status", "body", "verdict", "reason"),
    [
        (400, {"error": "Bad Request: The endpoint is paused, ask a maintainer"}, "inconclusive", "paused"),
        (400, {"error": "bad"}, "failed", "refused"),
        (401, {"error": "401 Unauthorized"}, "inconclusive", "auth"),
        (403, {"error": "403 Forbidden"}, "inconclusive", "auth"),
        (404, {"error": "no"}, "failed", "not_found"),
        (408, {}, "inconclusive", "server_error"),
        (422, {"error": "Input validation error", "error_type": "validation"}, "failed", "refused"),
        (429, {"error": "Model is overloaded", "error_type": "overloaded"}, "inconclusive", "overloaded"),
        (500, {"error": "Incomplete generation"}, "inconclusive", "server_error"),
        (503, {"error": "503 Service Unavailable"}, "inconclusive", "server_error"),
    ],
)
def test_a_status_maps_to_a_named_cause(server, status, body, verdict, reason) -> None:
    """Fault 28."""
    judgement = judge(answer(server, http(status, body)), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason)


def test_the_wait_the_server_asks_for_is_kept(server) -> None:
    """As seconds or as a date; anything else is nothing."""
    assert answer(server, http(429, retry_after="7")).retry_after == 7
    assert answer(server, http(429, retry_after="Wed, 21 Oct 2015 07:28:00 GMT")).retry_after == 0
    assert answer(server, http(429, retry_after="soon")).retry_after is None


# Time


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


def settled(condition, seconds: float = 10.0) -> bool:
    """Whether something becomes true soon."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


# Where the token may go


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


# What is asked


def body_of(route, prompt, about=None, **target):
    request = make_request(Target("", "", **target), route, prompt, about or About())
    return request.path, json.loads(request.body)


def test_tgi_is_asked_natively_with_details() -> None:
    """Details bring the engine's own count."""
    prompt = Prompt("Hi", 12, {"temperature": 0.5, "max_new_tokens": 9, "details": False})

    assert body_of(Route.GENERATE, prompt) == (
        "/generate_stream",
        {"inputs": "Hi", "parameters": {"temperature": 0.5, "max_new_tokens": 12, "details": True}},
    )


def test_a_chat_names_the_served_model_and_asks_for_usage() -> None:
    """vLLM refuses every other name."""
    path, body = body_of(Route.CHAT, Prompt("Hi", 12, {"stream": False}), About(model="served"), repository="acme/m")

    assert path == "/v1/chat/completions"
    assert body == {
        "model": "served",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 12,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_completion_falls_back_to_the_repository_as_the_models_name() -> None:
    """Where the engine lists no models."""
    path, body = body_of(Route.COMPLETIONS, Prompt("Hi"), repository="acme/m")

    assert (path, body["model"], body["prompt"]) == ("/v1/completions", "acme/m", "Hi")


@pytest.mark.parametrize(
    ("engine", "extra", "about", "asked"),
    [
        ("tgi", {}, {}, (Route.GENERATE,)),
        ("tgiNeuron", {}, {}, (Route.GENERATE,)),
        ("tgi-neuron", {}, {}, (Route.GENERATE,)),
        ("vLLM", {}, {}, (Route.CHAT, Route.COMPLETIONS)),
        ("vLLM", {"has_chat_template": True}, {}, (Route.CHAT,)),
        ("vLLM", {"has_chat_template": False}, {}, (Route.COMPLETIONS,)),
        ("sGLang", {"task": "feature-extraction"}, {}, (Route.EMBEDDINGS,)),
        ("vLLM", {"task": "text-ranking"}, {}, (Route.RANKING,)),
        ("llamacpp", {"mode": "embeddings"}, {}, (Route.EMBEDDINGS,)),
        ("llamacpp", {"mode": "reranking"}, {}, (Route.RANKING,)),
        ("llamacpp", {}, {}, (Route.CHAT, Route.COMPLETIONS)),
        ("tei", {"task": "sentence-similarity"}, {}, (Route.EMBED,)),
        ("tei", {"task": "sentence-ranking"}, {}, (Route.RERANK,)),
        ("tei", {"task": "text-classification"}, {}, (Route.PREDICT,)),
        ("tei", {"task": "text-classification"}, {"info": {"model_type": {"reranker": {}}}}, (Route.RERANK,)),
        ("tei", {"task": "sentence-ranking"}, {"info": {"model_type": {"embedding": {}}}}, (Route.EMBED,)),
        ("huggingface", {"task": "fill-mask"}, {}, (Route.TASK,)),
        ("custom", {}, {}, (Route.TASK,)),
        ("custom", {}, {"info": {"max_total_tokens": 4096}}, (Route.GENERATE,)),
        ("custom", {}, {"info": {"model_type": {"embedding": {}}}}, (Route.EMBED,)),
        ("custom", {}, {"model": "m"}, (Route.CHAT, Route.COMPLETIONS)),
    ],
)
def test_the_route_follows_engine_and_task(engine, extra, about, asked) -> None:
    """A wrong route would be a 404, and a 404 is evidence."""
    assert routes(Target("", "", engine, **extra), About(**about)) == asked


def test_a_route_the_spec_names_is_the_only_one() -> None:
    """Whoever names it means it."""
    assert routes(Target("", "", "tgi"), About(), Route.CHAT) == (Route.CHAT,)
    with pytest.raises(ValueError, match="auto"):
        make_request(Target("", ""), Route.AUTO, Prompt(), About())


@pytest.mark.parametrize(
    ("engine", "declared", "path"),
    [("tgi", None, "/health"), ("vLLM", "/ready", "/ready"), ("custom", None, None), ("custom", "/ok", "/ok")],
)
def test_the_health_route_is_the_declared_or_the_engines_own(engine, declared, path) -> None:
    """Of a container nobody knows, nothing is assumed."""
    assert health_path(Target("", "", engine, health_route=declared)) == path


TASKS = [
    "text-classification", "zero-shot-classification", "token-classification", "question-answering", "fill-mask",
    "summarization", "translation", "text2text-generation", "text-generation", "feature-extraction",
    "image-classification", "automatic-speech-recognition", "audio-classification", "object-detection",
    "image-segmentation", "table-question-answering", "sentence-similarity", "sentence-embeddings",
    "sentence-ranking", "text-to-image",
]  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_toolkit_has_a_request_of_its_kind(task) -> None:
    """Its pipeline would refuse another, and the refusal would be taken for evidence."""
    body = task_body(task, "Hello", 8, {})

    assert not body.is_guess
    if body.content_type == "application/json":
        assert json.loads(body.data)["inputs"]
    else:
        assert body.data in {picture(), sound()}


def test_an_unknown_task_is_a_guess_and_says_so() -> None:
    """The input of a custom handler is anybody's."""
    body = task_body("custom", "Hello", 8, {"a": 1})

    assert body.is_guess
    assert json.loads(body.data) == {"inputs": "Hello", "parameters": {"a": 1}}


def test_the_picture_and_the_sound_are_what_they_say() -> None:
    """A pipeline that cannot open them answers 400."""
    assert picture().startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture()[16:24]) == (64, 64)
    assert sound()[:4] == b"RIFF"
    assert len(sound()) == 44 + 2 * 16_000


# Answers that do not stream

VECTORS = [[0.1, 0.2], [0.3, 0.4]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (VECTORS, Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ({"embeddings": VECTORS}, Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ({"data": [{"embedding": row} for row in VECTORS]}, Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ([[VECTORS], [VECTORS]], Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ([[0.1, 0.2]], Vectors(2, 1, (2,), is_finite=True, zeros=0)),
        ([[0.1, 0.2], [0.1]], Vectors(2, 2, (1, 2), is_finite=True, zeros=0)),
        ([[0.0, 0.0], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=True, zeros=1)),
        ([[None, 0.2], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ([["a", 0.2], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ([[True, 0.2], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ([[10**400, 1], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ({"data": [None, None]}, Vectors(2, 2, (0,), is_finite=True, zeros=2)),
        ([], Vectors(2, 0, (), is_finite=True, zeros=0)),
        ({"anything": "else"}, None),
        ("text", None),
    ],
)
def test_vectors_are_summed_up_in_every_shape(body, expected) -> None:
    """Wrong vectors look like right ones until somebody looks."""
    assert read_answer(json.dumps(body).encode(), inputs=2).vectors == expected


def test_nan_and_infinity_in_json_are_not_finite() -> None:
    """Python's own server side writes them so."""
    content = read_answer(b"[[NaN, 1.0], [Infinity, 1.0]]", inputs=2)

    assert content.vectors == Vectors(2, 2, (2,), is_finite=False, zeros=0)


def test_good_embeddings_pass_on_both_routes(server) -> None:
    """TEI's own and OpenAI's."""
    server.on("/embed", http(200, VECTORS))
    server.on("/v1/embeddings", http(200, {"data": [{"embedding": row} for row in VECTORS]}))

    for route in (Route.EMBED, Route.EMBEDDINGS):
        sample = ask(server, route=route)
        assert judge(sample, Wanted()).sentence.startswith("2 vectors of 2 numbers")
    assert server.asked("/embed")[0].json == {"inputs": list(TEXTS)}
    assert server.asked("/v1/embeddings")[0].json == {"model": "acme/model", "input": list(TEXTS)}


DOCUMENTS = {
    "vectors cut off": (Route.EMBED, http(200, "[[0.1, 0.2"), Verdict.FAILED, Reason.MALFORMED),
    "a length that never comes": (
        Route.EMBED,
        lambda line: line.say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n[[0.1"),
        Verdict.INCONCLUSIVE,
        Reason.TRUNCATED,
    ),
    "an error with 200": (Route.EMBED, http(200, {"error": "no"}), Verdict.FAILED, Reason.ERROR_EVENT),
    "a page": (Route.EMBED, http(200, "<html>", "text/html"), Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
    "silence": (Route.EMBED, lambda line: line.wait(), Verdict.INCONCLUSIVE, Reason.TOTAL_TIMEOUT),
    "a body without end": (
        Route.EMBED,
        lambda line: (line.say(opening("application/json")), line.repeat(b" ", 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.TOTAL_TIMEOUT,
    ),
    "a flood": (Route.EMBED, http(200, " " * 9000), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "scores": (Route.RERANK, http(200, [{"index": 0, "score": 0.9}]), Verdict.PASSED, Reason.PASSED),
    "no scores": (Route.RERANK, http(200, []), Verdict.FAILED, Reason.EMPTY),
    "ranks": (Route.RANKING, http(200, {"results": [{"index": 0}]}), Verdict.PASSED, Reason.PASSED),
    "labels": (Route.PREDICT, http(200, [{"label": "a", "score": 1.0}]), Verdict.PASSED, Reason.PASSED),
    "no json": (Route.PREDICT, http(200, "oops"), Verdict.FAILED, Reason.EMPTY),
}


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_only_a_good_document_passes(server, shape) -> None:
    """The same rules where nothing streams."""
    route, said, verdict, reason = DOCUMENTS[shape]
    server.on(make_request(Target("", ""), route, Prompt(), About()).path, said)

    judgement = judge(ask(server, route=route, deadlines=QUICK.get(reason, PATIENT)), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason), judgement.sentence


@pytest.mark.parametrize(
    ("task", "said", "verdict"),
    [
        ("text-generation", http(200, [{"generated_text": "Once more"}]), Verdict.PASSED),
        ("text-generation", http(200, [{"generated_text": ""}]), Verdict.FAILED),
        ("fill-mask", http(200, [{"score": 0.9, "token_str": "capital"}]), Verdict.PASSED),
        ("automatic-speech-recognition", http(200, {"text": ""}), Verdict.PASSED),
        ("text-to-image", http(200, b"\x89PNG", "image/png"), Verdict.PASSED),
        ("text-to-image", http(200, b"", "image/png"), Verdict.FAILED),
        ("feature-extraction", http(200, VECTORS), Verdict.PASSED),
        ("feature-extraction", http(200, [[0.0], [0.0]]), Verdict.FAILED),
        ("fill-mask", http(400, {"error": "no mask"}), Verdict.FAILED),
        ("custom", http(400, {"error": "unknown input"}), Verdict.INCONCLUSIVE),
    ],
)
def test_the_toolkit_is_judged_by_one_real_request_of_its_task(server, task, said, verdict) -> None:
    """It answers every task on one route and never streams."""
    server.on("/", said)

    assert judge(ask(server, route=Route.TASK, task=task), Wanted()).verdict is verdict


def test_a_toolkit_text_is_looked_at_for_the_expected_pattern(server) -> None:
    """`expect` holds for every kind of text."""
    server.on("/", http(200, [{"generated_text": "Paris"}]))
    sample = ask(server, route=Route.TASK, task="text-generation")

    assert judge(sample, Wanted(expect="Paris")).passed
    assert judge(sample, Wanted(expect="Rome")).reason is Reason.UNEXPECTED_TEXT


def test_pictures_and_sounds_are_sent_as_such(server) -> None:
    """The toolkit reads the content type."""
    server.on("/", http(200, [{"label": "cat"}]))
    ask(server, route=Route.TASK, task="image-classification")
    ask(server, route=Route.TASK, task="automatic-speech-recognition")

    assert [(heard.headers["content-type"], heard.body[:4]) for heard in server.heard] == [
        ("image/png", b"\x89PNG"),
        ("audio/wav", b"RIFF"),
    ]


def test_a_small_question_is_answered_whole(server) -> None:
    """Health, info and models are asked so."""
    server.on("/info", http(200, {"model_id": "m"}, x_thing="y"))

    reply = fetch(endpoint_address(server.url, server.url), "/info", token=TOKEN, headers={"x-extra": "1"})

    assert (reply.status, json.loads(reply.body), reply.headers["x-thing"]) == (200, {"model_id": "m"}, "y")
    assert server.heard[0].headers["x-extra"] == "1"


def test_a_small_question_reads_no_flood(server) -> None:
    """A custom container may answer anything."""
    server.on("/info", stream(*[b"x" * 1000] * 100, content_type="text/plain"))

    reply = fetch(endpoint_address(server.url, server.url), "/info", token=TOKEN, byte_cap=2000)

    assert 2000 < len(reply.body) < 80_000


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, r"the token was not accepted \(401\).*is HF_TOKEN set and valid\?"),
        (403, r"the token may not call this endpoint, or the model is gated \(403\)"),
        (404, r"the engine has no such route for this task, or no such model \(404\)"),
    ],
)
def test_a_refusal_names_its_cause(server, status, cause) -> None:
    """A gated model, a token of somebody else and a task without this route look alike otherwise."""
    judgement = judge(answer(server, http(status, {"error": "no"})), Wanted())

    assert re.search(cause, judgement.sentence), judgement.sentence
