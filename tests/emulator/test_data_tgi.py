"""TGI's streams and replies: sections 12.3 to 12.5 of the API reference and their boxes of section 14."""

import pytest
from data_plane import http
from tgi_calls import INPUTS, ask, frames

pytest_plugins = ["data_plane"]


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
