"""No check of the spec is idle: each one that is taken out is missed by a broken spec."""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from bad_specs import FILES, Messages, beside_the_bad, messages, table
from spec_folder import FIELDS
from spec_switches import Switches, with_switches

from hfdeploy.errors import SpecError

in_the_folder = pytest.fixture(beside_the_bad)
instrumented = pytest.fixture(with_switches, scope="module")


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
    (folder / "circle.yaml").symlink_to(folder / "circle.yaml")
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
        "circle": loading(folder / "circle.yaml"),
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
