"""A part of the spec, and how everything wrong in it is said at once.

Pydantic stops at the fields: a rule about two of them runs only when all are valid, and the first such rule that
objects hides the others. People fix a file once, so here every rule runs whose own fields are valid.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, ClassVar, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, TypeAdapter, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from hfdeploy.spec.scalar import kind

Objection: TypeAlias = tuple[str, str]
"""A field below the section (dotted, '' for the section as a whole) and the sentence about it."""

_Rule = TypeVar("_Rule", bound=Callable[..., Iterator[Objection]])
_READS = "_reads_fields"


def relation(*fields: str) -> Callable[[_Rule], _Rule]:
    """Mark a method of a section as a rule about several fields; it reads no others than those named."""

    def mark(rule: _Rule) -> _Rule:
        setattr(rule, _READS, frozenset(fields))
        return rule

    return mark


def nearest(word: object, names: Iterable[str]) -> str:
    """'; did you mean X?' when one of the names is near, else a list of all of them."""
    known = list(names)
    near = get_close_matches(str(word).lower().replace("-", "_"), known, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else f"; there are: {', '.join(known)}"


def refusal(objections: Iterable[Objection]) -> ValidationError:
    """Objections as the error that pydantic carries upwards with the path of the section put before them."""
    return ValidationError.from_exception_data("spec", list(_as_lines(objections)))


def _as_lines(objections: Iterable[Objection]) -> Iterator[InitErrorDetails]:
    for field, sentence in objections:
        loc = tuple(field.split(".")) if field else ()
        yield InitErrorDetails(type="value_error", loc=loc, input=None, ctx={"error": ValueError(sentence)})


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
        if not isinstance(data, Mapping):
            raise ValueError(f"must be a mapping of fields; found {kind(data)}")
        known = {key: value for key, value in data.items() if key in cls.model_fields}
        objections = [(str(key), cls._unknown(key)) for key in data if key not in cls.model_fields]
        try:
            section = handler(known)
        except ValidationError as error:
            lines = [_again(line) for line in error.errors(include_url=False)]
            objections += cls._objections_despite({str(line["loc"][0]) for line in lines if line["loc"]}, known)
            raise ValidationError.from_exception_data(cls.__name__, [*lines, *_as_lines(objections)]) from None
        objections += section._objections(frozenset())
        if objections:
            raise refusal(objections)
        return section

    @classmethod
    def _unknown(cls, key: object) -> str:
        if key in cls.later:
            return "is not yet supported by this release; leave it out"
        return f"is not a field here{nearest(key, cls.model_fields)}"

    def _objections(self, unsound: frozenset[str]) -> Iterator[Objection]:
        for rule in _relations(type(self)):
            if not unsound & getattr(rule, _READS):
                yield from rule(self)

    @classmethod
    def _objections_despite(cls, unsound: set[str], data: Mapping[str, object]) -> list[Objection]:
        """What the rules say whose own fields are valid, although others are not."""
        wanted = {field for rule in _relations(cls) for field in getattr(rule, _READS)} - unsound
        sound = {field: _adapter(cls, field).validate_python(data[field]) for field in wanted & data.keys()}
        return list(cls.model_construct(**sound)._objections(frozenset(unsound)))


def _again(line: Any) -> InitErrorDetails:
    return InitErrorDetails(type=line["type"], loc=line["loc"], input=line["input"], ctx=line.get("ctx", {}))


@cache
def _relations(section: type[Section]) -> tuple[Callable[..., Iterator[Objection]], ...]:
    members = (member for base in reversed(section.__mro__) for member in vars(base).values())
    return tuple(member for member in members if hasattr(member, _READS))


@cache
def _adapter(section: type[Section], field: str) -> TypeAdapter[Any]:
    info = section.model_fields[field]
    return TypeAdapter(Annotated[(info.annotation, *info.metadata)]) if info.metadata else TypeAdapter(info.annotation)
