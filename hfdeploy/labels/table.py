"""The names from before 2024-05-08, as data: `hfdeploy/data/labels.json`."""

import re
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel


class _Entry(BaseModel):
    """Part of the table. It holds history too (prices, sources), which nothing here may use for an estimate."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class Pair(_Entry):
    """An instance type and size, of today or of old. Either may be unknown for an old one."""

    instance_type: str
    instance_size: str = ""

    def __str__(self) -> str:
        return f"{self.instance_type} {self.instance_size}"


class OldPair(_Entry):
    """What the API called it, and its id of those days, which had no region in it."""

    instance_type: str
    instance_size: str | None
    id: str | None


class Label(_Entry):
    """One label of the old web interface, with the API's name for the same machine."""

    label: str
    variants: tuple[str, ...]
    vendor: str
    accelerator: str
    old: OldPair
    new: Pair
    successor: Pair | None = None
    """Where `new` is itself deprecated: what to use instead."""

    @property
    def today(self) -> Pair:
        """What a new endpoint gets."""
        return self.successor or self.new


class Alias(_Entry):
    """An old instance type. `size` may depend on the old size word, or be unknown."""

    old: str
    vendor: str
    new: str
    size: str | dict[str, str] = ""
    successor: str = ""


class Mistake(_Entry):
    """A pair that was never right but is found in public code. A `seen` in prose has no pair."""

    seen: Pair | str
    meant: Pair


def _as_pair(words: object) -> object:
    return {"instanceType": words[0], "instanceSize": words[1]} if isinstance(words, list) else words


class SizeWords(_Entry):
    """What a bracketed word alone stood for: on a CPU a size, on a GPU a type and a size."""

    cpu: dict[str, str]
    gpu: dict[str, Annotated[Pair, BeforeValidator(_as_pair)]]


class Table(_Entry):
    """The whole of labels.json, as far as resolving needs it."""

    regex: str
    size_words: SizeWords
    aliases: tuple[Alias, ...] = Field(alias="instanceTypeAliases")
    mistakes: tuple[Mistake, ...] = Field(alias="wildMistakes")
    labels: tuple[Label, ...]

    def of_old_id(self, text: str) -> Label | None:
        """The entry whose id of those days this is: `aws-g5-2xlarge-medium`."""
        return next((entry for entry in self.labels if entry.old.id == text), None)

    def of_old_pair(self, instance_type: str, instance_size: str) -> Label | None:
        """The entry whose API name this was: `g5.2xlarge`, `medium`."""
        wanted = (instance_type, instance_size)
        return next((e for e in self.labels if (e.old.instance_type, e.old.instance_size) == wanted), None)

    def of_cpu_word(self, vendor: str, word: str) -> Label | None:
        """The entry of a CPU size word in one cloud; the same words meant other machines elsewhere."""
        wanted = (vendor, "cpu", word)
        return next((e for e in self.labels if (e.vendor, e.accelerator, e.old.instance_size) == wanted), None)

    def meanings_of(self, word: str) -> tuple[Pair, ...]:
        """The different machines that labels with this GPU size word stood for."""
        entries = [e for e in self.labels if e.accelerator == "gpu" and f"[{word}]" in e.label]
        return tuple({str(entry.new): entry.new for entry in entries}.values())


@cache
def read_table() -> Table:
    """The table in the package."""
    return Table.model_validate_json(files("hfdeploy").joinpath("data", "labels.json").read_bytes())


@cache
def label_pattern() -> re.Pattern[str]:
    """The shape of a label, with groups `acc`, `size`, `n`, `model`; digits are ASCII digits."""
    return re.compile(read_table().regex, re.ASCII)
