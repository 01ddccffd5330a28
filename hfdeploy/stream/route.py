"""Which route proves an endpoint: decided by its engine and task. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from hfdeploy.redact import Secret


class Route(StrEnum):
    """A way to ask for one answer. The first four are the words of a spec's `verify.route`."""

    AUTO = "auto"
    GENERATE = "generate"
    """TGI's own stream."""
    CHAT = "chat"
    COMPLETIONS = "completions"
    EMBED = "embed"
    """TEI's own embeddings."""
    EMBEDDINGS = "embeddings"
    """OpenAI's embeddings."""
    RERANK = "rerank"
    """TEI's own reranking."""
    RANKING = "ranking"
    """Reranking of engines with a `/v1`."""
    PREDICT = "predict"
    """TEI's classification."""
    TASK = "task"
    """The managed toolkit: one request of the task's kind to `/`."""


@dataclass(frozen=True, slots=True)
class Target:
    """A live endpoint, as far as verification has to know it."""

    url: str
    """`status.url`, as received."""
    api_url: str
    """The management API's address: decides which hosts may get the token."""
    engine: str = ""
    """The key of the image union (`tgi`, `vLLM`, ...); the spec's spelling is understood too."""
    task: str = ""
    repository: str = ""
    revision: str = ""
    """The commit that has to serve; '' when that is not known."""
    mode: str = ""
    """llama.cpp's `mode`: embeddings or reranking."""
    health_route: str | None = None
    """None: the engine's own, where it has one."""
    has_chat_template: bool | None = None
    token: Secret | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class About:
    """What an endpoint says of itself; everything may be missing."""

    model: str = ""
    """The served name, from `/v1/models`."""
    info: Mapping[str, object] = field(default_factory=dict)
    """TGI's or TEI's `/info`."""


class Family(StrEnum):
    """Engines that answer the same routes."""

    TGI = "tgi"
    TEI = "tei"
    OPENAI = "openai"
    TOOLKIT = "toolkit"
    UNKNOWN = "unknown"


_FAMILIES: Final = {
    **dict.fromkeys(("tgi", "tgineuron", "tgitpu"), Family.TGI),
    "tei": Family.TEI,
    **dict.fromkeys(("vllm", "vllmneuron", "vllmomni", "sglang", "llamacpp", "hfserve"), Family.OPENAI),
    **dict.fromkeys(("huggingface", "huggingfaceneuron"), Family.TOOLKIT),
}
_EMBEDDING: Final = frozenset({"feature-extraction", "sentence-similarity", "sentence-embeddings"})
_RANKING: Final = frozenset({"sentence-ranking", "text-ranking"})


def family_of(engine: str) -> Family:
    """The family of an engine, in the API's spelling or the spec's; custom containers are unknown until asked."""
    return _FAMILIES.get("".join(filter(str.isalnum, engine.lower())), Family.UNKNOWN)


def health_path(target: Target) -> str | None:
    """The route that says 200 when the engine is ready; None when nothing is known of a container."""
    if target.health_route:
        return target.health_route
    return None if family_of(target.engine) is Family.UNKNOWN else "/health"


def routes(target: Target, about: About, asked: Route = Route.AUTO) -> tuple[Route, ...]:
    """The routes to ask, the second only where the first turns out to have no chat template."""
    if asked is not Route.AUTO:
        return (asked,)
    match _recognised(target, about):
        case Family.TGI:
            return (Route.GENERATE,)
        case Family.TEI:
            return (_tei(target, about),)
        case Family.OPENAI:
            return _openai(target)
        case _:
            return (Route.TASK,)


def _recognised(target: Target, about: About) -> Family:
    family = family_of(target.engine)
    if family is not Family.UNKNOWN:
        return family
    if "model_type" in about.info:
        return Family.TEI
    if "max_total_tokens" in about.info:
        return Family.TGI
    return Family.OPENAI if about.model else Family.UNKNOWN


def _tei(target: Target, about: About) -> Route:
    """TEI says which kind of model it serves; without its word the task decides."""
    said = about.info.get("model_type")
    kinds = said if isinstance(said, dict) else {}
    if "reranker" in kinds or (not kinds and target.task in _RANKING):
        return Route.RERANK
    if "classifier" in kinds or (not kinds and target.task == "text-classification"):
        return Route.PREDICT
    return Route.EMBED


def _openai(target: Target) -> tuple[Route, ...]:
    if target.mode == "embeddings" or target.task in _EMBEDDING:
        return (Route.EMBEDDINGS,)
    if target.mode == "reranking" or target.task in _RANKING:
        return (Route.RANKING,)
    match target.has_chat_template:
        case True:
            return (Route.CHAT,)
        case False:
            return (Route.COMPLETIONS,)
        case None:
            return (Route.CHAT, Route.COMPLETIONS)
