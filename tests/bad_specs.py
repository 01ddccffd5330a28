"""The broken specs of tests/spec/bad, and the sentences that MESSAGES.txt has for them."""

import re
from collections import defaultdict
from pathlib import Path
from types import ModuleType

import pytest
from spec_folder import BAD

from hfdeploy.errors import SpecError

FILES = sorted(file.name for file in BAD.glob("*.yaml"))

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


def beside_the_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are shown as they are named, so they are named from beside them."""
    monkeypatch.chdir(BAD)
