"""Answers that are no event stream: vectors, scores, labels, one JSON document. Pure."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass

from hfdeploy.stream.dialect import clean, read_error
from hfdeploy.verdict import Vectors

_TEXTS = ("generated_text", "summary_text", "translation_text", "answer", "text")


@dataclass(frozen=True, slots=True)
class Content:
    """What a JSON body holds. `is_whole` is false for one that ends in the middle or is no JSON at all."""

    is_whole: bool = False
    has_content: bool = False
    text: str = ""
    error: str = ""
    is_overload: bool = False
    vectors: Vectors | None = None


def read_answer(body: bytes, *, inputs: int = 0) -> Content:
    """Read one JSON document; with `inputs`, the number of texts that were sent to be embedded, as vectors."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return Content()
    if isinstance(document, dict) and (error := read_error(document)):
        return Content(is_whole=True, error=error.error, is_overload=error.is_overload)
    return Content(
        is_whole=True,
        has_content=document not in (None, "", [], {}, [[]]),
        text=_text(document),
        vectors=_vectors(document, inputs) if inputs else None,
    )


def _text(document: object) -> str:
    first = document[0] if isinstance(document, list) and document else document
    if not isinstance(first, dict):
        return ""
    return next((clean(first[key]) for key in _TEXTS if isinstance(first.get(key), str)), "")


def _vectors(document: object, inputs: int) -> Vectors | None:
    """Plain lists (TEI, toolkit), `{"embeddings": ...}` (toolkit), `{"data": [{"embedding": ...}]}` (OpenAI)."""
    if isinstance(document, dict):
        data = document.get("data")
        if isinstance(data, list):
            document = [item.get("embedding") if isinstance(item, dict) else None for item in data]
        else:
            document = document.get("embeddings")
    if not isinstance(document, list):
        return None
    rows = [row for item in document for row in _rows(item)]
    numbers = [[_number(value) for value in row] for row in rows]
    return Vectors(
        asked=inputs,
        count=len(document),
        lengths=tuple(sorted({len(row) for row in rows})),
        is_finite=all(math.isfinite(value) for row in numbers for value in row),
        zeros=sum(not any(row) for row in numbers),
    )


def _rows(item: object) -> Iterator[list[object]]:
    """The innermost lists: a pipeline may answer one vector per token instead of one per text."""
    if not isinstance(item, list):
        yield []
    elif item and all(isinstance(value, list) for value in item):
        for value in item:
            yield from _rows(value)
    else:
        yield item


def _number(value: object) -> float:
    """Servers write NaN as null; neither that nor a word is a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf
