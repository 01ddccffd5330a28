"""`/_emulator`: what tests and people do to the world besides using it. Needs no token; loopback is the guard."""

from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from hfdeploy.emulator import outside
from hfdeploy.emulator.door import Door, Table, json_body
from hfdeploy.emulator.faults import KINDS
from hfdeploy.emulator.lifecycle import OUTCOMES
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.world import World


class Scripting:
    """The scripting routes. A mistake of the caller's is a 400 with one sentence under `error`."""

    def __init__(self, world: World, door: Door) -> None:
        self._world = world
        self._door = door

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/_emulator", self._identity),
            ("POST", "/_emulator/reset", self._reset),
            ("POST", "/_emulator/clock", self._advance),
            ("GET", "/_emulator/requests", self._requests),
            ("DELETE", "/_emulator/requests", self._forget),
            ("GET", "/_emulator/faults", self._faults),
            ("POST", "/_emulator/faults", self._fault),
            ("DELETE", "/_emulator/faults", self._no_faults),
            ("GET", "/_emulator/options", self._options),
            ("GET", "/_emulator/options/described", self._described),
            ("PUT", "/_emulator/options", self._set_options),
            ("GET", "/_emulator/endpoints", self._endpoints),
            ("GET", "/_emulator/endpoints/{namespace}/{name}", self._inner),
            ("POST", "/_emulator/endpoints/{namespace}/{name}", self._seed),
            ("PATCH", "/_emulator/endpoints/{namespace}/{name}", self._mutate),
            ("DELETE", "/_emulator/endpoints/{namespace}/{name}", self._remove),
            ("POST", "/_emulator/hub", self._hub),
        ]

    async def _identity(self) -> JSONResponse:
        return JSONResponse(self._world.identity())

    async def _reset(self) -> JSONResponse:
        self._world.reset()
        return JSONResponse(self._world.identity())

    async def _advance(self, request: Request) -> JSONResponse:
        body = await _object(request)
        self._world.clock.advance(float(body.get("advance_seconds", 0)))
        self._world.touched()
        return JSONResponse({"now": self._world.clock.now(), "clock_offset": self._world.clock.offset})

    async def _requests(self, since: int = 0) -> JSONResponse:
        return JSONResponse({"requests": self._world.journal.since(since), "count": self._world.journal.count})

    async def _forget(self) -> JSONResponse:
        self._world.clear_log()
        return JSONResponse({"count": self._world.journal.count})

    async def _faults(self) -> JSONResponse:
        return JSONResponse({"faults": self._world.faults.listing(), "kinds": KINDS})

    async def _fault(self, request: Request) -> JSONResponse:
        self._world.faults.add(await _object(request))
        self._world.touched()
        return JSONResponse({"faults": self._world.faults.listing()})

    async def _no_faults(self) -> JSONResponse:
        self._world.faults.clear()
        self._world.touched()
        return JSONResponse({"faults": []})

    async def _options(self) -> JSONResponse:
        return JSONResponse(self._world.options.current())

    async def _described(self) -> JSONResponse:
        return JSONResponse({"options": self._world.options.described(), "outcomes": list(OUTCOMES)})

    async def _set_options(self, request: Request) -> JSONResponse:
        self._world.set_options(await _object(request))
        return JSONResponse(self._world.options.current())

    async def _endpoints(self) -> JSONResponse:
        return JSONResponse(
            {"items": [{"namespace": one.namespace, "name": one.name} for one in self._world.store.all()]}
        )

    async def _inner(self, request: Request, namespace: str, name: str) -> JSONResponse:
        return JSONResponse(
            outside.inner(self._world.store, self._world.store.get(namespace, name), self._door.base(request))
        )

    async def _seed(self, request: Request, namespace: str, name: str) -> JSONResponse:
        record = outside.seed(self._world.store, namespace, name, await _object(request))
        return JSONResponse(outside.inner(self._world.store, record, self._door.base(request)))

    async def _mutate(self, request: Request, namespace: str, name: str) -> JSONResponse:
        record = outside.mutate(self._world.store, self._world.store.get(namespace, name), await _object(request))
        return JSONResponse(outside.inner(self._world.store, record, self._door.base(request)))

    async def _remove(self, namespace: str, name: str) -> JSONResponse:
        self._world.store.delete(namespace, name)
        return JSONResponse({})

    async def _hub(self, request: Request) -> JSONResponse:
        body = await _object(request)
        repository = str(body.get("repository"))
        if "commit" in body:
            self._world.repositories.move(repository, str(body.get("branch", "main")), str(body["commit"]))
        if "gated" in body:
            self._world.repositories.set_gate(repository, body["gated"])
        self._world.touched()
        return JSONResponse(self._world.repositories.dump())


async def _object(request: Request) -> dict[str, Any]:
    body: Json = await json_body(request, default={})
    if not isinstance(body, dict):
        raise Refused("BAD_REQUEST", "a JSON object is expected")
    return body
