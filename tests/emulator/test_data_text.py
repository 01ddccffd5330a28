"""Emulated text: it follows from what was asked, ends where it should, and is cut like real tokens."""

from hypothesis import given, settings
from hypothesis import strategies as st

from hfdeploy.emulator import text, vectors
from hfdeploy.emulator.text import Ask

WORDS = st.text(min_size=1, max_size=40)


def said(ask: Ask, voice: str = "acme/model@1") -> str:
    return "".join(token.text for token in text.write(voice, ask) if not token.special)


@given(WORDS)
def test_pieces_joined_are_the_text(prompt) -> None:
    """Or tokenisers would lose characters."""
    assert "".join(text.split(prompt)) == prompt


@given(WORDS, st.integers(1, 200))
@settings(max_examples=50)
def test_text_is_the_same_again_and_a_limit_only_ends_it(prompt, limit) -> None:
    """A limit is tested against the longer text."""
    ask = Ask(prompt, 10_000)
    short = list(text.write("x", Ask(prompt, limit)))

    assert said(ask) == said(ask)
    assert list(text.write("x", ask))[:limit][:-1] == short[:-1] if len(short) == limit else short[-1].special
    assert len(short) <= limit
    assert [token.finish for token in short[:-1]] == [None] * (len(short) - 1)


@given(WORDS, st.integers(1, 60), st.integers(1, 12))
@settings(max_examples=50)
def test_a_cut_stop_never_leaks(prompt, start, length) -> None:
    """Not even its beginning, which may come a few tokens earlier."""
    whole = said(Ask(prompt, 10_000))
    stop = whole[start : start + length]

    assert said(Ask(prompt, 10_000, stop=(stop,), cuts_stop=True)) == whole[: whole.index(stop)]


def test_prompt_voice_shape_and_seed_change_the_words() -> None:
    """One at a time."""
    base = Ask("Hello", 30, sampled=True, seed=1)
    others = [
        said(Ask("Hello!", 30, sampled=True, seed=1)),
        said(base, "acme/model@2"),
        said(Ask("Hello", 30, (("top_p", 0.5),), sampled=True, seed=1)),
        said(Ask("Hello", 30, sampled=True, seed=2)),
        said(Ask("Hello", 30)),
    ]

    assert len({said(base), *others}) == 6
    assert said(Ask("Hello", 30, seed=1)) == said(Ask("Hello", 30, seed=2))


def test_length_is_looked_at_before_the_end_token() -> None:
    """At exactly the natural length the reason is `length`."""
    natural = list(text.write("x", Ask("Hello", 10_000)))

    assert natural[-1].finish == "eos_token"
    assert list(text.write("x", Ask("Hello", len(natural))))[-1].finish == "length"


def test_text_has_characters_of_several_bytes() -> None:
    """Or nobody would notice a decoder that cuts them."""
    many = "".join(said(Ask(str(number), 500)) for number in range(20))

    assert {len(character.encode()) for character in many} == {1, 2, 3, 4}


def test_the_words_are_pinned() -> None:
    """Recorded answers and their hashes stay true over releases and Python versions."""
    assert said(Ask("Hello", 6)) == " little no think come. from"


def test_vectors_are_pinned() -> None:
    """Likewise."""
    [vector] = vectors.embed("acme/model", "1", ["Hello"])

    assert vector[:3] == [-0.0080374, 0.0738263, 0.0728917]
