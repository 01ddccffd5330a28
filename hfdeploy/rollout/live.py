"""The steps of a rollout, in order; every way out that is not green raises one sentence."""

from dataclasses import dataclass

from hfdeploy.client import Api
from hfdeploy.diff import IMAGE, SECRETS, Changes, compare, serves_otherwise
from hfdeploy.errors import ApiError, HfdeployError, Inconclusive, OwnershipError, RolloutFailed, TimedOut
from hfdeploy.owner import bad_tag, is_ours, own_tags
from hfdeploy.rollout.failure import end_first_rollout, require_same
from hfdeploy.rollout.goal import Goal, Means, Outcome
from hfdeploy.rollout.request import keep_tags, named, put, sealed
from hfdeploy.rollout.restore import end_update
from hfdeploy.rollout.start import await_start, replicas, require_as_asked, require_new_replicas
from hfdeploy.spec import EndpointSpec
from hfdeploy.verdict import Verdict
from hfdeploy.verify import Verification
from hfdeploy.wire import Body, Endpoint, State

_ASK_AGAIN_S = 15.0
"""Seconds between two verifications, where the first one proved nothing."""


def bring_live(goal: Goal, means: Means) -> Outcome:
    """Make the endpoint serve this configuration and prove it.

    Raises:
        OwnershipError: the endpoint of that name is not the one in the state; nothing was sent.
        RolloutFailed: evidence against the configuration, now or in an earlier run; what became of it is said.
        Inconclusive: no evidence either way within `rollout.timeout`; nothing was undone.
    """
    found = _find_ours(goal, means.api)
    changes = compare(goal.wanted, found, resend=goal.resend)
    if not changes.items and found.status.state.is_failure and _is_return(goal):
        # All is as asked for and the service gave up on it all the same: asked for once more, it begins anew.
        changes = compare(goal.wanted, found, resend={*goal.resend, IMAGE})
    body = sealed(changes, goal)
    _refuse_known_bad(goal, found, body)
    replaces = changes.is_served or bool({SECRETS, IMAGE} & goal.resend)
    before = _replicas_to_go(goal, found, means) if replaces else frozenset()
    is_same_perhaps = goal.is_sent_blindly and not compare(goal.wanted, found).is_served
    # An update of somebody's that is turned back half-way leaves replicas that never ran anything else.
    may_stay = is_same_perhaps or (found.status.state.is_moving and _is_return(goal))
    try:
        return _roll_out(goal, found, changes, _Sent(body, replaces, before, may_stay), means)
    except (RolloutFailed, TimedOut) as failure:
        if body and (goal.is_first or isinstance(failure, TimedOut)):
            _keep_tags_of_failed(goal, found, means)
        if goal.is_first:
            raise end_first_rollout(goal, failure, means) from None
        if isinstance(failure, TimedOut):
            raise
        raise end_update(goal, found, failure, means, before=before if body else None, prove=_prove) from None


def _keep_tags_of_failed(goal: Goal, found: Endpoint, means: Means) -> None:
    try:
        keep_tags(goal, means.api.get(goal.namespace, goal.plan.name), found, means.api)
    except (ApiError, Inconclusive) as trouble:
        means.report.warn(f"whether {goal.place} still has its tags could not be seen: {trouble}")


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an update sends, whether it replaces what answers, the replicas that answered before it, and whether they
    may go on answering after it."""

    body: Body
    replaces: bool
    before: frozenset[str]
    may_stay: bool


def _roll_out(goal: Goal, found: Endpoint, changes: Changes, sent: _Sent, means: Means) -> Outcome:
    deadline = means.clock.now() + goal.plan.spec.rollout.timeout.total_seconds()
    live = found
    if sent.body:
        means.report.show(f"updating {', '.join(named(changes, goal))}")
        live = put(goal, found, sent.body, means, deadline)
    live = _resume_if_due(goal, live, means)
    if live.status.state is State.PAUSED:
        means.report.warn(
            f"{goal.place} is paused (by {live.status.updated_by.name or 'somebody'}) and was left so: nothing was "
            f"verified. Resume it, or set `state: running` in the spec."
        )
        return Outcome(live, changes.names, None)
    must_prove = goal.plan.spec.verify.when != "never" and (goal.is_first or sent.replaces or goal.prove_anyway)
    live = await_start(goal, means, deadline)
    if keep_tags(goal, live, found, means.api) is not live:
        live = await_start(goal, means, deadline)
    require_as_asked(goal, goal.wanted, live)
    if sent.before:
        require_new_replicas(goal, sent.before, means, deadline, may_stay=sent.may_stay)
    if not must_prove:
        return Outcome(live, changes.names, None)
    verification = _prove(goal, live, goal.plan.spec, means, deadline)
    _give_back(goal, found, means)
    return Outcome(means.api.get(goal.namespace, goal.plan.name), changes.names, verification)


def _find_ours(goal: Goal, api: Api) -> Endpoint:
    live = require_same(goal, api.get(goal.namespace, goal.plan.name))
    if not is_ours(live, goal.owner):
        ours = " and ".join(own_tags(goal.owner, goal.logical))
        raise OwnershipError(
            f"{goal.place} lost the tags that say it is this stack's, so nothing was changed. Put {ours} back on it "
            f"(by hand, beside its other tags), and run again."
        )
    return live


def _replicas_to_go(goal: Goal, found: Endpoint, means: Means) -> frozenset[str]:
    """The replicas that must not answer for the new configuration.

    After `updateFailed` those of the last proved configuration still serve, and stay when that one is wanted again.
    """
    if not found.status.ready_replica:
        return frozenset()
    if found.status.state is State.UPDATE_FAILED and _is_return(goal):
        return frozenset()
    return replicas(goal, means.api)


def _is_return(goal: Goal) -> bool:
    """Whether what is wanted is what was last proved."""
    return goal.previous_body is not None and not serves_otherwise(goal.wanted, goal.previous_body)


def _refuse_known_bad(goal: Goal, found: Endpoint, body: Body) -> None:
    """A pipeline that retries every ten minutes must not break production every ten minutes."""
    if not body or bad_tag(goal.digest) not in found.tags:
        return
    state = found.status.state
    serves = state in {State.RUNNING, State.SCALED_TO_ZERO, State.PAUSED}
    now = "" if serves else f" But what was put back is {state}: run `pulumi up` with the spec as it was."
    raise RolloutFailed(
        f"{goal.place}: this configuration failed before and was put back, so it was not sent again. Change the spec, "
        f"or raise rollout.attempt (now {goal.plan.spec.rollout.attempt}) to try it once more.{now}"
    )


def _resume_if_due(goal: Goal, live: Endpoint, means: Means) -> Endpoint:
    """End a pause that is ours to end: the spec says `running`, or the first rollout paused it itself."""
    if live.status.state is not State.PAUSED or not (goal.is_first or goal.plan.spec.state == "running"):
        return live
    means.report.show("resuming")
    return means.api.resume(goal.namespace, goal.plan.name)


def _prove(goal: Goal, live: Endpoint, spec: EndpointSpec, means: Means, deadline: float) -> Verification:
    """Stream the prompt until there is evidence; no evidence by the deadline is not green, and undoes nothing.

    Raises:
        RolloutFailed: evidence against what answers.
        Inconclusive: none either way.
    """
    while True:
        means.report.show("asking for a first answer")
        verification = means.prove(live, spec)
        if verification.verdict is Verdict.PASSED:
            return verification
        if verification.verdict is Verdict.FAILED:
            raise RolloutFailed(f"{goal.place} does not answer as it must: {verification.sentence}.")
        is_final = any(judgement.ends_at_once for judgement in verification.judgements) or not verification.judgements
        if is_final or means.clock.now() + _ASK_AGAIN_S > deadline:
            raise Inconclusive(f"{goal.place} could not be verified: {verification.sentence}. Nothing was undone.")
        means.report.show(f"asking again: {verification.sentence}")
        means.clock.sleep(_ASK_AGAIN_S)


def _give_back(goal: Goal, found: Endpoint, means: Means) -> None:
    """Put an endpoint that was found asleep to sleep again: being verified is no reason to bill for an idle hour."""
    if found.status.state is not State.SCALED_TO_ZERO or goal.plan.spec.autoscaling.min > 0:
        return
    try:
        means.api.scale_to_zero(goal.namespace, goal.plan.name)
    except HfdeployError as trouble:
        means.report.warn(f"{goal.place} was asleep, was woken to be verified, and could not be put back: {trouble}")
