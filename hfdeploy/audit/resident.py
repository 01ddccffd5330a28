"""One live endpoint with everything that is known of it."""

from dataclasses import dataclass
from decimal import Decimal

from hfdeploy.audit.activity import Activity
from hfdeploy.catalog import Hardware
from hfdeploy.cost import HOURS_PER_MONTH, Estimate, estimate
from hfdeploy.owner import user_tags
from hfdeploy.policy import Facts
from hfdeploy.quota import Demand
from hfdeploy.review.exposure import RETIRED, level_of
from hfdeploy.spec import LoadedSpec
from hfdeploy.usage import Known, Load
from hfdeploy.wire import Endpoint, State

_OFF = frozenset({State.PAUSED, State.SCALED_TO_ZERO, State.FAILED, State.PENDING})
"""States in which nothing is billed: initializing and running are, and an update goes on from running."""


@dataclass(frozen=True, slots=True)
class Resident:
    """An endpoint of the namespace."""

    namespace: str
    live: Endpoint
    hardware: Hardware
    activity: Activity
    loaded: LoadedSpec | None
    """As the rules judge it; None where no spec can be made of it."""

    unjudged: tuple[str, ...] = ()
    """What nobody judges, one sentence each."""

    known: Known | None = None
    load: Load | None = None

    @property
    def name(self) -> str:
        return self.live.name

    @property
    def place(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.live.name}"

    @property
    def is_paused(self) -> bool:
        """Whether only a person brings it back."""
        return self.live.status.state is State.PAUSED

    @property
    def is_serving(self) -> bool:
        """Whether it has shown that it runs as it is."""
        return self.live.status.state is State.RUNNING and self.live.status.ready_replica > 0

    @property
    def tags(self) -> tuple[str, ...]:
        """Those that people wrote, each once."""
        return tuple(dict.fromkeys(user_tags(self.live.tags)))

    @property
    def facts(self) -> Facts:
        """What a policy's limits are held against: what it is, whatever of it can be said in a spec."""
        live, variant = self.live, self.live.model.image.get(self.live.model.engine) or {}
        # What nobody knows is beyond a limit: only the old level stands for one of today's.
        security = level_of(live.type).value if live.type == RETIRED else live.type
        image = variant.get("url")
        return Facts(
            self.hardware,
            security,
            live.compute.scaling.max_replica,
            self.tags,
            image if isinstance(image, str) and image else None,
            self.is_paused,
        )

    @property
    def replicas_up(self) -> int:
        """Replicas that are billed now, as far as the service says."""
        status = self.live.status
        return 0 if status.state in _OFF else max(status.ready_replica, status.target_replica)

    @property
    def burnt_per_month(self) -> Decimal | None:
        """What the replicas that are up cost if they stay up; None where the hardware has no price."""
        price = self.hardware.price_per_hour
        return None if price is None else price * self.replicas_up * HOURS_PER_MONTH

    @property
    def cost(self) -> Estimate:
        """What it costs as it is now; nothing while it is paused."""
        scaling = self.live.compute.scaling
        if self.is_paused:
            return estimate(self.hardware, min_replicas=0, max_replicas=0, idle_minutes=None)
        return self._cost(scaling.scale_to_zero_timeout if scaling.min_replica == 0 else None)

    @property
    def cost_if_resumed(self) -> Estimate:
        """The same without regard to a pause."""
        return self._cost(None)

    def held_replicas(self, *, at_maximum: bool) -> int:
        """Replicas that count for the quota now: those that are up, one where it sleeps, or the most it may have."""
        if self.is_paused:
            return 0
        up = max(self.live.status.ready_replica, self.live.status.target_replica)
        return max(1, self.live.compute.scaling.max_replica if at_maximum else up)

    def demand(self, *, at_maximum: bool) -> Demand:
        """What it holds of the quota and what it may come to hold."""
        scaling = self.live.compute.scaling
        return Demand(
            self.name,
            self.namespace,
            self.hardware,
            scaling.min_replica,
            scaling.max_replica,
            is_paused=self.is_paused,
            held=self.hardware,
            held_replicas=self.held_replicas(at_maximum=at_maximum),
        )

    def _cost(self, idle_minutes: int | None) -> Estimate:
        scaling = self.live.compute.scaling
        return estimate(
            self.hardware,
            min_replicas=scaling.min_replica,
            max_replicas=scaling.max_replica,
            idle_minutes=idle_minutes,
            usage=self.known.usage if self.known else None,
        )
