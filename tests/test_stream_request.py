"""What an endpoint is asked: route, body and model name by engine and task."""

import json
import struct

import pytest

from hfdeploy.stream import About, Prompt, Route, Target, health_path, make_request, routes
from hfdeploy.stream.task import picture, sound, task_body


def body_of(route, prompt, about=None, **target):
    request = make_request(Target("", "", **target), route, prompt, about or About())
    return request.path, json.loads(request.body)


def test_tgi_is_asked_natively_with_details() -> None:
    """Details bring the engine's own count."""
    prompt = Prompt("Hi", 12, {"temperature": 0.5, "max_new_tokens": 9, "details": False})

    assert body_of(Route.GENERATE, prompt) == (
        "/generate_stream",
        {"inputs": "Hi", "parameters": {"temperature": 0.5, "max_new_tokens": 12, "details": True}},
    )


def test_a_chat_names_the_served_model_and_asks_for_usage() -> None:
    """vLLM refuses every other name."""
    path, body = body_of(Route.CHAT, Prompt("Hi", 12, {"stream": False}), About(model="served"), repository="acme/m")

    assert path == "/v1/chat/completions"
    assert body == {
        "model": "served",
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 12,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_completion_falls_back_to_the_repository_as_the_models_name() -> None:
    """Where the engine lists no models."""
    path, body = body_of(Route.COMPLETIONS, Prompt("Hi"), repository="acme/m")

    assert (path, body["model"], body["prompt"]) == ("/v1/completions", "acme/m", "Hi")


@pytest.mark.parametrize(
    ("engine", "extra", "about", "asked"),
    [
        ("tgi", {}, {}, (Route.GENERATE,)),
        ("tgiNeuron", {}, {}, (Route.GENERATE,)),
        ("tgi-neuron", {}, {}, (Route.GENERATE,)),
        ("vLLM", {}, {}, (Route.CHAT, Route.COMPLETIONS)),
        ("vLLM", {"has_chat_template": True}, {}, (Route.CHAT,)),
        ("vLLM", {"has_chat_template": False}, {}, (Route.COMPLETIONS,)),
        ("sGLang", {"task": "feature-extraction"}, {}, (Route.EMBEDDINGS,)),
        ("vLLM", {"task": "text-ranking"}, {}, (Route.RANKING,)),
        ("llamacpp", {"mode": "embeddings"}, {}, (Route.EMBEDDINGS,)),
        ("llamacpp", {"mode": "reranking"}, {}, (Route.RANKING,)),
        ("llamacpp", {}, {}, (Route.CHAT, Route.COMPLETIONS)),
        ("tei", {"task": "sentence-similarity"}, {}, (Route.EMBED,)),
        ("tei", {"task": "sentence-ranking"}, {}, (Route.RERANK,)),
        ("tei", {"task": "text-classification"}, {}, (Route.PREDICT,)),
        ("tei", {"task": "text-classification"}, {"info": {"model_type": {"reranker": {}}}}, (Route.RERANK,)),
        ("tei", {"task": "sentence-ranking"}, {"info": {"model_type": {"embedding": {}}}}, (Route.EMBED,)),
        ("huggingface", {"task": "fill-mask"}, {}, (Route.TASK,)),
        ("custom", {}, {}, (Route.TASK,)),
        ("custom", {}, {"info": {"max_total_tokens": 4096}}, (Route.GENERATE,)),
        ("custom", {}, {"info": {"model_type": {"embedding": {}}}}, (Route.EMBED,)),
        ("custom", {}, {"model": "m"}, (Route.CHAT, Route.COMPLETIONS)),
    ],
)
def test_the_route_follows_engine_and_task(engine, extra, about, asked) -> None:
    """A wrong route would be a 404, and a 404 is evidence."""
    assert routes(Target("", "", engine, **extra), About(**about)) == asked


def test_a_route_the_spec_names_is_the_only_one() -> None:
    """Whoever names it means it."""
    assert routes(Target("", "", "tgi"), About(), Route.CHAT) == (Route.CHAT,)
    with pytest.raises(ValueError, match="auto"):
        make_request(Target("", ""), Route.AUTO, Prompt(), About())


@pytest.mark.parametrize(
    ("engine", "declared", "path"),
    [("tgi", None, "/health"), ("vLLM", "/ready", "/ready"), ("custom", None, None), ("custom", "/ok", "/ok")],
)
def test_the_health_route_is_the_declared_or_the_engines_own(engine, declared, path) -> None:
    """Of a container nobody knows, nothing is assumed."""
    assert health_path(Target("", "", engine, health_route=declared)) == path


TASKS = [
    "text-classification", "zero-shot-classification", "token-classification", "question-answering", "fill-mask",
    "summarization", "translation", "text2text-generation", "text-generation", "feature-extraction",
    "image-classification", "automatic-speech-recognition", "audio-classification", "object-detection",
    "image-segmentation", "table-question-answering", "sentence-similarity", "sentence-embeddings",
    "sentence-ranking", "text-to-image",
]  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_every_task_of_the_toolkit_has_a_request_of_its_kind(task) -> None:
    """Its pipeline would refuse another, and the refusal would be taken for evidence."""
    body = task_body(task, "Hello", 8, {})

    assert not body.is_guess
    if body.content_type == "application/json":
        assert json.loads(body.data)["inputs"]
    else:
        assert body.data in {picture(), sound()}


def test_an_unknown_task_is_a_guess_and_says_so() -> None:
    """The input of a custom handler is anybody's."""
    body = task_body("custom", "Hello", 8, {"a": 1})

    assert body.is_guess
    assert json.loads(body.data) == {"inputs": "Hello", "parameters": {"a": 1}}


def test_the_picture_and_the_sound_are_what_they_say() -> None:
    """A pipeline that cannot open them answers 400."""
    assert picture().startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", picture()[16:24]) == (64, 64)
    assert sound()[:4] == b"RIFF"
    assert len(sound()) == 44 + 2 * 16_000
