"""One request of each kind for the managed toolkit, which answers every task on `/`. Pure.

Shapes: huggingface/huggingface-inference-toolkit and the task pages of the Hub. The smallest input that a pipeline of
the task accepts; for a task that is not in the table the body is a guess, and is marked so.
"""

import io
import json
import struct
import wave
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

_SENTENCE: Final = "My name is Clara and I live in Berlin."
_OTHER: Final = "The weather is nice today."

_INPUTS: Final[Mapping[str, object]] = {
    "text-classification": _SENTENCE,
    "token-classification": _SENTENCE,
    # Each model knows one of the two marks; the other is text to it.
    "fill-mask": "Paris is the [MASK] of France, a <mask> in Europe.",
    "question-answering": {"question": "Where do I live?", "context": _SENTENCE},
    "table-question-answering": {
        "query": "How many stars has Transformers?",
        "table": {"Repository": ["Transformers", "Datasets"], "Stars": ["36542", "4512"]},
    },
    "zero-shot-classification": _SENTENCE,
    "sentence-similarity": {"source_sentence": _SENTENCE, "sentences": [_SENTENCE, _OTHER]},
    "sentence-ranking": {"query": "Where does Clara live?", "texts": [_SENTENCE, _OTHER]},
    "feature-extraction": [_SENTENCE, _OTHER],
    "sentence-embeddings": [_SENTENCE, _OTHER],
    "text-to-image": "A red cube on a white table.",
}
_PARAMETERS: Final[Mapping[str, Mapping[str, object]]] = {
    "zero-shot-classification": {"candidate_labels": ["travel", "weather"]},
}
_GENERATING: Final = frozenset({"text-generation", "text2text-generation", "summarization", "translation"})
_VECTORS: Final = frozenset({"feature-extraction", "sentence-embeddings"})
_PICTURES: Final = frozenset({"image-classification", "image-segmentation", "object-detection", "image-to-text"})
_SOUNDS: Final = frozenset({"automatic-speech-recognition", "audio-classification"})


@dataclass(frozen=True, slots=True)
class Body:
    """What is posted to the toolkit. `inputs` counts texts to be embedded; `needs_text`: the answer must have some."""

    data: bytes
    content_type: str = "application/json"
    inputs: int = 0
    needs_text: bool = False
    is_guess: bool = False


def task_body(task: str, text: str, max_new_tokens: int, parameters: Mapping[str, object]) -> Body:
    """The body for one task. Generating tasks get the prompt, the others an input of their own shape."""
    if task in _PICTURES:
        return Body(picture(), "image/png")
    if task in _SOUNDS:
        return Body(sound(), "audio/wav")
    if task in _GENERATING:
        asked = {**parameters, "max_new_tokens": max_new_tokens}
        if task == "text-generation":
            # Else an answer repeats the prompt, and an echo alone would look like text.
            asked["return_full_text"] = False
        return replace(_document(text, asked), needs_text=True)
    if task not in _INPUTS:
        return replace(_document(text, parameters), is_guess=True)
    body = _document(_INPUTS[task], {**_PARAMETERS.get(task, {}), **parameters})
    return replace(body, inputs=2) if task in _VECTORS else body


def picture(side: int = 64) -> bytes:
    """A grey square as PNG: big enough for every image model's smallest patch."""
    rows = (b"\0" + b"\x80\x80\x80" * side) * side
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def sound(seconds: int = 1, rate: int = 16_000) -> bytes:
    """Silence as WAV, at the rate that speech models expect."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(b"\0\0" * rate * seconds)
    return target.getvalue()


def _document(inputs: object, parameters: Mapping[str, object]) -> Body:
    document = {"inputs": inputs} | ({"parameters": dict(parameters)} if parameters else {})
    return Body(json.dumps(document).encode())
