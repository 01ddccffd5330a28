"""Scripted misbehaviour of whole answers; what happens inside an event stream is in `frames.py`."""

from collections.abc import Awaitable, Callable

import anyio
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from hfdeploy.emulator import proxy
from hfdeploy.emulator.engines.call import JSON, Call, Fault
from hfdeploy.emulator.engines.generation import OUT_OF_MEMORY
from hfdeploy.emulator.frames import EventStream

_PAGE = "<!doctype html><html><head><title>Maintenance</title></head><body><h1>We will be right back</h1></body></html>"
_KINDS = {400: "validation", 413: "validation", 422: "validation", 424: "generation", 429: "overloaded"}
_OF_THE_PROXY = frozenset({401, 403, 408, 502, 503, 504})
_SILENT = frozenset({"stall_before_first", "stall_after_first", "keepalive_forever", "drip"})
_PIECE_BYTES = 5


class _Unfinished(Response):
    """A body whose announced length never comes: the connection is dropped after half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  an ASGI signature
        half = bytes(self.body)[: len(self.body) // 2]
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": True})


class _Pieces(Response):
    """A body that leaves a few bytes at a time."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  an ASGI signature
        body = bytes(self.body)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for start in range(0, len(body), _PIECE_BYTES):
            await send({"type": "http.response.body", "body": body[start : start + _PIECE_BYTES], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def scripted_answer(call: Call, status: int, fault: Callable[[Fault], Response]) -> Response:
    """The error of a scripted `status`: the proxy's for those that only a proxy gives, else the engine's."""
    if status in _OF_THE_PROXY:
        return proxy.refusal(status)
    kind = _KINDS.get(status, "incomplete_generation")
    return fault(Fault(status, f"Scripted answer {call.replica.scripted} with status {status}", kind))


async def spoil(call: Call, answer: Callable[[], Awaitable[Response]], fault: Callable[[Fault], Response]) -> Response:
    """The engine's answer as the script of this endpoint lets it through.

    Args:
        answer: asks the engine.
        fault: writes an error in the engine's own form.
    """
    match call.script.stream:
        case "html":
            return HTMLResponse(_PAGE)
        case "json_error_200":
            return JSON({"error": f"Request failed during generation: {OUT_OF_MEMORY}", "error_type": "generation"})
    response = await answer()
    if isinstance(response, EventStream) or response.status_code != 200:
        return response
    if call.script.stream in _SILENT:
        await anyio.sleep_forever()
    if call.script.stream == "error_event":
        return fault(Fault(424, OUT_OF_MEMORY, "generation"))
    body = _spoiled(bytes(response.body), call.script.stream)
    headers = {key: value for key, value in response.headers.items() if key != "content-length"}
    if call.script.stream == "wrong_content_type":
        headers["content-type"] = "text/plain"
    kind = _Unfinished if call.script.stream == "reset" else _Pieces if call.script.split else Response
    return kind(body, headers=headers)


def _spoiled(body: bytes, stream: str | None) -> bytes:
    match stream:
        case "cut":
            return body[: len(body) // 2]
        case "done_only":
            return b""
        case "garbage_utf8":
            return body[:-2] + b"\xff\xfe\xc3(" + body[-2:]
        case _:
            return body
