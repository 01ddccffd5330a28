"""A spec's text with one value changed: everything else, comments and spaces included, stays as it was written.

The place of a value is found by YAML's own events, and the result is read again: an edit that would change anything
but that one value is refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from hfdeploy.errors import UsageError
from hfdeploy.spec.document import is_text, read_document

_NUMBER: Final = re.compile(r"[0-9]+e[0-9]+", re.IGNORECASE)
"""A commit can look like this; newer YAML than PyYAML's takes it for a number."""


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a value and its key are in the text, in characters."""

    start: int
    end: int
    key_column: int
    is_flow: bool
    """Whether the mapping around it is in braces."""


def with_value(text: str, field: str, value: str) -> str:
    """The text with another value of a field that it has; `field` is a dotted path.

    Raises:
        UsageError: the file does not have the field, or writes it in a way that cannot be changed safely.
    """
    span = _span(text, field)
    return _checked(text, text[: span.start] + _written(value) + text[span.end :], field, value)


def with_field(text: str, field: str, value: str, *, after: str) -> str:
    """The text with one more field at its top, on a line of its own after the field `after`.

    Raises:
        UsageError: the file writes that one in a way that nothing can be put after it safely.
    """
    span = _span(text, after)
    written = f"{field}: {_written(value)}"
    if span.is_flow:
        return _checked(text, f"{text[: span.end]}, {written}{text[span.end :]}", field, value)
    stop = text.find("\n", max(span.start, span.end - 1))
    head, tail = (text + "\n", "") if stop < 0 else (text[: stop + 1], text[stop + 1 :])
    ending = "\r\n" if head.endswith("\r\n") else "\n"
    return _checked(text, f"{head}{' ' * span.key_column}{written}{ending}{tail}", field, value)


def _written(value: str) -> str:
    """A value as YAML has it: in quotes only where a reader could take it for something else than text."""
    return value if is_text(value) and not _NUMBER.fullmatch(value) else f'"{value}"'


def _span(text: str, field: str) -> _Span:
    for path, span in _scalars(text):
        if path == field:
            return span
    raise UsageError(f"{field} is not there as one value, so it cannot be mended by itself.")


def _scalars(text: str) -> Iterator[tuple[str, _Span]]:
    """Every scalar value below mappings with its dotted path; lists are passed over."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    waiting = [("", node)]
    while waiting:
        path, mapping = waiting.pop()
        for key, value in mapping.value if isinstance(mapping, yaml.MappingNode) else ():
            below = f"{path}.{key.value}" if path else str(key.value)
            if isinstance(value, yaml.ScalarNode):
                start, end = value.start_mark.index, value.end_mark.index
                yield below, _Span(start, end, key.start_mark.column, bool(mapping.flow_style))
            else:
                waiting.append((below, value))


def _checked(before: str, after: str, field: str, value: str) -> str:
    """The edited text, if nothing but the one value differs."""
    old, new = read_document(before.encode(), ""), read_document(after.encode(), "")
    if new.problems or old.data is None or new.data is None or new.data != _put(old.data, field.split("."), value):
        raise UsageError(f"{field} is written in a way that cannot be mended by itself: write {value} by hand.")
    return after


def _put(data: Any, path: list[str], value: str) -> Any:  # noqa: ANN401 - a document's value
    first, *rest = path
    return {**data, first: _put(data[first], rest, value) if rest else value}
