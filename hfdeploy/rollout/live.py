"""The steps of a rollout, in order; every way out that is not green raises one sentence."""

from dataclasses import dataclass

from hfdeploy.client import Api
from hfdeploy.diff import SECRETS, compare, not_as_asked, observed, serves_otherwise
from hfdeploy.errors import HfdeployError, Inconclusive, OwnershipError, RolloutFailed, TimedOut
from hfdeploy.owner import is_ours, own_tags
from hfdeploy.rollout.failure import end_first_rollout, look, write_down
from hfdeploy.rollout.goal import Goal, Means, Outcome
from hfdeploy.rollout.record import verdict_of
from hfdeploy.rollout.request import named, put, sealed
from hfdeploy.rollout.restore import end_update
from hfdeploy.rollout.start import (
    await_start,
    give_back,
    latest,
    listed,
    replicas,
    require_as_asked,
    require_new_replicas,
)
from hfdeploy.rollout.work import Work, told_known_bad, work_on
from hfdeploy.spec import EndpointSpec
from hfdeploy.verdict import Verdict
from hfdeploy.verify import Verification
from hfdeploy.wire import Body, Endpoint, State

UNVERIFIED = "unverified"
"""What is kept of a rollout that nothing had to prove."""

_ASK_AGAIN_S = 15.0
"""Seconds between two verifications, where the first one proved nothing."""

_LOAD_AGAIN_S = 60.0
"""The same where the deeper proof had put a load on it, which people may be waiting behind."""


def bring_live(goal: Goal, means: Means) -> Outcome:
    """Make the endpoint serve this configuration and prove it.

    Raises:
        OwnershipError: the endpoint of that name is not the one in the state; what an update of ours may have done
            to it is said.
        RolloutFailed: evidence against the configuration, now or in an earlier run; what became of it is said.
        Inconclusive: no evidence either way within `rollout.timeout`; nothing was undone.
    """
    found = _find_ours(goal, means.api)
    work = work_on(goal, found)
    goal = work.goal
    if work.is_known_bad:
        raise RolloutFailed(told_known_bad(work))
    body = sealed(work.changes, goal, found)
    is_visible = compare(goal.wanted, found).is_served
    before = _replicas_to_go(goal, found, means) if work.replaces else frozenset()
    if not body and goal.is_unproved:
        # A run that did not end has sent all of it, and what it had to wait for may still answer.
        before = means.journal.replicas()
    # Where nobody knows whether a value is new, or one is only taken away, the service may see nothing new in it.
    is_same = not is_visible and not (goal.knows_values and SECRETS in goal.resend and goal.has_new_values)
    may_stay = (bool(body) and is_same) or _is_turned_back(goal, found)
    means.record.page["replicas"]["before"] = sorted(before)
    try:
        outcome = _succeed_or_end(work, found, _Sent(body, before=before, may_stay=may_stay), means)
    except HfdeployError as error:
        means.record.keep(verdict_of(error), str(error))
        raise
    verification = outcome.verification
    means.record.keep(verification.verdict.value if verification else UNVERIFIED)
    return outcome


def _succeed_or_end(work: Work, found: Endpoint, sent: "_Sent", means: Means) -> Outcome:
    """The rollout, and where there is evidence against it what the spec says for that."""
    goal = work.goal
    try:
        return _roll_out(work, found, sent, means)
    except (RolloutFailed, TimedOut) as failure:
        write_down(goal, means)
        if goal.is_first:
            raise end_first_rollout(goal, failure, means) from None
        if isinstance(failure, TimedOut):
            give_back(goal, found, means)
            raise
        before = sent.before if sent.body else None
        raise end_update(goal, found, failure, means, before=before, prove=_prove) from None
    except Inconclusive:
        give_back(goal, found, means)
        raise


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an update sends, and the replicas that answered before it.

    They `may_stay` where nothing that is served differs as far as anybody can see: secrets sent once more. A revision
    by another name may be another commit, which only the service's answer shows.
    """

    body: Body
    before: frozenset[str]
    may_stay: bool


def _roll_out(work: Work, found: Endpoint, sent: _Sent, means: Means) -> Outcome:
    goal, changes = work.goal, work.changes
    deadline = latest(goal, means)
    live = found
    if sent.body:
        means.report.show(f"updating {', '.join(named(changes, goal))}")
        means.record.sent(named(changes, goal), sent.body, goal.secrets)
        live = put(goal, changes, sent.body, means, deadline, before=() if sent.may_stay else sent.before)
        deadline = latest(goal, means)
    live = _pause_or_resume(goal, found, live, means)
    # What was proved before is proof of what serves only where that is still the same.
    stands = not work.replaces and not goal.is_unproved
    if live.status.state is State.PAUSED:
        if goal.is_takeover:
            # Nothing was ever proved of it, and a state that had it would call it unchanged from now on.
            raise Inconclusive(
                f"{goal.place} was taken over and is paused (by {live.status.updated_by.name or 'somebody'}): nothing "
                f"was verified. Resume it, or set `state: running` in the spec, and run this again."
            )
        means.report.warn(
            f"{goal.place} is paused (by {live.status.updated_by.name or 'somebody'}) and was left so: nothing was "
            f"verified. Resume it, or set `state: running` in the spec."
        )
        return Outcome(live, changes.names, None, stands)
    live = await_start(goal, means, deadline)
    require_as_asked(goal, goal.wanted, live, means, deadline)
    _require_secrets_gone(goal, live)
    if sent.before:
        is_news = serves_otherwise(observed(found), observed(live)) and not _is_turned_back(goal, found)
        require_new_replicas(goal, sent.before, means, deadline, may_stay=sent.may_stay and not is_news)
    means.record.served(live)
    if not work.is_proof_due:
        return Outcome(live, changes.names, None, stands)
    verification = _prove(goal, live, goal.plan.spec, means, deadline)
    after = look(goal, means.api)
    if otherwise := not_as_asked(goal.wanted, after):
        raise Inconclusive(
            f"{goal.place} was changed while it was verified, so what was proved is not what serves: "
            f"{'; '.join(otherwise)}. Nothing was undone."
        )
    means.record.served(after)
    means.record.page["replicas"]["after"] = listed(goal, means)
    give_back(goal, found, means)
    return Outcome(look(goal, means.api), changes.names, verification)


def _is_turned_back(goal: Goal, found: Endpoint) -> bool:
    """Whether an update of somebody's is turned back half-way: the replicas of before it never ran anything else."""
    return found.status.state.is_moving and goal.is_return


def _require_secrets_gone(goal: Goal, live: Endpoint) -> None:
    """Where the service lists the names of secrets, those that the spec no longer has must be gone.

    Raises:
        Inconclusive: it merged what was sent into what it had, so that a container still gets a withdrawn secret.
    """
    listed = live.model.secret_names
    is_changed = goal.rotated or SECRETS in goal.resend
    if is_changed and (left := sorted(listed - set(goal.secrets))):
        raise Inconclusive(
            f"{goal.place} still has the secret{'s' if len(left) > 1 else ''} {', '.join(left)}, which the spec no "
            f"longer names: the service keeps what an update leaves out. Take it out in the web interface, or make "
            f"the value at its source worthless."
        )


def _find_ours(goal: Goal, api: Api) -> Endpoint:
    live = look(goal, api)
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
    if found.status.state is State.UPDATE_FAILED and goal.is_return:
        return frozenset()
    return replicas(goal, means.api)


def _pause_or_resume(goal: Goal, found: Endpoint, live: Endpoint, means: Means) -> Endpoint:
    """End a pause that is ours to end: the spec says `running`, or the first rollout paused it itself.

    A person's pause is kept, also where the service starts a paused endpoint because it was sent an update.
    """
    api, name = means.api, goal.plan.name
    if live.status.state is State.PAUSED and goal.may_resume:
        means.report.show("resuming")
        return api.resume(goal.namespace, name)
    if found.status.state is State.PAUSED and live.status.state is not State.PAUSED and not goal.may_resume:
        means.report.show("pausing again what was found paused")
        return api.pause(goal.namespace, name)
    return live


def _prove(goal: Goal, live: Endpoint, spec: EndpointSpec, means: Means, deadline: float) -> Verification:
    """Stream the prompt until there is evidence; no evidence by the deadline is not green, and undoes nothing.

    Raises:
        RolloutFailed: evidence against what answers.
        Inconclusive: none either way.
    """
    while True:
        means.report.show("asking for a first answer")
        verification = means.prove(live, spec, deadline)
        means.record.proved(verification)
        if verification.verdict is Verdict.PASSED:
            return verification
        if verification.verdict is Verdict.FAILED:
            raise RolloutFailed(f"{goal.place} does not answer as it must: {verification.sentence}.")
        pause = _LOAD_AGAIN_S if verification.deep else _ASK_AGAIN_S
        if verification.is_final or means.clock.now() + pause > deadline:
            raise Inconclusive(f"{goal.place} could not be verified: {verification.sentence}. Nothing was undone.")
        means.report.show(f"asking again: {verification.sentence}")
        means.clock.sleep(pause)
