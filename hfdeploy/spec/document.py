"""The text of one spec file, as plain text, lists and mappings with line numbers.

YAML is read as a stream of events and never built by its own constructors, so an alias is refused before it can
multiply, `no` stays `no`, and of two equal keys neither wins in silence. libyaml is taken where it exists because it
refuses the worst file of the allowed size in milliseconds; PyYAML's own parser needs up to half a second.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import yaml

from hfdeploy.errors import Problem

MOST_BYTES: Final = 256 * 1024
DEEPEST: Final = 16
MOST_VALUES: Final = 5000
MOST_PROBLEMS: Final = 50
"""A file with more is not a spec; the rest would only push the first ones off the screen."""

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
"""What a document holds; None stands where the file has no value, so that its field can be named."""

_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Refused(Exception):
    """Reading cannot go on after this."""

    def __init__(self, line: int, message: str, path: str = "") -> None:
        super().__init__(message)
        self.line, self.message, self.path = line, message, path


@dataclass
class Document:
    """One file's content, the line of every field, and what was wrong with it as YAML."""

    file: str
    data: dict[str, Value] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """Line by dotted path, counted from 1; '' is the document's first."""
    problems: list[Problem] = field(default_factory=list)

    def object_to(self, line: int, path: str, message: str) -> None:
        """Remember a problem; reading goes on."""
        self.problems.append(Problem(self.file, line, path, message))
        if len(self.problems) >= MOST_PROBLEMS:
            raise _Refused(line, f"has {MOST_PROBLEMS} problems up to here, so the rest was not read")


def line_of(lines: "dict[str, int]", path: str) -> int:
    """The line of a field, or of the nearest section around it; 0 when nothing is known."""
    while path and path not in lines:
        path = path.rpartition(".")[0]
    return lines.get(path, 0)


def read_document(content: bytes, file: str) -> Document:
    """Read one file; whatever is wrong is in the `problems` of what comes back, and nothing is raised."""
    document = Document(file)
    try:
        _read(_decoded(content), document)
    except _Refused as refused:
        document.problems.append(Problem(file, refused.line, refused.path, refused.message))
    except yaml.MarkedYAMLError as error:
        document.problems.append(Problem(file, *_syntax(error, content)))
    except yaml.reader.ReaderError as error:
        before = content.decode("utf-8", errors="replace")[: error.position]
        document.problems.append(Problem(file, before.count("\n") + 1, "", _unreadable(error)))
    return document
