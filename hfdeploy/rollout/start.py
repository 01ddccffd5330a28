"""From a request that was accepted to the right thing running: wait, compare, and see the old replicas go."""

from collections.abc import Collection
from decimal import Decimal

from hfdeploy.client import Api
from hfdeploy.diff import not_as_asked
from hfdeploy.errors import AuthError, Cancelled, HfdeployError, Inconclusive, RolloutFailed, TimedOut
from hfdeploy.rollout.failure import evidence, look, require_same
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.wait import Outcome as Ending
from hfdeploy.wait import Waited, poll, wait_until_live
from hfdeploy.wire import Body, Endpoint, State

_SETTLING_S = 120.0
"""How long the replicas of before an update may go on being listed after the new ones run."""

_SHOWING_S = 20.0
"""How long the service may take to show the configuration that runs already."""


def latest(goal: Goal, means: Means) -> float:
    """When what begins now has had its time.

    An update that is accepted begins anew: the wait for hardware to be granted is no evidence against what then starts.
    """
    return means.clock.now() + goal.plan.spec.rollout.timeout.total_seconds()


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
    return _require_started(goal, waited, means)


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


def _require_started(goal: Goal, waited: Waited, means: Means) -> Endpoint:
    endpoint, status = waited.endpoint, waited.endpoint.status
    if waited.outcome is Ending.LIVE or status.state is State.SCALED_TO_ZERO:
        means.record.mark("running")
        return endpoint
    if waited.outcome is Ending.DEADLINE:
        where = (
            f"{goal.place} was still {status.state} after {waited.seconds:.0f} s (rollout.timeout), "
            f"{status.ready_replica} of {status.target_replica} replicas ready: {status.message or 'no message'}"
        )
        if waited.was_past_pending and waited.trouble is None:
            raise RolloutFailed(f"{where}. {evidence(goal, endpoint, means)}")
        means.record.fail(endpoint, None)
        raise TimedOut(f"{where}. {waited.trouble or 'The service gave it no hardware, which proves nothing.'}")
    if status.state is State.PAUSED:
        raise Inconclusive(f"{goal.place} was paused by {status.updated_by.name or 'somebody'} during the rollout.")
    raise RolloutFailed(f"{goal.place} is {status.state}. {evidence(goal, endpoint, means)}")


def require_as_asked(goal: Goal, wanted: Body, live: Endpoint, means: Means, deadline: float) -> None:
    """A prompt answered by another configuration would prove the wrong thing.

    Raises:
        Inconclusive: it still runs otherwise after the service had its time to show what runs.
    """
    seen = [live]

    def as_asked() -> bool | None:
        if not not_as_asked(wanted, seen[-1]):
            return True
        seen.append(means.api.get(goal.namespace, goal.plan.name))
        return None if not_as_asked(wanted, seen[-1]) else True

    if poll(as_asked, deadline=min(deadline, means.clock.now() + _SHOWING_S), clock=means.clock) is None:
        otherwise = "; ".join(not_as_asked(wanted, seen[-1]))
        raise Inconclusive(f"{goal.place} runs, but not as asked for: {otherwise}. Nothing was verified.")


def replicas(goal: Goal, api: Api) -> frozenset[str]:
    """The ids of what is listed now.

    Raises:
        Inconclusive: they cannot be listed, so nobody knows which of them answers.
    """
    try:
        return frozenset(replica.id for replica in api.replicas(goal.namespace, goal.plan.name))
    except (AuthError, Cancelled):
        raise
    except HfdeployError as trouble:
        raise Inconclusive(
            f"The replicas of {goal.place} cannot be listed, so which answers is not known: {trouble}"
        ) from None


def listed(goal: Goal, means: Means) -> list[str] | None:
    """The same for the evidence alone: None where they cannot be listed."""
    try:
        return sorted(replicas(goal, means.api))
    except Inconclusive:
        return None


def require_new_replicas(
    goal: Goal, before: Collection[str], means: Means, deadline: float, *, may_stay: bool = False
) -> None:
    """Wait until no replica of before the update is left: it could answer the prompt for the new ones.

    With `may_stay` the service may have had all of it already, as after a killed run that sent the same secrets;
    then it has no reason to start new ones, and the ones of before are the right ones.

    Raises:
        Inconclusive: they stay although something that is served differs, or nobody can tell.
    """
    settling = _SETTLING_S / 4 if may_stay else _SETTLING_S
    trouble: list[Inconclusive] = []

    def gone() -> bool | None:
        try:
            serving = replicas(goal, means.api)
        except Inconclusive as unknown:
            trouble[:] = [unknown]
            return None
        trouble.clear()
        return True if not serving & set(before) else None

    if poll(gone, deadline=min(deadline, means.clock.now() + settling), clock=means.clock) is not None:
        return
    if trouble:
        raise Inconclusive(f"{trouble[0]} Nothing was verified.")
    if not may_stay:
        raise Inconclusive(
            f"{goal.place} still lists replicas from before the update ({', '.join(sorted(before))}), which could "
            f"answer in place of the new ones. Nothing was verified."
        )
    means.report.warn(
        f"{goal.place} goes on with the replicas of before this update ({', '.join(sorted(before))}): the service saw "
        f"nothing new in it. Where a secret's value is new, they may still have the old one; a pause and a resume "
        f"starts others."
    )


def give_back(goal: Goal, found: Endpoint, means: Means) -> None:
    """Put an endpoint that was found asleep to sleep again: being verified is no reason to bill for an idle hour."""
    if found.status.state is not State.SCALED_TO_ZERO or goal.plan.spec.autoscaling.min > 0:
        return
    try:
        live = look(goal, means.api)
        if live.status.state in {State.RUNNING, State.INITIALIZING}:
            means.api.scale_to_zero(goal.namespace, goal.plan.name)
    except Cancelled:
        raise
    except HfdeployError as trouble:
        means.report.warn(f"{goal.place} was asleep, was woken to be verified, and could not be put back: {trouble}")
