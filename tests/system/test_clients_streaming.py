"""Every client that can stream, in a process of its own: what it prints and what it sends."""

import json

import pytest
from callers import MODEL, PROMPT, SAID, TGI, VLLM, Caller, command, only

QUESTION = [{"role": "user", "content": PROMPT}]
SYSTEM = {"role": "system", "content": "You answer in one sentence."}

STREAMING = [
    ("hub2", "hub_text.py"),
    ("langchain", "hub_text.py"),
    ("hub2", "hub_chat.py"),
    ("langchain", "hub_chat.py"),
    ("text-generation", "tgi_client.py"),
    ("langchain", "langchain_text.py"),
    ("langchain", "langchain_chat.py"),
    ("easyllm", "easyllm_chat.py"),
    ("easyllm", "easyllm_completion.py"),
    ("hub2", "openai_chat.py"),
    ("node", "openai_chat.mjs"),
    ("node", "inference_text.mjs"),
    ("node", "inference_chat.mjs"),
]
HUBS = pytest.mark.parametrize("environment", ["hub2", "langchain"], ids=["hub 2.4.0", "hub 1.33.0"])
CHAT_ENGINES = pytest.mark.parametrize("image", [TGI, VLLM], ids=["tgi", "vllm"])


@pytest.mark.parametrize(("environment", "program"), STREAMING)
def test_the_first_piece_is_printed_while_the_rest_is_still_to_come(caller: Caller, environment, program) -> None:
    """The server falls silent after one token and never ends: whoever collects the answer first prints nothing."""
    url = caller.endpoint(TGI, behaviour={"text": SAID, "stream": "stall_after_first"})

    line = caller.first_line(*command(environment, program), ENDPOINT_URL=url, MODEL=MODEL)

    assert line, f"{program} in {environment} printed nothing"
    assert SAID.startswith(json.loads(line))


@HUBS
def test_inference_client_streams_text_with_details(caller: Caller, environment) -> None:
    """The loop of the blog post that most readers come with, in the spelling of today."""
    *pieces, end = caller.told(environment, "hub_text.py", caller.endpoint(TGI))

    assert "".join(pieces) == end["text"] == SAID
    assert (end["finish"], end["tokens"]) == ("eos_token", len(pieces) + 1)
    request = only(caller.sent())
    assert request["route"] == "POST "
    assert request["body"] == {
        "inputs": PROMPT,
        "parameters": {
            "details": True,
            "max_new_tokens": 200,
            "repetition_penalty": 1.02,
            "return_full_text": False,
            "stop": ["\nUser:"],
            "temperature": 0.2,
            "top_k": 30,
            "top_p": 0.9,
        },
        "stream": True,
    }


@HUBS
@CHAT_ENGINES
def test_inference_client_streams_a_chat(caller: Caller, environment, image) -> None:
    """The form that a hand-over gives for every engine."""
    *pieces, end = caller.told(environment, "hub_chat.py", caller.endpoint(image), MODEL=MODEL)

    assert ("".join(pieces), end) == (SAID, {"finish": "stop"})
    request = only(caller.sent())
    assert request["route"] == "POST /v1/chat/completions"
    assert request["body"] == {"model": MODEL, "messages": QUESTION, "max_tokens": 200, "seed": 7, "stream": True}


@HUBS
def test_asynchronous_inference_client_has_several_streams_at_once(caller: Caller, environment) -> None:
    """Web servers call an endpoint this way, and answers must not mix."""
    url = caller.endpoint(TGI, behaviour={})

    texts = caller.told(environment, "hub_async.py", url)

    assert len(set(texts)) == 5, "each question has an answer of its own"
    assert all(texts)
    assert caller.told(environment, "hub_async.py", url) == texts
    sent = caller.sent()
    assert {request["status"] for request in sent} == {200}
    assert sorted(request["body"]["inputs"] for request in sent[:5] if request["route"] == "POST ") == [
        f"Tell me {number}." for number in range(4)
    ]
    assert sum(request["route"] == "POST /v1/chat/completions" for request in sent) == 2


def test_text_generation_client_streams_and_answers_whole(caller: Caller) -> None:
    """It sends every field, nulls included, and TGI takes those."""
    *pieces, end = caller.told("text-generation", "tgi_client.py", caller.endpoint(TGI))

    assert "".join(pieces) == end["streamed"] == SAID
    assert (end["finish"], end["text"], end["short"]) == ("eos_token", "".join(pieces[:3]), "length")
    streamed, whole = caller.sent()
    assert (streamed["route"], streamed["body"]["stream"]) == ("POST ", True)
    assert (whole["route"], whole["body"]["stream"], whole["status"]) == ("POST ", False, 200)
    assert streamed["body"]["inputs"] == PROMPT
    asked = streamed["body"]["parameters"]
    assert {name: asked[name] for name in ("max_new_tokens", "stop", "details", "seed", "top_p")} == {
        "max_new_tokens": 200,
        "stop": ["\nUser:"],
        "details": True,
        "seed": None,
        "top_p": None,
    }


def test_langchain_text_streams_through_a_chain_and_invokes(caller: Caller) -> None:
    """Defaults that nobody asked for travel too; TGI has to take them."""
    *pieces, end = caller.told("langchain", "langchain_text.py", caller.endpoint(TGI))

    # LangChain passes the end token on when it streams.
    assert "".join(pieces) == SAID + "</s>"
    assert end == {"invoked": SAID}
    streamed, whole = caller.sent()
    assert [streamed["account"], whole["account"]] == ["founder", "founder"]
    parameters = {
        "do_sample": False,
        "max_new_tokens": 200,
        "return_full_text": False,
        "stop": [],
        "temperature": 0.2,
        "top_p": 0.95,
        "typical_p": 0.95,
        "watermark": False,
    }
    assert streamed["body"] == {"inputs": PROMPT, "parameters": parameters, "stream": True}
    assert whole["body"] == {"inputs": PROMPT, "parameters": parameters}


@CHAT_ENGINES
def test_langchain_chat_streams_and_invokes(caller: Caller, image) -> None:
    """Limit, temperature and model set on the chat object arrive; on vLLM a wrong model would be 404."""
    *pieces, end = caller.told("langchain", "langchain_chat.py", caller.endpoint(image), MODEL=MODEL)

    assert ("".join(pieces), end) == (SAID, {"invoked": SAID})
    streamed, whole = caller.sent()
    asked = {"model": MODEL, "messages": [SYSTEM, *QUESTION], "max_tokens": 200, "temperature": 0.2}
    assert (streamed["route"], streamed["body"]) == ("POST /v1/chat/completions", {**asked, "stream": True})
    assert (whole["route"], whole["body"]) == ("POST /v1/chat/completions", {**asked, "stream": False})


def test_easyllm_chat_streams_and_answers_whole(caller: Caller) -> None:
    """It builds Llama's prompt itself, wants a list with details, and counts tokens from them."""
    *pieces, end = caller.told("easyllm", "easyllm_chat.py", caller.endpoint(TGI))

    assert "".join(pieces) == end["text"] == SAID
    assert (end["finish"], end["usage"]["completion_tokens"]) == ("eos_token", len(pieces) + 1)
    streamed, whole = caller.sent()
    assert (streamed["body"]["stream"], whole["body"]["stream"]) == (True, False)
    for request in (streamed, whole):
        assert (request["route"], request["account"], request["status"]) == ("POST ", "founder", 200)
        assert request["body"]["inputs"].startswith("<s>[INST] <<SYS>>\nYou answer in one sentence.")
        asked = request["body"]["parameters"]
        assert (asked["max_new_tokens"], asked["seed"], asked["details"]) == (200, 42, True)
        assert (asked["temperature"], asked["top_p"], asked["top_k"]) == (0.9, 0.6, 10)


def test_easyllm_completion_streams_and_answers_whole(caller: Caller) -> None:
    """As its chat, with a prompt in place of messages."""
    *pieces, end = caller.told("easyllm", "easyllm_completion.py", caller.endpoint(TGI))

    assert ("".join(pieces), end) == (SAID, {"text": SAID, "finish": "eos_token"})
    assert [request["body"]["inputs"] for request in caller.sent()] == [f"<s>[INST] {PROMPT} [/INST]"] * 2
    assert [request["body"]["parameters"]["stop"] for request in caller.sent()] == [["\nUser:"]] * 2


@pytest.mark.parametrize(
    ("environment", "program"), [("hub2", "openai_chat.py"), ("node", "openai_chat.mjs")], ids=["python", "npm"]
)
@CHAT_ENGINES
def test_openai_lists_the_model_and_streams_a_chat_with_usage(caller: Caller, environment, program, image) -> None:
    """The last chunk has no choices, only the usage."""
    *pieces, end = caller.told(environment, program, caller.endpoint(image))

    assert "".join(pieces) == SAID
    assert (end["model"], end["finish"]) == (MODEL, "stop")
    assert end["tokens"] > len(pieces)
    models, chat = caller.sent()
    assert (models["route"], models["account"], models["status"]) == ("GET /v1/models", "founder", 200)
    assert (chat["route"], chat["account"], chat["status"]) == ("POST /v1/chat/completions", "founder", 200)
    assert chat["body"] == {
        "model": MODEL,
        "messages": QUESTION,
        "max_tokens": 200,
        "stop": ["\nUser:"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_huggingface_js_streams_text(caller: Caller) -> None:
    """The version is pinned: a few patches later this loop breaks."""
    *pieces, end = caller.told("node", "inference_text.mjs", caller.endpoint(TGI))

    assert "".join(pieces) == SAID
    assert end == {"text": SAID, "finish": "eos_token"}
    request = only(caller.sent())
    assert request["route"] == "POST "
    assert request["body"] == {
        "inputs": PROMPT,
        "parameters": {
            "max_new_tokens": 200,
            "temperature": 0.2,
            "stop": ["\nUser:"],
            "return_full_text": False,
            "details": True,
        },
        "stream": True,
    }


@CHAT_ENGINES
def test_huggingface_js_streams_a_chat(caller: Caller, image) -> None:
    """The form that serves every engine."""
    *pieces, end = caller.told("node", "inference_chat.mjs", caller.endpoint(image), MODEL=MODEL)

    assert ("".join(pieces), end) == (SAID, {"finish": "stop"})
    request = only(caller.sent())
    assert request["route"] == "POST /v1/chat/completions"
    assert request["body"] == {"model": MODEL, "messages": QUESTION, "max_tokens": 200, "stream": True}
