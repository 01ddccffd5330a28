"""What is sent: the differences, with the secret values that belong to the fields among them."""

import copy

from hfdeploy.client import Api
from hfdeploy.diff import REVISION, SECRETS, Changes, compare
from hfdeploy.errors import ApiError, CapacityMissing, QuotaExceeded
from hfdeploy.owner import is_ours, with_own_tags
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.wire import Body, Endpoint, State

_ASK_AGAIN_S = 15.0
"""Seconds between two tries of a PUT that was refused for want of quota or hardware."""


def named(changes: Changes, goal: Goal) -> list[str]:
    return [*changes.names, *(["secrets"] if SECRETS in goal.resend else [])]


def sealed(changes: Changes, goal: Goal) -> Body:
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
        credentials = {"username": registry.username, "password": goal.registry_password.reveal()}
        # A new value: the one in the body may be part of what is compared and shown later.
        body["model"]["image"] = {"custom": {**variant, "credentials": credentials}}


def put(goal: Goal, found: Endpoint, body: Body, means: Means, deadline: float) -> Endpoint:
    """Send the update. Missing quota or hardware is no fault of the configuration: asked again until the deadline."""
    while True:
        try:
            return keep_tags(goal, _put_once(goal, body, means), found, means.api)
        except (QuotaExceeded, CapacityMissing) as refusal:
            if means.clock.now() + _ASK_AGAIN_S > deadline:
                raise
            means.report.show(f"asking again: {refusal}")
            means.clock.sleep(_ASK_AGAIN_S)


def keep_tags(goal: Goal, live: Endpoint, found: Endpoint, api: Api) -> Endpoint:
    """Put the tags back where the service took an update without them for one that clears them.

    Without the owner tag nothing of this stack may touch the endpoint any more. That a PUT merges is documented for
    other fields; for tags nobody has tried.
    """
    if is_ours(live, goal.owner) or live.generation != goal.generation:
        return live
    tags = with_own_tags(goal.wanted.get("tags") or [], found.tags)
    try:
        return api.update(
            goal.namespace, goal.plan.name, {"tags": tags}, is_applied=lambda seen: is_ours(seen, goal.owner)
        )
    except ApiError as refusal:
        if refusal.status not in {400, 409} or not live.status.state.is_moving:
            raise
        # Whether an endpoint that is being updated takes another update is not documented; one that runs does.
        return live


def _put_once(goal: Goal, body: Body, means: Means) -> Endpoint:
    api, name = means.api, goal.plan.name

    def is_applied(live: Endpoint) -> bool:
        return not compare(goal.wanted, live).items and not goal.resend

    try:
        return api.update(goal.namespace, name, body, is_applied=is_applied)
    except (QuotaExceeded, CapacityMissing):
        raise
    except ApiError as refusal:
        live = api.get(goal.namespace, name)
        if live.status.state is not State.PAUSED or refusal.status not in {400, 409} or not goal.is_first:
            raise
        # Whether a paused endpoint takes an update is not documented; a running one does.
        api.resume(goal.namespace, name)
        return api.update(goal.namespace, name, body, is_applied=is_applied)
