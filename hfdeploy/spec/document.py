"""The text of one spec file, as plain text, lists and mappings with line numbers.

YAML is read as a stream of events and never built by its own constructors, so an alias is refused before it can
multiply, `no` stays `no`, and of two equal keys neither wins in silence. libyaml is taken where it exists because it
gets through the worst file of the allowed size in some ten milliseconds; PyYAML's own parser needs half a second.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, TypeAlias, cast

import yaml

from hfdeploy.errors import Problem
from hfdeploy.spec.credential import looks_like_token
from hfdeploy.spec.scalar import shown

MOST_BYTES: Final = 256 * 1024
DEEPEST: Final = 16
MOST_VALUES: Final = 5000
MOST_PROBLEMS: Final = 20
"""A file with more of them is no spec; the rest would only push the first ones off the screen."""
LONGEST_KEY: Final = 128

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
"""What a document holds; None stands where the file has nothing that can be used, and a problem says so."""

Node: TypeAlias = yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent | yaml.AliasEvent

_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_UNREADABLE: Final = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_RESOLVER: Final = yaml.resolver.Resolver()
_TEXT: Final = "tag:yaml.org,2002:str"
_SYNTAX: Final[Mapping[str, str]] = {
    "mapping values are not allowed": "has a colon too many or a wrong indentation here; text with ': ' needs quotes",
    "cannot start any token": "has a character here that no value begins with: put the value in quotes",
    "unexpected end of stream": "begins a quoted text here that never ends: the closing quote is missing",
    "did not find expected ',' or": "begins a list or a mapping here that never ends: the closing bracket is missing",
    "did not find expected node content": "breaks off where a value or a closing bracket has to follow",
    "invalid Unicode character escape": "has an escape in a quoted text that stands for no character",
    "did not find expected key": "has a line here that is no `key: value` at this indentation",
    "could not find expected ':'": "has a line here that is no `key: value` at this indentation",
    "tab character": "has a tab where YAML wants spaces",
}

_NEVER_ENDS: Final = ("unexpected end of stream", "did not find expected ',' or")
"""Problems that are noticed at the end of the file, while the mistake is where the text, list or mapping began."""


class _Refused(Exception):
    """Reading cannot go on after this."""

    def __init__(self, line: int, path: str, message: str) -> None:
        super().__init__(message)
        self.line, self.path, self.message = line, path, message


@dataclass
class Document:
    """One file's content, the line of every field, and what was wrong with it as YAML."""

    file: str
    data: dict[str, Value] | None = None
    """None when the file could not be read to its end, so that what it lacks is not held against it."""
    lines: dict[str, int] = field(default_factory=dict)
    """Line by dotted path, counted from 1; '' is the document's first."""
    problems: list[Problem] = field(default_factory=list)

    def object_to(self, line: int, path: str, message: str) -> None:
        """Note a problem and go on."""
        self.problems.append(Problem(self.file, line, path, message))
        if len(self.problems) >= MOST_PROBLEMS:
            raise _Refused(line, "", f"has {MOST_PROBLEMS} problems up to here; the rest was not read")


def line_of(lines: Mapping[str, int], path: str) -> int:
    """The line of a field, or of the nearest section around it; 0 when nothing is known."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path, 0)


def read_document(content: bytes, file: str) -> Document:
    """Read one file. Whatever is wrong with it is in the `problems` of the document; nothing is raised."""
    document = Document(file)
    try:
        document.data = _Reader(_decoded(content), document).read()
    except _Refused as refused:
        document.problems.append(Problem(file, refused.line, refused.path, refused.message))
    except yaml.MarkedYAMLError as error:
        document.problems.append(Problem(file, _line_of_error(error), "", _syntax(error, content)))
    return document


def _decoded(content: bytes) -> str:
    if len(content) > MOST_BYTES:
        raise _Refused(0, "", f"has more than {MOST_BYTES // 1024} KiB, and no spec needs that")
    if content.startswith(b"\xef\xbb\xbf"):
        raise _Refused(1, "", "begins with a byte order mark: save it as UTF-8 without one")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _Refused(line, "", f"is not UTF-8: byte 0x{content[error.start]:02x} cannot stand here") from None
    if found := _UNREADABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise _Refused(line, "", f"holds the character U+{ord(found[0]):04X}, which YAML does not allow")
    return text


def _line_of_error(error: yaml.MarkedYAMLError) -> int:
    is_open = error.context_mark and any(sign in (error.problem or "") for sign in _NEVER_ENDS)
    mark = error.context_mark if is_open else error.problem_mark
    return mark.line + 1 if mark else 0


def _syntax(error: yaml.MarkedYAMLError, content: bytes) -> str:
    lines = content.decode("utf-8").splitlines()
    number = _line_of_error(error)
    if 0 < number <= len(lines) and "\t" in lines[number - 1]:
        return _SYNTAX["tab character"]
    problem = error.problem or "unreadable"
    return next((said for known, said in _SYNTAX.items() if known in problem), f"is not valid YAML: {problem}")


class _Reader:
    """Events of one document, turned into values; counts what it reads and refuses what YAML is not needed for."""

    def __init__(self, text: str, document: Document) -> None:
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self.document = document
        self.values = 0

    def read(self) -> dict[str, Value]:
        """The document's top level."""
        self._next()
        start = self._next()
        if not isinstance(start, yaml.DocumentStartEvent):
            raise _Refused(1, "", "is empty")
        if start.version or start.tags:
            raise _Refused(_line(start), "", "has a % directive; take it out")
        root = self._next()
        self.document.lines[""] = _line(root)
        if not isinstance(root, yaml.MappingStartEvent):
            raise _Refused(_line(root), "", "must be `field: value` lines at its top")
        self._plain(root, "")
        data = self._mapping("", 1)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise _Refused(_line(after), "", "holds a second document; a file describes one endpoint")
        return data

    def _next(self) -> yaml.Event:
        return next(self.events)

    def _node(self) -> Node:
        """The next event where YAML's grammar has a value."""
        return cast("Node", next(self.events))

    def _value(self, event: Node, path: str, depth: int) -> Value:
        self.values += 1
        if self.values > MOST_VALUES:
            raise _Refused(_line(event), "", f"has more than {MOST_VALUES} values, and no spec needs that")
        if depth > DEEPEST:
            raise _Refused(_line(event), "", f"is nested more than {DEEPEST} levels deep, and no spec needs that")
        self._plain(event, path)
        match event:
            case yaml.MappingStartEvent():
                return self._mapping(path, depth + 1)
            case yaml.SequenceStartEvent():
                return self._sequence(path, depth + 1)
            case yaml.AliasEvent():
                self.document.object_to(_line(event), path, f"is the alias *{event.anchor}: write the value itself")
                return None
            case yaml.ScalarEvent() if not event.style and event.value in _NULLS:
                self.document.object_to(_line(event), path, "has no value: give one or take the line out")
                return None
            case yaml.ScalarEvent():
                return str(event.value)

    def _plain(self, event: yaml.Event, path: str) -> None:
        """Object to what YAML lets one hang on a value."""
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return
        if event.anchor:
            self.document.object_to(_line(event), path, f"carries the anchor &{event.anchor}: take it off")
        if event.tag:
            self.document.object_to(_line(event), path, f"carries the tag {_short(event.tag)}: take it off")

    def _mapping(self, path: str, depth: int) -> dict[str, Value]:
        found: dict[str, Value] = {}
        while not isinstance(event := self._node(), yaml.MappingEndEvent):
            key = self._key(event, path, depth)
            below = f"{path}.{key}" if path and key is not None else key or path
            line = _line(event)
            if key in found:
                first = self.document.lines[below]
                self.document.object_to(line, below, f"stands here a second time, first on line {first}; keep one")
                self._value(self._node(), below, depth)
                continue
            self.document.lines.setdefault(below, line)
            value = self._value(self._node(), below, depth)
            if key is not None:
                found[key] = value
        return found

    def _sequence(self, path: str, depth: int) -> list[Value]:
        found: list[Value] = []
        while not isinstance(event := self._node(), yaml.SequenceEndEvent):
            below = f"{path}.{len(found)}"
            self.document.lines.setdefault(below, _line(event))
            found.append(self._value(event, below, depth))
        return found

    def _key(self, event: Node, path: str, depth: int) -> str | None:
        """The key, or None where it is none; the problem is noted then."""
        if not isinstance(event, yaml.ScalarEvent):
            self._value(event, path, depth)
            self.document.object_to(_line(event), path, "has a key that is not text")
            return None
        self._plain(event, path)
        if said := _wrong_key(event):
            self.document.object_to(_line(event), path, said)
            return None
        return str(event.value)


def _wrong_key(event: yaml.ScalarEvent) -> str:
    key = str(event.value)
    if key == "<<":
        return "has the merge key <<: write the values themselves"
    if not event.style and len(key) <= LONGEST_KEY and not is_text(key):
        return f"has the key {shown(key)}, which YAML takes for something other than text: put it in quotes"
    if looks_like_token(key):
        return "has a key that looks like a token"
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        return f"has a key that no field can have: {shown(key)}"
    return ""


@lru_cache(maxsize=4096)
def is_text(plain: str) -> bool:
    """Whether YAML takes what has no quotes for text. The same few keys stand in every file of a folder."""
    return bool(_RESOLVER.resolve(yaml.ScalarNode, plain, (True, False)) == _TEXT)  # type: ignore[no-untyped-call]


def _short(tag: str) -> str:
    """A tag as it is written: YAML's own with two exclamation marks."""
    return tag.replace("tag:yaml.org,2002:", "!!")[:60]


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 0
