"""Text that looks generated, follows from what was asked, and is the same again for the same question.

Every parameter that would change a real model's choice of words changes these words too, so a parameter lost on the
way shows. Limits and stop sequences do not change the words, they only end them, so both can be tested against the
longer text.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

END_ID = 2
END_TEXT = "</s>"
START_ID = 1

_WORDS = re.findall(
    r"\S+",
    "the of and to in is that it for was on are as with they be at one have this from by hot but some what there we "
    "can out other were all your when up use how said an each she which do their time if will way about many then "
    "them would write like so these her long make thing see him two has look more day could go come did my sound no "
    "most number who over know water than call first people may down side been now find any new work part take get "
    "place made live where after back little only round man year came show every good me give our under name very "
    "through just form much great think say help low line before turn cause same mean differ move right boy old too "
    "does tell sentence set three want air well also play small end put home read hand port large spell add even land "
    "here must big high such follow act why ask men change went light kind off need house picture try us again animal "
    "point mother world near build self earth father café naïve über façade jalapeño Zürich 日本 東京 привет → ≈ 😀 "
    "understanding representation computational generation translation ",
)
_PIECE = re.compile(r"\s*\w{1,6}|\s*[^\w\s]|\s+")
_CONSONANTS = "bcdfghjklmnpqrstvwxz"


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of text. `finish` is set on the last one: `length`, `eos_token` or `stop_sequence`."""

    id: int
    text: str
    logprob: float
    special: bool = False
    finish: str | None = None
    stop: str | None = None
    """The stop sequence that was met."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What one text is made from."""

    prompt: str
    limit: int
    """At most so many tokens, the end token included."""
    shape: tuple[tuple[str, Any], ...] = ()
    """Everything else that bears on the choice of words: temperature, top_p, penalties, grammar, ..."""
    sampled: bool = False
    seed: int | None = None
    """Read only when `sampled`: a greedy text has no seed."""
    stop: tuple[str, ...] = ()
    cuts_stop: bool = False
    """OpenAI-like engines leave the stop sequence out and find it anywhere; TGI keeps it and looks at whole tokens."""
    ignores_end: bool = False
    forced: str | None = None
    gibberish: bool = False


class _Chance:
    """Numbers that follow from facts; not `random`, which may change its algorithms between Python versions."""

    def __init__(self, *facts: object) -> None:
        self._key = hashlib.blake2b(json.dumps(facts, default=str).encode()).digest()
        self._drawn = 0

    def below(self, bound: int) -> int:
        self._drawn += 1
        drawn = hashlib.blake2b(self._drawn.to_bytes(8, "big"), key=self._key, digest_size=8).digest()
        return int.from_bytes(drawn, "big") % bound


_handed_out: dict[int, str] = {}


def split(text: str) -> list[str]:
    """The text in token-sized pieces, which joined are the text again."""
    return _PIECE.findall(text)


def identify(piece: str) -> int:
    """The id of a piece, the same in every process (32 000 ids, so that pieces may share one)."""
    number = int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=4).digest(), "big") % 31_990 + 10
    _handed_out[number] = piece
    return number


def join(ids: list[int]) -> str:
    """The text of ids that this process has handed out before; others are left out, special ones are empty."""
    return "".join(_handed_out.get(number, "") for number in ids)


def count(text: str) -> int:
    """How many tokens a prompt has, the start token included."""
    return len(split(text)) + 1


def keep_last(text: str, tokens: int) -> str:
    """The end of the text that has at most so many tokens (TGI's `truncate`)."""
    return "".join(split(text)[-tokens:])


def chosen_seed(ask: Ask) -> int:
    """The seed that an engine picks when it samples and none was given: the same for the same question."""
    return _Chance("seed", ask.prompt, ask.shape).below(2**63)


def write(voice: str, ask: Ask) -> Iterator[Token]:
    """The tokens of one answer.

    Args:
        voice: who speaks, e.g. repository and revision: another revision has other words.
        ask: prompt, parameters and limits.
    """
    tokens = _limited(_voiced(voice, ask), ask)
    return _cut(tokens, ask.stop) if ask.cuts_stop and ask.stop else tokens


def _voiced(voice: str, ask: Ask) -> Iterator[Token]:
    """All pieces the voice would say, and the end token."""
    chance = _Chance(voice, ask.prompt, ask.shape, ask.sampled, ask.seed if ask.sampled else None)
    length = 24 + chance.below(60)
    if ask.forced is not None:
        pieces = iter(split(ask.forced))
    else:
        pieces = _babble(chance, length, endless=ask.ignores_end, gibberish=ask.gibberish)
    for piece in pieces:
        yield Token(identify(piece), piece, -chance.below(3000) / 1000)
    yield Token(END_ID, END_TEXT, -chance.below(500) / 1000, special=True)


def _babble(chance: _Chance, length: int, *, endless: bool, gibberish: bool) -> Iterator[str]:
    said = 0
    while endless or said < length:
        word = _WORDS[chance.below(len(_WORDS))]
        if gibberish:
            word = "".join(_CONSONANTS[chance.below(len(_CONSONANTS))] for _ in range(5)) + "\ufffd"
        pieces = split((" " + word) + ("." if chance.below(9) == 0 else ""))
        yield from pieces
        said += len(pieces)


def _limited(tokens: Iterator[Token], ask: Ask) -> Iterator[Token]:
    """Stops at the limit (which is looked at first), the end token or, when stop sequences stay, at one of them."""
    said = ""
    for number, token in enumerate(tokens, start=1):
        said += "" if token.special else token.text
        finish = "length" if number >= ask.limit else "eos_token" if token.special else None
        met = None if ask.cuts_stop or finish else next((stop for stop in ask.stop if said.endswith(stop)), None)
        finish = finish or ("stop_sequence" if met else None)
        yield Token(token.id, token.text, token.logprob, token.special, finish, met)
        if finish:
            return


def _cut(tokens: Iterator[Token], stops: tuple[str, ...]) -> Iterator[Token]:
    """The same text without the stop sequence and what follows; what may be the start of one is held back."""
    held = ""
    reach = max(map(len, stops)) - 1
    for token in tokens:
        held += "" if token.special else token.text
        met = min((stop for stop in stops if stop in held), key=held.find, default=None)
        if met is not None:
            yield Token(token.id, held[: held.find(met)], token.logprob, False, "stop_sequence", met)
            return
        ready = held if token.finish else held[: max(len(held) - reach, 0)]
        held = held[len(ready) :]
        if token.special and ready:
            yield Token(token.id, ready, token.logprob)
            ready = token.text
        yield Token(token.id, token.text if token.special else ready, token.logprob, token.special, token.finish)
