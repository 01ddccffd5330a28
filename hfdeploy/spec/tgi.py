"""Text Generation Inference, on GPUs and on Neuron accelerators."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from hfdeploy.spec.container import NATIVE_AND_OPENAI, ContainerEngine
from hfdeploy.spec.scalar import Count, Flag
from hfdeploy.spec.section import Objection, relation


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
