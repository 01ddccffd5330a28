"""What a rollout has to do to an endpoint as it was found: a value, so that a plan can say it before it is done."""

from dataclasses import dataclass, replace

from hfdeploy.diff import IMAGE, SECRETS, Changes, compare
from hfdeploy.rollout.goal import Goal
from hfdeploy.rollout.request import with_values_seen
from hfdeploy.wire import Endpoint


@dataclass(frozen=True, slots=True)
class Work:
    """What differs and what follows from that."""

    goal: Goal
    """As asked for, and by what the endpoint says of its secret values."""

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
    def is_proof_due(self) -> bool:
        """Whether the prompt has to be streamed at the end, which wakes an endpoint that sleeps."""
        is_new = self.goal.is_first or self.replaces or self.goal.prove_anyway
        return is_new and self.goal.plan.spec.verify.when != "never"


def work_on(goal: Goal, found: Endpoint) -> Work:
    """Compare what is wanted with what was found. Sends nothing."""
    goal = with_values_seen(goal, found)
    changes = compare(goal.wanted, found, resend=goal.resend)
    if not changes.items and found.status.state.is_failure and goal.is_return:
        # All is as asked for and the service gave up on it all the same: asked for once more, it begins anew.
        goal = replace(goal, resend=goal.resend | {IMAGE})
        changes = compare(goal.wanted, found, resend=goal.resend)
    return Work(goal, changes)
