"""What a rollout has to do to an endpoint as it was found: a value, so that a plan can say it before it is done."""

from dataclasses import dataclass, replace

from hfdeploy.diff import IMAGE, SECRETS, Changes, compare
from hfdeploy.owner import bad_tag, marks_of
from hfdeploy.plan import REGISTRY
from hfdeploy.rollout.goal import Goal
from hfdeploy.rollout.request import with_doubts, with_values_seen
from hfdeploy.wire import Endpoint, State


@dataclass(frozen=True, slots=True)
class Work:
    """What differs and what follows from that."""

    goal: Goal
    """As asked for, and by what the endpoint says of its secret values."""

    found: Endpoint
    changes: Changes

    @property
    def is_sent(self) -> bool:
        """Whether an update has to go out."""
        return bool(self.changes.body) or SECRETS in self.goal.resend

    @property
    def replaces(self) -> bool:
        """Whether what answers is replaced by it."""
        return self.changes.is_served or bool({SECRETS, IMAGE} & self.goal.resend)

    @property
    def is_known_bad(self) -> bool:
        """Whether this configuration, with these values, failed before and was put back; it is not sent again."""
        return self.is_sent and bad_tag(self.goal.digest) in self.found.tags and not self._has_untried_values

    @property
    def _has_untried_values(self) -> bool:
        """Whether secrets go out that it was not tried with; nobody can tell where no state knows them."""
        goal = self.goal
        if not goal.knows_values:
            return False
        is_new_password = REGISTRY in goal.rotated and marks_of(self.found.tags).get("registry") != goal.marks.get(
            "registry"
        )
        return is_new_password or SECRETS in goal.resend

    @property
    def was_given_up(self) -> bool:
        """Whether the service gave up on exactly this configuration, which was never proved: evidence against it."""
        return self.found.status.state.is_failure and not self.is_sent

    @property
    def is_proof_due(self) -> bool:
        """Whether the prompt has to be streamed at the end, which wakes an endpoint that sleeps."""
        is_new = self.goal.is_first or self.replaces or self.goal.prove_anyway
        return is_new and self.goal.plan.spec.verify.when != "never"


def work_on(goal: Goal, found: Endpoint) -> Work:
    """Compare what is wanted with what was found. Sends nothing."""
    goal = with_values_seen(with_doubts(goal, found), found)
    changes = compare(goal.wanted, found, resend=goal.resend)
    if not changes.items and found.status.state.is_failure and goal.is_return:
        # All is as asked for and the service gave up on it all the same: asked for once more, it begins anew.
        goal = replace(goal, resend=goal.resend | {IMAGE})
        changes = compare(goal.wanted, found, resend=goal.resend)
    return Work(goal, found, changes)


def told_known_bad(work: Work) -> str:
    """Why it is not sent: a pipeline that retries every ten minutes must not break production every ten minutes."""
    goal, state = work.goal, work.found.status.state
    serves = state in {State.RUNNING, State.SCALED_TO_ZERO, State.PAUSED}
    now = "" if serves else f" But what was put back is {state}: run `pulumi up` with the spec as it was."
    return (
        f"{goal.place}: this configuration failed before and was put back, so it was not sent again. Change the spec, "
        f"or raise rollout.attempt (now {goal.plan.spec.rollout.attempt}) to try it once more.{now}"
    )
