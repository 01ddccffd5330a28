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
from collections.abc import Iterable, Iterator
from typing import Final, NoReturn
from urllib.parse import quote, quote_plus

MASK: Final = "***"

SHORTEST: Final = 4
"""Characters below which a value cannot be hidden: masking every `a` shows where the `a`s are and hides nothing."""

_TOKEN: Final = re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{20,}")
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


class Redactor:
    """Replaces every known value, in every form it is known to take, by `***`.

    Values shorter than four characters, and values of nothing but the mask's own sign, cannot be hidden.
    Overlapping finds are masked as one, so that no half of a value is left standing.
    """

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        for value in values:
            self.add(value)

    def add(self, value: str) -> None:
        """Hide this value from now on. Replaces the tuple as a whole, so that readers need no lock."""
        if len(value) >= SHORTEST and value.strip("*"):
            self._forms = tuple(dict.fromkeys([*self._forms, *forms(value)]))

    def scrub(self, text: str) -> str:
        """The text without any known value, and without anything that looks like a Hugging Face token."""
        spans = [*self._finds(text), *((find.start(), find.end()) for find in _TOKEN.finditer(text))]
        spans += ((find.end(1), find.end()) for find in _BEARER.finditer(text))
        return _mask(text, spans)

    def _finds(self, text: str) -> Iterator[tuple[int, int]]:
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = text.find(form, at + 1)


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
    urls = {quote(value, safe=""), quote(value), quote_plus(value)}
    urls |= {_lower_case_escapes(url) for url in urls}
    return sorted(plain | urls | set(_inside_base64(value.encode())), key=len, reverse=True)


def digest(salt: str, value: str) -> str:
    """What the state may remember of a secret: HMAC-SHA256 in hexadecimal, keyed so that it cannot be guessed at."""
    return hmac.new(salt.encode(), value.encode(), hashlib.sha256).hexdigest()


def new_salt() -> str:
    """A fresh key for `digest`: 32 hexadecimal characters."""
    return secrets.token_hex(16)


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
