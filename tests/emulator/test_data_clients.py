"""The data plane met by clients we did not write: huggingface_hub and the openai package."""

import asyncio

import openai
import pytest
from data_plane import http, until
from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError, OverloadedError, TextGenerationError, ValidationError
from huggingface_hub.inference import _common

pytest_plugins = ["data_plane"]

HELLO = [{"role": "user", "content": "Hello"}]
TOKEN = "hf_member"


def text_of(url, **given) -> str:
    given = {"max_new_tokens": 12, "return_full_text": False} | given
    return InferenceClient(url, token=TOKEN).text_generation("Once upon a time,", **given)


def test_text_generation_with_and_without_a_stream_and_details(plane) -> None:
    """The four forms of one call agree on the text."""
    client = InferenceClient(plane.add(access="private"), token=TOKEN)
    given = {"max_new_tokens": 500, "return_full_text": False}

    text = client.text_generation("Hi", **given)
    whole = client.text_generation("Hi", details=True, **given)
    pieces = list(client.text_generation("Hi", stream=True, details=True, **given))
    raw = list(client.text_generation("Hi", stream=True, **given))

    assert text == whole.generated_text == pieces[-1].generated_text
    assert text == "".join(piece.token.text for piece in pieces if not piece.token.special)
    assert raw[-1] == "</s>"
    assert (whole.details.finish_reason, pieces[-1].details.finish_reason) == ("eos_token", "eos_token")
    assert whole.details.generated_tokens == len(pieces) == len(whole.details.tokens)


@pytest.mark.parametrize("path", ["", "/", "/generate"])
def test_text_generation_at_each_address(plane, path) -> None:
    """List or object, the client takes both."""
    url = plane.add()

    assert text_of(url + path) == text_of(url)


@pytest.mark.parametrize(
    "given",
    [
        {"temperature": 0.7},
        {"top_p": 0.5},
        {"top_k": 10},
        {"typical_p": 0.5},
        {"repetition_penalty": 1.2},
        {"frequency_penalty": 0.5},
        {"do_sample": True},
        {"do_sample": True, "seed": 1},
        {"watermark": True},
        {"truncate": 2},
        {"adapter_id": "x"},
        {"max_new_tokens": 3},
        {"stop": [" "]},
        {"return_full_text": True},
    ],
    ids=str,
)
def test_every_parameter_shows_in_the_text(plane, given) -> None:
    """A parameter lost between spec, client and wire would otherwise go unnoticed."""
    plane.options["unseeded_sampling"] = "fixed"
    url = plane.add(behaviour={})

    assert text_of(url, **given) == text_of(url, **given)
    assert text_of(url, **given) != text_of(url) or "stop" in given


@pytest.mark.parametrize(("option", "is_same"), [("fixed", True), ("random", False)])
def test_sampling_without_a_seed_repeats_itself_by_option(plane, option, is_same) -> None:
    """Tests want the one, a demonstration the other."""
    plane.options["unseeded_sampling"] = option
    url = plane.add()

    assert (text_of(url, do_sample=True) == text_of(url, do_sample=True)) is is_same
    assert text_of(url, do_sample=True, seed=7) == text_of(url, do_sample=True, seed=7)


@pytest.mark.parametrize("engine", ["tgi", "vLLM", "sGLang", "llamacpp"])
def test_chat_completion_with_the_model_named(plane, engine) -> None:
    """The form that works with every engine."""
    client = InferenceClient(plane.add(engine), token=TOKEN)

    whole = client.chat_completion(HELLO, model="acme/model", max_tokens=500)
    pieces = list(client.chat_completion(HELLO, model="acme/model", max_tokens=500, stream=True))

    assert whole.choices[0].message.content == "".join(piece.choices[0].delta.content or "" for piece in pieces)
    assert pieces[-1].choices[0].finish_reason == "stop"


def test_chat_completion_without_a_model_is_404_on_vllm_and_fine_on_tgi(plane) -> None:
    """The client sends `dummy`."""
    assert InferenceClient(plane.add("tgi"), token=TOKEN).chat_completion(HELLO, max_tokens=2).choices

    with pytest.raises(HfHubHTTPError, match="404"):
        InferenceClient(plane.add("vLLM"), token=TOKEN).chat_completion(HELLO, max_tokens=2)


@pytest.mark.parametrize(
    ("given", "script", "env", "error"),
    [
        ({"top_p": 1.0}, {}, {}, ValidationError),
        ({}, {"stream": "error_event"}, {}, TextGenerationError),
        ({}, {}, {"MAX_CONCURRENT_REQUESTS": "0"}, OverloadedError),
    ],
    ids=["validation", "generation", "overloaded"],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_arrive_as_the_classes_of_the_client(plane, given, script, env, error, stream) -> None:
    """It reads `error_type` in a frame and in a body."""
    client = InferenceClient(plane.add(behaviour=script, env=env), token=TOKEN)

    with pytest.raises(error):
        list(client.text_generation("Hi", stream=stream, max_new_tokens=5, **given))


@pytest.mark.parametrize("stream", ["cut", "html", "empty"])
def test_a_broken_stream_looks_like_a_good_one_to_this_client(plane, stream) -> None:
    """Why a verification does not rely on it."""
    url = plane.add(behaviour={"stream": stream})
    client = InferenceClient(url, token=TOKEN)

    list(client.text_generation("Hi", stream=True, max_new_tokens=9))

    until(lambda: plane.statuses(url) == [200])


def test_the_client_drops_parameters_that_the_toolkit_does_not_know(plane, monkeypatch) -> None:
    """It asks again without them, and remembers that for all endpoints of the process."""
    monkeypatch.setattr(_common, "_UNSUPPORTED_TEXT_GENERATION_KWARGS", {})
    url = plane.add("huggingface")

    with pytest.warns(UserWarning, match="not served via TGI"):
        text = InferenceClient(url, token=TOKEN).text_generation("Hi", max_new_tokens=3, watermark=True)

    assert text.startswith("Hi ")
    assert plane.statuses(url)[:1] == [400]


def test_feature_extraction(plane) -> None:
    """One vector for each text."""
    client = InferenceClient(plane.add("tei", task="feature-extraction"), token=TOKEN)

    assert client.feature_extraction(["Hello", "Grüße"]).shape == (2, 384)


def test_eight_asynchronous_streams_at_once(plane) -> None:
    """They come side by side and each says the same."""
    url = plane.add(access="private")

    async def one(client):
        given = {"max_new_tokens": 9, "stream": True, "return_full_text": False}
        return "".join([piece async for piece in await client.text_generation("Hi", **given)])

    async def all_of_them():
        async with AsyncInferenceClient(url, token=TOKEN) as client:
            return await asyncio.gather(*(one(client) for _ in range(8)))

    assert len(set(asyncio.run(all_of_them()))) == 1


def test_an_asynchronous_chat(plane) -> None:
    """The other half of the asynchronous client."""
    url = plane.add("vLLM")

    async def said():
        async with AsyncInferenceClient(url, token=TOKEN) as client:
            stream = await client.chat_completion(HELLO, model="acme/model", max_tokens=5, stream=True)
            return "".join([piece.choices[0].delta.content or "" async for piece in stream])

    assert asyncio.run(said())


@pytest.mark.parametrize("engine", ["tgi", "vLLM", "sGLang", "llamacpp"])
def test_openai_chat_completions_and_models(plane, connect, engine) -> None:
    """The routes that everything else is built on."""
    client = connect(plane.add(engine, access="private"))
    [model] = client.models.list().data
    asked = {"model": model.id, "messages": HELLO, "max_tokens": 500}

    whole = client.chat.completions.create(**asked)
    stream = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))

    said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert said == whole.choices[0].message.content
    assert stream[-1].usage == whole.usage
    assert client.completions.create(model=model.id, prompt="Hi", max_tokens=3).choices[0].text


@pytest.mark.parametrize(
    "given",
    [{"temperature": 0.5}, {"top_p": 0.5}, {"seed": 3}, {"frequency_penalty": 1}, {"presence_penalty": 1}],
    ids=str,
)
@pytest.mark.parametrize("engine", ["tgi", "vLLM"])
def test_openai_parameters_show_in_the_text(plane, connect, engine, given) -> None:
    """As on the native route."""
    client = connect(plane.add(engine))

    def said(**given) -> str:
        asked = {"model": "acme/model", "messages": HELLO, "max_tokens": 9, **given}
        return client.chat.completions.create(**asked).choices[0].message.content

    assert said(**given) == said(**given) != said()
    assert said(temperature=0, seed=1) == said(temperature=0, seed=2)


def test_top_k_is_an_extra_of_vllm_and_unknown_to_the_chat_route_of_tgi(plane, connect) -> None:
    """What is not read does not change the words."""

    def said(engine, **given) -> str:
        client = connect(plane.add(engine))
        asked = {"model": "acme/model", "messages": HELLO, "max_tokens": 9, "extra_body": given}
        return client.chat.completions.create(**asked).choices[0].message.content

    assert said("vLLM", top_k=5) != said("vLLM")
    assert said("tgi", top_k=5) == said("tgi")


@pytest.mark.parametrize("engine", ["vLLM", "sGLang", "tei"])
def test_openai_embeddings(plane, connect, engine) -> None:
    """The package asks for base64 and decodes it."""
    client = connect(plane.add(engine, task="feature-extraction"))

    [one, other] = client.embeddings.create(model="acme/model", input=["Hello", "Grüße"]).data

    assert (len(one.embedding), len(other.embedding)) == (384, 384)
    assert one.embedding != other.embedding


def test_openai_error_in_a_stream_is_raised(plane, connect) -> None:
    """It reads `error` in a frame."""
    client = connect(plane.add("vLLM", behaviour={"stream": "error_event"}))

    with pytest.raises(openai.APIError, match="CUDA out of memory"):
        list(client.chat.completions.create(model="acme/model", messages=HELLO, stream=True))


def test_openai_waits_for_a_sleeping_endpoint_with_the_header(plane, connect) -> None:
    """`default_headers` is how people wake one."""
    url = plane.add(state="scaledToZero", is_ready=False)
    client = connect(url, default_headers={"X-Scale-Up-Timeout": "0"})

    with pytest.raises(openai.InternalServerError, match="503"):
        client.models.list()
    assert len(plane.woken) == 1


def test_the_answer_of_a_json_schema_is_json(plane, connect) -> None:
    """The client's own helpers parse it."""
    schema = {"type": "object", "properties": {"city": {"type": "string"}, "tags": {"type": "array"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    client = connect(plane.add("vLLM"))

    reply = client.chat.completions.create(model="acme/model", messages=HELLO, response_format=form)

    assert reply.choices[0].message.content == '{"city":"text","tags":["text"]}'


def test_requests_for_hf_hub_health_checks_need_no_body(plane) -> None:
    """`InferenceEndpoint.wait` asks the health route with a plain GET."""
    assert http.get(
        plane.add(access="authenticated") + "/health", headers={"Authorization": f"Bearer {TOKEN}"}
    ).is_success
