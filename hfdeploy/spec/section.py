"""A part of the spec, and how everything wrong in it is said at once.

Pydantic stops at the fields: a rule about two of them runs only when all are valid, and the first such rule that
objects hides the others. People fix a file once, so here every rule runs whose own fields are valid.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails

from hfdeploy.spec.scalar import kind

Objection: TypeAlias = tuple[str, str]
"""A field below the section (dotted, '' for the section as a whole) and the sentence about it."""

_Rule = TypeVar("_Rule", bound=Callable[..., Iterator[Objection]])
_READS = "_reads_fields"
_FOLLOWS = "default_factory_not_called"
"""Not a mistake of anybody's: a default that depends on a field which has one."""


def relation(*fields: str) -> Callable[[_Rule], _Rule]:
    """Mark a method of a section as a rule about several fields; it reads no others than those named."""

    def mark(rule: _Rule) -> _Rule:
        setattr(rule, _READS, frozenset(fields))
        return rule

    return mark


def nearest(word: object, names: Iterable[str]) -> str:
    """'; did you mean X?' when one of the names is near, else a list of all of them."""
    known = list(names)
    near = get_close_matches(word.lower().replace("-", "_"), known, n=1, cutoff=0.6) if isinstance(word, str) else []
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"


def refusal(objections: Iterable[Objection]) -> ValidationError:
    """Objections as the error that pydantic carries upwards with the path of the section put before them."""
    return ValidationError.from_exception_data("spec", list(_as_lines(objections)))


def _as_lines(objections: Iterable[Objection]) -> Iterator[InitErrorDetails]:
    for field, sentence in objections:
        yield _as_line(tuple(field.split(".")) if field else (), sentence)


def _as_line(loc: tuple[str, ...], sentence: str) -> InitErrorDetails:
    return InitErrorDetails(type="value_error", loc=loc, input=None, ctx={"error": ValueError(sentence)})


class Section(BaseModel):
    """A part of the spec: unknown keys are typos, and nothing changes after parsing."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    later: ClassVar[frozenset[str]] = frozenset()
    """Fields that belong to the format and are not built yet."""

    @model_validator(mode="wrap")
    @classmethod
    def _judge(cls, data: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(data, cls):
            return data
        match data:
            case Mapping():
                return cls._judge_fields(data, handler)
            case _:
                raise ValueError(f"must be a mapping of fields; found {kind(data)}")

    @classmethod
    def _judge_fields(cls, data: Mapping[str, object], handler: ModelWrapValidatorHandler[Self]) -> Self:
        known = {key: value for key, value in data.items() if key in cls.model_fields}
        unknown = [_as_line((str(key),), cls._unknown(key)) for key in data if key not in cls.model_fields]
        try:
            section = handler(known)
        except ValidationError as error:
            found = error.errors(include_url=False)
            lines = [_again(line) for line in found if line["type"] != _FOLLOWS]
            unsound = frozenset(str(line["loc"][0]) for line in found if line["loc"])
            lines += _as_lines(_objections(cls._sound_part(known, unsound), unsound))
            raise ValidationError.from_exception_data(cls.__name__, [*unknown, *lines]) from None
        if against := [*unknown, *_as_lines(_objections(section))]:
            raise ValidationError.from_exception_data(cls.__name__, against)
        return section

    @classmethod
    def _unknown(cls, key: object) -> str:
        if key in cls.later:
            return "is not yet supported by this release; leave it out"
        return f"is not a field here{nearest(key, cls.model_fields)}"

    @classmethod
    def _sound_part(cls, data: Mapping[str, object], unsound: frozenset[str]) -> "Section":
        """A section of those fields that are valid and that a rule reads; never handed out."""
        read = {field for rule in _relations(cls) for field in getattr(rule, _READS)} - unsound
        return cls.model_construct(
            **{field: adapter(cls, field).validate_python(data[field]) for field in read & data.keys()}
        )


def _objections(section: Section, unsound: frozenset[str] = frozenset()) -> Iterator[Objection]:
    """What those rules say that read valid fields only."""
    for rule in _relations(type(section)):
        if not unsound & getattr(rule, _READS):
            yield from rule(section)


def _again(line: ErrorDetails) -> InitErrorDetails:
    return InitErrorDetails(type=line["type"], loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))


@cache
def _relations(section: type[Section]) -> tuple[Callable[..., Iterator[Objection]], ...]:
    members = (member for base in reversed(section.__mro__) for member in vars(base).values())
    return tuple(member for member in members if hasattr(member, _READS))


@cache
def adapter(section: type[Section], field: str) -> TypeAdapter[Any]:
    """What reads the values of one field of a section."""
    info = section.model_fields[field]
    annotation: Any = info.annotation
    return TypeAdapter(Annotated[(annotation, *info.metadata)] if info.metadata else annotation)
