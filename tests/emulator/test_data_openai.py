"""OpenAI's chats and completions on TGI, vLLM and llama.cpp: sections 12.2 to 12.6 and their boxes of section 14."""

import pytest
from openai_calls import chat, chunks, complete

pytest_plugins = ["data_plane"]

ENGINES = ["tgi", "vLLM", "sGLang", "llamacpp"]


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
