"""Every choice of the emulator by name: what it may be, what it is, and where the doubt comes from.

The control plane's options are data (`data/options.json`); the data plane brings its own in the same shape. Sources
are sections of the project's reference of the Inference Endpoints API.
"""

import copy
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Protocol

from hfdeploy.emulator.records import Json


class Definition(Protocol):
    """The shape of an option, whoever defines it."""

    @property
    def name(self) -> str:
        """Unique over both planes."""

    @property
    def default(self) -> Json:
        """Its value unless somebody says otherwise."""

    @property
    def values(self) -> tuple[Any, ...]:
        """What it may be; empty where any value of the default's kind will do."""

    @property
    def meaning(self) -> str:
        """What it decides."""

    @property
    def source(self) -> str:
        """Where the doubt comes from."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the control plane."""

    name: str
    default: Json
    values: tuple[Any, ...]
    meaning: str
    source: str


def control_options() -> list[Option]:
    """The options of the control plane, as shipped; the meaning of each value is appended to the option's."""
    text = (resources.files("hfdeploy.emulator") / "data" / "options.json").read_text(encoding="utf-8")
    return [_option(name, entry) for name, entry in json.loads(text).items()]


class Options:
    """The values in force. Reading an unknown name is a mistake of the emulator, setting one a mistake of the user."""

    def __init__(self, definitions: Iterable[Definition], values: Mapping[str, Any] | None = None) -> None:
        self.definitions = {definition.name: definition for definition in definitions}
        self._values: dict[str, Any] = {}
        self.version = 0
        """Changes with every change of a value, for whoever keeps what follows from them."""
        self.update(values or {})

    def __getitem__(self, name: str) -> Json:
        return self._values[name] if name in self._values else self.definitions[name].default

    def durations(self) -> dict[str, float]:
        """The option `durations`, whole: what was set over the defaults."""
        return {**self.definitions["durations"].default, **self["durations"]}

    def seconds(self, name: str) -> float:
        """One of the option `durations`."""
        return self.durations()[name]

    def update(self, values: Mapping[str, Any]) -> None:
        """Set all of `values`, or none of them.

        Raises:
            ValueError: an unknown name or a value that the option does not take; one sentence that says which.
        """
        for name, value in values.items():
            self._check(name, value)
        self._values.update(copy.deepcopy(dict(values)))
        self.version += 1

    def clear(self) -> None:
        """Back to the defaults."""
        self._values.clear()
        self.version += 1

    def current(self) -> dict[str, Any]:
        """All values, by name."""
        return {name: self[name] for name in self.definitions}

    def changed(self) -> dict[str, Any]:
        """The values that were set, by name."""
        return dict(self._values)

    def described(self) -> dict[str, dict[str, Any]]:
        """All options with their documentation, as JSON values."""
        return {
            name: {
                "value": self[name],
                "default": definition.default,
                "values": list(definition.values),
                "meaning": definition.meaning,
                "source": definition.source,
            }
            for name, definition in self.definitions.items()
        }

    def _check(self, name: str, value: Json) -> None:
        if name not in self.definitions:
            raise ValueError(f"There is no option `{name}`; GET /_emulator/options lists all.")
        definition = self.definitions[name]
        if definition.values:
            if not any(value == known and type(value) is type(known) for known in definition.values):
                raise ValueError(f"`{name}` takes {_listed(definition.values)}, not {json.dumps(value)}.")
        elif not _fits(value, definition.default):
            raise ValueError(f"`{name}` takes a value like {json.dumps(definition.default)}, not {json.dumps(value)}.")


def _option(name: str, entry: Mapping[str, Any]) -> Option:
    default = entry["default"]
    values: Mapping[str, str] = entry.get("values", {})
    kind = int if isinstance(default, int) else str
    meanings = "; ".join(f"{value}: {text}" for value, text in values.items())
    meaning = f"{entry['meaning']} ({meanings})" if meanings else entry["meaning"]
    return Option(name, default, tuple(kind(value) for value in values), meaning, entry["source"])


def _fits(value: Json, default: Json) -> bool:
    """Whether a value is of the default's kind; a default of null takes null, a number or an object."""
    if default is None:
        return value is None or isinstance(value, dict) or _is_amount(value)
    if isinstance(default, int | float):
        return _is_amount(value)
    return isinstance(value, type(default))


def _is_amount(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _listed(values: tuple[Any, ...]) -> str:
    return " or ".join(json.dumps(value) for value in values)
