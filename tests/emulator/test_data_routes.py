"""Routes beside the generation of text: health, tokens, responses, messages, ranks and embeddings."""

import json

import pytest
from data_plane import http
from openai_calls import HELLO, MODEL, chat

pytest_plugins = ["data_plane"]


@pytest.mark.parametrize(
    ("engine", "path"),
    [
        ("vLLM", "/health"),
        ("vLLM", "/ping"),
        ("sGLang", "/health"),
        ("sGLang", "/health_generate"),
        ("llamacpp", "/health"),
        ("llamacpp", "/v1/health"),
        ("tei", "/health"),
        ("tgi", "/health"),
        ("huggingface", "/health"),
        ("huggingface", "/"),
    ],
)
def test_health_route_per_engine(plane, engine, path) -> None:
    """A spec may name any of them."""
    reply = http.get(plane.add(engine) + path)

    assert reply.status_code == 200
    assert reply.text == {"huggingface": "Ok", "llamacpp": '{"status":"ok"}'}.get(engine, "")


def test_token_routes_are_inverse_to_each_other(plane) -> None:
    """Whoever counts tokens wants the text back."""
    vllm, llama, sglang = plane.add("vLLM"), plane.add("llamacpp"), plane.add("sGLang")
    text = "Grüße, 東京!"

    tokens = http.post(vllm + "/tokenize", json={"prompt": text}).json()
    assert tokens["count"] == len(tokens["tokens"])
    assert http.post(vllm + "/detokenize", json={"tokens": tokens["tokens"]}).json() == {"prompt": text}
    tokens = http.post(llama + "/tokenize", json={"content": text}).json()
    assert http.post(llama + "/detokenize", json=tokens).json() == {"content": text}
    tokens = http.post(sglang + "/tokenize", json={"prompt": text}).json()["tokens"]
    assert http.post(sglang + "/detokenize", json={"tokens": tokens}).json() == {"text": text}


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("ghcr.io/huggingface/text-generation-inference:3.3.6", "/info"),
        ("ghcr.io/huggingface/text-embeddings-inference:cpu-1.8", "/info"),
        ("vllm/vllm-openai:v0.11.0", "/version"),
        ("lmsysorg/sglang:v0.5.3", "/get_server_info"),
        ("ghcr.io/ggml-org/llama.cpp:server", "/props"),
        ("registry.example/own:1", "/"),
    ],
)
def test_a_custom_image_answers_like_the_engine_its_name_tells(plane, url, engine) -> None:
    """People bring their own build of a known engine; anything else is a plain container."""
    assert http.get(plane.add("custom", image={"url": url}) + engine).status_code == 200


@pytest.mark.parametrize("engine", ["sGLang", "llamacpp"])
def test_responses_say_what_a_chat_says(plane, connect, engine) -> None:
    """The younger route of the openai package, streamed and not."""
    url = plane.add(engine)
    client = connect(url)
    chatted = chat(url, max_tokens=500).json()["choices"][0]["message"]["content"]
    asked = {"model": MODEL, "input": "Hello", "max_output_tokens": 500}

    whole = client.responses.create(**asked)
    events = list(client.responses.create(**asked, stream=True))

    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert chatted == whole.output_text == "".join(deltas) == events[-1].response.output_text


def test_errors_of_responses_are_nested_on_sglang(plane) -> None:
    """As on no other of its routes."""
    reply = http.post(plane.add("sGLang") + "/v1/responses", json={"model": MODEL})

    assert (reply.status_code, reply.json()["error"]["type"]) == (400, "BadRequestError")


def test_messages_on_llamacpp_have_named_events(plane) -> None:
    """Anthropic's form."""
    url = plane.add("llamacpp") + "/v1/messages"
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 3}
    whole = http.post(url, json=body).json()

    lines = http.post(url, json=body | {"stream": True}).text.splitlines()

    names = [line.removeprefix("event: ") for line in lines if line.startswith("event:")]
    deltas = [json.loads(line[6:])["delta"]["text"] for line in lines if "text_delta" in line]
    assert (names[0], names[-1]) == ("message_start", "message_stop")
    assert "".join(deltas) == whole["content"][0]["text"]
    assert http.post(url, json={"messages": HELLO}).status_code == 400


def test_ranks_labels_and_scores_of_sglang(plane) -> None:
    """Best first."""
    url = plane.add("sGLang")
    query = {"query": "deep learning", "documents": ["cheese", "learning deep"], "items": ["cheese", "learning deep"]}

    assert [row["index"] for row in http.post(url + "/v1/rerank", json=query).json()] == [1, 0]
    (cheese,), (learning,) = http.post(url + "/v1/score", json=query).json()["scores"]
    assert cheese < learning
    [row] = http.post(url + "/v1/classify", json={"input": "fine"}).json()["data"]
    assert row["probs"][0] >= row["probs"][1]


def test_embeddings_and_ranks_of_llamacpp_need_their_mode(plane) -> None:
    """One server, one mode."""
    embeds, ranks = (plane.add("llamacpp", image={"url": "", "mode": mode}) for mode in ("embeddings", "reranking"))
    query = {"query": "deep learning", "documents": ["cheese", "learning deep"]}

    statuses = [http.post(url + "/v1/rerank", json=query).status_code for url in (embeds, ranks)]
    statuses += [http.post(url + "/embedding", json={"content": "Hi"}).status_code for url in (embeds, ranks)]

    assert statuses == [501, 200, 200, 501]
    assert http.post(ranks + "/v1/rerank", json=query).json()["results"][0]["index"] == 1


def test_infill_of_llamacpp(plane) -> None:
    """Between two texts."""
    body = {"input_prefix": "def f(", "input_suffix": "): pass", "n_predict": 3}

    assert http.post(plane.add("llamacpp") + "/infill", json=body).json()["content"]
