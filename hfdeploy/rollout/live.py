"""The steps of a rollout, in order; every way out that is not green raises one sentence."""

import copy
from collections.abc import Collection

from hfdeploy.client import Api
from hfdeploy.diff import IMAGE, REVISION, SECRETS, Changes, compare, not_as_asked
from hfdeploy.errors import ApiError, HfdeployError, Inconclusive, OwnershipError, RolloutFailed, TimedOut
from hfdeploy.owner import is_ours
from hfdeploy.rollout.failure import end_first_rollout, evidence
from hfdeploy.rollout.goal import Goal, Means, Outcome
from hfdeploy.verdict import Verdict
from hfdeploy.wait import Outcome as Ending
from hfdeploy.wait import Waited, poll, wait_until_live
from hfdeploy.wire import Body, Endpoint, State

_SETTLING_S = 120.0
"""How long the replicas of before an update may go on being listed after the new ones run."""


def bring_live(goal: Goal, means: Means) -> Outcome:
    """Make the endpoint serve this configuration and prove it.

    Raises:
        OwnershipError: the endpoint of that name is not the one in the state; nothing was sent.
        RolloutFailed: evidence against the configuration.
        Inconclusive: no evidence either way within `rollout.timeout`.
    """
    live = _find_ours(goal, means.api)
    try:
        return _roll_out(goal, live, means)
    except (RolloutFailed, TimedOut) as failure:
        if not goal.is_first:
            raise
        raise end_first_rollout(goal, failure, means) from None


def _roll_out(goal: Goal, live: Endpoint, means: Means) -> Outcome:
    api, report = means.api, means.report
    deadline = means.clock.now() + goal.plan.spec.rollout.timeout.total_seconds()
    changes = compare(goal.wanted, live, resend=goal.resend)
    replaces = changes.is_served or bool({SECRETS, IMAGE} & goal.resend)
    before = _replicas(goal, api) if replaces and live.status.ready_replica else frozenset()
    if body := _sealed(changes, goal):
        report.show(f"updating {', '.join(_named(changes, goal))}")
        live = _put(goal, body, api=api)
    live = _resume_if_due(goal, live, means)
    if live.status.state is State.PAUSED:
        report.warn(
            f"{goal.place} is paused (by {live.status.updated_by.name or 'somebody'}) and was left so: nothing was "
            f"verified. Resume it, or set `state: running` in the spec."
        )
        return Outcome(live, changes.names, None)
    must_prove = goal.plan.spec.verify.when != "never" and (goal.is_first or replaces or goal.prove_anyway)
    live = _wait(goal, means, deadline)
    _require_as_asked(goal, live)
    if before:
        _require_new_replicas(goal, before, means, deadline)
    if not must_prove:
        return Outcome(live, changes.names, None)
    report.show("asking for a first answer")
    verification = means.prove(live, goal.plan.spec)
    if verification.verdict is Verdict.FAILED:
        raise RolloutFailed(f"{goal.place} does not answer as it must: {verification.sentence}")
    if verification.verdict is Verdict.INCONCLUSIVE:
        raise Inconclusive(f"{goal.place} could not be verified: {verification.sentence}")
    return Outcome(api.get(goal.namespace, goal.plan.name), changes.names, verification)


def _find_ours(goal: Goal, api: Api) -> Endpoint:
    live = api.get(goal.namespace, goal.plan.name)
    if live.generation != goal.generation or not is_ours(live, goal.owner):
        raise OwnershipError(
            f"{goal.place} is not the endpoint that this stack made: that one was created at {goal.generation}, this "
            f"one at {live.generation} by {live.status.created_by.name or 'somebody unknown'}. Nothing was changed; "
            f"`pulumi refresh` shows what is left."
        )
    return live


def _named(changes: Changes, goal: Goal) -> list[str]:
    return [*changes.names, *(["secrets"] if SECRETS in goal.resend else [])]


def _sealed(changes: Changes, goal: Goal) -> Body:
    """The PUT's body with the secret values that belong to the fields in it."""
    body = copy.deepcopy(changes.body)
    if REVISION in goal.resend:
        body["model"]["revision"] = goal.revision
    if SECRETS in goal.resend:
        body.setdefault("model", {})["secrets"] = {name: value.reveal() for name, value in goal.secrets.items()}
    add_credentials(body, goal)
    return body


def add_credentials(body: Body, goal: Goal) -> None:
    """Put the registry's credentials into a custom image that is being sent: an image is one value, always whole."""
    registry = getattr(goal.plan.spec.engine, "registry", None)
    variant = body.get("model", {}).get("image", {}).get("custom")
    if variant is not None and registry is not None and goal.registry_password is not None:
        variant["credentials"] = {"username": registry.username, "password": goal.registry_password.reveal()}


def _put(goal: Goal, body: Body, *, api: Api) -> Endpoint:
    name = goal.plan.name

    def is_applied(live: Endpoint) -> bool:
        return not compare(goal.wanted, live).items and not goal.resend

    try:
        return api.update(goal.namespace, name, body, is_applied=is_applied)
    except ApiError as refusal:
        live = api.get(goal.namespace, name)
        if live.status.state is not State.PAUSED or refusal.status not in {400, 409} or not goal.is_first:
            raise
        # Whether a paused endpoint takes an update is not documented; a running one does.
        api.resume(goal.namespace, name)
        return api.update(goal.namespace, name, body, is_applied=is_applied)


def _resume_if_due(goal: Goal, live: Endpoint, means: Means) -> Endpoint:
    """End a pause that is ours to end: the spec says `running`, or the first rollout paused it itself."""
    if live.status.state is not State.PAUSED or not (goal.is_first or goal.plan.spec.state == "running"):
        return live
    means.report.show("resuming")
    return means.api.resume(goal.namespace, goal.plan.name)


def _wait(goal: Goal, means: Means, deadline: float) -> Endpoint:
    def show(endpoint: Endpoint, seconds: float) -> None:
        status = endpoint.status
        replicas = f"{status.ready_replica}/{status.target_replica} ready"
        means.report.show(f"{status.state}: {status.message or 'no message'} ({replicas}, {seconds:.0f} s)")

    waited = wait_until_live(
        lambda: means.listing.fetch(goal.namespace, goal.plan.name),
        timeout_s=max(0.0, deadline - means.clock.now()),
        clock=means.clock,
        on_state=show,
    )
    return _require_started(goal, waited, means.api)


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


def _require_as_asked(goal: Goal, live: Endpoint) -> None:
    """A prompt answered by another configuration would prove the wrong thing."""
    if otherwise := not_as_asked(goal.wanted, live):
        raise Inconclusive(f"{goal.place} runs, but not as asked for: {'; '.join(otherwise)}. Nothing was verified.")


def _replicas(goal: Goal, api: Api) -> frozenset[str]:
    try:
        return frozenset(replica.id for replica in api.replicas(goal.namespace, goal.plan.name))
    except HfdeployError:
        # The listing is a second witness; the configuration and the replica counts are checked without it.
        return frozenset()


def _require_new_replicas(goal: Goal, before: Collection[str], means: Means, deadline: float) -> None:
    """Wait until no replica of before the update is left: it could answer the prompt for the new ones."""

    def gone() -> bool | None:
        return True if not _replicas(goal, means.api) & set(before) else None

    if poll(gone, deadline=min(deadline, means.clock.now() + _SETTLING_S), clock=means.clock) is None:
        raise Inconclusive(
            f"{goal.place} still lists replicas from before the update ({', '.join(sorted(before))}), which could "
            f"answer in place of the new ones. Nothing was verified."
        )
