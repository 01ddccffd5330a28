"""What must hold for any bytes: the loader raises nothing but its own error, no stream of noise proves a model.

Used by the tests with hypothesis and, coverage-guided, by `make fuzz`.
"""

import json
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

from hfdeploy.errors import SpecError
from hfdeploy.spec import parse_spec
from hfdeploy.spec.document import read_document
from hfdeploy.stream import Deadlines, Request
from hfdeploy.stream.answer import read_answer
from hfdeploy.stream.conversation import Head, Piece
from hfdeploy.stream.dialect import Dialect
from hfdeploy.stream.reading import Reading
from hfdeploy.verdict import Kind, Sample, Wanted, judge

DIALECTS = tuple(Dialect)
LONG = Deadlines(first_token=600, stall=600, total=600, after_end=600)


def load(content: bytes) -> str:
    """What the loader makes of a file: `spec`, or `problems`, each a sentence with a line or about the whole file."""
    document = read_document(content, "noise.yaml")
    problems = list(document.problems)
    if document.data is not None and not problems:
        try:
            parse_spec(document.data)
        except SpecError as error:
            problems += error.problems
        else:
            return "spec"
    assert problems, "neither a spec nor a problem"
    for problem in problems:
        assert problem.message.strip(), problem
        assert problem.line >= 0, problem
        assert str(problem).isprintable() or "\n" in problem.message, problem
    return "problems"


class Said:
    """An answer that has come already, in the pieces given, instead of a connection."""

    def __init__(self, pieces: Sequence[bytes], content_type: str = "text/event-stream") -> None:
        self.began = time.monotonic()
        self._pieces, self._content_type = iter(pieces), content_type

    def head(self, _until: float) -> Head:
        return Head(200, {"content-type": self._content_type})

    def piece(self, _until: float) -> Piece | None:
        data = next(self._pieces, None)
        return None if data is None else Piece(time.monotonic(), data)


def read(dialect: Dialect, pieces: Sequence[bytes]) -> Sample:
    """The real reader on these pieces."""
    request = Request("/any", b"{}", Kind.STREAM, dialect)
    return Reading(Said(pieces), request, LONG).read()  # type: ignore[arg-type]


def facts(sample: Sample) -> tuple[object, ...]:
    """Everything of a sample that is no time."""
    return (
        sample.text, sample.tokens, sample.counted_by, sample.finish_reason, sample.has_ended, sample.error,
        sample.is_overload, len(sample.gaps), sample.transport,
    )  # fmt: skip


def stream(content: bytes, cuts: Sequence[int], dialect: Dialect) -> bool:
    """Read the bytes whole and in pieces: the same sample, and a pass only where there is ground for one."""
    places = sorted({0, *(cut % (len(content) + 1) for cut in cuts), len(content)})
    pieces = [content[start:end] for start, end in pairwise(places)]
    whole, cut = read(dialect, [content]), read(dialect, pieces)
    assert facts(whole) == facts(cut), (facts(whole), facts(cut))
    passed = judge(whole, Wanted()).passed
    if passed:
        assert _may_pass(content), whole
    read_answer(content, inputs=2)
    return passed


def _may_pass(content: bytes) -> bool:
    """By a reading of its own: some line of data holds text, some an end, and none an error."""
    found = list(_objects(content))
    has_end = b"[DONE]" in content or any("finish_reason" in text or "generated_text" in text for text, _ in found)
    return has_end and any(_words(one) for _, one in found) and not any(one.get("error") for _, one in found)


def _objects(content: bytes) -> Iterator[tuple[str, dict[str, object]]]:
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    for block in text.split("\n\n"):
        lines = [line.partition(":")[2].removeprefix(" ") for line in block.split("\n") if line.startswith("data")]
        try:
            one = json.loads("\n".join(lines))
        except (ValueError, RecursionError):
            continue  # noise is no object
        if isinstance(one, dict):
            yield "\n".join(lines), one


def _words(one: dict[str, object]) -> bool:
    token, choices = one.get("token"), one.get("choices")
    if isinstance(token, dict) and token.get("text"):
        return True
    choice = choices[0] if isinstance(choices, list) and choices else None
    return isinstance(choice, dict) and bool(choice.get("text") or choice.get("delta"))
