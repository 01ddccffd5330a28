"""Serving engines: one class each, with the fields of the API's image variant in snake_case.

Fields and their names: the API's OpenAPI document (Inference Endpoints 2.0.0) and the engines' pages of its
documentation. The service drops unknown fields of a variant without a word, so every one of them is refused here.
Values that an engine itself would refuse at its start are refused too, as they would cost a rollout.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Final, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, Field

from hfdeploy.spec.scalar import Flag, Line, Shape, Whole, Word, kind, shown, without_token
from hfdeploy.spec.secret import SecretSource
from hfdeploy.spec.section import Objection, Section, nearest, refusal, relation

_IMAGE: Final = Shape(
    "[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?(?::[0-9]{1,5}(?=/))?(?:/[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?)*"
    "(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[a-f0-9]{64})?",
    "a container image such as ghcr.io/acme/server:1.2 or one with @sha256:<64 hex digits>, without https://",
    at_most=512,
)
_HEALTH: Final = Shape(
    r"/(?!/)(?:(?!//)[A-Za-z0-9._~!$&'()*+,;=:%/-])*",
    "a path on the endpoint such as /health (no host, no @, no backslash, no ? or #)",
)
_FILE: Final = Shape(r"(?!.*\.\.)(?!.*\\).+", "a path inside the repository, without ..", at_most=1024)

OPENAI: Final = ("chat", "completions")
NATIVE_AND_OPENAI: Final = ("generate", *OPENAI)

Port = Annotated[Whole, Field(ge=1, le=65535)]
Count = Annotated[Whole, Field(ge=1)]
Image = Annotated[Word, AfterValidator(without_token), _IMAGE]
File = Annotated[Word, _FILE]


class EngineSection(Section):
    """What every engine has."""

    type: str
    """Which engine."""

    text_routes: ClassVar[tuple[str, ...]] = ()
    """The routes of `verify.route` that it answers with generated text."""


class ContainerEngine(EngineSection):
    """An engine that is a container image of one's choice."""

    image: Image | None = None
    """The container image; left out, the dated tag that this release pins for the engine."""

    port: Port | None = None
    """The port the container listens on; left out, the engine's own."""

    health_route: Annotated[Word, _HEALTH] | None = None
    """The path that answers 200 once the model is loaded; left out, the engine's own."""


class TokenLimits(ContainerEngine):
    """The four limits that TGI takes, on GPUs and on Neuron."""

    max_input_length: Count | None = None
    """The longest prompt, in tokens."""

    max_total_tokens: Count | None = None
    """Prompt and answer together, in tokens: the context length."""

    max_batch_prefill_tokens: Count | None = None
    """Prompt tokens worked on in one step."""

    max_batch_total_tokens: Count | None = None
    """Tokens of all requests of a batch together."""

    @relation("max_input_length", "max_total_tokens")
    def _leaves_room_for_an_answer(self) -> Iterator[Objection]:
        # The router refuses to start otherwise: text-generation-inference, router/src/server.rs
        if self.max_input_length and self.max_total_tokens and self.max_input_length >= self.max_total_tokens:
            sentence = (
                f"is {self.max_input_length}, and TGI starts only if it is below max_total_tokens, "
                f"which is {self.max_total_tokens}"
            )
            yield "max_input_length", sentence

    @relation("max_total_tokens", "max_batch_total_tokens")
    def _batch_holds_a_request(self) -> Iterator[Objection]:
        # The launcher refuses to start otherwise: text-generation-inference, launcher/src/main.rs
        if (
            self.max_total_tokens
            and self.max_batch_total_tokens
            and self.max_total_tokens > self.max_batch_total_tokens
        ):
            sentence = (
                f"is {self.max_total_tokens}, and TGI starts only if it is at most max_batch_total_tokens, "
                f"which is {self.max_batch_total_tokens}"
            )
            yield "max_total_tokens", sentence


class TgiEngine(TokenLimits):
    """Text Generation Inference."""

    text_routes: ClassVar[tuple[str, ...]] = NATIVE_AND_OPENAI

    type: Literal["tgi"] = "tgi"
    """Text Generation Inference: native and OpenAI routes."""

    disable_custom_kernels: Flag | None = None
    """Fall back to ordinary kernels where the fast ones do not run."""

    quantize: (
        Literal[
            "awq",
            "bitsandbytes",
            "bitsandbytes-fp4",
            "bitsandbytes-nf4",
            "compressed-tensors",
            "eetq",
            "exl2",
            "fp8",
            "gptq",
            "marlin",
        ]
        | None
    ) = None
    """How weights are made smaller; bitsandbytes, eetq and fp8 work on any checkpoint, the others on prepared ones."""


class TgiNeuronEngine(TokenLimits):
    """Text Generation Inference on Neuron accelerators."""

    text_routes: ClassVar[tuple[str, ...]] = NATIVE_AND_OPENAI

    type: Literal["tgi_neuron"] = "tgi_neuron"
    """Text Generation Inference on Neuron accelerators."""

    hf_auto_cast_type: Literal["bf16", "fp16"] | None = None
    """The type that weights are cast to when the model is compiled."""

    hf_num_cores: Count | None = None
    """Neuron cores that the model is compiled for."""


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

    chunked_prefill_size: Annotated[Whole, Field(ge=-1)] | None = None
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

    ctx_size: Annotated[Whole, Field(ge=0)]
    """Tokens of context over all slots together; 0 takes the model's own."""

    n_parallel: Count
    """Slots, which is requests at once; they divide ctx_size among them."""

    threads_http: Count
    """Threads that read and write requests."""

    n_gpu_layers: Annotated[Whole, Field(ge=-1)] | None = None
    """Layers held in GPU memory; -1 is all of them."""

    mode: Literal["embeddings", "reranking"] | None = None
    """What the server does instead of generating text."""

    pooling: Literal["mean", "cls", "last", "rank"] | None = None
    """How the vectors of the tokens become one."""

    variant: Line | None = None
    """The build of the container, where the service offers several."""

    mmproj_model_path: File | None = None
    """The GGUF file of the multimodal projector inside the repository."""

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

    username: Annotated[Line, AfterValidator(without_token)]
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
        raise refusal([("type", f"is no engine known here{nearest(chosen, ENGINES)}; found {shown(chosen)}")])
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
