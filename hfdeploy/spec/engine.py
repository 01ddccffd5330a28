"""Serving engines: one class each, with the fields of the API's image variant in snake_case.

Fields and their names: the API's OpenAPI document (Inference Endpoints 2.0.0) and the engines' pages of its
documentation. The service drops unknown fields of a variant without a word, so every one of them is refused here.
Values that an engine itself would refuse at its start are refused too, as they would cost a rollout.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from hfdeploy.spec.container import NATIVE_AND_OPENAI, OPENAI, ContainerEngine, EngineSection, Image
from hfdeploy.spec.scalar import WHOLE, Count, Line, Shape, Word, kind, shown
from hfdeploy.spec.secret import SecretSource
from hfdeploy.spec.section import Objection, Section, nearest, refusal, relation
from hfdeploy.spec.tgi import TgiEngine, TgiNeuronEngine

_FILE: Final = Shape(r"(?!.*\.\.)(?!.*\\).+", "a path inside the repository, without ..", at_most=1024)
File = Annotated[Word, _FILE]


class VllmEngine(ContainerEngine):
    """vLLM."""

    text_routes: ClassVar[tuple[str, ...]] = OPENAI

    type: Literal["vllm"] = "vllm"
    """vLLM: OpenAI routes."""

    tensor_parallel_size: Count | None = None
    """Accelerators that share one copy of the model; times data_parallel_size it must be their number."""

    data_parallel_size: Count | None = None
    """Copies of the model in one replica."""

    kv_cache_dtype: Literal["auto", "fp8", "fp8_e5m2", "fp8_e4m3"] | None = None
    """The type of the cache of keys and values; auto is the model's own."""

    max_num_batched_tokens: Count | None = None
    """Tokens worked on in one step."""

    max_num_seqs: Count | None = None
    """Requests worked on at once."""

    @relation("max_num_batched_tokens", "max_num_seqs")
    def _step_holds_every_sequence(self) -> Iterator[Objection]:
        # vLLM's scheduler configuration refuses to start otherwise.
        if self.max_num_batched_tokens and self.max_num_seqs and self.max_num_batched_tokens < self.max_num_seqs:
            sentence = (
                f"is {self.max_num_batched_tokens}, and vLLM starts only if it is at least max_num_seqs, "
                f"which is {self.max_num_seqs}"
            )
            yield "max_num_batched_tokens", sentence


class VllmNeuronEngine(ContainerEngine):
    """vLLM on Neuron accelerators."""

    text_routes: ClassVar[tuple[str, ...]] = OPENAI

    type: Literal["vllm_neuron"] = "vllm_neuron"
    """vLLM on Neuron accelerators: OpenAI routes."""


class SglangEngine(ContainerEngine):
    """SGLang."""

    text_routes: ClassVar[tuple[str, ...]] = OPENAI

    type: Literal["sglang"] = "sglang"
    """SGLang: OpenAI routes."""

    tensor_parallel_size: Count | None = None
    """Accelerators that share one copy of the model."""

    chunked_prefill_size: Annotated[int, Field(ge=-1), WHOLE] | None = None
    """Prompt tokens worked on in one step; -1 turns splitting off."""

    kv_cache_dtype: Literal["auto", "fp8_e5m2", "fp8_e4m3"] | None = None
    """The type of the cache of keys and values; auto is the model's own."""

    max_prefill_tokens: Count | None = None
    """Prompt tokens of a batch together."""

    max_running_requests: Count | None = None
    """Requests worked on at once."""

    @relation("chunked_prefill_size")
    def _chunks_hold_something(self) -> Iterator[Objection]:
        if self.chunked_prefill_size == 0:
            yield "chunked_prefill_size", "must be -1 (off) or at least 1; found 0"


class LlamacppEngine(ContainerEngine):
    """llama.cpp."""

    text_routes: ClassVar[tuple[str, ...]] = OPENAI

    type: Literal["llamacpp"] = "llamacpp"
    """llama.cpp: OpenAI routes, GGUF files."""

    model_path: File
    """The GGUF file inside the repository."""

    ctx_size: Annotated[int, Field(ge=0), WHOLE]
    """Tokens of context over all slots together; 0 takes the model's own."""

    n_parallel: Count
    """Slots, which is requests at once; they divide ctx_size among them."""

    threads_http: Count
    """Threads that read and write requests."""

    n_gpu_layers: Annotated[int, Field(ge=-1), WHOLE] | None = None
    """Layers held in GPU memory; -1 is all of them."""

    mode: Literal["embeddings", "reranking"] | None = None
    """What the server does instead of generating text."""

    pooling: Literal["mean", "cls", "last", "rank"] | None = None
    """How the vectors of the tokens become one."""

    variant: Line | None = None
    """The build of the container, where the service offers several."""

    mmproj_model_path: File | None = None
    """The GGUF file of the multimodal projector inside the repository."""

    @property
    def served_routes(self) -> tuple[str, ...]:
        """None when the server embeds or ranks instead of generating."""
        return () if self.mode else self.text_routes

    @relation("mode", "pooling")
    def _ranks_only_when_reranking(self) -> Iterator[Objection]:
        if self.pooling == "rank" and self.mode != "reranking":
            yield "pooling", "is rank, which only engine.mode reranking has a use for"


class TeiEngine(ContainerEngine):
    """Text Embeddings Inference."""

    type: Literal["tei"] = "tei"
    """Text Embeddings Inference: embeddings, rerankers, classifiers."""

    max_batch_tokens: Count | None = None
    """Tokens of a batch together."""

    max_concurrent_requests: Count | None = None
    """Requests held at once; more are answered 429."""

    pooling: Literal["cls", "mean", "splade", "last-token"] | None = None
    """How the vectors of the tokens become one; left out, what the repository says."""


class HuggingfaceEngine(EngineSection):
    """The service's own toolkit, which takes no settings."""

    type: Literal["huggingface"] = "huggingface"
    """The service's own toolkit: any task of a pipeline, or the repository's handler.py; no streaming."""


class HuggingfaceNeuronEngine(EngineSection):
    """The service's own toolkit on Inferentia."""

    type: Literal["huggingface_neuron"] = "huggingface_neuron"
    """The service's own toolkit on Inferentia."""

    batch_size: Count | None = None
    """Inputs per step that the model is compiled for."""

    sequence_length: Count | None = None
    """Tokens per input that the model is compiled for."""

    neuron_cache: Line | None = None
    """The repository that holds compiled models."""


class Registry(Section):
    """How to sign in to the registry of a private image."""

    username: Line
    """The account's name; not a secret."""

    password: SecretSource
    """Where its password or token comes from."""


class CustomEngine(ContainerEngine):
    """Any container."""

    text_routes: ClassVar[tuple[str, ...]] = NATIVE_AND_OPENAI

    type: Literal["custom"] = "custom"
    """Any container that answers HTTP."""

    image: Image
    """The container image."""

    registry: Registry | None = None
    """How to sign in to a private registry; only this engine can."""


ENGINES: Final[Mapping[str, type[EngineSection]]] = {
    "tgi": TgiEngine,
    "vllm": VllmEngine,
    "sglang": SglangEngine,
    "llamacpp": LlamacppEngine,
    "tei": TeiEngine,
    "huggingface": HuggingfaceEngine,
    "custom": CustomEngine,
    "tgi_neuron": TgiNeuronEngine,
    "vllm_neuron": VllmNeuronEngine,
    "huggingface_neuron": HuggingfaceNeuronEngine,
}
"""Every engine by its `type`."""


def _of_its_type(value: object) -> object:
    """Hand a mapping to the class of its `type`, so that sentences are about that engine alone."""
    match value:
        case EngineSection():
            return value
        case Mapping():
            return _by_type(value)
        case _:
            raise ValueError(f"must be a mapping such as {{type: tgi}}; found {kind(value)}")


def _by_type(value: Mapping[object, object]) -> EngineSection:
    if "type" not in value:
        raise refusal([("type", f"is required{nearest('', ENGINES)}")])
    chosen = value["type"]
    if not isinstance(chosen, str) or chosen not in ENGINES:
        raise refusal([("type", f"is no engine known here: found {shown(chosen)}{nearest(chosen, ENGINES)}")])
    return ENGINES[chosen].model_validate(value)


Engine: TypeAlias = Annotated[
    TgiEngine
    | VllmEngine
    | SglangEngine
    | LlamacppEngine
    | TeiEngine
    | HuggingfaceEngine
    | CustomEngine
    | TgiNeuronEngine
    | VllmNeuronEngine
    | HuggingfaceNeuronEngine,
    Field(discriminator="type"),
    BeforeValidator(_of_its_type),
]
