"""Broken specs: each is refused with the sentence that MESSAGES.txt has for it, and no check of the spec is idle.

`spec/bad` holds one mistake per file; the table beside them is what `hfdeploy validate` prints. `taken_out` builds the
whole spec package once more with a switch before every check, so that each can be taken out alone.
"""

import ast
import importlib
import os
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from importlib.abc import SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import AfterValidator, BeforeValidator, TypeAdapter
from pydantic.fields import FieldInfo

import hfdeploy.spec
from hfdeploy.errors import SpecError
from hfdeploy.spec.endpoint import EndpointSpec
from hfdeploy.spec.section import Section

BAD = Path(__file__).parent / "spec" / "bad"
FIELDS = {
    "name": "tiny",
    "repository": "acme/tiny",
    "cloud": "aws",
    "region": "us-east-1",
    "instance": "nvidia-t4 x1",
}
FILES = sorted(file.name for file in BAD.glob("*.yaml"))
ROWS = {
    30: r"yaml-|.*duplicate",
    32: r"env-(key|loader|token)|secrets-(key|loader|plain|from-)|.*-token\.",
    37: r"public-",
}
"""The rows of the fault catalogue that a file is about, by the beginning of its name."""
SECRETS = ("pa55word", "correct-horse-battery", "x" * 20)
"""What stands in the files in the place of secrets."""

Messages = list[str]


def table() -> dict[str, Messages]:
    """The lines of MESSAGES.txt by the file that they are about."""
    lines: dict[str, Messages] = defaultdict(list)
    for line in (BAD / "MESSAGES.txt").read_text().splitlines():
        lines[re.split(r"[:]", line, maxsplit=1)[0]].append(line)
    return lines


def messages(spec: ModuleType, file: str) -> Messages:
    """What a loader says about one file, as it is printed."""
    try:
        spec.load_specs([Path(file)])
    except SpecError as error:
        return str(error).splitlines()
    return []


@pytest.fixture
def in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are shown as they are named, so they are named from beside them."""
    monkeypatch.chdir(BAD)


def proving(file: str) -> Any:
    """The file as a parameter, with its rows."""
    rows = [row for row, names in ROWS.items() if re.match(names, file)]
    return pytest.param(file, marks=[pytest.mark.fault(*rows)] if rows else [])


@pytest.mark.usefixtures("in_the_folder")
@pytest.mark.parametrize("file", [proving(file) for file in FILES])
def test_a_broken_spec_is_refused_with_its_sentence(file: str) -> None:
    """Somebody has to find the line and know what to write there."""
    assert messages(hfdeploy.spec, file) == table()[file]


def test_the_table_knows_every_file_and_no_other() -> None:
    """A file without a line would be a spec that is accepted."""
    assert set(table()) == set(FILES)
    assert len(FILES) >= 60


def test_no_sentence_is_pydantics_and_none_shows_a_secret() -> None:
    """The first would send people to a library's manual, the second to a password reset."""
    text = (BAD / "MESSAGES.txt").read_text()
    for foreign in ("Input should", "Value error", "validation error", "Extra inputs", "Field required", "pydantic"):
        assert foreign not in text
    held = "".join((BAD / file).read_text(errors="replace") for file in FILES)
    for secret in SECRETS:
        assert secret in held
        assert secret not in text


def test_every_field_of_every_section_has_a_broken_spec() -> None:
    """A field without one could lose its check and nobody would know."""
    named = {line.split(": ")[1] for lines in table().values() for line in lines}
    silent = [path for path in paths(EndpointSpec, "") if not any(is_about(field, path) for field in named)]
    assert silent == []


def is_about(field: str, path: str) -> bool:
    """Whether a message's field is that of a path, where * stands for any key."""
    return re.fullmatch(re.escape(path).replace(r"\*", "[^.]+") + r"(\..*)?", field) is not None


def paths(section: type[Section], prefix: str) -> Iterator[str]:
    """Every field of a section and of the sections below it, as dotted paths."""
    for name, field in section.model_fields.items():
        yield f"{prefix}{name}"
        below = f"{prefix}{name}." if name != "secrets" else f"{prefix}{name}.*."
        for inner in sections_in(field.annotation):
            yield from paths(inner, below)


def sections_in(annotation: object) -> Iterator[type[Section]]:
    """The sections that an annotation names anywhere."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for inner in get_args(annotation):
        yield from sections_in(inner)


@pytest.mark.usefixtures("in_the_folder")
def test_every_choice_between_words_has_a_broken_spec() -> None:
    """A list of words that nobody tries to leave is no list."""
    refused = {line.split(": ")[1] for lines in table().values() for line in lines if "no choice here" in line}
    open_ones = [path for path in choices(EndpointSpec, "") if path not in refused | {"engine.type", "state"}]
    assert open_ones == []


def choices(section: type[Section], prefix: str) -> Iterator[str]:
    """Every field whose value is one of some words."""
    for name, field in section.model_fields.items():
        if any(is_choice(part) for part in parts(field.annotation)):
            yield f"{prefix}{name}"
        for inner in sections_in(field.annotation):
            yield from choices(inner, f"{prefix}{name}.")


def parts(annotation: object) -> Iterator[object]:
    """The alternatives of an annotation, without what is inside maps and lists."""
    if get_origin(annotation) in (UnionType, Union, Annotated):
        for inner in get_args(annotation):
            yield from parts(inner)
    else:
        yield annotation


def is_choice(annotation: object) -> bool:
    """Whether an annotation is a closed list of words."""
    return get_origin(annotation) is Literal or (isinstance(annotation, type) and issubclass(annotation, Enum))


# Taking a check out


class Switches:
    """The checks of an instrumented package: which exist, which is out, and which case reached which."""

    def __init__(self) -> None:
        self.places: dict[int, str] = {}
        self.out: int | None = None
        self.case = ""
        self.reached: dict[int, list[str]] = defaultdict(list)

    def add(self, place: str) -> int:
        """A new check, all of them in."""
        self.places[len(self.places)] = place
        return len(self.places) - 1

    def on(self, number: int) -> bool:
        """Whether a check is in; remembers that the case at hand asked."""
        if self.case not in self.reached[number][-1:]:
            self.reached[number].append(self.case)
        return number != self.out

    def checked(self, number: int, check: Any) -> Any:
        """A check of an annotation, with its switch before it."""
        match check:
            case BeforeValidator(func=judge):
                return BeforeValidator(self.switched(number, judge))
            case AfterValidator(func=judge):
                return AfterValidator(self.switched(number, judge))
            case FieldInfo():
                return AfterValidator(self.switched(number, TypeAdapter(Annotated[Any, check]).validate_python))
            case _ if hasattr(check, "judge"):
                return AfterValidator(self.switched(number, check.judge))
            case _:
                del self.places[number]
                self.places[number] = ""
                return check

    def switched(self, number: int, judge: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """A judge that lets everything pass when it is out."""

        def judged(value: Any) -> Any:
            return judge(value) if self.on(number) else value

        return judged


BOUNDS = {"ge", "gt", "le", "lt", "max_length"}
NO_CHECKS = {"WithJsonSchema", "PlainSerializer", "_AsGiven"}


class Instrumented(ast.NodeTransformer):
    """One module with a switch before every `raise`, every objection and every check of an annotation."""

    def __init__(self, module: str, switches: Switches) -> None:
        self.module = module
        self.switches = switches
        self.function = ""

    def number(self, node: ast.AST) -> ast.Constant:
        text = re.sub(r"\s+", " ", ast.unparse(node))[:70]
        return ast.Constant(self.switches.add(f"{self.module}:{getattr(node, 'lineno', '?')}: {text}"))

    def switched(self, node: ast.stmt) -> ast.stmt:
        test = ast.Call(ast.Name("_switch_on", ast.Load()), [self.number(node)], [])
        return ast.copy_location(ast.If(test, [node], []), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        outer, self.function = self.function, node.name
        self.generic_visit(node)
        self.function = outer
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return self.switched(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        match node.value:
            case ast.Yield(value=ast.Tuple(elts=[_, ast.Constant() | ast.JoinedStr() | ast.Name()])):
                return self.switched(node)
            case ast.Call(func=ast.Attribute(attr="object_to")):
                return self.switched(node)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="problems"), attr="append")):
                return self.switched(node)
            case _:
                return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        says = isinstance(node.value, ast.JoinedStr | ast.Constant) and getattr(node.value, "value", True) != ""
        return self.switched(node) if says and self.function == "_wrong_key" else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "Annotated" and isinstance(node.slice, ast.Tuple):
            first, *checks = node.slice.elts
            node.slice.elts = [first, *(one for check in checks for one in self.checks(check))]
        return node

    def checks(self, check: ast.expr) -> Iterator[ast.expr]:
        if isinstance(check, ast.Starred):
            yield check
            return
        name = check.func.id if isinstance(check, ast.Call) and isinstance(check.func, ast.Name) else ""
        if name != "Field":
            yield check if name in NO_CHECKS else self.check(check)
            return
        assert isinstance(check, ast.Call)
        for keyword in check.keywords:
            alone = ast.copy_location(ast.Call(check.func, [], [keyword]), check)
            yield self.check(alone) if keyword.arg in BOUNDS else alone

    def check(self, check: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Call(ast.Name("_switched", ast.Load()), [self.number(check), check], []), check)


class Finder(SourceLoader):
    """Serves the modules of `hfdeploy.spec` instrumented."""

    def __init__(self, switches: Switches) -> None:
        self.switches = switches

    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:  # noqa: ARG002
        if not name.startswith("hfdeploy.spec"):
            return None
        is_package = name == "hfdeploy.spec"
        return spec_from_loader(name, self, is_package=is_package)

    def get_filename(self, fullname: str) -> str:
        folder = Path(hfdeploy.spec.__file__ or "").parent
        return str(folder / f"{fullname.removeprefix('hfdeploy.spec').removeprefix('.') or '__init__'}.py")

    def get_data(self, path: str) -> bytes:
        tree = Instrumented(Path(path).stem, self.switches).visit(ast.parse(Path(path).read_bytes()))
        return ast.unparse(ast.fix_missing_locations(tree)).encode()

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(_switch_on=self.switches.on, _switched=self.switches.checked)
        super().exec_module(module)


@pytest.fixture(scope="module")
def instrumented() -> Iterator[tuple[ModuleType, Switches]]:
    """The spec package with switches; the real one is put back for everybody else."""
    real = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("hfdeploy.spec")}
    switches = Switches()
    finder = Finder(switches)
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    try:
        package = importlib.import_module("hfdeploy.spec")
    finally:
        sys.meta_path.remove(finder)  # type: ignore[arg-type]
        for name in [name for name in sys.modules if name.startswith("hfdeploy.spec")]:
            del sys.modules[name]
        sys.modules.update(real)
        hfdeploy.spec = real["hfdeploy.spec"]  # type: ignore[assignment]
    return package, switches


def path_cases(folder: Path) -> Mapping[str, Callable[[ModuleType], Messages]]:
    """Mistakes that no file's content can make: names, links and kinds of files, values of programs."""
    inside = folder / "inside"
    inside.mkdir()
    (inside / "link.yaml").symlink_to(folder / "outside.yaml")
    (folder / "outside.yaml").write_text("name: [")
    (folder / "empty").mkdir()
    (folder / "spec.txt").write_text("")
    (folder / "twins").mkdir()
    for name in ("a", "b"):
        (folder / "twins" / f"{name}.yaml").write_text("".join(f"{key}: {value}\n" for key, value in FIELDS.items()))
    (folder / "huge.yaml").write_text("#" * 300_000)

    os.mkfifo(folder / "pipe.yaml")
    (folder / "holder").mkdir()
    (folder / "holder" / "below.yaml").mkdir()

    def loading(*paths: Path, root: Path | None = None) -> Callable[[ModuleType], Messages]:
        def say(spec: ModuleType) -> Messages:
            try:
                spec.load_specs(paths, root=root)
            except SpecError as error:
                return str(error).splitlines()
            return []

        return say

    def parsing(**values: object) -> Callable[[ModuleType], Messages]:
        def say(spec: ModuleType) -> Messages:
            try:
                spec.parse_spec({**FIELDS, **values})
            except SpecError as error:
                return str(error).splitlines()
            return []

        return say

    return {
        "nothing": loading(),
        "link": loading(inside),
        "empty": loading(folder / "empty"),
        "suffix": loading(folder / "spec.txt"),
        "missing": loading(folder / "missing.yaml"),
        "pipe": loading(folder / "pipe.yaml"),
        "directory": loading(folder / "holder"),
        "outside": loading(folder, root=inside),
        "twins": loading(folder / "twins"),
        "huge": loading(folder / "huge.yaml"),
        "nul": loading(folder / "a\0b.yaml"),
        "timedelta": parsing(rollout={"timeout": timedelta(milliseconds=1500)}),
        "list": parsing(autoscaling=[1]),
        "wrong": parsing(max_model_len=True),
        "endless": parsing(args=["a" * 100_001]),
    }


@pytest.mark.usefixtures("in_the_folder")
def test_every_check_is_needed_by_a_broken_spec(instrumented: tuple[ModuleType, Switches], tmp_path: Path) -> None:
    """A check that can be taken out unnoticed is decoration, and the next change will lose it."""
    spec, switches = instrumented
    cases: dict[str, Callable[[ModuleType], Messages]] = {
        **{file: lambda package, name=file: messages(package, name) for file in FILES},  # type: ignore[misc]
        **path_cases(tmp_path),
    }
    expected = {}
    for switches.case, case in cases.items():
        expected[switches.case] = case(spec)
    assert {file: expected[file] for file in FILES} == {file: table()[file] for file in FILES}

    checks = {number: place for number, place in switches.places.items() if place}
    unnoticed = []
    for number, place in checks.items():
        switches.out = number
        if not any(differs(cases[case], spec, expected[case]) for case in switches.reached[number][:]):
            unnoticed.append(place)
    switches.out = None
    assert len(checks) > 150
    assert not unnoticed, "\n".join(unnoticed)


def differs(case: Callable[[ModuleType], Messages], spec: ModuleType, expected: Messages) -> bool:
    """Whether a case comes out otherwise; a crash does too, since it is no sentence."""
    try:
        return case(spec) != expected
    except Exception:  # noqa: BLE001 - whatever happens without the check shows that it was needed
        return True
