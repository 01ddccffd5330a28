"""One request on its way through an engine, and what every engine needs to read and answer it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.responses import JSONResponse, Response

from hfdeploy.emulator.behaviour import Behaviour
from hfdeploy.emulator.engines.body import BodyError
from hfdeploy.emulator.replica import Replica
from hfdeploy.emulator.serving import Endpoints, Serving


class Fault(Exception):
    """A request that an engine refuses or cannot finish; each engine writes it in its own form.

    `kind` is the engine's own word for it (`validation`, `BadRequestError`, `exceed_context_size_error`, ...).
    """

    def __init__(self, status: int, message: str, kind: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param


class JSON(JSONResponse):
    """JSON with characters as they are, so that a body can be cut in the middle of one."""

    def render(self, content: object) -> bytes:
        return dumps(content).encode()


@dataclass(slots=True)
class Call:
    """A request that the proxy let through, and the replica it reached."""

    serving: Serving
    replica: Replica
    endpoints: Endpoints
    method: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    script: Behaviour
    started: float
    deaths: int = field(init=False)

    def __post_init__(self) -> None:
        self.deaths = self.replica.deaths

    def option(self, name: str) -> Any:  # noqa: ANN401  each option has a type of its own
        """The value of a named option."""
        return self.endpoints.option(name)

    @property
    def served_model(self) -> str:
        """The name this replica serves its model under: on the service, the repository id."""
        return self.script.served_model or self.serving.repository

    @property
    def voice(self) -> str:
        """Who speaks: another repository or revision has other words."""
        return f"{self.serving.repository}@{self.serving.revision}"

    def setting(self, field_name: str | None, variables: tuple[str, ...], flags: tuple[str, ...], default: int) -> int:
        """A number of the engine: from its image field, an environment variable or a command-line flag."""
        found = [self.serving.image.get(field_name)] if field_name else []
        found += [self.serving.env.get(variable) for variable in variables]
        found += [self._flag(flag) for flag in flags]
        for value in found:
            if value is not None and str(value).isdigit():
                return int(value)
        return default

    def _flag(self, flag: str) -> str | None:
        args = self.serving.args
        for place, arg in enumerate(args):
            if arg == flag and place + 1 < len(args):
                return args[place + 1]
            if arg.startswith(flag + "="):
                return arg.removeprefix(flag + "=")
        return None


Handler = Callable[[Call], Awaitable[Response]]
Routes = Mapping[str, Mapping[str, Handler]]
"""Path, then method, then who answers."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One kind of container."""

    name: str
    routes: Routes
    not_found: Callable[[Call], Response]
    """The answer on a path it does not know."""
    loading: Callable[[Call], Response | None]
    """The answer while the model loads; None when nothing listens yet, so that the proxy answers."""
    fault: Callable[[Call, Fault], Response]
    malformed: Callable[[Call, BodyError], Response]


def dumps(content: object) -> str:
    """JSON on one line; NaN becomes null, as the engines' serialisers have it."""
    try:
        return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_without_nan(content), ensure_ascii=False, separators=(",", ":"))


def _without_nan(content: object) -> object:
    if isinstance(content, float) and content != content:
        return None
    if isinstance(content, list):
        return [_without_nan(item) for item in content]
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    return content
