"""The body of a request, read whole before anything answers it."""

from starlette.types import Receive


async def read_body(receive: Receive) -> bytes | None:
    """The whole request body, or None when the caller left before its end."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body
