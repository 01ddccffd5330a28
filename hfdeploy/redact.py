"""What must not be seen: values that hide themselves, and a filter for every text that leaves the process.

Secrets reach logs in disguise: in a URL, in a JSON body that a server echoes, in the base64 of a basic-auth header.
So a `Redactor` knows the forms a value takes, not only the value. `known` is the process's own: settings adds every
secret it reads, and logs, messages and reports go through it.
"""

import base64
import hashlib
import hmac
import html
import json
import logging
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

from hfdeploy.errors import AuthError

MASK: Final = "***"

SHORTEST: Final = 4
"""Characters below which a value cannot be hidden: masking every `a` shows where the `a`s are and hides nothing."""

_SHORTEST_LINE: Final = 8
"""Characters of a line of a longer value below which the line is hidden only with its neighbours."""

_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}")
_BEGUN: Final = re.compile(r"(?<![A-Za-z0-9])h(?:f(?:_[A-Za-z0-9]*)?)?\Z")
"""The beginning of a token at the end of a text."""

_BEARER: Final = re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}")


class Secret:
    """A value that prints as a mask and cannot be pickled; `reveal` is the one way to it.

    Pickling is refused because Pulumi pickles providers into the state, with everything they hold.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself, for the moment it is sent."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A Secret is never written down: reveal it where it is sent.")


def bearer(token: Secret) -> str:
    """The value of the `Authorization` header.

    Raises:
        AuthError: the token holds characters that no header carries, such as a byte order mark.
    """
    text = token.reveal()
    if not text.isascii() or not text.isprintable() or " " in text:
        raise AuthError(
            "The token holds characters that cannot be sent, perhaps invisible ones. Copy it again into HF_TOKEN, or "
            "`hf auth login` again."
        )
    return f"Bearer {text}"


class Redactor:
    """Replaces every known value, in every form it is known to take, by `***`.

    Values shorter than four characters, and values of nothing but the mask's own sign, cannot be hidden.
    Overlapping finds are masked as one, so that no half of a value is left standing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._adding = threading.Lock()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Hide this value from now on. Replaces the tuple as a whole, so that readers need no lock."""
        parts = [part for part in (value, *_lines(value)) if len(part) >= SHORTEST and part.strip("*")]
        found = [form for part in parts for form in forms(part)]
        with self._adding:
            # Two that add at once would else each keep their own and forget the other's.
            self._forms = tuple(dict.fromkeys([*self._forms, *found]))

    def scrub(self, text: str) -> str:
        """The text without any known value, and without anything that looks like a Hugging Face token."""
        return _mask(text, self._spans(text))

    def unfinished(self, text: str) -> int:
        """Where in the text something begins that what follows may make a secret of; its length where nothing does."""
        cut = len(text)
        for form in self._forms:
            for start in range(max(0, len(text) - len(form) + 1), cut):
                if text[start] == form[0] and form.startswith(text[start:]):
                    cut = start
                    break
        begun = _BEGUN.search(text)
        cut = min(cut, begun.start()) if begun else cut
        # A secret that is whole already may end in what begins another one: it waits as a whole, or half of it is told.
        while halved := [start for start, end in self._spans(text) if start < cut < end]:
            cut = min(halved)
        return cut

    def _spans(self, text: str) -> list[tuple[int, int]]:
        """From where to where something is to be masked."""
        spans = [*self._finds(text), *((find.start(), find.end()) for find in _TOKEN.finditer(text))]
        spans += ((find.end(1), find.end()) for find in _BEARER.finditer(text))
        return spans

    def _finds(self, text: str) -> Iterator[tuple[int, int]]:
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = text.find(form, at + 1)


class Flow:
    """Text that comes in pieces, given on without secrets: what may be the beginning of one waits for more."""

    def __init__(self, redactor: Redactor, take: Callable[[str], None]) -> None:
        self._redactor, self._take, self._waiting = redactor, take, ""

    def __call__(self, piece: str) -> None:
        """Take a piece, and give on what is certain by now."""
        text = self._waiting + piece
        certain = self._redactor.unfinished(text)
        self._waiting = text[certain:]
        self._give(text[:certain])

    def finish(self) -> None:
        """Nothing follows: give on the rest."""
        text, self._waiting = self._waiting, ""
        self._give(text)

    def _give(self, text: str) -> None:
        if text:
            self._take(self._redactor.scrub(text))


known: Final = Redactor()
"""The secrets of this process. Whoever reads one adds it here before doing anything else with it."""


class ScrubbingFilter(logging.Filter):
    """For every log handler: the record that passes holds no known secret, its traceback included."""

    def __init__(self, redactor: Redactor = known) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Scrub in place; every record passes."""
        record.msg, record.args = self._redactor.scrub(record.getMessage()), None
        if record.exc_info:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self._redactor.scrub(record.exc_text)
        if record.stack_info:
            record.stack_info = self._redactor.scrub(record.stack_info)
        return True


def logger(name: str) -> logging.Logger:
    """The logger of a module: whatever handler somebody attaches, at whatever level, no secret of ours reaches it."""
    made = logging.getLogger(name)
    if not any(isinstance(one, ScrubbingFilter) for one in made.filters):
        made.addFilter(ScrubbingFilter())
    return made


def forms(value: str) -> list[str]:
    """The shapes in which a value may appear: plain, quoted for Python, JSON, XML and URLs, and inside base64."""
    plain = {
        value,
        repr(value)[1:-1],
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(value))[3:-3],
        html.escape(value),
        html.escape(value, quote=False),
    }
    raw = value.encode(errors="surrogateescape")  # an environment may hold bytes that are no text
    urls = {quote(raw, safe=""), quote(raw), quote_plus(raw)}
    urls |= {_lower_case_escapes(url) for url in urls}
    return sorted(plain | urls | set(_inside_base64(raw)), key=len, reverse=True)


def digest(salt: str, value: str) -> str:
    """What the state may remember of a secret: HMAC-SHA256 in hexadecimal, keyed so that it cannot be guessed at."""
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()


def new_salt() -> str:
    """A fresh key for `digest`: 32 hexadecimal characters."""
    return secrets.token_hex(16)


def _lines(value: str) -> list[str]:
    """The lines of a value that has several, such as a key file: logs come line by line."""
    lines = [line.strip() for line in value.splitlines()]
    return [line for line in lines if len(line) >= _SHORTEST_LINE] if len(lines) > 1 else []


def _mask(text: str, spans: list[tuple[int, int]]) -> str:
    pieces: list[str] = []
    end = 0
    for start, stop in sorted(spans):
        if start >= end:
            pieces += [text[end:start], MASK]
        end = max(end, stop)
    return "".join([*pieces, text[end:]])


def _lower_case_escapes(url: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), url)


def _inside_base64(data: bytes) -> Iterator[str]:
    """Base64 of the bytes alone and, whatever stands around them, the characters they alone decide.

    `user:password` in a basic-auth header shifts the password by any number of bits; three alignments cover all.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(data).decode()
        yield encode(data).decode().rstrip("=")
        for before in range(3):
            encoded = encode(b"\0" * before + data).decode().rstrip("=")
            first, last = -(-8 * before // 6), 8 * (before + len(data)) // 6
            if last - first >= SHORTEST:
                yield encoded[first:last]
