"""Calls of OpenAI's routes as the tests of the data plane make them."""

import json

from data_plane import http

MODEL = "acme/model"
HELLO = [{"role": "user", "content": "Hello"}]


def chat(url, path="/v1/chat/completions", **given):
    return http.post(url + path, json={"model": MODEL, "messages": HELLO, "max_tokens": 4} | given)


def complete(url, **given):
    body = {"model": MODEL, "prompt": "Hello", "max_tokens": 4} | given
    return http.post(url + "/v1/completions", json=body)


def chunks(reply) -> list[dict]:
    lines = [line.removeprefix("data: ") for line in reply.text.splitlines() if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]
