"""curl, as the documentation of endpoints has it: what people try first."""

import json
import threading

import environments
import pytest
from callers import PROMPT, SAID, TGI, Caller, only
from control_plane import OWNER

NATIVE = {"inputs": PROMPT, "parameters": {"max_new_tokens": 200, "return_full_text": False}}
CHAT = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": 200, "stream": True}
TOKEN = ("--header", f"Authorization: Bearer {OWNER}")


def curl(url: str, body: object, *more: str) -> list[str]:
    """The command; status and content type follow the body on a line of their own."""
    program = str(environments.program("curl"))
    return [
        *(program, "--silent", "--show-error", "--no-buffer", "--max-time", "60"),
        *("--write-out", "\n%{http_code} %{content_type}"),
        *("--header", "Content-Type: application/json", "--data", json.dumps(body)),
        *more,
        url,
    ]


def asked(caller: Caller, url: str, body: object, *more: str) -> tuple[str, str]:
    """What curl printed of the answer's body, and its status and content type."""
    ended = caller.run(*curl(url, body, *more))
    assert ended.returncode == 0, ended.stderr
    said, _, end = ended.stdout.rpartition("\n")
    return said, end


def frames(said: str) -> list[str]:
    """The data of the events of a stream."""
    return [line.removeprefix("data: ") for line in said.splitlines() if line]


def test_the_root_answers_a_list(caller: Caller) -> None:
    """The first command of every tutorial."""
    said, end = asked(caller, caller.endpoint(TGI), NATIVE, *TOKEN)

    assert (json.loads(said), end) == ([{"generated_text": SAID}], "200 application/json")
    request = only(caller.sent())
    assert (request["route"], request["body"]) == ("POST ", NATIVE)


def test_generate_stream_sends_events_without_a_done(caller: Caller) -> None:
    """The last event has the whole text."""
    said, end = asked(caller, caller.endpoint(TGI) + "/generate_stream", NATIVE, *TOKEN)

    assert end == "200 text/event-stream"
    events = [json.loads(frame) for frame in frames(said)]
    assert [event["index"] for event in events] == list(range(1, len(events) + 1))
    assert "".join(event["token"]["text"] for event in events if not event["token"]["special"]) == SAID
    assert [event["generated_text"] for event in events] == [None] * (len(events) - 1) + [SAID]


def test_an_event_is_there_before_the_next_one_is_made(caller: Caller) -> None:
    """The server falls silent after one token."""
    url = caller.endpoint(TGI, behaviour={"text": SAID, "stream": "stall_after_first"})

    line = caller.first_line(*curl(url + "/generate_stream", NATIVE, *TOKEN))

    assert SAID.startswith(json.loads(line.removeprefix("data: "))["token"]["text"])


def test_a_chat_streams_and_ends_with_done(caller: Caller) -> None:
    """`[DONE]` is what OpenAI's clients wait for."""
    said, end = asked(caller, caller.endpoint(TGI) + "/v1/chat/completions", CHAT, *TOKEN)

    assert end == "200 text/event-stream"
    *events, done = frames(said)
    assert done == "[DONE]"
    assert "".join(json.loads(event)["choices"][0]["delta"]["content"] for event in events) == SAID
    assert only(caller.sent())["body"] == CHAT


@pytest.mark.parametrize("header", [(), ("--header", "Authorization: Bearer hf_nobody")], ids=["none", "unknown"])
@pytest.mark.parametrize("route", ["", "/generate_stream", "/v1/chat/completions", "/docs", "/health"])
def test_without_a_valid_token_every_route_is_401(caller: Caller, header, route) -> None:
    """Of a private endpoint; the prompt of a stranger must not reach the model."""
    said, end = asked(caller, caller.endpoint(TGI) + route, NATIVE, *header)

    assert end == "401 application/json"
    assert json.loads(said) == {"error": "401 Unauthorized", "code": "UNAUTHORIZED"}
    [request] = caller.sent()
    assert (request["account"], request["status"]) == (None, 401)


def test_a_sleeping_endpoint_is_503_and_wakes(caller: Caller) -> None:
    """The caller is not kept waiting, and the next one finds it on its way up."""
    url = caller.endpoint(TGI, state="scaledToZero")

    said, end = asked(caller, url, NATIVE, *TOKEN)

    assert (json.loads(said)["error"], end) == ("503 Service Unavailable", "503 application/json")
    assert caller.emulator.state() == "initializing"
    caller.emulator.advance(400)
    assert asked(caller, url, NATIVE, *TOKEN)[1] == "200 application/json"


def test_a_stranger_does_not_wake_a_sleeping_endpoint(caller: Caller) -> None:
    """It would cost the owner money."""
    url = caller.endpoint(TGI, state="scaledToZero")

    assert asked(caller, url, NATIVE)[1] == "401 application/json"
    assert caller.emulator.state() == "scaledToZero"


def test_a_sleeping_endpoint_holds_a_request_that_says_how_long_it_waits(caller: Caller) -> None:
    """With `X-Scale-Up-Timeout` one command is enough."""
    url = caller.endpoint(TGI, state="scaledToZero")
    answers: list[tuple[str, str]] = []
    waiting = threading.Thread(
        target=lambda: answers.append(asked(caller, url, NATIVE, *TOKEN, "--header", "X-Scale-Up-Timeout: 50"))
    )

    waiting.start()
    woken = threading.Event()
    while caller.emulator.state() == "scaledToZero" and waiting.is_alive():
        woken.wait(0.05)
    assert answers == []
    caller.emulator.advance(400)
    waiting.join()

    [(said, end)] = answers
    assert (json.loads(said), end) == ([{"generated_text": SAID}], "200 application/json")
    assert only(caller.sent())["headers"]["x-scale-up-timeout"] == "50"


def test_a_paused_endpoint_is_400_and_stays_paused(caller: Caller) -> None:
    """Only its owner starts it again."""
    url = caller.endpoint(TGI)
    assert caller.emulator.act("pause").status_code == 200

    said, end = asked(caller, url, NATIVE, *TOKEN)

    assert (json.loads(said), end) == (
        {"error": "Bad Request: The endpoint is paused, ask a maintainer to restart it", "code": "BAD_REQUEST"},
        "400 application/json",
    )
    assert caller.emulator.state() == "paused"
