"""All faces of the emulator on one ASGI application.

`/v2`, `/v3`: the management API. `/api`, `/{org}/{repo}/resolve`: the few Hub routes a plan needs.
`/endpoints/{namespace}/{name}`: the data plane, which `status.url` names. `/_emulator`: scripting.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from hfdeploy.emulator import inference, switches
from hfdeploy.emulator.clock import Now
from hfdeploy.emulator.door import Door, Face, error_reply
from hfdeploy.emulator.hub import Hub, HubError
from hfdeploy.emulator.management import Management
from hfdeploy.emulator.observation import Observation
from hfdeploy.emulator.options import control_options
from hfdeploy.emulator.page import page
from hfdeploy.emulator.persistence import DataFolder
from hfdeploy.emulator.recorder import SCRIPTING, Recorder
from hfdeploy.emulator.refusals import STATUS, Refused
from hfdeploy.emulator.scripting import Scripting
from hfdeploy.emulator.served import ServedEndpoints
from hfdeploy.emulator.surroundings import CatalogueRoutes, HardwareRoutes, NetworkRoutes
from hfdeploy.emulator.weightfiles import WeightListener, weight_app
from hfdeploy.emulator.world import World

SAVE_EVERY = 1.0
"""Seconds between looks at what callers of endpoints have changed; everything else is saved at once."""


class Emulator:
    """The ASGI application, and the world it shows."""

    def __init__(self, world: World, recorder: Recorder) -> None:
        self.world = world
        self._recorder = recorder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._recorder(scope, receive, send)

    def stop(self) -> None:
        """End all requests under way; call it on the event loop before the server shuts down."""
        self._recorder.stop()


def create_app(
    *,
    now: Now = time.time,
    options: Mapping[str, Any] | None = None,
    data_dir: Path | None = None,
    speed: float = 1.0,
    public_base: str | None = None,
) -> Emulator:
    """An emulator.

    `now` gives seconds since the epoch; `options` are values of named options; `data_dir` keeps the state, without
    it nothing is kept; `speed` divides the durations of deployments; `public_base` replaces the address that the
    caller's Host header names in `status.url`.

    Raises:
        ValueError: an option that does not exist or does not fit, or a data folder that cannot be read.
    """
    if speed <= 0:
        raise ValueError(f"The speed is a number above 0, not {speed}.")
    world = World(
        [*control_options(), *switches.OPTIONS],
        now=now,
        options=dict(options or {}),
        folder=DataFolder(data_dir) if data_dir else None,
        speed=speed,
    )
    weights = WeightListener(Recorder(weight_app(world.repositories), world))
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, lifespan=_lifespan(world, weights))
    door = Door(world, public_base)
    _answer_errors(app, world)
    faces: list[Face] = [
        Scripting(world, door),
        Management(world, door),
        Observation(world, door),
        HardwareRoutes(world, door),
        NetworkRoutes(world, door),
        CatalogueRoutes(world, door),
        Hub(world, door, lambda: weights.base),
    ]
    for face in faces:
        for method, path, handler in face.table():
            app.add_api_route(path, handler, methods=[method], response_model=None)
    app.add_api_route("/docs", lambda: HTMLResponse(page(faces, world.options)), methods=["GET"], response_model=None)
    app.router.routes.extend(inference.routes(ServedEndpoints(world.store)))
    return Emulator(world, Recorder(app, world))


def _lifespan(world: World, weights: WeightListener) -> Any:  # noqa: ANN401  FastAPI's own type for it is generic over the app
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        saving = asyncio.create_task(_keep_saving(world))
        await weights.start()
        yield
        await weights.stop()
        saving.cancel()
        world.save(all_of_it=True)

    return lifespan


async def _keep_saving(world: World) -> None:
    while True:
        await asyncio.sleep(SAVE_EVERY)
        world.save(all_of_it=True)


def _answer_errors(app: FastAPI, world: World) -> None:
    """Errors in the service's words; FastAPI's own say `detail`."""

    def reply(error: Refused) -> JSONResponse:
        return error_reply(error, with_code=world.options["error_body"] == "with_code")

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        return reply(error)

    @app.exception_handler(HubError)
    async def hub_refused(_: Request, error: HubError) -> Response:
        return error.reply()

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> JSONResponse:
        code = next(code for code, status in STATUS.items() if status == error.status_code)
        return reply(Refused(code, f"{request.method} {request.url.path}"))

    @app.exception_handler(RequestValidationError)
    async def bad_query(_: Request, error: RequestValidationError) -> JSONResponse:
        return reply(Refused("BAD_REQUEST", "; ".join(str(one["msg"]) for one in error.errors())))

    @app.exception_handler(ValueError)
    async def bad_script(request: Request, error: ValueError) -> JSONResponse:
        if not request.url.path.startswith(SCRIPTING):
            raise error
        return reply(Refused("BAD_REQUEST", str(error)))
