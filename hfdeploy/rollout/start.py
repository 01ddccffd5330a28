"""From a request that was accepted to the right thing running: wait, compare, and see the old replicas go."""

from collections.abc import Collection
from decimal import Decimal

from hfdeploy.client import Api
from hfdeploy.diff import not_as_asked
from hfdeploy.errors import HfdeployError, Inconclusive, RolloutFailed, TimedOut
from hfdeploy.rollout.failure import evidence, require_same
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.wait import Outcome as Ending
from hfdeploy.wait import Waited, poll, wait_until_live
from hfdeploy.wire import Body, Endpoint, State

_SETTLING_S = 120.0
"""How long the replicas of before an update may go on being listed after the new ones run."""


def await_start(goal: Goal, means: Means, deadline: float) -> Endpoint:
    """Wait until it serves, or is asleep.

    Raises:
        RolloutFailed: the service gave up, or it never started although it had hardware.
        TimedOut: it was never given hardware, or nobody knows.
        Inconclusive: somebody paused it meanwhile.
    """

    meter = _Meter(goal)

    def show(endpoint: Endpoint, seconds: float) -> None:
        meter.read(endpoint, seconds)
        status = endpoint.status
        replicas = f"{status.ready_replica}/{status.target_replica} ready"
        means.report.show(f"{status.state}: {status.message or 'no message'} ({replicas}, {seconds:.0f} s)")

    waited = wait_until_live(
        lambda: require_same(goal, means.listing.fetch(goal.namespace, goal.plan.name)),
        timeout_s=max(0.0, deadline - means.clock.now()),
        clock=means.clock,
        on_state=show,
    )
    return _require_started(goal, waited, means.api)


class _Meter:
    """What a rollout has cost so far, by the catalogue's price: starting is billed, waiting for hardware is not."""

    def __init__(self, goal: Goal) -> None:
        self._goal = goal
        self._price = goal.plan.hardware.price_per_hour
        self._read_at, self._spent = 0.0, Decimal(0)

    def read(self, endpoint: Endpoint, seconds: float) -> None:
        """Count the time since the last look.

        Raises:
            RolloutFailed: more than `rollout.max_usd` was spent.
        """
        most = self._goal.plan.spec.rollout.max_usd
        if self._price is None or most is None:
            return
        if endpoint.status.state not in {State.PENDING, State.PAUSED, State.SCALED_TO_ZERO}:
            hours = Decimal(seconds - self._read_at) / 3600
            self._spent += self._price * max(1, endpoint.status.target_replica) * hours
        self._read_at = seconds
        if self._spent > Decimal(str(most)):
            raise RolloutFailed(
                f"{self._goal.place} was still {endpoint.status.state} after {seconds:.0f} s and had cost about "
                f"${self._spent:.2f}, above rollout.max_usd (${most:.2f})."
            )


def _require_started(goal: Goal, waited: Waited, api: Api) -> Endpoint:
    endpoint, status = waited.endpoint, waited.endpoint.status
    if waited.outcome is Ending.LIVE or status.state is State.SCALED_TO_ZERO:
        return endpoint
    if waited.outcome is Ending.DEADLINE:
        where = (
            f"{goal.place} was still {status.state} after {waited.seconds:.0f} s (rollout.timeout), "
            f"{status.ready_replica} of {status.target_replica} replicas ready: {status.message or 'no message'}"
        )
        if waited.was_past_pending and waited.trouble is None:
            raise RolloutFailed(f"{where}. {evidence(goal, endpoint, api=api)}")
        raise TimedOut(f"{where}. {waited.trouble or 'The service gave it no hardware, which proves nothing.'}")
    if status.state is State.PAUSED:
        raise Inconclusive(f"{goal.place} was paused by {status.updated_by.name or 'somebody'} during the rollout.")
    raise RolloutFailed(f"{goal.place} is {status.state}. {evidence(goal, endpoint, api=api)}")


def require_as_asked(goal: Goal, wanted: Body, live: Endpoint) -> None:
    """A prompt answered by another configuration would prove the wrong thing."""
    if otherwise := not_as_asked(wanted, live):
        raise Inconclusive(f"{goal.place} runs, but not as asked for: {'; '.join(otherwise)}. Nothing was verified.")


def replicas(goal: Goal, api: Api) -> frozenset[str]:
    try:
        return frozenset(replica.id for replica in api.replicas(goal.namespace, goal.plan.name))
    except HfdeployError:
        # The listing is a second witness; the configuration and the replica counts are checked without it.
        return frozenset()


def require_new_replicas(
    goal: Goal, before: Collection[str], means: Means, deadline: float, *, may_stay: bool = False
) -> None:
    """Wait until no replica of before the update is left: it could answer the prompt for the new ones.

    With `may_stay` they may run what was sent already, and those that are still there when the update is long over do.
    """

    def gone() -> bool | None:
        return True if not replicas(goal, means.api) & set(before) else None

    if poll(gone, deadline=min(deadline, means.clock.now() + _SETTLING_S), clock=means.clock) is None:
        if may_stay:
            means.report.note(f"{goal.place} kept its replicas: they ran this configuration already")
            return
        raise Inconclusive(
            f"{goal.place} still lists replicas from before the update ({', '.join(sorted(before))}), which could "
            f"answer in place of the new ones. Nothing was verified."
        )
