"""The emulator as a process: a listening socket, a line that says so, and an end that comes quickly."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from hfdeploy.emulator.app import Emulator, create_app
from hfdeploy.emulator.listener import listen
from hfdeploy.emulator.world import read_options

PORT = 8300
"""The port of `make up`, unless EMULATOR_PORT or --port names another."""


class EmulatorServer(uvicorn.Server):
    """uvicorn that ends open streams when it is told to stop, instead of waiting for them."""

    def __init__(self, app: Emulator, ready: Callable[[], None] = lambda: None) -> None:
        # h11 explicitly: the recorder closes connections beneath a response, which it knows how to do there.
        super().__init__(
            uvicorn.Config(
                app, http="h11", ws="none", log_level="warning", access_log=False, lifespan="on", proxy_headers=False
            )
        )
        self._emulator = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  uvicorn's signature
        # uvicorn would raise the signal again after its clean end, which makes of it a death by signal.
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._emulator.stop()
        await super().shutdown(sockets)


def serve(
    port: int = PORT,
    host: str = "127.0.0.1",
    *,
    speed: float = 1.0,
    data_dir: Path | None = None,
    options_file: Path | None = None,
    public_base: str | None = None,
) -> int:
    """Run the emulator until SIGTERM or SIGINT. Returns the exit code: 0 after a clean end, 2 for wrong usage.

    Port 0 takes a free one. The ready line is printed when connections are accepted, not before.
    """
    try:
        options = read_options(options_file) if options_file else {}
        app = create_app(options=options, data_dir=data_dir, speed=speed, public_base=public_base)
        listener = listen(host, port)
    except ValueError as error:
        print(error, file=sys.stderr)  # noqa: T201  the command line of the emulator
        return 2
    address = f"http://{host}:{listener.getsockname()[1]}"
    pace = f", deployments run {speed:g} times faster than real ones" if speed != 1 else ""
    kept = f"; state in {data_dir}" if data_dir else "; nothing is kept"
    line = f"Emulator ready on {address}{pace}{kept}."
    EmulatorServer(app, ready=lambda: print(line, flush=True)).run(sockets=[listener])  # noqa: T201  see above
    return 0
