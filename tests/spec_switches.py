"""Every check of the spec package with a switch that takes it out."""

import ast
import importlib
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.abc import SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, TypeAdapter
from pydantic.fields import FieldInfo

import hfdeploy.spec


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


def with_switches() -> Iterator[tuple[ModuleType, Switches]]:
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
