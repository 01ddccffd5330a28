"""Calls of TGI's own routes as the tests of the data plane make them."""

import json

from data_plane import http

INPUTS = "What is deep learning?"


def ask(url, path="/generate", *, inputs=INPUTS, **parameters):
    return http.post(url + path, json={"inputs": inputs, "parameters": parameters})


def frames(reply) -> list[dict]:
    return [json.loads(line[5:]) for line in reply.text.splitlines() if line.startswith("data:")]
