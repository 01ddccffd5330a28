"""The laws of `make fuzz`, tried with hypothesis and on the seeds in every test run."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from speaker import ALIVE, DONE, chat, chat_chunk, completions, event, tgi, tgi_end, tgi_token, usage

sys.path.append(str(Path(__file__).parent / "fuzz"))
import laws

SEEDS = Path(__file__).parent / "fuzz" / "seeds"
FRAMES = st.sampled_from(
    [
        *tgi("The", " cät"), *tgi_end([]), tgi_token("x"), tgi_token("", special=True), *chat("Hi", " 👩"),
        chat_chunk({"reasoning_content": "hm"}), chat_chunk({}, "stop"), *completions("a"), usage(3), ALIVE, DONE,
        event({"error": "overloaded"}), event({"error": {"message": "no"}}), event([1]), event("text"), event(None),
        b"event: error\ndata: no\n\n", b"data: {\n\n", b"data:\n\n", b"\n", b"\r\n\r\n", b"\r", b": x\n", b"id: 7\n",
        b"retry: 9\n", b"data: {\"token\": {\"text\": \"\\ud800\"}}\n\n", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00",
        "data: \u2028\n\n".encode(), b"data: " + b"9" * 5000 + b"\n\n", b"data: " + b"[" * 3000 + b"\n\n",
    ]
)  # fmt: skip
NOISE = st.one_of(
    st.lists(FRAMES, max_size=12).map(b"".join),
    st.lists(st.one_of(FRAMES, st.binary(max_size=12)), max_size=12).map(b"".join),
    st.binary(max_size=200),
)


@pytest.mark.fault(25)
@given(content=NOISE, cuts=st.lists(st.integers(0, 10**6), max_size=8), dialect=st.sampled_from(laws.DIALECTS))
@settings(max_examples=300, deadline=None)
def test_however_a_stream_is_cut_it_says_the_same_and_noise_proves_nothing(content, cuts, dialect) -> None:
    """Networks cut anywhere: within JSON, within a character, between CR and LF."""
    laws.stream(content, cuts, dialect)


@given(words=st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5), cuts=st.lists(st.integers(0, 10**6)))
@settings(max_examples=100, deadline=None)
def test_a_good_stream_passes_however_it_is_cut(words, cuts) -> None:
    """The law would hold for a reader that passes nothing."""
    assert laws.stream(b"".join(tgi(*words)), cuts, laws.Dialect.TGI)
    assert laws.stream(b"".join(chat(*words)), cuts, laws.Dialect.CHAT)


@pytest.mark.parametrize("seed", sorted(SEEDS.glob("*/*")), ids=lambda seed: seed.name)
def test_the_laws_hold_for_the_seeds(seed: Path) -> None:
    """What the fuzzer begins with."""
    content = seed.read_bytes()
    if seed.parent.name == "loader":
        assert laws.load(content) in {"spec", "problems"}
    else:
        for dialect in laws.DIALECTS:
            laws.stream(content, [3, 50, 51], dialect)


@pytest.mark.fault(30)
@given(
    content=st.one_of(st.binary(max_size=300), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_a_spec_or_problems(content) -> None:
    """With a sentence for each."""
    assert laws.load(content) in {"spec", "problems"}
