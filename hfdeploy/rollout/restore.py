"""An update that failed: put back what served before, prove that, and remember what must not be tried again."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from hfdeploy.diff import IMAGE, SECRETS, compare, left_behind, observed, serves_otherwise
from hfdeploy.errors import AuthError, Cancelled, HfdeployError, Inconclusive, RolloutFailed, TimedOut
from hfdeploy.owner import KEEP, is_ours, with_bad_tag, with_keep, with_mark, with_own_tags
from hfdeploy.rollout.failure import look, write_down
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.rollout.request import add_credentials, named, put, put_until, require_reached, sealed, signs_in
from hfdeploy.rollout.start import (
    await_start,
    give_back,
    latest,
    listed,
    replicas,
    require_as_asked,
    require_new_replicas,
)
from hfdeploy.spec import EndpointSpec, OnUpdateFailure
from hfdeploy.verify import Verification
from hfdeploy.wire import Body, Endpoint, State

_WITHOUT_CREDENTIALS = (
    ", though without the credentials of its image's registry, which are known to nobody: its next start may not find "
    "the image"
)
_UNSEEN = ", though the replicas could not be listed, so whether those of the failed one are gone is not known"

Prove: TypeAlias = Callable[[Goal, Endpoint, EndpointSpec, Means, float], Verification]


def end_update(
    goal: Goal, found: Endpoint, failure: RolloutFailed, means: Means, *, before: frozenset[str] | None, prove: Prove
) -> RolloutFailed:
    """Follow `rollout.on_update_failure`, and say what became of the endpoint in one error.

    The evidence (state, message, last log line) is in `failure` already, taken before anything is changed. `found` is
    the endpoint as it was before this run and `before` the replicas that answered then. `before` is None where this
    run sent nothing (a killed one had): then the last proved configuration of the state is put back.
    """
    if goal.rotated and goal.is_return and goal.resend <= {SECRETS, IMAGE} and not compare(goal.wanted, found).items:
        return RolloutFailed(
            f"{failure} Only secrets are other than in the configuration that was last proved "
            f"({', '.join(goal.rotated)}). Their earlier values are known to nobody, so nothing could be put back: "
            f"where those worked, give them back at their sources and run `pulumi up --refresh`."
        )
    targets = _targets(goal, found, before)
    if not targets:
        return RolloutFailed(f"{failure} Nothing had been changed, so nothing was put back.")
    if goal.is_return and (serves_otherwise(goal.wanted, targets[0]) or not compare(goal.wanted, found).items):
        return RolloutFailed(
            f"{failure} It is the configuration that was last proved, so there is none to put back."
            f"{_begun_anew(goal, means)} Look at it with `hfdeploy status` and `hfdeploy logs {goal.plan.name}`; "
            f"`pulumi up` tries again."
        )
    if before is not None:
        fields = named(compare(goal.wanted, found, resend=goal.resend), goal)
        failure = RolloutFailed(f"{failure} What was sent: {', '.join(fields)}.")
    if goal.plan.spec.rollout.on_update_failure is OnUpdateFailure.HOLD:
        return RolloutFailed(
            f"{failure} It was left as it is (rollout.on_update_failure: hold). To go back, run `pulumi up` with the "
            f"spec as it was before."
        )
    try:
        verification, doubt = _restore_one(goal, found, targets, means, before, prove)
    except Cancelled:
        raise
    except HfdeployError as trouble:
        if not isinstance(trouble, AuthError | Inconclusive):
            # Without evidence there is none to write down, and a token that was refused is not used again.
            write_down(goal, means)
        return RolloutFailed(
            f"{failure} Putting the previous configuration back did not succeed either: "
            f"{str(trouble).rstrip('.')}. Look at it with `hfdeploy status` and "
            f"`hfdeploy logs {goal.plan.name}`; `pulumi up --refresh` with the spec as it was before tries again."
        )
    away = _away(means, before)
    give_back(goal, found, means)
    return RolloutFailed(
        f"{failure} The previous configuration was put back and serves again{_told(verification)}{doubt}; {away}"
        f"{_not_restored(goal)}. This configuration is refused "
        f"from now on: change the spec, or raise rollout.attempt (now {goal.plan.spec.rollout.attempt})."
    )


def _begun_anew(goal: Goal, means: Means) -> str:
    """Ask once more for what hangs on its way, and say so: another run would find nothing to send, and only wait.

    What the service gave up on is asked for again by the next run itself.
    """
    if goal.plan.spec.rollout.on_update_failure is OnUpdateFailure.HOLD:
        return ""
    try:
        live = look(goal, means.api)
        if not live.status.state.is_moving or not is_ours(live, goal.owner):
            return ""
        anew = replace(goal, resend=goal.resend | {IMAGE})
        changes = compare(anew.wanted, live, resend=anew.resend)
        put(anew, changes, sealed(changes, anew, live), means, means.clock.now(), before=())
    except Cancelled:
        raise
    except HfdeployError as trouble:
        return f" It hangs, and asking for it once more did not succeed: {str(trouble).rstrip('.')}."
    return " It hung, so it was asked for once more and begins anew."


def _targets(goal: Goal, found: Endpoint, before: frozenset[str] | None) -> list[Body]:
    """What may be put back, the first that serves is: what this run found, and then what was last proved.

    What was found may never have been proved, where a killed or inconclusive run or a person had changed it. Where
    nothing was sent, what was found is what failed; and what the service had given up on is no help to anybody.
    """
    proved = goal.previous_body
    if before is None:
        is_other = proved is not None and (compare(proved, found).items or left_behind(goal.wanted, proved, found))
        return [proved] if proved is not None and is_other else []
    earlier = observed(found)
    if proved is None or not compare(proved, found).is_served:
        return [earlier]
    return [proved] if found.status.state.is_failure else [earlier, proved]


def _restore_one(
    goal: Goal, found: Endpoint, targets: Sequence[Body], means: Means, before: frozenset[str] | None, prove: Prove
) -> tuple[Verification | None, str]:
    """The first of the configurations that there is no evidence against.

    Raises:
        HfdeployError: none of them serves; says why of each.
    """
    troubles: list[str] = []
    for target in targets:
        means.report.show("putting the previous configuration back")
        means.record.restoring(policy="restore", lost_secrets=_lost(goal), digest_refused=goal.digest)
        try:
            verification, doubt = _restore(goal, found, target, means, frozenset() if troubles else before, prove)
        except (RolloutFailed, TimedOut) as trouble:
            troubles.append(str(trouble).rstrip("."))
            continue
        earlier = f" (what was live before this run did not: {troubles[0]})" if troubles else ""
        return verification, f"{doubt}{earlier}"
    raise RolloutFailed(". After that: ".join(troubles))


def _away(means: Means, before: frozenset[str] | None) -> str:
    if before is None:
        return "how long it was away is not known, since a run that did not end had sent the update"
    away = means.record.seconds_since("put")
    means.record.page["away_at_most_s"] = round(away, 1)
    return f"it was away for at most {away:.0f} s, from the update to this answer"


def _restore(
    goal: Goal, found: Endpoint, target: Body, means: Means, before: frozenset[str] | None, prove: Prove
) -> tuple[Verification | None, str]:
    """The restoring PUT, which carries the memory of what failed; then wait and verify, like any rollout.

    What is restored had its deeper proof when it was rolled out, and people wait for it: the plain prompt will do.
    The second value is what could not be made sure of.
    """
    live = look(goal, means.api)
    failed = _failed_replicas(goal, live, means, before)
    # Credentials come back blanked: what was read must never be sent.
    had_credentials = [variant.pop("credentials", None) for variant in target["model"]["image"].values()]
    left = left_behind(goal.wanted, target, live)
    changes = compare(target, live, resend={IMAGE} if any(map(_is_of_engine, left)) else ())
    body = changes.body
    body["tags"] = with_own_tags(target["tags"] or [], with_bad_tag(_own_tags(goal, found, live), goal.digest))
    registered = goal.previous_spec or goal.plan.spec
    has_credentials = add_credentials(body, registered, goal.previous_password)
    is_served = changes.is_served
    means.record.sent([*changes.names, "tags"], body, ())

    def send() -> Endpoint:
        return means.api.update(
            goal.namespace, goal.plan.name, body, is_applied=lambda seen: not compare(target, seen).items
        )

    require_reached(goal, put_until(goal, send, means, latest(goal, means)), means)
    deadline = latest(goal, means)
    means.record.page["replicas"]["before"] = None if failed is None else sorted(failed)
    live = await_start(goal, means, deadline)
    require_as_asked(goal, target, live, means, deadline)
    left = left_behind(goal.wanted, target, live)
    if kept := [name for name in left if _is_of_engine(name)]:
        raise RolloutFailed(f"the service kept {', '.join(kept)} of the configuration that failed")
    if is_served and failed:
        require_new_replicas(goal, failed, means, deadline)
    means.record.served(live)
    spec = _with_plain_proof(goal.previous_spec or goal.plan.spec)
    verification = None if spec.verify.when == "never" else prove(goal, live, spec, means, deadline)
    # What serves is what this run found, or what was proved before a killed one; without a proof the note stays.
    means.journal.clear() if before is None else means.journal.withdraw()
    means.record.page["replicas"]["after"] = listed(goal, means)
    needs_credentials = any(had_credentials) or signs_in(registered, body) is not None
    doubts = [
        _UNSEEN if is_served and failed is None else "",
        _WITHOUT_CREDENTIALS if needs_credentials and IMAGE[1] in body.get("model", {}) and not has_credentials else "",
        f", though {', '.join(left)} stayed as it was sent, since the API takes no answer for it" if left else "",
    ]
    return verification, "".join(doubts)


def _is_of_engine(name: str) -> bool:
    return name.startswith("engine.")


def _own_tags(goal: Goal, found: Endpoint, live: Endpoint) -> list[str]:
    """Ours as they are, or as they were where an update has cleared them; the marks are those of what was sent.

    That it is retained on purpose is remembered once an update of it has succeeded.
    """
    if is_ours(live, goal.owner):
        return with_keep(live.tags, KEEP in found.tags)
    is_sent = SECRETS in goal.resend
    return with_mark(found.tags, "secrets", goal.marks.get("secrets")) if is_sent else list(found.tags)


def _with_plain_proof(spec: EndpointSpec) -> EndpointSpec:
    verify = spec.verify.model_copy(update={"deep": None})
    return spec.model_copy(update={"verify": verify})


def _failed_replicas(goal: Goal, live: Endpoint, means: Means, before: frozenset[str] | None) -> frozenset[str] | None:
    """The replicas of the configuration that failed; those of before it may go on serving and often do.

    After `updateFailed` it has none: what is listed then is what served all along. None where they cannot be listed,
    which keeps nobody from putting back what served.
    """
    if live.status.state is State.UPDATE_FAILED:
        return frozenset()
    try:
        return replicas(goal, means.api) - (before or frozenset())
    except Inconclusive:
        return None


def _told(verification: Verification | None) -> str:
    return " (not verified: verify.when is never)" if verification is None else f" ({verification.sentence})"


def _lost(goal: Goal) -> list[str]:
    """Secrets that were sent with another value than before: the old ones are known to nobody."""
    return sorted(goal.rotated)


def _not_restored(goal: Goal) -> str:
    lost = ", ".join(_lost(goal))
    if not goal.is_takeover:
        return f", except secrets {lost}, whose old values are known to nobody" if lost else ""
    sent = f"secrets {lost} and " if lost else ""
    return f", except {sent}whatever secrets and registry credentials it had, whose values are known to nobody"
