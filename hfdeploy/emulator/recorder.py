"""The outermost layer: logs each request, gives it an id, injects faults, and ends what is open when asked to stop.

Requests to `/_emulator` are neither logged nor hit by faults: they are the hand that scripts.
"""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hfdeploy.emulator.clock import timestamp
from hfdeploy.emulator.faults import Fault
from hfdeploy.emulator.journal import Entry
from hfdeploy.emulator.receiving import read_body
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.world import World

SCRIPTING = "/_emulator"

_PAGE = "<html><head><title>Gateway</title></head><body><h1>Something is not quite right</h1></body></html>"


class Recorder:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world
        self._running: set[asyncio.Task[Any]] = set()
        self._is_stopping = False

    def stop(self) -> None:
        """End all requests under way, open streams included; call it on the event loop."""
        self._is_stopping = True
        for task in self._running:
            task.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("An ASGI application runs in a task.")
        self._running.add(task)
        try:
            await self._handle(scope, receive, send)
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise
            await _abort(send)
        finally:
            self._running.discard(task)

    async def _handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == SCRIPTING or scope["path"].startswith(SCRIPTING + "/"):
            await self._app(scope, receive, _Answer(send, self._world, None).send)
            return
        body = await read_body(receive)
        if body is None:
            return
        entry = self._entry(scope, body)
        answer = _Answer(send, self._world, entry)
        scope["emulator.request_id"] = answer.request_id
        fault = self._world.faults.next(entry.number, entry.method, entry.path)
        replayed = _replay(body, receive)
        if fault is None:
            await self._app(scope, replayed, answer.send)
        else:
            entry.faults.append(fault.kind)
            # One that is used up must not come back after a restart.
            self._world.touched()
            await _Injection(fault, self._app, scope, replayed, answer).carry_out()
        self._world.log(entry)

    def _entry(self, scope: Scope, body: bytes) -> Entry:
        """Log a request that has just come."""
        world, headers = self._world, Headers(scope=scope)
        token = headers.get("authorization", "").removeprefix("Bearer ")
        account = world.store.accounts.of(token)
        entry = Entry(
            number=world.journal.next_number(),
            time=timestamp(world.clock.now()),
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            headers={name: value for name, value in headers.items() if name != "authorization"},
            account=account.user if account else None,
            authorization="bearer" if token else None,
            body=_parsed(body),
        )
        world.journal.add(entry)
        world.log(entry)
        return entry


class _Answer:
    """The way back to the caller: notes the status and adds the request id."""

    def __init__(self, send: Send, world: World, entry: Entry | None) -> None:
        self.raw_send = send
        self.request_id = str(uuid.uuid4())
        self._world = world
        self._entry = entry

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._entry is not None:
                self._entry.status = message["status"]
            MutableHeaders(scope=message)["x-request-id"] = self.request_id
            # What was done is on disk before anybody learns of it.
            self._world.save()
        await self.raw_send(message)


class _Injection:
    """One fault on its way into one request."""

    def __init__(self, fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, answer: _Answer) -> None:
        self._fault = fault
        self._app = app
        self._scope = scope
        self._receive = receive
        self._answer = answer

    async def carry_out(self) -> None:
        """Do to the request what the fault says."""
        fault = self._fault
        match fault.kind:
            case "reset":
                await self._commit(fault.commit)
                await _abort(self._answer.raw_send, reset=True)
            case "hang":
                await self._commit(fault.commit)
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            case "half_body":
                await self._half(await self._commit(True))
            case "slow":
                messages = await self._commit(True)
                await asyncio.sleep(fault.seconds)
                for message in messages:
                    await self._answer.send(message)
            case _:
                await self._commit(fault.commit)
                await _scripted(fault)(self._scope, self._receive, self._answer.send)

    async def _commit(self, wanted: bool) -> list[Message]:
        """Let the application carry the request out, and keep what it would answer."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        if wanted:
            await self._app(self._scope, self._receive, keep)
        return messages

    async def _half(self, messages: list[Message]) -> None:
        body = b"".join(message.get("body", b"") for message in messages)
        headers = [pair for pair in messages[0]["headers"] if pair[0] != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await self._answer.send({**messages[0], "headers": headers})
        await self._answer.send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await _abort(self._answer.raw_send)


def _scripted(fault: Fault) -> Response:
    match fault.kind:
        case "too_many_requests":
            headers = {"ratelimit": '"api";r=0;t=55', "ratelimit-policy": '"fixed window";"api";q=1000;w=300'}
            if fault.retry_after is not None:
                headers["retry-after"] = str(fault.retry_after)
            return _error(429, "Too Many Requests", "TOO_MANY_REQUESTS", headers)
        case "server_error":
            return _error(500, "Internal Server Error", "INTERNAL_SERVER_ERROR")
        case "bad_gateway":
            return _error(502, "Bad Gateway", "BAD_GATEWAY")
        case "unavailable":
            return _error(503, "Service Unavailable", "SERVICE_UNAVAILABLE")
        case "html":
            return HTMLResponse(_PAGE, fault.status or 200)
    return JSONResponse(["Internal error"], fault.status or 500)


def _error(status: int, phrase: str, code: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": f"{phrase}: injected by the emulator", "code": code}, status, headers)


def _replay(body: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """A `receive` that hands the body out again, and then whatever comes."""
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed


async def _abort(send: Send, *, reset: bool = False) -> None:
    """Close the connection beneath a response; with `reset` at once, without what is still to be written."""
    # uvicorn's `send` is a method of the object that holds the connection; ASGI itself has no word for this.
    transport: asyncio.Transport = send.__self__.transport  # type: ignore[attr-defined]
    if reset:
        transport.abort()
    else:
        transport.close()
    # The protocol learns of it on the next turns of the loop, and then does not complain of a missing answer.
    for _ in range(3):
        await asyncio.sleep(0)


def _parsed(body: bytes) -> Json:
    """A body as the log shows it."""
    if not body:
        return None
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
