"""Calls of an endpoint that was told to misbehave, and what is heard of its answer."""

import json
import socket

import httpx2
from data_plane import http

HELLO = [{"role": "user", "content": "Hello"}]
NATIVE = {"inputs": "Hello", "parameters": {"max_new_tokens": 8, "return_full_text": False, "details": True}}


def native(url, path="/generate_stream", **given):
    return http.post(url + path, json=NATIVE, **given)


def chat(url, **given):
    return http.post(url + "/v1/chat/completions", json={"messages": HELLO, "max_tokens": 8, "stream": True} | given)


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
