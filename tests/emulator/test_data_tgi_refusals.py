"""What TGI refuses, with which status and in which words."""

import pytest
from data_plane import http
from tgi_calls import ask, frames

pytest_plugins = ["data_plane"]

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
