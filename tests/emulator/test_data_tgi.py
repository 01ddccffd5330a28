"""TGI's routes, frames and rules: sections 12.3 to 12.5 of the API reference and their boxes of section 14."""

import json

import pytest
from data_plane import http

pytest_plugins = ["data_plane"]

INPUTS = "What is deep learning?"


def ask(url, path="/generate", *, inputs=INPUTS, **parameters):
    return http.post(url + path, json={"inputs": inputs, "parameters": parameters})


def frames(reply) -> list[dict]:
    return [json.loads(line[5:]) for line in reply.text.splitlines() if line.startswith("data:")]


def test_tgi_root_list_against_generate_object(plane) -> None:
    """Clients unwrap the one and not the other."""
    url = plane.add()
    body = {"inputs": INPUTS, "parameters": {"max_new_tokens": 5, "return_full_text": False}}

    root, slash, generate = (http.post(url + path, json=body).json() for path in ("", "/", "/generate"))

    assert root == slash == [generate]
    assert list(generate) == ["generated_text"]


def test_root_streams_when_the_body_says_so(plane) -> None:
    """One address for both, so the body decides and not the Accept header."""
    url = plane.add()
    body = {"inputs": INPUTS, "parameters": {"max_new_tokens": 3}, "stream": True}

    reply = http.post(url, json=body, headers={"Accept": "application/json"})

    assert reply.headers["content-type"] == "text/event-stream"
    assert [frame["index"] for frame in frames(reply)] == [1, 2, 3]


def test_native_stream_without_done(plane) -> None:
    """Who waits for [DONE] on this route waits for ever."""
    reply = ask(plane.add(), "/generate_stream", max_new_tokens=4, details=True, seed=7, do_sample=True)

    *first, last = frames(reply)
    assert "[DONE]" not in reply.text
    assert [(frame["generated_text"], frame["details"]) for frame in first] == [(None, None)] * 3
    assert last["generated_text"] == "".join(frame["token"]["text"] for frame in [*first, last])
    assert last["details"] == {"finish_reason": "length", "generated_tokens": 4, "seed": 7, "input_length": 7}
    assert set(last["token"]) == {"id", "text", "logprob", "special"}


def test_details_only_when_asked_for(plane) -> None:
    """A verifier that counts on the finish reason has to ask."""
    assert frames(ask(plane.add(), "/generate_stream", max_new_tokens=2))[-1]["details"] is None


def test_special_end_token(plane) -> None:
    """It is a frame like any other, and no part of the text."""
    *_, before, last = frames(ask(plane.add(), "/generate_stream", max_new_tokens=500, details=True))

    assert (before["token"]["special"], last["token"]["special"]) == (False, True)
    assert last["token"]["text"] == "</s>"
    assert not last["generated_text"].endswith("</s>")
    assert last["details"]["finish_reason"] == "eos_token"


@pytest.mark.parametrize(
    ("option", "image", "has_space"),
    [
        ("by_image", "ghcr.io/huggingface/text-generation-inference:2.0.4", False),
        ("by_image", "ghcr.io/huggingface/text-generation-inference:2.1.0", True),
        ("by_image", "ghcr.io/huggingface/text-generation-inference:3.3.6", True),
        ("by_image", "ghcr.io/huggingface/text-generation-inference:latest", True),
        ("always", "ghcr.io/huggingface/text-generation-inference:2.0.4", True),
        ("never", "ghcr.io/huggingface/text-generation-inference:3.3.6", False),
    ],
)
def test_both_data_spacings(plane, option, image, has_space) -> None:
    """Old images are still deployed, and `[DONE]` has its space in all of them."""
    plane.options["tgi_data_space"] = option
    url = plane.add(image={"url": image})

    native = ask(url, "/generate_stream", max_new_tokens=2).text
    chat = http.post(
        url + "/v1/chat/completions",
        json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "stream": True},
    ).text

    assert native.startswith("data: {" if has_space else "data:{")
    assert chat.startswith("data: {" if has_space else "data:{")
    assert "\n\ndata: [DONE]\n\n" in chat


def test_comment_keep_alives(plane) -> None:
    """A comment is a sign of life of the server and none of the model."""
    plane.options.update(keep_alive_interval_s=0.02, first_token_ms=200)

    reply = ask(plane.add(), "/generate_stream", max_new_tokens=1)
    plane.options["keep_alive_interval_s"] = 0
    silent = ask(plane.add(), "/generate_stream", max_new_tokens=1)

    assert reply.text.startswith(":\n\n")
    assert len(frames(reply)) == len(frames(silent)) == 1
    assert silent.text.startswith("data:")


def test_headers_of_a_stream_and_of_a_reply(plane) -> None:
    """Some clients bill by them."""
    url = plane.add()
    stream, reply = ask(url, "/generate_stream", max_new_tokens=2), ask(url, max_new_tokens=2)

    assert stream.headers["cache-control"] == "no-cache"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.headers["x-compute-characters"] == str(len(INPUTS))
    assert (reply.headers["x-prompt-tokens"], reply.headers["x-generated-tokens"]) == ("7", "2")
    assert {"x-total-time", "x-validation-time", "x-queue-time", "x-inference-time", "x-time-per-token"} <= set(
        reply.headers
    )


TEXTS = [
    ({"temperature": 0}, "`temperature` must be strictly positive"),
    ({"temperature": -1.5}, "`temperature` must be strictly positive"),
    ({"repetition_penalty": 0}, "`repetition_penalty` must be strictly positive"),
    ({"frequency_penalty": 2.1}, "`frequency_penalty` must be >= -2.0 and <= 2.0"),
    ({"top_p": 1.0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"top_p": 0}, "`top_p` must be > 0.0 and < 1.0"),
    ({"typical_p": 1}, "`typical_p` must be > 0.0 and < 1.0"),
    ({"top_k": 0}, "`top_k` must be strictly positive"),
    ({"max_new_tokens": 0}, "`max_new_tokens` must be strictly positive"),
    (
        {"max_new_tokens": 5000},
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 7 `inputs` tokens and 5000 `max_new_tokens`",
    ),
    ({"stop": ["a", "b", "c", "d", "e"]}, "`stop` supports up to 4 stop sequences. Given: 5"),
    ({"truncate": 0}, "`truncate` must be strictly positive and less than 4095. Given: 0"),
    ({"top_n_tokens": 6}, "`top_n_tokens` must be >= 0 and <= 5. Given: 6"),
    ({"best_of": 3, "do_sample": True}, "`best_of` must be > 0 and <= 2. Given: 3"),
    ({"best_of": 2}, "you must use sampling when `best_of` is > 1"),
    ({"best_of": 2, "do_sample": True, "seed": 1}, "`seed` must not be set when `best_of` > 1"),
]


@pytest.mark.parametrize(("parameters", "text"), TEXTS, ids=lambda value: str(value)[:40])
def test_validation_texts_and_statuses(plane, parameters, text) -> None:
    """They are all a person has to find the mistake in a spec's example parameters."""
    reply = ask(plane.add(), **parameters)

    assert reply.status_code == 422
    assert reply.json() == {"error": f"Input validation error: {text}", "error_type": "validation"}


def test_empty_inputs_are_refused(plane) -> None:
    """An empty prompt is the classic of a template that was not filled in."""
    assert ask(plane.add(), inputs="").json()["error"] == "Input validation error: `inputs` cannot be empty"


def test_inputs_longer_than_the_limit_of_the_image_are_refused(plane) -> None:
    """`maxInputLength` in a spec is a promise about prompts."""
    url = plane.add(image={"url": "", "maxInputLength": 10, "maxTotalTokens": 100})

    assert ask(url, inputs="word " * 20, max_new_tokens=1).json()["error"].endswith("less than 10 tokens. Given: 22")
    assert ask(url, inputs="word " * 20, max_new_tokens=1, truncate=5).status_code == 200


def test_top_p_1_0_refused_and_0_99_taken(plane) -> None:
    """1.0 is everybody's default elsewhere."""
    url = plane.add()

    assert [ask(url, top_p=value, max_new_tokens=1).status_code for value in (1.0, 0.99)] == [422, 200]


def test_a_refusal_of_a_stream_is_an_error_frame_inside_a_200(plane) -> None:
    """Whoever trusts the status takes it for an answer."""
    reply = ask(plane.add(), "/generate_stream", temperature=0)

    assert reply.status_code == 200
    [frame] = frames(reply)
    assert frame == {
        "error": "Input validation error: `temperature` must be strictly positive",
        "error_type": "validation",
    }


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"best_of": 2, "do_sample": True}, "`best_of` != 1 is not supported when streaming tokens"),
        ({"decoder_input_details": True}, "`decoder_input_details` == true is not supported when streaming tokens"),
    ],
)
def test_what_a_stream_cannot_have(plane, parameters, text) -> None:
    """Both are fine without a stream."""
    url = plane.add()

    assert frames(ask(url, "/generate_stream", max_new_tokens=1, **parameters))[0]["error"].endswith(text)
    assert ask(url, max_new_tokens=1, **parameters).status_code == 200


def test_default_do_sample_rule(plane) -> None:
    """Leaving `parameters` out samples, sending it empty does not: the seed in the details shows which."""
    url = plane.add()
    left_out = http.post(url + "/generate", json={"inputs": INPUTS}).json()["generated_text"]

    greedy = ask(url).json()["generated_text"]
    sampled = ask(url, do_sample=True).json()["generated_text"]

    assert left_out == sampled != greedy
    assert ask(url, details=True).json()["details"]["seed"] is None
    assert isinstance(ask(url, details=True, do_sample=True).json()["details"]["seed"], int)
    assert isinstance(ask(url, details=True, temperature=0.5).json()["details"]["seed"], int)


def test_stop_is_kept_and_named_as_the_reason(plane) -> None:
    """The matched text is part of the answer here, unlike with OpenAI."""
    url = plane.add()
    whole = ask(url, details=True).json()
    stop = whole["details"]["tokens"][4]["text"]

    cut = ask(url, details=True, stop=[stop]).json()

    assert cut["generated_text"] == whole["generated_text"][: len(cut["generated_text"])]
    assert cut["generated_text"].endswith(stop)
    assert cut["details"]["finish_reason"] == "stop_sequence"


def test_best_of_gives_the_others_in_the_details(plane) -> None:
    """Two texts were paid for."""
    details = ask(plane.add(), best_of=2, do_sample=True, details=True, max_new_tokens=5).json()["details"]

    [other] = details["best_of_sequences"]
    assert other["tokens"] != details["tokens"]


def test_truncate_keeps_the_end_of_the_prompt(plane) -> None:
    """So a truncated long prompt says what its end alone would have said."""
    url = plane.add()

    assert ask(url, truncate=1).json() == ask(url, inputs="?").json()
    assert ask(url, truncate=1).json() != ask(url).json()


@pytest.mark.parametrize("value", [True, False])
def test_default_of_return_full_text_on_the_root_is_an_option(plane, value) -> None:
    """With the wrong default an answer that only repeats the prompt looks like text."""
    plane.options["tgi_root_return_full_text"] = value
    url = plane.add()

    assert ask(url, "", max_new_tokens=2).json()[0]["generated_text"].startswith(INPUTS) is value
    assert not ask(url, "/generate", max_new_tokens=2).json()["generated_text"].startswith(INPUTS)
    stream = http.post(url, json={"inputs": INPUTS, "parameters": {"max_new_tokens": 2}, "stream": True})
    assert frames(stream)[-1]["generated_text"].startswith(INPUTS) is value


@pytest.mark.parametrize("status", [400, 415, 422])
def test_malformed_json_is_answered_in_plain_text_with_the_status_of_the_option(plane, status) -> None:
    """A client that parses every error as JSON fails a second time here."""
    plane.options["tgi_malformed_json_status"] = status

    reply = http.post(plane.add(), content=b'{"inputs":', headers={"content-type": "application/json"})

    assert (reply.status_code, reply.headers["content-type"]) == (status, "text/plain; charset=utf-8")


def test_a_body_without_its_content_type_is_415_in_plain_text(plane) -> None:
    """What `curl -d` sends unless told otherwise."""
    reply = http.post(
        plane.add(), content=b'{"inputs": "x"}', headers={"content-type": "application/x-www-form-urlencoded"}
    )

    assert (reply.status_code, reply.text) == (415, "Expected request with `Content-Type: application/json`")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"inputs": None},
        {"inputs": ["a"]},
        {"inputs": "x", "parameters": None},
        {"inputs": "x", "parameters": {"stop": None}},
        {"inputs": "x", "parameters": {"stop": "x"}},
        {"inputs": "x", "parameters": {"do_sample": None}},
        {"inputs": "x", "parameters": {"watermark": None}},
        {"inputs": "x", "parameters": {"details": None}},
        {"inputs": "x", "parameters": {"truncate": True}},
        {"inputs": "x", "parameters": {"temperature": "hot"}},
        {"inputs": "x", "parameters": {"max_new_tokens": 1.5}},
        {"inputs": "x", "parameters": {"seed": -1}},
        {"inputs": "x", "parameters": {"grammar": {"type": "xml"}}},
    ],
    ids=str,
)
def test_a_wrong_shape_is_422_in_plain_text(plane, body) -> None:
    """Null is one for some fields and not for others."""
    reply = http.post(plane.add() + "/generate", json=body)

    assert (reply.status_code, reply.headers["content-type"]) == (422, "text/plain; charset=utf-8")


def test_null_numbers_and_unknown_keys_are_taken(plane) -> None:
    """Old clients send every field, most of them null, and keys of their own."""
    numbers = dict.fromkeys(
        ["temperature", "top_k", "top_p", "typical_p", "seed", "truncate", "best_of", "top_n_tokens"]
    )
    body = {"inputs": "x", "parameters": {**numbers, "max_new_tokens": 2, "stop_sequences": ["x"]}, "options": {}}

    assert http.post(plane.add() + "/generate", json=body).status_code == 200


def test_too_many_at_once_are_429_overloaded(plane) -> None:
    """The limit is 128 unless the environment says otherwise; none may be in flight here."""
    url = plane.add(env={"MAX_CONCURRENT_REQUESTS": "0"})

    reply = ask(url)

    assert reply.status_code == 429
    assert reply.json() == {"error": "Model is overloaded", "error_type": "overloaded"}
    assert frames(ask(url, "/generate_stream"))[0]["error_type"] == "overloaded"


@pytest.mark.parametrize(("option", "sha"), [("commit", "a" * 40), ("absent", None)])
def test_info_tells_the_limits_and_by_option_the_revision(plane, option, sha) -> None:
    """A check of the served revision must bear a server that does not tell."""
    plane.options["tgi_model_sha"] = option
    url = plane.add(image={"url": "tgi:3.2.1", "maxInputLength": 1000, "maxTotalTokens": 1500})

    info = http.get(url + "/info").json()

    assert (info["model_id"], info["model_sha"], info["version"]) == ("acme/model", sha, "3.2.1")
    assert (info["max_input_tokens"], info["max_total_tokens"]) == (1000, 1500)
    assert (info["max_stop_sequences"], info["max_best_of"], info["max_client_batch_size"]) == (4, 2, 4)


def test_health_routes_answer_empty_200_and_while_loading_503_unhealthy(plane) -> None:
    """`running` is shown before."""
    url = plane.add()
    paths = ["/health", "/ping", "/", ""]
    assert [(reply.status_code, reply.content) for reply in (http.get(url + path) for path in paths)] == [
        (200, b"")
    ] * 4

    plane.change(url, is_ready=False)
    reply = http.get(url + "/health")

    assert (reply.status_code, reply.json()) == (503, {"error": "unhealthy", "error_type": "healthcheck"})


def test_tokenize_chat_tokenize_and_metrics(plane) -> None:
    """Joined, the tokens are the text again."""
    url = plane.add()
    tokens = http.post(url + "/tokenize", json={"inputs": INPUTS}).json()
    chat = http.post(url + "/chat_tokenize", json={"messages": [{"role": "user", "content": "Hi"}]}).json()

    assert "".join(token["text"] for token in tokens) == INPUTS
    assert INPUTS[tokens[2]["start"] : tokens[2]["stop"]] == tokens[2]["text"]
    assert "".join(token["text"] for token in chat["tokenize_response"]) == chat["templated_text"]
    assert "tgi_request_count 3" in http.get(url + "/metrics").text


def test_invocations_and_vertex_take_the_bodies_of_other_clouds(plane) -> None:
    """Both are routes of the same server."""
    url = plane.add()
    native = {"inputs": INPUTS, "parameters": {"max_new_tokens": 2, "return_full_text": False}}
    text = http.post(url + "/generate", json=native).json()["generated_text"]

    assert http.post(url + "/invocations", json=native).json() == [{"generated_text": text}]
    assert http.post(url + "/vertex", json={"instances": [native]}).json() == {"predictions": [text]}
    chat = http.post(url + "/invocations", json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2})
    assert chat.json()["object"] == "chat.completion"


def test_a_grammar_gives_json_of_that_shape(plane) -> None:
    """Whoever asks for structure parses the answer."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}

    text = ask(plane.add(), grammar={"type": "json", "value": schema}).json()["generated_text"]

    assert json.loads(text) == {"name": "text", "age": 1}
