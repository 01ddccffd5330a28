"""The data plane: everything under `/endpoints/{namespace}/{name}`, the address that `status.url` names.

One ASGI application for all endpoints: the proxy decides who reaches a replica, the engine of that endpoint answers,
and a script may spoil the answer. Routes carry their whole path (extend the app's routes with them; a `Mount` would
redirect `POST {url}`, which has no trailing slash).
"""

import secrets
import time
from functools import partial

import anyio
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Message, Receive, Scope, Send

from hfdeploy.emulator import behaviour, proxy, spoiling
from hfdeploy.emulator.engines import choice
from hfdeploy.emulator.engines.body import BodyError
from hfdeploy.emulator.engines.call import Call, Fault
from hfdeploy.emulator.receiving import read_body
from hfdeploy.emulator.replica import Replica, Replicas
from hfdeploy.emulator.serving import Endpoints, Serving

_LOOKS = frozenset({"GET", "HEAD"})
_LEFT = 499
"""What is recorded for a caller who left before an answer began (a common convention of proxies)."""


def routes(endpoints: Endpoints) -> list[BaseRoute]:
    """The data plane's routes, with their whole paths."""
    plane = _DataPlane(endpoints)
    return [
        Route("/endpoints/{namespace}/{name}", plane),
        Route("/endpoints/{namespace}/{name}/{path:path}", plane),
    ]


class _DataPlane:
    """The ASGI application behind the routes."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints
        self._replicas = Replicas()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _Exchange(scope, send)
        namespace, name = scope["path_params"]["namespace"], scope["path_params"]["name"]
        try:
            body = await read_body(receive)
            if body is not None:
                async with anyio.create_task_group() as group:
                    group.start_soon(_leave, receive, group.cancel_scope)
                    await self._serve(exchange, namespace, name, body)
                    group.cancel_scope.cancel()
        finally:
            exchange.release()
            spent = time.monotonic() - exchange.started
            self._endpoints.used(namespace, name, status=exchange.status, seconds=spent)

    async def _serve(self, exchange: "_Exchange", namespace: str, name: str, body: bytes) -> None:
        limit = self._endpoints.option("proxy_request_timeout_s")
        with anyio.move_on_after(limit):
            response = await self._answer(exchange, namespace, name, body)
            await exchange.send_response(response)
            return
        if exchange.status == _LEFT:
            await exchange.send_response(proxy.refusal(504))

    async def _answer(self, exchange: "_Exchange", namespace: str, name: str, body: bytes) -> Response:
        reached = await proxy.admit(self._endpoints, namespace, name, exchange.headers)
        if isinstance(reached, Response):
            return reached
        exchange.serving = reached
        largest = self._endpoints.option("proxy_body_limit_bytes")
        if largest is not None and len(body) > largest:
            return proxy.refusal(413)
        replica = self._replicas.of(namespace, name)
        replica.follow(behaviour.parse(reached.behaviour))
        call = exchange.call(reached, replica, self._endpoints, body)
        if call.method != "GET":
            exchange.occupy(replica)
        return await _ask(call)


async def _ask(call: Call) -> Response:
    """The engine's answer, after its script."""
    engine = choice.engine_of(call.serving)
    if not call.serving.is_ready:
        return engine.loading(call) or proxy.refusal(call.option("asleep_status"))
    methods = engine.routes.get(call.path)
    if methods is None:
        return engine.not_found(call)
    handler = methods.get(call.method)
    if handler is None:
        return Response(status_code=405, headers={"allow": ", ".join(methods)})
    call.replica.requests += 1
    if call.method == "GET":
        return await handler(call)
    if call.script.status is not None:
        return spoiling.scripted_answer(call, call.script.status, partial(engine.fault, call))
    try:
        return await spoiling.spoil(call, partial(handler, call), partial(engine.fault, call))
    except Fault as fault:
        return engine.fault(call, fault)
    except BodyError as error:
        return engine.malformed(call, error)


class _Exchange:
    """One request and what has been sent for it so far."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.headers = Headers(scope=scope)
        self.started = time.monotonic()
        self.status = _LEFT
        self.serving: Serving | None = None
        self._scope = scope
        self._send = send
        self._occupied: Replica | None = None

    def call(self, serving: Serving, replica: Replica, endpoints: Endpoints, body: bytes) -> Call:
        """The request as the engine sees it: its path is what follows the endpoint's own."""
        path = self._scope["path_params"].get("path", "")
        method = self._scope["method"]
        return Call(
            serving=serving,
            replica=replica,
            endpoints=endpoints,
            method="GET" if method in _LOOKS else method,
            path="/" + path,
            query=QueryParams(self._scope["query_string"]),
            headers=self.headers,
            body=body,
            script=replica.script_of(serving, computes=method not in _LOOKS),
            started=self.started,
        )

    def occupy(self, replica: Replica) -> None:
        """Count this request among those under way, until `release`."""
        replica.in_flight += 1
        self._occupied = replica

    def release(self) -> None:
        """The request is over, in whatever way."""
        if self._occupied is not None:
            self._occupied.in_flight -= 1

    async def send_response(self, response: Response) -> None:
        """Send a response; behind the proxy, it tells which replica and which revision answered."""
        await response(self._scope, _nothing_more, self._stamped)

    async def _stamped(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.setdefault("x-request-id", secrets.token_hex(16))
            if self.serving is not None:
                headers["x-emulated-revision"] = self.serving.revision
                headers["x-emulated-replica"] = self.serving.replica_id
        await self._send(message)


async def _nothing_more() -> Message:
    """What a response may receive: the body is read, and `_leave` listens for the caller's leaving."""
    await anyio.sleep_forever()
    raise AssertionError("sleep_forever returned")


async def _leave(receive: Receive, everything: anyio.CancelScope) -> None:
    """Ends the work for a caller who has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
    everything.cancel()
