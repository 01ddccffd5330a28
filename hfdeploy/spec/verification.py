"""How a rollout is proved: what is asked of the endpoint, and what the answer must be like."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

from pydantic import AfterValidator, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

from hfdeploy.spec.container import EngineSection
from hfdeploy.spec.deep import DeepSpec
from hfdeploy.spec.engine import LlamacppEngine, TeiEngine
from hfdeploy.spec.scalar import REAL, WHOLE, Flag, Passage
from hfdeploy.spec.section import Objection, Section, relation

ParameterValue: TypeAlias = int | float | bool | tuple[str, ...]


class VerifyWhen(StrEnum):
    """Which deployments are proved."""

    CHANGED = "changed"
    ALWAYS = "always"
    NEVER = "never"


class VerifyRoute(StrEnum):
    """Which route the prompt is sent to."""

    AUTO = "auto"
    GENERATE = "generate"
    CHAT = "chat"
    COMPLETIONS = "completions"


def _not_none(texts: tuple[str, ...]) -> tuple[str, ...]:
    if not texts:
        raise ValueError("is an empty list; give a text or leave the field out")
    return texts


class GenerationParameters(Section):
    """Sampling of the prompt; bounds are those that every engine shares."""

    temperature: Annotated[float, Field(ge=0, le=100), REAL] | None = None
    """Randomness; 0 is the most likely token each time (TGI's native route wants it left out instead)."""

    top_p: Annotated[float, Field(gt=0, le=1), REAL] | None = None
    """Share of the probability that is sampled from; TGI wants it below 1."""

    top_k: Annotated[int, Field(ge=1), WHOLE] | None = None
    """Number of tokens that is sampled from."""

    typical_p: Annotated[float, Field(gt=0, lt=1), REAL] | None = None
    """Typical sampling's share of the probability (TGI's native route)."""

    repetition_penalty: Annotated[float, Field(gt=0), REAL] | None = None
    """Above 1 discourages repetition."""

    frequency_penalty: Annotated[float, Field(ge=-2, le=2), REAL] | None = None
    """Above 0 discourages tokens by how often they occurred."""

    presence_penalty: Annotated[float, Field(ge=-2, le=2), REAL] | None = None
    """Above 0 discourages tokens that occurred at all (OpenAI routes)."""

    seed: Annotated[int, Field(ge=0), WHOLE] | None = None
    """Makes sampling repeatable."""

    stop: Annotated[tuple[Passage, ...], AfterValidator(_not_none), Field(json_schema_extra={"minItems": 1})] | None = (
        None
    )
    """Texts that end the answer; TGI takes at most four."""

    do_sample: Flag | None = None
    """Sample instead of taking the most likely token (TGI's native route and the toolkit)."""

    truncate: Annotated[int, Field(ge=1), WHOLE] | None = None
    """Prompt tokens kept, counted from the end (TGI's native route)."""

    watermark: Flag | None = None
    """Mark the text as generated (TGI's native route)."""


class _AsGiven:
    """Parameters are checked as a section and kept as a map of what was given."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        section = handler.generate_schema(GenerationParameters)
        return core_schema.no_info_after_validator_function(
            lambda given: given.model_dump(exclude_none=True),
            section,
            serialization=core_schema.plain_serializer_function_ser_schema(dict),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error.msg} at character {(error.pos or 0) + 1}") from None
    return pattern


_NOT_NEVER: Final[dict[str, Any]] = {
    "if": {"required": ["deep"]},
    "then": {"properties": {"when": {"enum": ["changed", "always"]}}},
}
"""For editors: deeper proof is asked for only where there is any."""


class VerifySpec(Section):
    """How a rollout is proved."""

    model_config = ConfigDict(json_schema_extra=_NOT_NEVER)

    when: VerifyWhen = VerifyWhen.CHANGED
    """Which deployments are proved: changed ones, every one (always), or none (never)."""

    route: VerifyRoute = VerifyRoute.AUTO
    """The route the prompt takes; auto is the engine's native one, else chat where the model has a template."""

    prompt: Passage | None = None
    """What is asked; left out, a short prompt of the kind that the task needs."""

    max_new_tokens: Annotated[int, Field(ge=1), WHOLE] = 64
    """The most tokens of the answer."""

    parameters: Annotated[Mapping[str, ParameterValue], _AsGiven()] = Field(default_factory=dict)
    """Sampling of the prompt, as the engine names it: temperature, top_p, stop, ..."""

    min_tokens_per_second: Annotated[float, Field(gt=0), REAL] | None = None
    """A slower answer fails the rollout."""

    expect: Annotated[Passage, Field(max_length=1000), AfterValidator(_compiles)] | None = None
    """A regular expression (Python's) that must be found in the answer, else the rollout fails."""

    deep: DeepSpec | None = None
    """Deeper proof after the plain prompt passed: a long prompt, many requests at once, minutes of watching."""

    @relation("when", "deep")
    def _deep_is_asked_at_some_time(self) -> Iterator[Objection]:
        if self.deep is not None and self.when is VerifyWhen.NEVER:
            yield "deep", "is never asked, since verify.when is never; keep one of them"

    @relation("parameters", "deep")
    def _long_prompt_is_not_cut(self) -> Iterator[Objection]:
        if self.deep is not None and self.deep.long_prompt and "truncate" in self.parameters:
            yield "parameters.truncate", "cuts the prompt, which verify.deep.long_prompt wants long; keep one of them"


_TEXTLESS: Final = frozenset(
    {
        "audio-classification",
        "feature-extraction",
        "fill-mask",
        "image-classification",
        "image-segmentation",
        "object-detection",
        "sentence-embeddings",
        "sentence-ranking",
        "sentence-similarity",
        "text-classification",
        "text-ranking",
        "text-to-image",
        "token-classification",
        "zero-shot-classification",
    }
)
"""Tasks whose answers are vectors, scores, labels or pictures (the Hub's task pages)."""


def text_objections(verify: VerifySpec, engine: EngineSection, task: str | None) -> Iterator[Objection]:
    """What is asked of a text, or of the speed of a stream, where no such thing is answered."""
    is_mute = isinstance(engine, TeiEngine | LlamacppEngine) and not engine.served_routes
    why = (
        f"engine {engine.type} generates none here"
        if is_mute
        else f"task {task} generates none"
        if task in _TEXTLESS
        else ""
    )
    if why:
        for field in ("expect", "min_tokens_per_second"):
            if getattr(verify, field) is not None:
                yield f"verify.{field}", f"is about generated text, and {why}"
    elif verify.min_tokens_per_second is not None and not engine.served_routes:
        yield "verify.min_tokens_per_second", f"is the speed of a stream, and engine {engine.type} answers in one piece"
