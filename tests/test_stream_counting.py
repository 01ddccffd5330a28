"""What is counted of a stream: tokens, text, errors and ends, however its bytes are cut."""

from itertools import pairwise

import pytest
from exchange import answer, listening
from hypothesis import given, settings
from hypothesis import strategies as st
from speaker import ALIVE, DONE, chat, chat_chunk, chunked, completions, event, stream, tgi, tgi_token, usage

from hfdeploy.stream.dialect import Dialect, Tally, read_frame
from hfdeploy.stream.reading import events
from hfdeploy.verdict import Wanted, judge

server = pytest.fixture(listening)

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
