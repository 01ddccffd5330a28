"""What a rollout is asked for and what it answers, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hfdeploy.client import Api, Listing
from hfdeploy.diff import Path
from hfdeploy.plan import Plan
from hfdeploy.redact import Secret
from hfdeploy.spec import EndpointSpec
from hfdeploy.verify import Verification
from hfdeploy.wait import Clock
from hfdeploy.wire import Body, Endpoint


class Report(Protocol):
    """Where progress goes: Pulumi's row of the resource, or a terminal."""

    def show(self, text: str) -> None:
        """Replace the live text."""

    def note(self, text: str) -> None:
        """Leave a line for good."""

    def warn(self, text: str) -> None:
        """Leave a warning for good."""


Prove = Callable[[Endpoint, EndpointSpec], Verification]
"""Streams a spec's prompt from a live endpoint."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a rollout works with: the service, the time, and where people look."""

    api: Api
    listing: Listing
    clock: Clock
    report: Report
    prove: Prove


@dataclass(frozen=True, slots=True)
class Goal:
    """One configuration of one endpoint.

    `wanted` is the plan's body with the commit kept from the creation in place of a branch. `resend` names paths that
    are sent although no difference shows. `secrets` and `registry_password` are sent with the fields they belong to.
    """

    plan: Plan
    namespace: str
    owner: str
    logical: str
    generation: str
    wanted: Body
    resend: frozenset[Path] = frozenset()
    revision: str | None = None
    """The revision's own text, sent where `resend` names it: a branch is sent as a branch and comes back a commit."""
    is_sent_blindly: bool = False
    """Nobody knows which secret values the endpoint has, so those sent may be the same: its replicas may stay."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    registry_password: Secret | None = None
    digest: str = ""
    """What tells this configuration, its proof and its secrets from others: twelve hex digits."""
    previous_spec: EndpointSpec | None = None
    """What was last brought live and proved; None at first."""
    previous_body: Body | None = None
    is_first: bool = False
    """Nothing of this endpoint was ever verified: a pause is ours to end, a failure follows `on_create_failure`."""
    prove_anyway: bool = False
    """Verify although nothing that serves changes: the wanted proof changed, or is wanted on every run."""

    @property
    def place(self) -> str:
        """`namespace/name`, as people name an endpoint."""
        return f"{self.namespace}/{self.plan.name}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is live now. `verification` is None where no prompt was due."""

    endpoint: Endpoint
    sent: tuple[str, ...]
    """The spec's names of the fields that were sent."""
    verification: Verification | None
