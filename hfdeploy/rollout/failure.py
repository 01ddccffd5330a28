"""What is said and done about a rollout that failed."""

from hfdeploy.client import Api
from hfdeploy.errors import Cancelled, HfdeployError, Inconclusive, NotFound, OwnershipError
from hfdeploy.rollout.causes import likely_causes
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.rollout.record import last_lines
from hfdeploy.spec import OnCreateFailure
from hfdeploy.wire import Endpoint, State

_RESUMED = "It had been resumed for this update"


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


def look(goal: Goal, api: Api) -> Endpoint:
    """The endpoint as it is now.

    Raises:
        OwnershipError: it is a later one of that name.
    """
    return require_same(goal, api.get(goal.namespace, goal.plan.name))


def evidence(goal: Goal, endpoint: Endpoint, means: Means) -> str:
    """What the service and the container said, in one or two sentences; never blank. All of it is written down."""
    status = endpoint.status
    lines = last_lines(goal, means.api)
    means.record.fail(endpoint, lines)
    said = status.error_message or status.message or "The service gave no reason"
    return f"{said.rstrip('.')}. {_last_words(goal, lines)} {likely_causes(status.state, lines or ())}"


def _last_words(goal: Goal, lines: list[str] | None) -> str:
    if lines is None:
        return "Its log could not be read."
    said = [line.strip() for line in lines if line.strip()]
    if not said:
        return "Its log is empty."
    return f"Last log line: {said[-1][:200]} (`hfdeploy logs {goal.plan.name}` shows more)."


def write_down(goal: Goal, means: Means) -> None:
    """Keep what the service and the container say of a failure, before anything is changed because of it.

    Most failures were written down where they were seen; one that an answer showed is written down here.
    """
    if means.record.page["failure"] is None:
        try:
            live = look(goal, means.api)
        except Cancelled:
            raise
        except HfdeployError:
            # An endpoint that cannot be looked at must not keep what serves from being put back.
            means.record.keep()
            return
        means.record.fail(live, last_lines(goal, means.api))
    means.record.keep()


def pause_again(goal: Goal, means: Means) -> tuple[bool, str]:
    """Pause what failed and was resumed for an update that was refused all the same.

    Whether it may still run and bill, and a sentence that says how it went. An endpoint that took the name since is not
    paused.
    """
    means.report.show("pausing again what was resumed for the update")
    try:
        look(goal, means.api)
        live = means.api.pause(goal.namespace, goal.plan.name)
    except Cancelled:
        raise
    except (NotFound, OwnershipError) as gone:
        return False, f"{_RESUMED} and is gone, so nothing was paused: {gone}"
    except HfdeployError as trouble:
        why = str(trouble).rstrip(".")
        return True, f"{_RESUMED}, could not be paused again and may bill: {why}. {pause_line(goal)}"
    if live.status.state is not State.PAUSED:
        says = f"says {live.status.state} when asked to pause again"
        return True, f"{_RESUMED}, {says}, and may bill. {pause_line(goal)}"
    return False, f"{_RESUMED}, was paused again and does not bill."


def pause_line(goal: Goal) -> str:
    """What a person types where it could not be done."""
    return f"`hf endpoints pause {goal.plan.name} --namespace {goal.namespace}` pauses it."


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
        look(goal, api)
        if policy is OnCreateFailure.DELETE and not isinstance(failure, Inconclusive):
            report.show("deleting what never served")
            api.delete(goal.namespace, name, is_same=lambda seen: seen.generation == goal.generation)
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
