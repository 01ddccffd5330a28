"""The listener that the Hub's weight files redirect to: another port, as the real Hub redirects to another host.

A header is served from what is reconstructed; the bytes after it are zeros, as many as the real file has.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from hfdeploy.emulator import checkpoints, ggufs
from hfdeploy.emulator.listener import listen
from hfdeploy.emulator.recorder import Recorder
from hfdeploy.emulator.repositories import Repositories


class WeightListener:
    """A second server of this process, on a free port of the loopback."""

    def __init__(self, app: Recorder) -> None:
        self._app = app
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.base = ""
        """Its address, once started."""

    async def start(self) -> None:
        """Listen, and answer from now on."""
        listener = listen("127.0.0.1", 0)
        self.base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(self._app, http="h11", ws="none", log_level="warning", access_log=False, lifespan="off")
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve([listener]))

    async def stop(self) -> None:
        """End what is under way and stop listening."""
        if self._server is not None and self._task is not None:
            self._app.stop()
            self._server.should_exit = True
            await self._task


class _Server(uvicorn.Server):
    """Signals belong to the server that this one runs beside."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


_CHUNK = 1 << 20
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def weight_app(repositories: Repositories) -> Starlette:
    """An application that answers GET and HEAD for `/{owner}/{name}/{commit}/{file}`, ranges included."""

    async def read(request: Request) -> Response:
        parts = request.path_params
        model = repositories.model(f"{parts['owner']}/{parts['name']}")
        file = weight_files(model).get(parts["path"]) if model else None
        if file is None:
            return PlainTextResponse("Not found", 404)
        return _part(file, request)

    return Starlette(routes=[Route("/{owner}/{name}/{commit}/{path:path}", read)])


def weight_files(model: dict[str, Any]) -> dict[str, checkpoints.Weights | ggufs.Gguf]:
    """All large files of a model, by name."""
    return {**checkpoints.weights(model), **ggufs.ggufs(model)}


def _part(file: checkpoints.Weights | ggufs.Gguf, request: Request) -> Response:
    headers = {"accept-ranges": "bytes", "x-emulated": "reconstructed"}
    asked = request.headers.get("range")
    start, end = 0, file.size - 1
    if asked is not None:
        found = _RANGE.fullmatch(asked)
        if found is None or int(found[1]) >= file.size:
            return Response(status_code=416, headers=headers | {"content-range": f"bytes */{file.size}"})
        start = int(found[1])
        end = min(int(found[2] or end), end)
        headers["content-range"] = f"bytes {start}-{end}/{file.size}"
    headers["content-length"] = str(end - start + 1)
    status = 200 if asked is None else 206
    return StreamingResponse(
        _bytes(file, start, end + 1), status, headers=headers, media_type="application/octet-stream"
    )


async def _bytes(file: checkpoints.Weights | ggufs.Gguf, start: int, end: int) -> AsyncIterator[bytes]:
    yield file.header[start:end]
    position = max(start, len(file.header))
    while position < end:
        size = min(_CHUNK, end - position)
        yield bytes(size)
        position += size
