"""Files and folders of specs, read together, so that everything wrong in all of them is said at once."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from hfdeploy.errors import Problem, SpecError
from hfdeploy.spec.document import MOST_BYTES, Document, line_of, read_document
from hfdeploy.spec.endpoint import EndpointSpec
from hfdeploy.spec.section import adapter
from hfdeploy.spec.sentence import objections

SUFFIXES: Final = frozenset({".yaml", ".yml"})


@dataclass(frozen=True, slots=True)
class LoadedSpec:
    """A spec and where it stands."""

    spec: EndpointSpec
    file: str
    """As shown to people: as it was named, or relative to the working directory or the root."""
    lines: Mapping[str, int]
    """Line by dotted field path, counted from 1."""
    folder: Path = Path()
    """Where it lies, as it was named: what stands beside it is found there."""

    def line_of(self, field: str) -> int:
        """The line of a field, or of the nearest section around it that the file has."""
        return line_of(self.lines, field)


def load_specs(paths: Sequence[Path], *, root: Path | None = None) -> list[LoadedSpec]:
    """Read files and folders (their `*.yaml` and `*.yml`, sorted, not those that begin with a dot).

    Links are resolved first, and what lies outside `root` then is refused; without a root, a folder is the root of
    its files and each other file of itself.

    Raises:
        SpecError: Every problem of every file.
    """
    loaded, problems = read_specs(paths, root=root)
    if problems:
        raise SpecError(problems)
    return loaded


def read_specs(paths: Sequence[Path], *, root: Path | None = None) -> tuple[list[LoadedSpec], list[Problem]]:
    """The same without raising: the specs that are valid on their own, and the problems of all others.

    So that what a review finds in the valid ones can be said together with what is wrong in the others.
    """
    problems: list[Problem] = []
    if not paths:
        problems.append(Problem("specs", 0, "", "names no file and no folder"))
    files = list(_files(paths, root, problems))
    documents = [(_read(path, shown, problems), folder) for shown, folder, path in files]
    read = [(document, folder) for document, folder in documents if document is not None]
    loaded = [found for document, folder in read if (found := _load(document, folder, problems))]
    problems += _namesakes([document for document, _ in read])
    return loaded, problems


def parse_spec(data: Mapping[str, object], *, source: str = "spec") -> EndpointSpec:
    """Make a spec of a mapping, such as the keyword arguments of a program; None leaves a field out.

    Raises:
        SpecError: Every problem, with `source` in the place of the file.
    """
    try:
        return EndpointSpec.model_validate(_without_none(data))
    except ValidationError as error:
        raise SpecError([Problem(source, 0, ".".join(path), said) for path, said in objections(error)]) from None


def declare(spec: EndpointSpec) -> dict[str, Any]:
    """What was written, as plain values that `parse_spec` makes the same spec of; defaults are left out."""
    declared = spec.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    if "engine" in declared:
        declared["engine"]["type"] = spec.engine.type
    return declared


def meaning_alone(field: str, value: object) -> object:
    """What one field of a spec means, as plain JSON and with defaults; the value itself where no spec may have it."""
    reader = adapter(EndpointSpec, field)
    try:
        return reader.dump_python(reader.validate_python(_without_none(value)), mode="json")
    except ValidationError:
        return value


def _without_none(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value


def _load(document: Document, folder: Path, problems: list[Problem]) -> LoadedSpec | None:
    problems += document.problems
    if document.data is None:
        return None
    known = {problem.field for problem in document.problems}
    try:
        spec = EndpointSpec.model_validate(document.data)
    except ValidationError as error:
        for path, said in objections(error):
            field = ".".join(path)
            if not _is_about(field, known):
                problems.append(Problem(document.file, line_of(document.lines, field), field, said))
        return None
    return LoadedSpec(spec, document.file, document.lines, folder)


def _is_about(field: str, known: set[str]) -> bool:
    """Whether a problem of YAML was already named for the field; one mistake is said once."""
    return any(field == path or field.startswith(f"{path}.") for path in known if path)


def _namesakes(documents: Sequence[Document]) -> Iterator[Problem]:
    first: dict[str, Document] = {}
    for document in documents:
        name = (document.data or {}).get("name")
        if not isinstance(name, str):
            continue
        if name in first:
            other = first[name]
            place = f"{other.file}:{line_of(other.lines, 'name')}"
            yield Problem(
                document.file,
                line_of(document.lines, "name"),
                "name",
                f"is {name}, and so is the one of {place}; a name belongs to one spec",
            )
        else:
            first[name] = document


def _files(paths: Sequence[Path], root: Path | None, problems: list[Problem]) -> Iterator[tuple[str, Path, Path]]:
    """What is shown, the folder as it was named, and what is opened, for each file once."""
    seen: set[Path] = set()
    for path, bounds in _named(paths, root, problems):
        try:
            target = _within(path, bounds)
        except (OSError, ValueError) as error:
            problems.append(Problem(_shown(path, root), 0, "", _why(error)))
            continue
        if target not in seen:
            seen.add(target)
            yield _shown(path, root), path.parent, target


def _named(paths: Sequence[Path], root: Path | None, problems: list[Problem]) -> Iterator[tuple[Path, Path | None]]:
    """Each file, folders opened up, with the folder that its target may not leave."""
    for path in paths:
        try:
            if not path.is_dir():
                yield path, root
                continue
            folder = _within(path, root)
            found = sorted(file for file in path.iterdir() if file.suffix in SUFFIXES and not file.name.startswith("."))
        except (OSError, ValueError) as error:
            problems.append(Problem(_shown(path, root), 0, "", _why(error)))
            continue
        if not found:
            problems.append(Problem(_shown(path, root), 0, "", "holds no *.yaml and no *.yml"))
        for file in found:
            yield file, root or folder


def _within(path: Path, bounds: Path | None) -> Path:
    """What a path leads to, links followed, if that lies where specs may lie."""
    try:
        target = path.resolve(strict=True)
    except RuntimeError:  # what Python before 3.13 makes of it; from there on it is an OSError
        raise ValueError("is a link that leads in a circle") from None
    if bounds is not None and not target.is_relative_to(bounds.resolve()):
        raise ValueError("leads out of the folder of the specs, which none may leave")
    return target


def _read(file: Path, shown: str, problems: list[Problem]) -> Document | None:
    if file.suffix not in SUFFIXES:
        problems.append(Problem(shown, 0, "", "is no spec: the name of one ends in .yaml or .yml"))
        return None
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would never return.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return read_document(stream.read(MOST_BYTES + 1), shown)
        problems.append(Problem(shown, 0, "", "is no ordinary file"))
    except OSError as error:
        problems.append(Problem(shown, 0, "", _why(error)))
    return None


def _why(error: OSError | ValueError) -> str:
    match error:
        case FileNotFoundError():
            return "does not exist"
        case OSError():
            return f"cannot be read: {error.strerror or 'the system refuses'}"
        case _ if "null" in str(error):
            return "has a NUL in its name"
        case _:
            return str(error)


def _shown(path: Path, root: Path | None) -> str:
    """A path as people know it: as they named it, or relative to where they are or to the root."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in _relative(path, root))


def _relative(path: Path, root: Path | None) -> str:
    if path.is_absolute():
        for start in (Path.cwd(), root):
            if start is not None and path.is_relative_to(start):
                return str(path.relative_to(start))
    return str(path)
