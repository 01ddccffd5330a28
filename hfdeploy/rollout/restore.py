"""An update that failed: put back what served before, prove that, and remember what must not be tried again."""

from collections.abc import Callable
from typing import TypeAlias

from hfdeploy.diff import IMAGE, SECRETS, compare, observed
from hfdeploy.errors import Cancelled, HfdeployError, RolloutFailed
from hfdeploy.owner import is_ours, own_tags, with_bad_tag, with_own_tags
from hfdeploy.plan import REGISTRY
from hfdeploy.rollout.failure import require_same
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.rollout.request import add_credentials
from hfdeploy.rollout.start import await_start, replicas, require_as_asked, require_new_replicas
from hfdeploy.spec import EndpointSpec, OnUpdateFailure
from hfdeploy.verify import Verification
from hfdeploy.wire import Body, Endpoint, State

Prove: TypeAlias = Callable[[Goal, Endpoint, EndpointSpec, Means, float], Verification]


def end_update(
    goal: Goal, found: Endpoint, failure: RolloutFailed, means: Means, *, before: frozenset[str] | None, prove: Prove
) -> RolloutFailed:
    """Follow `rollout.on_update_failure`, and say what became of the endpoint in one error.

    The evidence (state, message, last log line) is in `failure` already, taken before anything is changed. `found` is
    the endpoint as it was before this run and `before` the replicas that answered then. `before` is None where this
    run sent nothing (a killed one had): then the last proved configuration of the state is put back.
    """
    target = goal.previous_body if before is None else observed(found)
    if target is None or (before is None and not compare(target, found).items):
        return RolloutFailed(f"{failure} Nothing had been changed, so nothing was put back.")
    if goal.plan.spec.rollout.on_update_failure is OnUpdateFailure.HOLD:
        return RolloutFailed(
            f"{failure} It was left as it is (rollout.on_update_failure: hold). To go back, run `pulumi up` with the "
            f"spec as it was before."
        )
    started = means.clock.now()
    means.report.show("putting the previous configuration back")
    try:
        verification = _restore(goal, target, means, before, prove)
    except Cancelled:
        raise
    except HfdeployError as trouble:
        return RolloutFailed(
            f"{failure} Putting the previous configuration back did not succeed either: "
            f"{str(trouble).rstrip('.')}. Look at it with `hfdeploy status` and "
            f"`hfdeploy logs {goal.plan.name}`; `pulumi up` with the spec as it was before tries again."
        )
    return RolloutFailed(
        f"{failure} The previous configuration was put back and serves again{_told(verification)}, "
        f"{means.clock.now() - started:.0f} s after the failure{_not_restored(goal)}. This configuration is refused "
        f"from now on: change the spec, or raise rollout.attempt (now {goal.plan.spec.rollout.attempt})."
    )


def _restore(
    goal: Goal, target: Body, means: Means, before: frozenset[str] | None, prove: Prove
) -> Verification | None:
    """The restoring PUT, which carries the memory of what failed; then wait and verify, like any rollout."""
    api, namespace, name = means.api, goal.namespace, goal.plan.name
    live = require_same(goal, api.get(namespace, name))
    failed = _failed_replicas(goal, live, means, before)
    for variant in target["model"]["image"].values():
        # Credentials come back blanked: what was read must never be sent.
        variant.pop("credentials", None)
    body = compare(target, live).body
    # An update without tags may have cleared them.
    own = live.tags if is_ours(live, goal.owner) else own_tags(goal.owner, goal.logical)
    body["tags"] = with_own_tags(target["tags"] or [], with_bad_tag(own, goal.digest))
    add_credentials(body, goal)
    is_served = "model" in body or "compute" in body
    api.update(namespace, name, body, is_applied=lambda seen: not compare(target, seen).items)
    deadline = means.clock.now() + goal.plan.spec.rollout.timeout.total_seconds()
    live = await_start(goal, means, deadline)
    require_as_asked(goal, target, live)
    if is_served and failed:
        require_new_replicas(goal, failed, means, deadline)
    spec = goal.previous_spec or goal.plan.spec
    return None if spec.verify.when == "never" else prove(goal, live, spec, means, deadline)


def _failed_replicas(goal: Goal, live: Endpoint, means: Means, before: frozenset[str] | None) -> frozenset[str]:
    """The replicas of the configuration that failed; those of before it may go on serving and often do.

    After `updateFailed` it has none: what is listed then is what served all along.
    """
    if live.status.state is State.UPDATE_FAILED:
        return frozenset()
    return replicas(goal, means.api) - (before or frozenset())


def _told(verification: Verification | None) -> str:
    return " (not verified: verify.when is never)" if verification is None else f" ({verification.sentence})"


def _not_restored(goal: Goal) -> str:
    """Secret values that were sent with the update: the old ones are known to nobody."""
    lost = sorted(goal.secrets) if SECRETS in goal.resend else []
    lost += [REGISTRY] if IMAGE in goal.resend else []
    return f", except secrets {', '.join(lost)}, whose old values are known to nobody" if lost else ""
