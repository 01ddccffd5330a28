"""Server-sent events on the wire: framing, keep-alives, and everything a script can do to a stream.

An engine yields `Frame`s in its own words; `EventStream` turns them into bytes. A response is a coroutine here and not
a generator of bytes, so that leaving callers, stalls and dropped connections are one cancellation each.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hfdeploy.emulator.behaviour import Behaviour

_DROPPED = b"\x00dropped"
_PIECE_BYTES = 5


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `is_token`: it carries text of the answer, which is what scripts count."""

    data: str
    is_token: bool = False
    is_spaced: bool | None = None
    """Overrides the stream's spacing: `[DONE]` has its space in every version."""
    event: str | None = None
    """The name of the event, on routes whose events have names."""


DONE = Frame("[DONE]", is_spaced=True)


@dataclass(frozen=True, slots=True)
class Framing:
    """How one engine writes its events."""

    is_spaced: bool = True
    keep_alive_s: float | None = None
    """Seconds of silence before a comment line; None: never."""


class EventStream(Response):
    """A stream of events, as the engine would send it or as its script spoils it.

    Args:
        frames: the engine's frames; closed when the stream ends, however it ends.
        broken: the frames of an error in this engine's own form, for `error_event`.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncGenerator[Frame, None],
        *,
        script: Behaviour,
        framing: Framing,
        broken: Callable[[], Sequence[Frame]],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(headers={"cache-control": "no-cache", **(headers or {})})
        del self.headers["content-length"]
        self.headers["content-type"] = "text/plain" if script.stream == "wrong_content_type" else self.media_type
        self._frames = frames
        self._script = script
        self._framing = framing
        self._broken = broken

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  an ASGI signature
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        line, lines = anyio.create_memory_object_stream[bytes](0)
        async with anyio.create_task_group() as group, lines:
            group.start_soon(self._produce, line)
            while (body := await self._next(lines.receive)) not in {b"", _DROPPED}:
                await send({"type": "http.response.body", "body": body, "more_body": True})
        if body != _DROPPED:
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self, receive: Callable[[], Awaitable[bytes]]) -> bytes:
        """The next bytes to send, a comment when there were none for too long, or nothing at the end."""
        try:
            with anyio.move_on_after(self._framing.keep_alive_s):
                return await receive()
        except anyio.EndOfStream:
            return b""
        return self._ended(":\n\n")

    async def _produce(self, line: MemoryObjectSendStream[bytes]) -> None:
        async with aclosing(scripted(self._frames, self._script, self._broken)) as frames, line:
            async for frame in frames:
                for piece in self._pieces(frame):
                    await line.send(piece)

    def _pieces(self, frame: Frame | bytes) -> Sequence[bytes]:
        body = frame if isinstance(frame, bytes) else self._encode(frame)
        if not self._script.split or body == _DROPPED:
            return [body]
        return [body[start : start + _PIECE_BYTES] for start in range(0, len(body), _PIECE_BYTES)]

    def _encode(self, frame: Frame) -> bytes:
        is_spaced = self._framing.is_spaced if frame.is_spaced is None else frame.is_spaced
        name = "" if frame.event is None else f"event: {frame.event}\n"
        return self._ended(f"{name}data:{' ' if is_spaced else ''}{frame.data}\n\n")

    def _ended(self, event: str) -> bytes:
        return (event.replace("\n", "\r\n") if self._script.crlf else event).encode()


async def scripted(
    frames: AsyncGenerator[Frame, None], script: Behaviour, broken: Callable[[], Sequence[Frame]]
) -> AsyncGenerator[Frame | bytes, None]:
    """The frames as the script lets them through; bytes stand for what is no frame at all."""
    tokens = 0
    async with aclosing(_before(frames, script)) as arriving:
        async for frame in arriving:
            yield frame
            tokens += isinstance(frame, Frame) and frame.is_token
            match script.stream, tokens:
                case "stall_after_first", 1:
                    await anyio.sleep_forever()
                case "error_event", 2:
                    for error in broken():
                        yield error
                    return
                case "cut", 3:
                    return
                case "reset", 3:
                    yield _DROPPED
                    return
                case "garbage_utf8", 1:
                    yield b'data: {"index":2,"token":{"text":"\xff\xfe\xc3(' + b'"}}\n\n'
                    tokens += 1


async def _before(frames: AsyncGenerator[Frame, None], script: Behaviour) -> AsyncGenerator[Frame | bytes, None]:
    """The frames, or what a script puts in place of all of them."""
    match script.stream:
        case "done_only":
            yield DONE
        case "stall_before_first":
            await anyio.sleep_forever()
        case "keepalive_forever":
            while True:
                yield b":\r\n\r\n" if script.crlf else b":\n\n"
                await anyio.sleep(0.1)
        case _:
            async with aclosing(frames) as arriving:
                async for frame in arriving:
                    yield frame
