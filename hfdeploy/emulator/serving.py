"""What the data plane has to know of one endpoint, as values: the seam between the store and the engines.

The store (control plane) makes a `Serving` for each request; the engines (data plane) answer from it and know
neither the store nor its clock. Nothing here is shared with the rest of hfdeploy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Account:
    """Who a bearer token belongs to: a user, and the namespaces (user and organisations) it may act in."""

    user: str
    namespaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Serving:
    """One endpoint as its callers see it at this moment."""

    namespace: str
    name: str
    access: str
    """`public`, `authenticated` or `private`; `protected` on seeded old endpoints (nobody gets in)."""
    state: str
    """The API's state: pending, initializing, updating, updateFailed, running, paused, failed, scaledToZero."""
    is_ready: bool
    """Whether a replica answers: false while `running` is shown but the health route does not answer yet."""
    replica_id: str
    engine: str
    """The key of `model.image`: tgi, vLLM, sGLang, llamacpp, tei, huggingface, custom, ..."""
    image: Mapping[str, Any]
    """The variant's fields as the API holds them (url, port, healthRoute, maxInputLength, ...)."""
    repository: str
    revision: str
    """The commit that this replica serves; during a rolling update that is the old one."""
    task: str
    health_route: str
    env: Mapping[str, str] = field(default_factory=dict)
    args: tuple[str, ...] = ()
    behaviour: Mapping[str, Any] = field(default_factory=dict)
    """Scripted data-plane behaviour of this endpoint (stall, cut, empty, html, error frame, ...)."""


class Endpoints(Protocol):
    """What the data plane asks of the store. Every method is quick and safe to call from the event loop."""

    def account(self, token: str | None) -> Account | None:
        """The account of a bearer token, or None when it is missing or unknown."""

    def serving(self, namespace: str, name: str) -> Serving | None:
        """The endpoint as callers see it now, or None when there is none."""

    def wake(self, namespace: str, name: str) -> None:
        """An authorised request reached an endpoint that is scaled to zero."""

    def used(self, namespace: str, name: str, *, status: int, seconds: float) -> None:
        """A request ended: for `lastUsedAt`, the idle timeout and the metrics."""

    def option(self, name: str) -> Any:  # noqa: ANN401 - options are JSON values
        """The value of a named option, e.g. how the proxy answers when X-Scale-Up-Timeout runs out."""
