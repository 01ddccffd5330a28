"""Scripted misbehaviour of a stream: the error boxes of section 14."""

import json

import httpx2
import pytest
from data_plane import http
from scripted_calls import NATIVE, chat, heard, native

from hfdeploy.emulator import behaviour

pytest_plugins = ["data_plane"]


def lines(reply) -> list[str]:
    return [line.removeprefix("data: ") for line in reply.text.splitlines() if line]


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
