"""The management API's routes of endpoints: list, create, read, update, delete, pause, resume, scale to zero."""

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from hfdeploy.emulator import actions
from hfdeploy.emulator.door import Door, json_body
from hfdeploy.emulator.paging import page
from hfdeploy.emulator.records import Record
from hfdeploy.emulator.store import Store
from hfdeploy.emulator.world import World

Action = Callable[[Store, str, str, str], Record]
"""Store, namespace, name, the user who asks."""


def router(world: World, door: Door) -> APIRouter:
    """Section 2.1 of the reference, under /v2."""
    api = APIRouter(prefix="/v2/endpoint")
    store, options = world.store, world.options

    def answer(request: Request, record: Record) -> JSONResponse:
        return JSONResponse(store.object(record, door.base(request)))

    def audit(request: Request, by: str, namespace: str, name: str, action: str) -> None:
        world.network.audit(namespace, name, by, action, request.scope["emulator.request_id"])

    @api.get("/{namespace}")
    async def listing(request: Request, namespace: str) -> JSONResponse:
        door.admit(request, namespace)
        found = [record for record in store.present(namespace) if _is_wanted(record, request)]
        part, cursors = page(
            [f"{record.created:020.6f}/{record.name}" for record in found],
            dict(request.query_params),
            swapped=options["cursor_names"] == "swapped",
        )
        items = [store.object(record, door.base(request)) for record in found[part]]
        return JSONResponse({"items": items, "totalItems": len(found), **cursors})

    @api.post("/{namespace}")
    async def create(request: Request, namespace: str) -> JSONResponse:
        by = door.admit(request, namespace)
        record = store.create(namespace, await json_body(request), by)
        audit(request, by, namespace, record.name, "create")
        return answer(request, record)

    @api.get("/{namespace}/{name}")
    async def read(request: Request, namespace: str, name: str) -> JSONResponse:
        door.admit(request, namespace)
        return answer(request, store.get(namespace, name))

    @api.put("/{namespace}/{name}")
    async def update(request: Request, namespace: str, name: str) -> JSONResponse:
        by = door.admit(request, namespace)
        body = await json_body(request)
        record = store.update(namespace, name, body, by)
        audit(request, by, namespace, name, "update")
        return answer(request, record)

    @api.delete("/{namespace}/{name}")
    async def delete(request: Request, namespace: str, name: str) -> Response:
        by = door.admit(request, namespace)
        store.delete(namespace, name)
        audit(request, by, namespace, name, "delete")
        status = options["delete_status"]
        return Response(status_code=204) if status == 204 else JSONResponse({}, status)

    def act(name_of_action: str, action: Action) -> None:
        """The route of one change of state."""

        @api.post(f"/{{namespace}}/{{name}}/{name_of_action}")
        async def change(request: Request, namespace: str, name: str) -> JSONResponse:
            by = door.admit(request, namespace)
            record = action(store, namespace, name, by)
            audit(request, by, namespace, name, name_of_action)
            return answer(request, record)

    act("pause", actions.pause)
    act("resume", actions.resume)
    act("scale-to-zero", actions.scale_to_zero)

    @api.post("/{namespace}/{name}/agent/debug")
    async def debug(request: Request, namespace: str, name: str) -> JSONResponse:
        door.admit(request, namespace)
        return answer(request, store.get(namespace, name))

    return api


def _is_wanted(record: Record, request: Request) -> bool:
    """Whether a listing's `search` and `tags` let the endpoint through; all tags named must be there."""
    tags = [tag for tag in request.query_params.get("tags", "").split(",") if tag]
    held: Any = record.config["tags"]
    return request.query_params.get("search", "") in record.name and all(tag in held for tag in tags)
