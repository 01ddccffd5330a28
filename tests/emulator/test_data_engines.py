"""Rules of one engine: models, errors, loading and routes of vLLM, SGLang and llama.cpp."""

import json

import pytest
from data_plane import http
from openai_calls import MODEL, chat, chunks, complete

pytest_plugins = ["data_plane"]


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
