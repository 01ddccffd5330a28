"""Scripted misbehaviour, and what ends when a caller leaves: the error boxes of section 14."""

import json
import socket
import threading

import httpx2
import pytest
from data_plane import World, http, served, until
from starlette.applications import Starlette

from hfdeploy.emulator import behaviour, inference

pytest_plugins = ["data_plane"]

HELLO = [{"role": "user", "content": "Hello"}]
NATIVE = {"inputs": "Hello", "parameters": {"max_new_tokens": 8, "return_full_text": False, "details": True}}


def native(url, path="/generate_stream", **given):
    return http.post(url + path, json=NATIVE, **given)


def chat(url, **given):
    return http.post(url + "/v1/chat/completions", json={"messages": HELLO, "max_tokens": 8, "stream": True} | given)


def lines(reply) -> list[str]:
    return [line.removeprefix("data: ") for line in reply.text.splitlines() if line]


def heard(url, *, after: bytes) -> bytes:
    """What a caller hears of a stream in the quarter of a second that follows `after`."""
    address = httpx2.URL(url)
    body = json.dumps(NATIVE | {"stream": True}).encode()
    head = f"POST {address.path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((address.host, address.port), timeout=20) as caller:
        caller.sendall(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        text = b""
        while after not in text:
            text += caller.recv(4096)
        caller.settimeout(0.25)
        try:
            while piece := caller.recv(4096):
                text += piece
        except TimeoutError:
            return text.partition(after)[2]
    raise AssertionError("the stream came to an end")


def test_error_event_inside_a_200_stream_native_form(plane) -> None:
    """Tokens, then the error object, and nothing else."""
    reply = native(plane.add(behaviour={"stream": "error_event"}))

    *tokens, error = map(json.loads, lines(reply))
    assert reply.status_code == 200
    assert [token["index"] for token in tokens] == [1, 2]
    assert set(error) == {"error", "error_type"}
    assert error["error_type"] == "generation"


@pytest.mark.parametrize("engine", ["tgi", "vLLM", "sGLang", "llamacpp"])
def test_error_event_inside_a_200_stream_openai_form(plane, engine) -> None:
    """Followed by [DONE]: the error wins."""
    reply = chat(plane.add(engine, behaviour={"stream": "error_event"}))

    *_, error, done = lines(reply)
    assert (reply.status_code, done) == (200, "[DONE]")
    assert json.loads(error)["error"]["message"]


@pytest.mark.parametrize("engine", ["tgi", "vLLM", "sGLang", "llamacpp"])
def test_cut_stream(plane, engine) -> None:
    """It ends cleanly and says nothing of an end."""
    url = plane.add(engine, behaviour={"stream": "cut"})

    said = lines(chat(url))

    assert "[DONE]" not in said
    assert all(json.loads(line)["choices"][0]["finish_reason"] is None for line in said)
    assert sum(bool(json.loads(line)["choices"][0]["delta"].get("content")) for line in said) == 3


def test_reset_stream(plane) -> None:
    """The connection goes away in the middle of the body."""
    url = plane.add(behaviour={"stream": "reset"})

    with pytest.raises(httpx2.RemoteProtocolError):
        native(url)
    with pytest.raises(httpx2.RemoteProtocolError):
        native(url, "/generate")


@pytest.mark.parametrize("path", ["/generate", "/generate_stream"])
def test_empty_text(plane, path) -> None:
    """A proper end and nothing said."""
    reply = native(plane.add(behaviour={"stream": "empty"}), path)

    last = json.loads(lines(reply)[-1])
    assert last["generated_text"] == ""
    assert last["details"]["finish_reason"] == "eos_token"


@pytest.mark.parametrize("path", ["/generate", "/generate_stream", "/v1/chat/completions"])
def test_html_with_200(plane, path) -> None:
    """A proxy's maintenance page is no answer of a model."""
    reply = native(plane.add(behaviour={"stream": "html"}), path)

    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<h1>" in reply.text


def test_json_error_with_200(plane) -> None:
    """Neither the status nor the content type of a stream."""
    reply = native(plane.add(behaviour={"stream": "json_error_200"}))

    assert (reply.status_code, reply.headers["content-type"]) == (200, "application/json")
    assert reply.json()["error_type"] == "generation"


def test_stall_after_the_first_token(plane) -> None:
    """Alive by every sign but the one that counts."""
    assert b"data:" not in heard(plane.add(behaviour={"stream": "stall_after_first"}), after=b"data:")


def test_stall_before_the_first_token(plane) -> None:
    """Headers came, so the connection is fine."""
    assert heard(plane.add(behaviour={"stream": "stall_before_first"}), after=b"\r\n\r\n") == b""


def test_endless_keep_alive(plane) -> None:
    """A timeout for each read never fires."""
    with http.stream(
        "POST", plane.add(behaviour={"stream": "keepalive_forever"}), json=NATIVE | {"stream": True}
    ) as reply:
        pieces = reply.iter_raw()
        assert [next(pieces) for _ in range(3)] == [b":\n\n"] * 3


def test_drip_for_ever(plane) -> None:
    """Each token arrives in time, the end never does: limits and end tokens are ignored."""
    plane.options["drip_interval_ms"] = 1
    url = plane.add(behaviour={"stream": "drip"})

    with http.stream("POST", url, json=NATIVE | {"stream": True}) as reply:
        frames = (json.loads(line[5:]) for line in reply.iter_lines() if line)
        assert [next(frames)["generated_text"] for _ in range(150)] == [None] * 150


def test_wrong_content_type(plane) -> None:
    """The right frames under the wrong name."""
    url = plane.add(behaviour={"stream": "wrong_content_type"})

    assert native(url).headers["content-type"] == "text/plain"
    assert len(lines(native(url))) == 8
    assert native(url, "/generate").headers["content-type"] == "text/plain"


def test_done_only(plane) -> None:
    """An end without a beginning."""
    url = plane.add(behaviour={"stream": "done_only"})

    assert chat(url).text == "data: [DONE]\n\n"
    assert native(url, "/generate").content == b""


def test_garbage_utf8(plane) -> None:
    """One good token, then bytes that are no text."""
    url = plane.add(behaviour={"stream": "garbage_utf8"})

    for path in ("/generate_stream", "/generate"):
        with pytest.raises(UnicodeDecodeError):
            native(url, path).content.decode()


@pytest.mark.parametrize("stream", sorted(set(behaviour.STREAMS) - {"html", "json_error_200", "empty"}))
def test_a_scripted_stream_has_an_equivalent_on_replies_that_do_not_stream(plane, stream) -> None:
    """Not one of them may look like a good answer by accident."""
    url = plane.add(behaviour={"stream": stream})

    try:
        reply = native(url, "/generate", timeout=0.2)
        assert reply.status_code == 200
        assert reply.headers["content-type"] == "application/json"
        json.loads(reply.content.decode())["generated_text"]
    except (httpx2.HTTPError, AssertionError, ValueError):
        return
    raise AssertionError(f"{stream} gave a good answer")


@pytest.mark.parametrize("status", [400, 429, 500, 503])
@pytest.mark.parametrize("engine", ["tgi", "vLLM", "sGLang", "llamacpp", "tei"])
def test_scripted_statuses_for_the_first_requests(plane, engine, status) -> None:
    """A rollout retries what may pass; health routes neither fail nor count."""
    url = plane.add(engine, task="sentence-embeddings", behaviour={"status": status, "times": 2})
    path = "/embed" if engine == "tei" else "/v1/chat/completions"
    body = {"inputs": "x", "messages": HELLO, "max_tokens": 1}

    seen = [http.get(url + "/health").status_code]
    seen += [http.post(url + path, json=body).status_code for _ in range(3)]

    assert seen == [200, status, status, 200]


def test_a_scripted_status_without_times_stays_and_a_new_script_counts_anew(plane) -> None:
    """Tests script one endpoint several times."""
    url = plane.add(behaviour={"status": 500})
    assert [native(url).status_code for _ in range(3)] == [500] * 3

    plane.change(url, behaviour={"status": 500, "times": 1})
    assert [native(url).status_code for _ in range(2)] == [500, 200]


def test_a_script_may_hold_for_a_few_requests_only(plane) -> None:
    """A rollout retries: the first stream breaks, the second is fine."""
    url = plane.add(behaviour={"stream": "done_only", "times": 1})
    http.get(url + "/info")

    assert ["[DONE]" in native(url).text for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "field", [{"revision": "b" * 40}, {"image": {"url": "tgi:9.9-broken"}}, {"repository": "acme/bad"}]
)
def test_a_script_may_hold_for_one_configuration_only(plane, field) -> None:
    """The new configuration fails, and the old one works again once it is put back."""
    [value] = field.values()
    url = plane.add(behaviour={"status": 500, "only": value["url"] if isinstance(value, dict) else value})
    seen = [native(url).status_code]
    plane.change(url, **field)
    seen.append(native(url).status_code)

    assert seen == [200, 500]


def test_frames_split_in_the_middle_of_json_and_of_utf8(plane) -> None:
    """A parser that decodes each piece by itself breaks; the whole is the same."""
    script = {"text": "äöü 日本 😀 und so weiter"}
    whole, pieces = plane.add(behaviour=script), plane.add(behaviour=script | {"split": True})

    with http.stream("POST", pieces + "/generate_stream", json=NATIVE) as reply:
        parts = list(reply.iter_raw())

    assert max(map(len, parts)) <= 5
    assert b"".join(parts) == native(whole).content
    assert any(_is_torn(part) for part in parts)
    assert native(pieces, "/generate").json() == native(whole, "/generate").json()


def _is_torn(part: bytes) -> bool:
    try:
        part.decode()
    except UnicodeDecodeError:
        return True
    return False


def test_crlf_line_ends(plane) -> None:
    """The standard allows them."""
    plane.options.update(keep_alive_interval_s=0.02, first_token_ms=60)
    body = native(plane.add(behaviour={"crlf": True})).content

    assert body.count(b"\r\n\r\n") >= 9
    assert b"\n" not in body.replace(b"\r\n", b"")


def test_forced_text_gibberish_and_served_model(plane) -> None:
    """For checks of the content and of the served name."""
    forced, odd = plane.add(behaviour={"text": "The answer is 42."}), plane.add(behaviour={"gibberish": True})
    renamed = plane.add("vLLM", behaviour={"served_model": "other/model"})

    assert native(forced, "/generate").json()["generated_text"] == "The answer is 42."
    assert "\ufffd" in native(odd, "/generate").json()["generated_text"]
    assert http.get(renamed + "/v1/models").json()["data"][0]["id"] == "other/model"
    assert chat(renamed, model="acme/model").status_code == 404


@pytest.mark.parametrize("engine", ["tgi", "vLLM"])
def test_a_replica_dies_of_a_long_prompt_and_lives_on_short_ones(plane, engine) -> None:
    """The plain prompt of a verification must miss it."""
    url = plane.add(engine, behaviour={"fails_above_tokens": 30})
    long = [{"role": "user", "content": "word " * 60}]

    assert chat(url, stream=False).status_code == 200
    assert chat(url, stream=False, messages=long).status_code == {"tgi": 424, "vLLM": 500}[engine]
    assert "CUDA out of memory" in chat(url, messages=long).text
    assert chat(url, stream=False).status_code == 200


def test_a_replica_dies_of_parallel_requests_and_takes_all_with_it(plane) -> None:
    """One request at a time never shows it."""
    url = plane.add(behaviour={"fails_at_concurrency": 3})
    assert "error" not in native(url).text

    plane.options["token_interval_ms"] = 500
    texts = []
    callers = [threading.Thread(target=lambda: texts.append(native(url).text)) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert ["CUDA out of memory" in text for text in texts] == [True, True, True]
    plane.options["token_interval_ms"] = 1
    assert "error" not in native(url).text


@pytest.mark.parametrize("script", [{}, {"stream": "stall_after_first"}, {"stream": "keepalive_forever"}])
def test_work_ends_when_the_caller_leaves(plane, script) -> None:
    """A stall that nobody watches must not count as a request in flight for ever."""
    plane.options["token_interval_ms"] = 300
    url = plane.add(behaviour=script)
    with http.stream("POST", url, json=NATIVE | {"stream": True}) as reply:
        pieces = reply.iter_raw()
        next(pieces)
        assert "tgi_batch_current_size 1" in http.get(url + "/metrics").text

    until(lambda: "tgi_batch_current_size 0" in http.get(url + "/metrics").text)
    assert 200 in plane.statuses(url)


def test_a_caller_who_leaves_before_the_answer_is_reported_as_such(plane) -> None:
    """Held requests are left too."""
    url = plane.add(state="scaledToZero", is_ready=False)

    with pytest.raises(httpx2.ReadTimeout):
        http.post(url, json=NATIVE, headers={"X-Scale-Up-Timeout": "600"}, timeout=httpx2.Timeout(5, read=0.1))

    until(lambda: plane.statuses(url) == [499])


def test_a_caller_who_leaves_in_the_middle_of_a_body_is_no_error(plane) -> None:
    """Half a request reaches no engine."""
    url = httpx2.URL(plane.add())
    with socket.create_connection((url.host, url.port)) as caller:
        caller.sendall(f"POST {url.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf".encode())

    until(lambda: plane.statuses(str(url)) == [499])


def test_stalls_end_when_the_server_stops() -> None:
    """`make down` must not wait for a scripted silence."""
    world = World("")
    world.reset()
    with served(Starlette(routes=inference.routes(world))) as (base, server):
        world.base = base
        with http.stream(
            "POST", world.add(behaviour={"stream": "stall_after_first"}), json=NATIVE | {"stream": True}
        ) as reply:
            pieces = reply.iter_raw()
            next(pieces)
            server.should_exit = True
            with pytest.raises(httpx2.RemoteProtocolError):
                next(pieces)

    assert [status for _, status, _ in world.ended] == [200]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"steam": "cut"}, "`steam` is no scripted behaviour; there are stream, status,"),
        ({"stream": "explode"}, "`stream` knows no 'explode'; there are error_event, cut,"),
        ({"stream": True}, "`stream` takes a value of type str, not True."),
        ({"split": 1}, "`split` takes a value of type bool, not 1."),
        ({"times": True, "status": 500}, "`times` takes a value of type int, not True."),
        ({"status": 200}, "`status` is an HTTP error from 400 to 599, not 200."),
        ({"fails_above_tokens": 0}, "`fails_above_tokens` counts from 1, not 0."),
        ({"times": 0}, "`times` counts from 1, not 0."),
    ],
)
def test_a_wrong_script_is_refused_with_a_sentence(script, words) -> None:
    """A misspelt script would be a test that cannot fail."""
    with pytest.raises(ValueError, match="^" + words.replace("(", r"\(")):
        behaviour.parse(script)
