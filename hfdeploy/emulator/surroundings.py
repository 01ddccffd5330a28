"""The routes beside endpoints: hardware, quota, domains, CIDR lists, private services, audit log, model catalogue."""

import string
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from hfdeploy.emulator.door import Door, Table, json_body, token
from hfdeploy.emulator.hardware import Hardware
from hfdeploy.emulator.paging import page
from hfdeploy.emulator.recipes import Recipes
from hfdeploy.emulator.records import Json
from hfdeploy.emulator.refusals import Refused, unparsable
from hfdeploy.emulator.world import World


class HardwareRoutes:
    """Section 2.3 of the reference."""

    def __init__(self, world: World, door: Door) -> None:
        self._world = world
        self._door = door
        self._store = world.store

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/v2/provider", self._public),
            ("GET", "/v2/provider/quotas/{namespace}", self._quotas),
            ("GET", "/v2/provider/{namespace}", self._hardware),
        ]

    async def _public(self, request: Request) -> JSONResponse:
        anonymous = self._world.options["provider_without_token"]
        if token(request) is not None or anonymous == "refused":
            self._door.known(request)
        return JSONResponse(self._store.catalogue.vendors(lambda _: (0, 0)))

    async def _quotas(self, request: Request, namespace: str) -> JSONResponse:
        self._door.admit(request, namespace, free=True)
        return JSONResponse(self._store.quota.listing(namespace, self._store.present(namespace)))

    async def _hardware(self, request: Request, namespace: str) -> JSONResponse:
        self._door.admit(request, namespace, free=True)
        held = self._store.present(namespace)

        def quota(one: Hardware) -> tuple[int, int]:
            return self._store.quota.maximum(namespace, one), self._store.quota.used(held, one)

        return JSONResponse(self._store.catalogue.vendors(quota))


class NetworkRoutes:
    """Section 2.4 of the reference."""

    def __init__(self, world: World, door: Door) -> None:
        self._world = world
        self._door = door
        self._network = world.network

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/v2/network/domain/{namespace}", self._domains),
            ("POST", "/v2/network/domain/{namespace}", self._add_domain),
            ("DELETE", "/v2/network/domain/{namespace}/{domain}", self._remove_domain),
            ("GET", "/v2/network/cidr-list/{namespace}", self._lists),
            ("POST", "/v2/network/cidr-list/{namespace}", self._put_list),
            ("POST", "/v2/network/cidr-list/{namespace}/{identity}", self._put_list),
            ("DELETE", "/v2/network/cidr-list/{namespace}/{identity}", self._remove_list),
            ("GET", "/v2/network/private-service/{namespace}", self._services),
            ("DELETE", "/v2/network/private-service/{namespace}/{identity}", self._remove_service),
            ("GET", "/v2/audit-logs/{namespace}", self._audit),
        ]

    def _paying(self, request: Request, namespace: str) -> None:
        self._door.admit(request, namespace)
        if self._world.options["plan"] == "free":
            raise Refused("FORBIDDEN", f"A paid plan is required for namespace: {namespace}")

    async def _domains(self, request: Request, namespace: str) -> JSONResponse:
        self._door.admit(request, namespace)
        return JSONResponse(self._network.domains(namespace))

    async def _add_domain(self, request: Request, namespace: str) -> JSONResponse:
        self._paying(request, namespace)
        return JSONResponse(self._network.add_domain(namespace, await _map(request)))

    async def _remove_domain(self, request: Request, namespace: str, domain: str) -> JSONResponse:
        self._paying(request, namespace)
        self._network.remove_domain(namespace, domain)
        return JSONResponse({})

    async def _lists(self, request: Request, namespace: str) -> JSONResponse:
        self._door.admit(request, namespace)
        return JSONResponse(self._network.lists(namespace))

    async def _put_list(self, request: Request, namespace: str, identity: str | None = None) -> JSONResponse:
        self._door.admit(request, namespace)
        return JSONResponse(self._network.put_list(namespace, await _map(request), identity))

    async def _remove_list(self, request: Request, namespace: str, identity: str) -> JSONResponse:
        self._door.admit(request, namespace)
        self._network.remove_list(namespace, identity)
        return JSONResponse({})

    async def _services(self, request: Request, namespace: str) -> JSONResponse:
        self._door.admit(request, namespace)
        return JSONResponse(self._world.store.private_services(namespace, dict(request.query_params)))

    async def _remove_service(self, request: Request, namespace: str, identity: str) -> JSONResponse:
        self._door.admit(request, namespace)
        self._world.store.remove_private_service(namespace, identity)
        return JSONResponse({})

    async def _audit(self, request: Request, namespace: str) -> JSONResponse:
        self._paying(request, namespace)
        query = dict(request.query_params)
        entries = self._network.audit_log(namespace, query.get("endpoint"), query.get("username"))
        part, cursors = page([f"{index:08d}" for index in range(len(entries))], query)
        return JSONResponse({"items": entries[part], **cursors})


class CatalogueRoutes:
    """The model catalogue, section 2.5 of the reference."""

    def __init__(self, world: World, door: Door) -> None:
        self._world = world
        self._door = door
        self._recipes = Recipes(world.repositories)

    def table(self) -> Table:
        """Methods, paths and handlers."""
        return [
            ("GET", "/api/v1/catalog/list", self._listing),
            ("POST", "/api/v1/catalog/recipe/{identity}/deploy", self._deploy_recipe),
            ("POST", "/api/v1/catalog/model/{owner}/{name}/deploy", self._deploy_model),
        ]

    async def _listing(self, request: Request) -> JSONResponse:
        return JSONResponse({"items": self._recipes.items(dict(request.query_params))})

    async def _deploy_recipe(self, request: Request, identity: str) -> JSONResponse:
        body = await _map(request)
        return self.__deploy(request, body, self._recipes.find(identity))

    async def _deploy_model(self, request: Request, owner: str, name: str) -> JSONResponse:
        body = await _map(request)
        return self.__deploy(
            request, body, self._recipes.choose(f"{owner}/{name}", body.get("accelerator"), body.get("ggufFile"))
        )

    def __deploy(self, request: Request, body: dict[str, Any], recipe: dict[str, Any]) -> JSONResponse:
        namespace = str(body.get("namespace"))
        by = self._door.admit(request, namespace)
        name = (body.get("config") or {}).get("name") or _generated_name(recipe["repoId"], self._world)
        record = self._world.store.create(namespace, self._recipes.body(recipe, name), by)
        return JSONResponse({"endpoint": self._world.store.object(record, self._door.base(request))})


def _generated_name(repository: str, world: World) -> str:
    """Model name and three letters, as catalogue and web interface make them."""
    stem = "".join(letter if letter.isalnum() else "-" for letter in repository.split("/")[1].lower())[:28].strip("-")
    count = world.network.next_number()
    letters = [string.ascii_lowercase[count // 26**place % 26] for place in (2, 1, 0)]
    return f"{stem}-{''.join(letters)}"


async def _map(request: Request) -> dict[str, Any]:
    body: Json = await json_body(request)
    if not isinstance(body, dict):
        raise unparsable("", "expected a map")
    return body
