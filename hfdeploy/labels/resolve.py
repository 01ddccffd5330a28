"""The five forms, tried one after the other; the rules for labels are in the order of `_by_label`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from hfdeploy.catalog import Catalog, Hardware, HardwareStatus
from hfdeploy.errors import UnknownHardware
from hfdeploy.labels.question import Question
from hfdeploy.labels.table import Label, Pair, label_pattern, read_table
from hfdeploy.labels.words import LONGEST, normalise, quoted, separated

RETIRED = "2024-05-08"
"""The day on which all instances were renamed (hf-endpoints-documentation, commit 854a73e)."""


class Form(StrEnum):
    """How an instance was named."""

    CATALOGUE_ID = "catalogue-id"
    SHORT = "short"
    STRUCTURED = "structured"
    LABEL = "label"
    OLD_NAME = "old-name"


class Words(Protocol):
    """The structured form as an object: `{type: nvidia-a100, size: x1}` of a spec."""

    @property
    def type(self) -> str: ...
    @property
    def size(self) -> str: ...


Instance = str | Mapping[str, object] | Words


@dataclass(frozen=True)
class LabelWarning:
    """Something to tell whoever wrote the instance.

    Codes: `label-retired`, `label-contradiction`, `label-incomplete` about the words; `instance-deprecated`,
    `instance-not-available`, `instance-reserved`, `instance-low-availability`, `instance-status-unknown` about what
    they stand for.
    """

    code: str
    sentence: str


@dataclass(frozen=True)
class Resolution:
    """What the words stand for, and why."""

    hardware: Hardware
    asked: str
    form: Form
    why: str
    """One sentence."""

    warnings: tuple[LabelWarning, ...] = ()

    @property
    def spelling(self) -> str:
        """What the spec should say; resolves to the same row without a warning about words."""
        return self.hardware.spelling


def resolve(instance: Instance, *, cloud: str, region: str, catalog: Catalog) -> Resolution:
    """The row of the catalogue that `instance` names in this cloud and region.

    Raises:
        UnknownHardware: it names none there, or more than one. The message lists the nearest choices with prices.
    """
    asked = instance if isinstance(instance, str) else " ".join(_parts(instance))
    question = Question(asked, normalise(asked), normalise(cloud), normalise(region), catalog)
    question.check_place()
    if not question.text or len(question.text) > LONGEST:
        raise question.refusal(f"an instance has a name of 1 to {LONGEST} characters.")
    if not isinstance(instance, str):
        instance_type, instance_size = map(normalise, _parts(instance))
        return _by_pair(question, Form.STRUCTURED, instance_type, instance_size)
    found = _by_id(question) or _by_old_id(question) or _by_label(question)
    if found:
        return found
    instance_type, _, instance_size = question.text.partition(" ")
    if instance_size and " " not in instance_size:
        return _by_pair(question, Form.SHORT, instance_type, instance_size)
    raise _unreadable(question)


def _parts(instance: Mapping[str, object] | Words) -> tuple[str, str]:
    if isinstance(instance, Mapping):
        return str(instance.get("type", "")), str(instance.get("size", ""))
    return str(instance.type), str(instance.size)


def _by_id(question: Question) -> Resolution | None:
    row = question.catalog.by_id(question.text)
    if row is None:
        past = Catalog.snapshot().by_id(question.text)
        if past is None:
            return None
        raise question.refusal(f"the live catalogue does not list it; it was last seen on {past.as_of}.", _pair(past))
    if (row.vendor, row.region) != (question.cloud, question.region):
        raise question.refusal(f"this id is in {row.place}, but the spec says {question.place}.", _pair(row))
    return _answer(question, Form.CATALOGUE_ID, row, f"It is the catalogue id of {row.spelling} in {row.place}.")


def _by_old_id(question: Question) -> Resolution | None:
    entry = read_table().of_old_id(question.text)
    return _old_name(question, entry) if entry else None


def _by_pair(question: Question, form: Form, instance_type: str, instance_size: str) -> Resolution:
    pair = Pair(instanceType=instance_type, instanceSize=instance_size)
    row = question.find(pair)
    if row:
        return _answer(question, form, row, f"{row.spelling} is in the catalogue of {row.place}.")
    entry = read_table().of_old_pair(instance_type, instance_size)
    if entry:
        return _old_name(question, entry)
    if instance_type in question.known_types and re.fullmatch("x[0-9]+|[0-9]+x[0-9]+", instance_size):
        question.require(pair)
    # The size or the type is no word of today: say so, and let the text suggest what was meant.
    raise question.refusal(_describe_wrong_pair(question, pair))


def _describe_wrong_pair(question: Question, pair: Pair) -> str:
    if pair.instance_type in question.known_types:
        return (
            f"{quoted(pair.instance_size)} is not a size of {pair.instance_type}; sizes are written x1, x2 and so on."
        )
    if any(alias.old == pair.instance_type for alias in read_table().aliases):
        return f"{quoted(pair.instance_type)} is a type from before {RETIRED} and never had this size."
    return f"no instance type is called {quoted(pair.instance_type)}."


def _old_name(question: Question, entry: Label) -> Resolution:
    """An API name or id from before the renaming."""
    if entry.vendor != question.cloud:
        raise question.refusal(f"it is an old name of {entry.vendor}, but the spec says {question.place}.", entry.today)
    row = question.require(entry.today)
    why = f"{quoted(question.asked)} was the API's name of {entry.new} until {RETIRED}{_succession(entry)}."
    return _answer(question, Form.OLD_NAME, row, why, _retired(question, row), *_superseded(entry))


def _by_label(question: Question) -> Resolution | None:
    match = label_pattern().match(separated(question.text))
    if match is None:
        return None
    if match["acc"] == "cpu":
        return _cpu_label(question, match["size"], match["model"])
    if match["model"] is None:
        return _gpu_size_word(question, match["size"])
    return _gpu_label(question, match["size"], match["n"], match["model"])


def _cpu_label(question: Question, word: str, model: str | None) -> Resolution:
    """CPU words meant another machine in each cloud."""
    sizes = read_table().size_words.cpu
    if model:
        raise question.refusal("a CPU label names no model, and this one does.")
    if word not in sizes:
        raise question.refusal(f"[{word}] was no CPU size; they were {', '.join(sizes)}.")
    entry = read_table().of_cpu_word(question.cloud, word)
    if entry is None:
        today = Pair(instanceType="intel-spr", instanceSize=sizes[word])
        raise question.refusal(f"no CPU label is known for {question.cloud}: they were those of aws and azure.", today)
    row = question.require(entry.today)
    why = f"CPU [{word}] on {entry.vendor} was {entry.new}{_succession(entry)}."
    return _answer(question, Form.LABEL, row, why, _retired(question, row), *_superseded(entry))


def _gpu_size_word(question: Question, word: str) -> Resolution:
    """A size word alone decides only if it ever stood for one machine."""
    meanings = read_table().meanings_of(word)
    if len(meanings) > 1:
        both = " and for ".join(map(str, meanings))
        raise question.refusal(f"[{word}] alone is ambiguous, it stood for {both} (label-ambiguous).", *meanings)
    pair = read_table().size_words.gpu.get(word)
    if pair is None:
        raise question.refusal(f"[{word}] was no GPU size, and the label names no GPU.")
    row = question.require(pair)
    incomplete = LabelWarning(
        "label-incomplete", f"{quoted(question.asked)} names no GPU; [{word}] alone stood for {row.spelling}."
    )
    why = f"The size word [{word}] alone stood for {row.spelling}."
    return _answer(question, Form.LABEL, row, why, _retired(question, row), incomplete)


def _gpu_label(question: Question, word: str, count: str | None, model: str) -> Resolution:
    """GPU model and count decide; authors used the size word inconsistently."""
    instance_type = f"nvidia-{model.replace(' ', '-')}"
    if instance_type not in question.known_types:
        raise question.refusal(f"no GPU is called {quoted(model)}.")
    usual = read_table().size_words.gpu.get(word)
    if count is None:
        if usual is None or usual.instance_type != instance_type:
            stood = f"stood for {usual}" if usual else "was no GPU size"
            raise question.refusal(
                f"it says no number of GPUs, and [{word}] {stood} (label-ambiguous).",
                Pair(instanceType=instance_type),
            )
        row = question.require(usual)
        why = f"The label names the {model.upper()}, and its size word [{word}] stood for {usual}."
        return _answer(question, Form.LABEL, row, why, _retired(question, row))
    pair = Pair(instanceType=instance_type, instanceSize=f"x{int(count)}")
    row = question.require(pair)
    why = f"GPU model and count of the label decide: {int(count)}x {model.upper()} is {row.spelling}."
    return _answer(
        question, Form.LABEL, row, why, _retired(question, row), *_contradiction(question, word, usual, pair)
    )


def _unreadable(question: Question) -> UnknownHardware:
    """The refusal of a text of none of the forms; a bare size word gets all its meanings."""
    word = question.text.strip("[]")
    gpu = read_table().size_words.gpu.get(word)
    cpu = read_table().of_cpu_word(question.cloud, word)
    meanings = [*read_table().meanings_of(word), *([gpu] if gpu else []), *([cpu.today] if cpu else [])]
    if meanings:
        problem = f"[{word}] without CPU or GPU is ambiguous (label-ambiguous)."
        return question.refusal(problem, *dict.fromkeys(meanings))
    return question.refusal(
        "it is neither a catalogue id, nor a type and a size (nvidia-a100 x1), nor a label of the old web interface."
    )


def _answer(question: Question, form: Form, row: Hardware, why: str, *warnings: LabelWarning) -> Resolution:
    return Resolution(row, question.asked, form, why, (*warnings, *_status_warnings(question, row)))


def _pair(row: Hardware) -> Pair:
    return Pair(instanceType=row.instance_type, instanceSize=row.instance_size)


def _succession(entry: Label) -> str:
    return f", which is deprecated; {entry.successor} takes its place" if entry.successor else ""


def _retired(question: Question, row: Hardware) -> LabelWarning:
    sentence = (
        f'{quoted(question.asked)} is a name from before {RETIRED}, which the API refuses: write "{row.spelling}".'
    )
    return LabelWarning("label-retired", sentence)


def _superseded(entry: Label) -> tuple[LabelWarning, ...]:
    if entry.successor is None:
        return ()
    sentence = f"{entry.vendor} {entry.new.instance_type} is deprecated, so a new endpoint gets {entry.successor}."
    return (LabelWarning("instance-deprecated", sentence),)


def _contradiction(question: Question, word: str, usual: Pair | None, pair: Pair) -> tuple[LabelWarning, ...]:
    if usual == pair:
        return ()
    stood = f"stood for {usual}" if usual else "was no GPU size"
    sentence = f"In {quoted(question.asked)} the size word [{word}] {stood}; model and count win: {pair}."
    return (LabelWarning("label-contradiction", sentence),)


def _status_warnings(question: Question, row: Hardware) -> tuple[LabelWarning, ...]:
    if row.status is HardwareStatus.AVAILABLE:
        return ()
    what = f"{row.spelling} in {row.place}"
    nearest = question.describe_nearest(row)
    instead = f" Nearest: {nearest}." if nearest else ""
    match row.status:
        case HardwareStatus.LOW_AVAILABILITY:
            sentence = f"{what} is scarce now: a start may wait."
        case HardwareStatus.RESERVED:
            sentence = f"{what} is reserved: it needs an agreement with Hugging Face."
        case HardwareStatus.NOT_AVAILABLE | HardwareStatus.DEPRECATED:
            state = "deprecated" if row.status is HardwareStatus.DEPRECATED else "not available"
            sentence = f"{what} is {state}: a new endpoint cannot have it."
        case _:
            return (LabelWarning("instance-status-unknown", f"{what} has a status that is not known.{instead}"),)
    return (LabelWarning(f"instance-{row.status.replace('_', '-')}", f"{sentence}{instead}"),)
