"""What a rollout is asked for and what it answers, as values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from hfdeploy.client import Api, Listing
from hfdeploy.diff import Path, serves_otherwise
from hfdeploy.plan import Plan
from hfdeploy.redact import Secret
from hfdeploy.spec import EndpointSpec
from hfdeploy.verify import Verification
from hfdeploy.wait import Clock
from hfdeploy.wire import Body, Endpoint

if TYPE_CHECKING:
    from hfdeploy.rollout.record import Record


class Report(Protocol):
    """Where progress goes: Pulumi's row of the resource, or a terminal."""

    def show(self, text: str) -> None:
        """Replace the live text."""

    def note(self, text: str) -> None:
        """Leave a line for good."""

    def warn(self, text: str) -> None:
        """Leave a warning for good."""


class Journal(Protocol):
    """What is remembered of updates outside the state, so that a killed run's is not taken for a person's."""

    def open(self, sent: Sequence[str], replicas: Sequence[str]) -> None:
        """An update of these fields, by their names in the spec, is about to be sent; these replicas must go for it."""

    def replicas(self) -> frozenset[str]:
        """Those that had to go for an update that no run has seen through; none where nothing is known."""

    def answer(self, live: Endpoint) -> None:
        """The service answered it."""

    def withdraw(self) -> None:
        """The service refused it."""

    def clear(self) -> None:
        """What was sent has been put back."""


Prove = Callable[[Endpoint, EndpointSpec, float], Verification]
"""Streams a spec's prompt from a live endpoint; nothing is begun after the moment given."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a rollout works with: the service, the time, and where people look."""

    api: Api
    listing: Listing
    clock: Clock
    report: Report
    prove: Prove
    journal: Journal
    record: "Record"
    """Where everything is written down."""


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
    doubtful: frozenset[Path] = frozenset()
    """What is sent as well, unless nobody touched the endpoint since `asked_at`: another run made it, for which the
    spec may have been another."""
    asked_at: str = ""
    """Since when the service has what it never shows as it is wanted now, by its own clock; "" where nobody knows."""
    revision: str | None = None
    """The revision's own text, sent where `resend` names it: a branch is sent as a branch and comes back a commit."""
    rotated: tuple[str, ...] = ()
    """Names of secrets whose value is another than before, or is gone."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    registry_password: Secret | None = None
    digest: str = ""
    """What tells this configuration, its proof and its secrets from others: twelve hex digits."""
    previous_spec: EndpointSpec | None = None
    """What was last brought live and proved; None at first."""
    previous_body: Body | None = None
    previous_password: Secret | None = None
    """What signs in to the registry of the previous image."""
    marks: Mapping[str, str] = field(default_factory=dict)
    """What tells the values of `secrets` and of `registry_password` from others: twelve hex digits each."""
    knows_values: bool = False
    """Whether the state remembers values, by which marks on the endpoint can be judged."""
    is_takeover: bool = False
    """Somebody else's endpoint so far: what it had of secrets is known to nobody here."""
    keep: bool | None = None
    """Whether a PUT that goes out anyway puts `hfd-keep` on the endpoint (True), takes it off, or leaves it (None)."""
    is_first: bool = False
    """Nothing of this endpoint was ever verified: a pause is ours to end, a failure follows `on_create_failure`."""
    prove_anyway: bool = False
    """Verify although nothing that serves changes: the wanted proof changed, or is wanted on every run."""
    is_unproved: bool = False
    """What serves may be other than what was last proved, whatever is sent: a killed run may have changed it."""

    @property
    def is_return(self) -> bool:
        """Whether what is wanted serves what was last proved."""
        return self.previous_body is not None and not serves_otherwise(self.wanted, self.previous_body)

    @property
    def may_resume(self) -> bool:
        """Whether a pause is ours to end: the spec says `running`, or the first rollout paused it itself."""
        return self.is_first or self.plan.spec.state == "running"

    @property
    def has_new_values(self) -> bool:
        """Whether a secret has another value than before, and is not only taken away."""
        return any(name in self.secrets for name in self.rotated)

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
    is_proof_of_now: bool = True
    """Whether an earlier proof still stands: what serves is what was proved then."""
