"""vLLM, SGLang and llama.cpp, and TGI's OpenAI routes: sections 12.2 to 12.6 and their boxes of section 14."""

import json

import pytest
from data_plane import http

pytest_plugins = ["data_plane"]

MODEL = "acme/model"
HELLO = [{"role": "user", "content": "Hello"}]
ENGINES = ["tgi", "vLLM", "sGLang", "llamacpp"]


def chat(url, path="/v1/chat/completions", **given):
    return http.post(url + path, json={"model": MODEL, "messages": HELLO, "max_tokens": 4} | given)


def complete(url, **given):
    body = {"model": MODEL, "prompt": "Hello", "max_tokens": 4} | given
    return http.post(url + "/v1/completions", json=body)


def chunks(reply) -> list[dict]:
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_vllm_v1_models_with_the_repository_id(plane) -> None:
    """The name to send is read here, and is not the path that `root` shows."""
    [model] = http.get(plane.add("vLLM", args=("--max-model-len", "8192")) + "/v1/models").json()["data"]

    assert (model["id"], model["root"], model["max_model_len"]) == (MODEL, "/repository", 8192)


@pytest.mark.parametrize("name", ["dummy", "/repository", "model", "tgi"])
def test_404_for_any_other_model_including_dummy(plane, name) -> None:
    """`dummy` is what huggingface_hub sends unless told otherwise."""
    reply = chat(plane.add("vLLM"), model=name)

    error = {"message": f"The model `{name}` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}
    assert (reply.status_code, reply.json()) == (404, {"error": error})


def test_a_completion_for_another_model_is_404_too(plane) -> None:
    """On both routes, streamed or not."""
    url = plane.add("vLLM")

    assert complete(url, model="dummy", stream=True).status_code == 404


@pytest.mark.parametrize(
    ("form", "keys"), [("nested", {"error"}), ("flat", {"object", "message", "type", "param", "code"})]
)
def test_the_shape_of_vllm_errors_is_an_option(plane, form, keys) -> None:
    """Older builds are said to send it flat."""
    plane.options["vllm_error_form"] = form

    assert set(chat(plane.add("vLLM"), model="dummy").json()) == keys


@pytest.mark.parametrize("path", ["/", "/generate", "/generate_stream"])
def test_vllm_has_no_native_routes(plane, path) -> None:
    """A native prompt sent there must fail and not look like an answer."""
    url = plane.add("vLLM")

    assert http.post(url + path, json={"inputs": "Hello"}).status_code == 404
    assert http.get(url + "/").status_code == 404


@pytest.mark.parametrize(("option", "body"), [("not_listening", b'{"error":"503 Service'), ("503", b"")])
def test_vllm_while_loading_is_an_option(plane, option, body) -> None:
    """Whether it listens before its model is loaded is not known."""
    plane.options["vllm_while_loading"] = option
    reply = http.get(plane.add("vLLM", is_ready=False) + "/health")

    assert reply.status_code == 503
    assert reply.content[:21] == body


def test_a_prompt_beyond_the_context_is_400(plane) -> None:
    """`max_model_len` of a spec arrives as an argument and is kept to."""
    url = plane.add("vLLM", args=("--max-model-len=64",))

    reply = chat(url, messages=[{"role": "user", "content": "word " * 100}])

    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith("This model's maximum context length is 64 tokens.")


@pytest.mark.parametrize(
    "given", [{"temperature": -1}, {"top_p": 0}, {"top_p": 1.5}, {"messages": None}, {"max_tokens": "x"}]
)
def test_vllm_refuses_bad_values_with_400_and_takes_top_p_1(plane, given) -> None:
    """The rules differ from TGI's, so example parameters are judged by engine."""
    url = plane.add("vLLM")

    assert chat(url, **given).status_code == 400
    assert chat(url, top_p=1.0).status_code == 200


@pytest.mark.parametrize("engine", ["vLLM", "sGLang"])
def test_a_chat_stream_opens_with_the_role_and_ends_with_done(plane, engine) -> None:
    """The first frame has no text: it is no sign of life of the model."""
    first, *middle, last = chunks(chat(plane.add(engine), stream=True))

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert all(chunk["choices"][0]["delta"]["content"] for chunk in middle)
    assert last["choices"][0]["finish_reason"] == "length"
    assert len({chunk["id"] for chunk in [first, *middle, last]}) == 1


def test_llamacpp_opens_with_null_content_and_closes_with_an_empty_delta(plane) -> None:
    """`text += delta.content` raises on the one and on the other."""
    first, *_, last = chunks(chat(plane.add("llamacpp"), stream=True))

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None}
    assert (last["choices"][0]["delta"], last["choices"][0]["finish_reason"]) == ({}, "length")


def test_tgi_chat_has_a_role_and_a_string_in_every_delta(plane) -> None:
    """Special tokens give an empty string, never null."""
    *_, before, last = chunks(chat(plane.add(), stream=True, max_tokens=500))

    assert set(before["choices"][0]["delta"]) == {"role", "content"}
    assert last["choices"][0] == {
        "index": 0,
        "delta": {"role": "assistant", "content": ""},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert (last["id"], last["system_fingerprint"]) == ("", "3.3.6-native")


def test_tgi_completions_have_an_empty_finish_reason_until_the_end(plane) -> None:
    """The end token shows its text on this route."""
    *middle, last = chunks(complete(plane.add(), stream=True, max_tokens=500))

    assert {chunk["choices"][0]["finish_reason"] for chunk in middle} == {""}
    assert (last["choices"][0]["finish_reason"], last["choices"][0]["text"]) == ("eos_token", "</s>")


@pytest.mark.parametrize(
    ("given", "status"),
    [({"suffix": "x"}, 422), ({"stop": "x"}, 422), ({"stop": ["x"]}, 200), ({"n": 2}, 200), ({"temperature": 0}, 200)],
    ids=str,
)
def test_what_tgi_takes_of_openai_parameters(plane, given, status) -> None:
    """One string for `stop` and a map for `logit_bias` are common in OpenAI code, and refused here."""
    url = plane.add()

    assert complete(url, **given).status_code == status
    assert chat(url, logit_bias={}).status_code == 422
    assert len(chat(url, n=2).json()["choices"]) == 1


def test_tgi_refuses_inside_a_stream_and_ends_it_with_done(plane) -> None:
    """A 200, an error, and a proper end: only reading the frames tells."""
    [frame] = chunks(chat(plane.add(), stream=True, top_p=1.0))

    message = "Input validation error: `top_p` must be > 0.0 and < 1.0"
    assert frame == {"error": {"message": message, "http_status_code": 422}}


def test_tgi_refuses_a_chat_without_a_stream_by_status(plane) -> None:
    """The same rules with another face."""
    reply = chat(plane.add(), stop=["a", "b", "c", "d", "e"])

    assert (reply.status_code, reply.json()["error_type"]) == (422, "validation")


@pytest.mark.parametrize("engine", ENGINES)
def test_usage_comes_last_with_empty_choices_and_only_when_asked_for(plane, engine) -> None:
    """`chunk.choices[0]` raises on it."""
    url = plane.add(engine)
    *_, last = chunks(chat(url, stream=True, stream_options={"include_usage": True}))
    plain = chunks(chat(url, stream=True))

    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 4
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + 4
    assert all(chunk["choices"] and not chunk.get("usage") for chunk in plain)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_stream_says_what_the_reply_says(plane, engine) -> None:
    """Two ways of asking one question."""
    url = plane.add(engine)
    whole = chat(url, max_tokens=500).json()

    streamed = chunks(chat(url, max_tokens=500, stream=True))

    said = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in streamed)
    assert said == whole["choices"][0]["message"]["content"]
    assert streamed[-1]["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("engine", ["vLLM", "sGLang", "llamacpp"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_stop_sequence_is_cut_wherever_it_begins(plane, engine, stream) -> None:
    """It may begin and end in the middle of a token, and none of it may leak into the stream."""
    url = plane.add(engine)
    whole = chat(url, max_tokens=500).json()["choices"][0]["message"]["content"]
    stop = whole[21:28]

    reply = chat(url, max_tokens=500, stop=[stop], stream=stream)

    parts = chunks(reply) if stream else [reply.json()]
    key = "delta" if stream else "message"
    said = "".join(part["choices"][0][key].get("content") or "" for part in parts)
    assert said == whole[: whole.index(stop)]
    assert parts[-1]["choices"][0]["finish_reason"] == "stop"
    if engine == "vLLM":
        assert parts[-1]["choices"][0]["stop_reason"] == stop


def test_vllm_gives_n_choices_that_differ(plane) -> None:
    """Two answers were asked for and paid for."""
    one, other = chat(plane.add("vLLM"), n=2, temperature=0.8).json()["choices"]

    assert (one["index"], other["index"]) == (0, 1)
    assert one["message"] != other["message"]


def test_completions_default_to_16_tokens_on_vllm(plane) -> None:
    """A prompt without a limit looks cut short there."""
    assert complete(plane.add("vLLM"), max_tokens=None).json()["usage"]["completion_tokens"] == 16


@pytest.mark.parametrize(("option", "status"), [("accepted", 200), ("refused", 404)])
def test_an_unknown_model_on_sglang_is_an_option(plane, option, status) -> None:
    """Only the route that shows one model is known to refuse."""
    plane.options["sglang_unknown_model"] = option

    assert chat(plane.add("sGLang"), model="dummy").status_code == status


def test_sglang_error_bodies(plane) -> None:
    """They are flat, except in a stream."""
    url = plane.add("sGLang")
    wrong = chat(url, messages="Hello")
    other = http.get(url + "/v1/models/other")
    typed = http.post(url + "/v1/chat/completions", content=b"{}", headers={"content-type": "text/plain"})

    assert wrong.status_code == typed.status_code == 400
    assert wrong.json()["object"] == typed.json()["object"] == "error"
    assert (other.status_code, other.json()["code"]) == (404, "model_not_found")
    assert http.get(url + f"/v1/models/{MODEL}").json()["id"] == MODEL


def test_sglang_generate_has_its_own_body_and_grows_its_text(plane) -> None:
    """The route of TGI's name takes other fields, and frames that each have the whole text."""
    url = plane.add("sGLang")
    body = {"text": "Hello", "sampling_params": {"max_new_tokens": 3}}
    whole = http.post(url + "/generate", json=body).json()

    *first, last = chunks(http.post(url + "/generate", json=body | {"stream": True}))

    assert [last["text"].startswith(frame["text"]) for frame in first] == [True, True]
    assert last["text"] == whole["text"]
    assert last["meta_info"]["finish_reason"] == {"type": "length", "length": 3}
    assert http.post(url + "/generate", json={"inputs": "Hello"}).status_code == 400


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/v1/chat/completions", "/anything"])
def test_llamacpp_503_loading_model_on_every_route(plane, path) -> None:
    """It listens long before it can answer."""
    reply = http.get(plane.add("llamacpp", is_ready=False) + path)

    error = {"message": "Loading model", "type": "unavailable_error", "code": 503}
    assert (reply.status_code, reply.json()) == (503, {"error": error})


def test_llamacpp_error_bodies(plane) -> None:
    """Nested, with words of its own."""
    url = plane.add("llamacpp", image={"url": "", "ctxSize": 16})
    lost, wrong = http.get(url + "/generate"), chat(url, messages=3)
    long = chat(url, messages=[{"role": "user", "content": "word " * 50}])

    assert (lost.status_code, lost.json()["error"]["type"]) == (404, "not_found_error")
    assert lost.json()["error"]["message"] == "File Not Found"
    assert (wrong.status_code, wrong.json()["error"]["type"]) == (400, "invalid_request_error")
    assert (long.status_code, long.json()["error"]["type"]) == (400, "exceed_context_size_error")
    assert http.post(url + "/v1/embeddings", json={"input": ["a"]}).status_code == 501


def test_llamacpp_completion_streams_without_done(plane) -> None:
    """The last frame says `stop`."""
    reply = http.post(plane.add("llamacpp") + "/completion", json={"prompt": "Hi", "n_predict": 3, "stream": True})

    frames = [json.loads(line.removeprefix("data: ")) for line in reply.text.splitlines() if line]
    assert [frame["stop"] for frame in frames] == [False, False, False, True]
    assert frames[-1]["stop_type"] == "limit"


def test_llamacpp_shows_any_model_name_it_was_asked_for(plane) -> None:
    """The name proves nothing about what serves."""
    assert chat(plane.add("llamacpp"), model="dummy").json()["model"] == "dummy"


@pytest.mark.parametrize("engine", ["sGLang", "tei"])
def test_loading_replicas_answer_503_on_their_health_route(plane, engine) -> None:
    """Both listen before they can answer; SGLang's body is empty."""
    reply = http.get(plane.add(engine, is_ready=False) + "/health")

    assert reply.status_code == 503
    assert (reply.content == b"") is (engine == "sGLang")


@pytest.mark.parametrize(("option", "is_silent"), [("none", True), ("comments", False)])
def test_comments_in_a_silence_of_vllm_are_an_option(plane, option, is_silent) -> None:
    """None are known, but nobody looked."""
    plane.options.update(openai_keep_alive=option, keep_alive_interval_s=0.02, first_token_ms=200)

    assert (":\n\n" not in chat(plane.add("vLLM"), stream=True).text) is is_silent


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
