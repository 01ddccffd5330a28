"""The README says what is: its commands are run, its spec is a file's, its tables are those of the code.

What it shows of `make up`, of a real engine and of endpoints was run by hand; here it is held to the specs. Whatever
runs offline within a second or two is run again, each time.
"""

import ast
import inspect
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
import typer.main
import yaml

from hfdeploy import cli, errors, load_specs, parse_spec, settings, stack
from hfdeploy.catalog import Catalog
from hfdeploy.plan import make_plan
from hfdeploy.provider.props import OUTPUTS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = ["README.md", "CHANGELOG.md", "SECURITY.md", "docs/operations.md"]

OFFLINE = ("hfdeploy resolve", "hfdeploy plan", "hfdeploy validate", "hfdeploy schema", "hfdeploy catalog")
"""Commands that need neither network nor engine: they are run."""
BY_HAND = ("make ", "pulumi ", "export ", "hfdeploy verify")
"""Commands that bring something live, shown as they were run once."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of one language, without their fences."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def runs() -> Iterator[tuple[str, str]]:
    """Each shown command with the output below it."""
    for block in blocks("console"):
        for shown in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = shown.partition("\n")
            yield command, output


def table(heading: str) -> list[list[str]]:
    """The rows of the table whose first column has that heading, cell by cell."""
    found = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", README, re.MULTILINE)
    assert found, f"the README has no table that begins with {heading}"
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in found[1].splitlines()]


def names(heading: str) -> list[str]:
    """The first column of a table, without its backticks."""
    return [row[0].strip("`") for row in table(heading)]


def summary() -> str:
    """What the first `make up` of the README ends with."""
    return next(output for command, output in runs() if command == "make up").partition("Duration:")[2]


def all_errors(kind: type[errors.HfdeployError] = errors.HfdeployError) -> Iterator[type[errors.HfdeployError]]:
    """The whole tree."""
    yield kind
    for child in kind.__subclasses__():
        yield from all_errors(child)


def test_every_shown_command_is_run_or_known_to_be_run_by_hand() -> None:
    """A command that nobody runs goes stale without a word."""
    shown = [command for command, _ in runs()]

    assert [command for command in shown if not command.startswith((*OFFLINE, *BY_HAND))] == []
    assert len([command for command in shown if command.startswith(OFFLINE)]) >= 3


@pytest.mark.parametrize(
    ("command", "output"), [pytest.param(*run, id=run[0]) for run in runs() if run[0].startswith(OFFLINE)]
)
def test_a_shown_command_prints_what_is_shown(command: str, output: str) -> None:
    """A newcomer compares the two line by line."""
    about = ("HF", "PULUMI_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "GITHUB_")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(about)}
    # The interpreter's folder has `hfdeploy` beside it; a login saved on this machine would ask the live catalogue.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    ended = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        env={**plain, "PATH": path, "HF_HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert ended.stdout.strip() == output.strip()


def test_the_shown_spec_is_the_file_whole() -> None:
    """Whoever copies it from the page gets what `make up` brings live."""
    whole, *_parts = blocks("yaml")
    assert whole == (ROOT / "specs" / "falcon-40b.yaml").read_text("utf-8")


def test_the_parts_of_specs_that_are_shown_are_accepted_in_one(tmp_path: Path) -> None:
    """They are copied into other specs."""
    rest = "name: tiny\nrepository: acme/tiny\ncloud: aws\nregion: us-east-1\ninstance: nvidia-l4 x1\n"
    _whole, *parts = blocks("yaml")
    for number, part in enumerate(parts):
        file = tmp_path / f"{number}.yaml"
        file.write_text(f"{rest}engine: {{ type: vllm }}\n{part}", "utf-8")
        assert load_specs([file])[0].spec.verify.deep is not None


def test_every_line_of_the_shown_spec_is_explained() -> None:
    """A field without a word about it is the one that a newcomer asks about."""
    spec = yaml.safe_load(blocks("yaml")[0])
    explained = {word for row in table("line") for word in re.findall(r"`([a-z_.]+)`", row[0])}
    fields = {
        f"{name}.{inner}" if f"{name}.{inner}" in explained else name
        for name, value in spec.items()
        for inner in (value if isinstance(value, dict) else [None])
    }

    assert fields == explained


def test_the_shown_program_declares_a_valid_endpoint() -> None:
    """It is what people paste first."""
    program = ast.parse(blocks("python")[0])
    call = next(
        node for node in ast.walk(program) if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Endpoint")
    )
    fields = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.keywords}
    used = [node.attr for node in ast.walk(program) if isinstance(node, ast.Attribute) and node.value.id == "chat"]

    assert ast.unparse(call.func) == "hfdeploy.InferenceEndpoint"
    assert parse_spec({"name": ast.literal_eval(call.args[0]), **fields}).repository == fields["repository"]
    assert set(used) <= set(OUTPUTS)


def test_the_summary_has_every_spec_with_its_hardware_and_price() -> None:
    """A spec that is added, or a price that moves, makes the shown run an old one."""
    plans = [make_plan(one.spec, Catalog.snapshot()) for one in load_specs([ROOT / "specs"])]
    shown = re.findall(r"^(\S+)  passed  running · (.*) · \$(\S+)/h$", summary(), re.MULTILINE)

    assert [(name, instance, Decimal(price)) for name, instance, price in shown] == [
        (plan.name, f"{plan.hardware.instance_type} {plan.hardware.instance_size}", plan.hardware.price_per_hour)
        for plan in plans
    ]


def test_the_module_map_has_every_module_in_the_order_of_the_layers() -> None:
    """The map is how a newcomer finds the place to look at; `errors` is at its foot because nothing is below it."""
    package = ROOT / "hfdeploy"
    found = {path.stem for path in package.glob("*.py") if path.stem != "__init__"}
    found |= {path.parent.name for path in package.glob("*/__init__.py")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(one["layers"] for one in contracts if one["type"] == "layers" and one["containers"] == ["hfdeploy"])
    depth = {name: number for number, layer in enumerate(layers) for name in re.findall(r"\w+", layer)}
    mapped = names("`hfdeploy/`")

    assert sorted(mapped) == sorted(found)
    assert mapped == sorted(mapped, key=depth.__getitem__)


def test_the_table_of_commands_is_that_of_the_command_line() -> None:
    """A command that is only in the code is never found, one that is only here cannot be typed."""
    assert names("command") == list(typer.main.get_command(cli.app).commands)


def test_the_table_of_exit_codes_is_that_of_the_errors() -> None:
    """Pipelines branch on these numbers."""
    assert names("exit code") == [str(code) for code in sorted({0, *(error.exit_code for error in all_errors())})]


def test_every_configuration_key_and_variable_is_one_that_is_read() -> None:
    """A key that is documented and not read is a setting that silently does nothing."""
    source = inspect.getsource(settings) + inspect.getsource(stack)
    told = [cell for row in table("stack configuration") for cell in row[:2]]
    keys = re.findall(r"`hfdeploy:(\w+)`", " ".join(told))
    variables = re.findall(r"`([A-Z_]+)`", " ".join(told))

    assert [word for word in [*keys, *variables] if f'"{word}"' not in source] == []
    assert len(keys) == len(table("stack configuration"))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    """To a file of this repository, or to a heading of the same document."""
    text = (ROOT / document).read_text("utf-8")
    headings = {
        re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    }
    targets = [target for target in re.findall(r"\]\(\s*([^)\s]+)\)", text) if not target.startswith("https://")]

    broken = [
        target
        for target in targets
        if not (
            target[1:] in headings if target.startswith("#") else (ROOT / document).parent.joinpath(target).exists()
        )
    ]
    assert broken == []


def test_nothing_shown_names_a_folder_of_the_machine_it_ran_on() -> None:
    """Paths are shortened to what is the same everywhere."""
    assert re.findall(r"(?<![\w.…~}])/(?:root|home|tmp|work|Users)/\S*", README) == []
