"""`/_emulator`: what tests and people do to the world besides using it. Needs no token; loopback is the guard."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from hfdeploy.emulator import outside
from hfdeploy.emulator.door import Door, json_body
from hfdeploy.emulator.faults import KINDS
from hfdeploy.emulator.lifecycle import OUTCOMES
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.refusals import Refused
from hfdeploy.emulator.world import World


def router(world: World, door: Door) -> APIRouter:
    """The scripting routes. A mistake of the caller's is a 400 with one sentence under `error`."""
    api = APIRouter(prefix="/_emulator")

    @api.get("")
    async def identity() -> JSONResponse:
        return JSONResponse(world.identity())

    @api.post("/reset")
    async def reset() -> JSONResponse:
        world.reset()
        return JSONResponse(world.identity())

    @api.post("/clock")
    async def advance(request: Request) -> JSONResponse:
        body = await _object(request)
        world.clock.advance(float(body.get("advance_seconds", 0)))
        world.touched()
        return JSONResponse({"now": world.clock.now(), "clock_offset": world.clock.offset})

    @api.get("/requests")
    async def requests(since: int = 0) -> JSONResponse:
        return JSONResponse({"requests": world.journal.since(since), "count": world.journal.count})

    @api.delete("/requests")
    async def forget() -> JSONResponse:
        world.clear_log()
        return JSONResponse({"count": world.journal.count})

    @api.get("/faults")
    async def faults() -> JSONResponse:
        return JSONResponse({"faults": world.faults.listing(), "kinds": KINDS})

    @api.post("/faults")
    async def fault(request: Request) -> JSONResponse:
        world.faults.add(await _object(request))
        world.touched()
        return JSONResponse({"faults": world.faults.listing()})

    @api.delete("/faults")
    async def no_faults() -> JSONResponse:
        world.faults.clear()
        world.touched()
        return JSONResponse({"faults": []})

    @api.get("/options")
    async def options() -> JSONResponse:
        return JSONResponse(world.options.current())

    @api.get("/options/described")
    async def described() -> JSONResponse:
        return JSONResponse({"options": world.options.described(), "outcomes": list(OUTCOMES)})

    @api.put("/options")
    async def set_options(request: Request) -> JSONResponse:
        world.set_options(await _object(request))
        return JSONResponse(world.options.current())

    @api.get("/endpoints")
    async def endpoints() -> JSONResponse:
        return JSONResponse({"items": [{"namespace": one.namespace, "name": one.name} for one in world.store.all()]})

    @api.get("/endpoints/{namespace}/{name}")
    async def inner(request: Request, namespace: str, name: str) -> JSONResponse:
        return JSONResponse(outside.inner(world.store, world.store.get(namespace, name), door.base(request)))

    @api.post("/endpoints/{namespace}/{name}")
    async def seed(request: Request, namespace: str, name: str) -> JSONResponse:
        record = outside.seed(world.store, namespace, name, await _object(request))
        return JSONResponse(outside.inner(world.store, record, door.base(request)))

    @api.patch("/endpoints/{namespace}/{name}")
    async def mutate(request: Request, namespace: str, name: str) -> JSONResponse:
        record = outside.mutate(world.store, world.store.get(namespace, name), await _object(request))
        return JSONResponse(outside.inner(world.store, record, door.base(request)))

    @api.delete("/endpoints/{namespace}/{name}")
    async def remove(namespace: str, name: str) -> JSONResponse:
        world.store.delete(namespace, name)
        return JSONResponse({})

    @api.post("/hub")
    async def hub(request: Request) -> JSONResponse:
        body = await _object(request)
        repository = str(body.get("repository"))
        if "commit" in body:
            world.repositories.move(repository, str(body.get("branch", "main")), str(body["commit"]))
        if "gated" in body:
            world.repositories.set_gate(repository, body["gated"])
        world.touched()
        return JSONResponse(world.repositories.dump())

    return api


async def _object(request: Request) -> dict[str, Any]:
    body: Json = await json_body(request, default={})
    if not isinstance(body, dict):
        raise Refused("BAD_REQUEST", "a JSON object is expected")
    return body
