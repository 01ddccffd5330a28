"""Which service a command talks to, in whose name, and what it does when nobody can be reached.

The client is imported when it is used: `hfdeploy validate` and `--help` start without huggingface_hub.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hfdeploy import settings, wire
from hfdeploy.catalog import Catalog
from hfdeploy.cli import terminal
from hfdeploy.cli.program import Program, surroundings
from hfdeploy.errors import ApiError, AuthError, NotFound, Unreachable, UsageError
from hfdeploy.settings import Settings

if TYPE_CHECKING:
    from hfdeploy.client import Api

QUICK: Final = 10.0
"""Seconds for a question that has an answer without the service, too."""


def choose(
    *, stack: str | None, program: Path, namespace: str | None, api_url: str | None, with_token: bool = True
) -> Settings:
    """The settings of a command: options, then the stack's configuration, then the environment.

    Raises:
        UsageError: no such stack, or two different addresses.
        EngineError: an encrypted value of the stack could not be read.
    """
    config = Program(program, stack).config(with_secrets=with_token) if stack else {}
    environ = dict(surroundings()) | ({"HFDEPLOY_API_URL": api_url} if api_url else {})
    chosen = settings.load(config, environ)
    return replace(chosen, namespace=namespace) if namespace else chosen


@contextmanager
def service(chosen: Settings, *, seconds: float | None = None) -> Iterator["Api"]:
    """The management API. `seconds` is the longest that one call may take; left out, the client's own.

    Raises:
        AuthError: there is no token.
    """
    from hfdeploy.client import Deadlines, connect

    deadlines = Deadlines() if seconds is None else Deadlines(read=seconds, call=seconds)
    with connect(chosen, deadlines=deadlines) as api:
        yield api


def require_namespace(chosen: Settings) -> str:
    """The namespace.

    Raises:
        UsageError: nobody said which.
    """
    if not chosen.namespace:
        raise UsageError("No namespace is known: use --namespace, --stack, or set HFDEPLOY_NAMESPACE.")
    return chosen.namespace


def best_catalog(chosen: Settings) -> Catalog:
    """The live catalogue where it can be reached, else the dated snapshot, with a word about why."""
    if chosen.token is None or not chosen.namespace:
        return Catalog.snapshot()
    try:
        with terminal.busy("reading the catalogue"), service(chosen, seconds=QUICK) as api:
            catalog = Catalog.from_vendors(api.hardware(chosen.namespace))
    except (ApiError, AuthError, Unreachable) as trouble:
        catalog = Catalog.snapshot()
        terminal.warn(f"The live catalogue could not be read, so this is the snapshot of {catalog.as_of}: {trouble}")
    for problem in catalog.problems:
        terminal.warn(problem)
    return catalog


def find(api: "Api", namespace: str, name: str) -> wire.Endpoint:
    """The endpoint of that name.

    Raises:
        NotFound: there is none; what there is has been said.
    """
    try:
        return api.get(namespace, name)
    except NotFound:
        names = sorted(endpoint.name for endpoint in api.list(namespace))
        near = get_close_matches(name, names, n=1)
        if near:
            terminal.note(f"Did you mean {near[0]}?")
        elif names:
            terminal.note(f"{namespace} has {', '.join(names)}.")
        raise
