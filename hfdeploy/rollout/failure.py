"""What is said and done about a rollout that failed."""

from hfdeploy.client import Api
from hfdeploy.errors import HfdeployError, Inconclusive, OwnershipError
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.spec import OnCreateFailure
from hfdeploy.wire import Endpoint, State

_LOG_LINES = 50


def require_same(goal: Goal, live: Endpoint) -> Endpoint:
    """The endpoint, if it is still the one that the state made: a rollout takes minutes, and names can be taken.

    Raises:
        OwnershipError: it is a later one of that name, which is left as it is.
    """
    if live.generation == goal.generation:
        return live
    raise OwnershipError(
        f"{goal.place} is not the endpoint that this stack made: that one was created at {goal.generation}, this one "
        f"at {live.generation} by {live.status.created_by.name or 'somebody unknown'}. It was left as it is; "
        f"`pulumi refresh` shows what is left."
    )


def evidence(goal: Goal, endpoint: Endpoint, *, api: Api) -> str:
    """What the service and the container said, in one or two sentences; never blank."""
    status = endpoint.status
    said = status.error_message or status.message or "The service gave no reason"
    return f"{said.rstrip('.')}. {_last_words(goal, api)}"


def _last_words(goal: Goal, api: Api) -> str:
    try:
        lines = [line.strip() for line in api.logs(goal.namespace, goal.plan.name, tail=_LOG_LINES) if line.strip()]
    except HfdeployError:
        return "Its log could not be read."
    if not lines:
        return "Its log is empty."
    return f"Last log line: {lines[-1][:200]} (`hfdeploy logs {goal.plan.name}` shows more)."


def end_first_rollout(goal: Goal, failure: HfdeployError, means: Means) -> HfdeployError:
    """Follow `rollout.on_create_failure` and say so in the failure's own class.

    Initialising and failed replicas may bill, hence the default `pause`. No evidence (no hardware came) never
    deletes anything: such an endpoint is paused unless the policy is `keep`.
    """
    policy = goal.plan.spec.rollout.on_create_failure
    if policy is OnCreateFailure.KEEP:
        return type(failure)(f"{failure} It was kept as it is (rollout.on_create_failure: keep) and may bill.")
    name, api, report = goal.plan.name, means.api, means.report
    try:
        require_same(goal, api.get(goal.namespace, name))
        if policy is OnCreateFailure.DELETE and not isinstance(failure, Inconclusive):
            report.show("deleting what never served")
            api.delete(goal.namespace, name)
            return type(failure)(f"{failure} It was deleted (rollout.on_create_failure: delete).")
        report.show("pausing what never served")
        paused = api.pause(goal.namespace, name)
    except HfdeployError as trouble:
        return type(failure)(f"{failure} It could not be stopped either and may bill: {trouble}")
    if paused.status.state is not State.PAUSED:
        return type(failure)(f"{failure} Asked to pause, it says {paused.status.state} and may bill.")
    return type(failure)(
        f"{failure} It was paused and does not bill (rollout.on_create_failure: pause); the next run resumes it."
    )
