"""The management API's routes of endpoints: list, create, read, update, delete, pause, resume, scale to zero."""

from collections.abc import Callable
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from hfdeploy.emulator import actions
from hfdeploy.emulator.door import Door, Handler, Table, json_body
from hfdeploy.emulator.paging import page
from hfdeploy.emulator.records import Record
from hfdeploy.emulator.store import Store
from hfdeploy.emulator.world import World

Action = Callable[[Store, str, str, str], Record]
"""Store, namespace, name, the user who asks."""


class Management:
    """Section 2.1 of the reference."""

    def __init__(self, world: World, door: Door) -> None:
        self._world = world
        self._door = door
        self._store = world.store
        self._options = world.options

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/v2/endpoint/{namespace}", self._listing),
            ("POST", "/v2/endpoint/{namespace}", self._create),
            ("GET", "/v2/endpoint/{namespace}/{name}", self._read),
            ("PUT", "/v2/endpoint/{namespace}/{name}", self._update),
            ("DELETE", "/v2/endpoint/{namespace}/{name}", self._delete),
            ("POST", "/v2/endpoint/{namespace}/{name}/pause", self._change("pause", actions.pause)),
            ("POST", "/v2/endpoint/{namespace}/{name}/resume", self._change("resume", actions.resume)),
            (
                "POST",
                "/v2/endpoint/{namespace}/{name}/scale-to-zero",
                self._change("scale-to-zero", actions.scale_to_zero),
            ),
            ("POST", "/v2/endpoint/{namespace}/{name}/agent/debug", self._debug),
        ]

    def _answer(self, request: Request, record: Record) -> JSONResponse:
        return JSONResponse(self._store.object(record, self._door.base(request)))

    def _audit(self, request: Request, by: str, namespace: str, name: str, action: str) -> None:
        self._world.network.audit(namespace, name, by, action, request.scope["emulator.request_id"])

    async def _listing(self, request: Request, namespace: str) -> JSONResponse:
        self._door.admit(request, namespace)
        found = [record for record in self._store.present(namespace) if _is_wanted(record, request)]
        part, cursors = page(
            [f"{record.created:020.6f}/{record.name}" for record in found],
            dict(request.query_params),
            swapped=self._options["cursor_names"] == "swapped",
        )
        items = [self._store.object(record, self._door.base(request)) for record in found[part]]
        return JSONResponse({"items": items, "totalItems": len(found), **cursors})

    async def _create(self, request: Request, namespace: str) -> JSONResponse:
        by = self._door.admit(request, namespace)
        record = self._store.create(namespace, await json_body(request), by)
        self._audit(request, by, namespace, record.name, "create")
        return self._answer(request, record)

    async def _read(self, request: Request, namespace: str, name: str) -> JSONResponse:
        self._door.admit(request, namespace)
        return self._answer(request, self._store.get(namespace, name))

    async def _update(self, request: Request, namespace: str, name: str) -> JSONResponse:
        by = self._door.admit(request, namespace)
        body = await json_body(request)
        record = self._store.update(namespace, name, body, by)
        self._audit(request, by, namespace, name, "update")
        return self._answer(request, record)

    async def _delete(self, request: Request, namespace: str, name: str) -> Response:
        by = self._door.admit(request, namespace)
        self._store.delete(namespace, name)
        self._audit(request, by, namespace, name, "delete")
        status = self._options["delete_status"]
        return Response(status_code=204) if status == 204 else JSONResponse({}, status)

    def _change(self, name_of_action: str, action: Action) -> Handler:
        """The handler of one change of state."""

        async def change(request: Request, namespace: str, name: str) -> JSONResponse:
            by = self._door.admit(request, namespace)
            record = action(self._store, namespace, name, by)
            self._audit(request, by, namespace, name, name_of_action)
            return self._answer(request, record)

        return change

    async def _debug(self, request: Request, namespace: str, name: str) -> JSONResponse:
        self._door.admit(request, namespace)
        return self._answer(request, self._store.get(namespace, name))


def _is_wanted(record: Record, request: Request) -> bool:
    """Whether a listing's `search` and `tags` let the endpoint through; all tags named must be there."""
    tags = [tag for tag in request.query_params.get("tags", "").split(",") if tag]
    held: Any = record.config["tags"]
    return request.query_params.get("search", "") in record.name and all(tag in held for tag in tags)
