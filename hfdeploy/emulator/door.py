"""What every handler does first: who calls, in which namespace, with what body; and how refusals are answered."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Protocol

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from hfdeploy.emulator.records import Json
from hfdeploy.emulator.refusals import Refused, unparsable
from hfdeploy.emulator.serving import Account
from hfdeploy.emulator.world import World

Handler = Callable[..., Awaitable[Response]]
Table = list[tuple[str, str, Handler]]
"""Routes as data: method, path, handler."""


class Face(Protocol):
    """A group of routes."""

    def table(self) -> Table:
        """Methods, paths and handlers."""


class Door:
    """The way into the management API."""

    def __init__(self, world: World, public_base: str | None) -> None:
        self._world = world
        self._public_base = public_base.rstrip("/") if public_base else None
        self._windows: dict[str, tuple[float, int]] = {}

    def admit(self, request: Request, namespace: str, *, free: bool = False) -> str:
        """The name of the caller, who may act in the namespace; `free` for what needs no payment method.

        Raises:
            Refused: 401, 403, 404, and by option 429.
        """
        self._limit(request)
        return self._world.store.accounts.admit(token(request), namespace, free=free).user

    def known(self, request: Request) -> Account:
        """The caller's account.

        Raises:
            Refused: 401, and by option 429.
        """
        self._limit(request)
        return self._world.store.accounts.known(token(request))

    def base(self, request: Request) -> str:
        """The address under which this caller reaches the emulator, without a slash at the end."""
        if self._public_base is not None:
            return self._public_base
        return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"

    def _limit(self, request: Request) -> None:
        limit = self._world.options["rate_limit"]
        if limit is None:
            return
        caller, now = token(request) or "", self._world.clock.now()
        since, count = self._windows.get(caller, (now, 0))
        if now >= since + limit["seconds"]:
            since, count = now, 0
        self._windows[caller] = (since, count + 1)
        if count + 1 > limit["requests"]:
            left = round(since + limit["seconds"] - now)
            raise Limited(limit["requests"], limit["seconds"], left)


class Limited(Refused):
    """More requests than the option `rate_limit` allows."""

    def __init__(self, requests: int, seconds: float, left: int) -> None:
        super().__init__("TOO_MANY_REQUESTS", f"limit of {requests} requests in {seconds:g} seconds reached")
        self.headers = {
            "ratelimit": f'"api";r=0;t={left}',
            "ratelimit-policy": f'"fixed window";"api";q={requests};w={seconds:g}',
        }


def token(request: Request) -> str | None:
    """The bearer token of a request, if there is one."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" and value.strip() else None


async def json_body(request: Request, *, default: Json = None) -> Json:
    """The body, parsed; `default` for an empty one when given.

    Raises:
        Refused: 400 for what is no JSON.
    """
    raw = await request.body()
    if not raw and default is not None:
        return default
    try:
        return json.loads(raw)
    except ValueError as error:
        raise unparsable("", str(error)) from error


def error_reply(error: Refused, *, with_code: bool) -> JSONResponse:
    """A refusal in the service's words: `{"error": "<phrase>: <text>", "code": "<CODE>"}`."""
    body = {"error": f"{HTTPStatus(error.status).phrase}: {error.text}"}
    if with_code:
        body["code"] = error.code
    return JSONResponse(body, error.status, getattr(error, "headers", None))
