"""What is sent: the differences, with the secret values that belong to the fields among them."""

import copy
from collections.abc import Callable, Collection
from dataclasses import replace

from hfdeploy.client import Api
from hfdeploy.diff import IMAGE, REVISION, SECRETS, Changes, compare, left_behind
from hfdeploy.errors import (
    ApiError,
    AuthError,
    Cancelled,
    CapacityMissing,
    HfdeployError,
    NotFound,
    OwnershipError,
    QuotaExceeded,
    UnclearOutcome,
)
from hfdeploy.owner import (
    KEEP,
    is_ours,
    logical_name_of,
    marks_of,
    own_tags,
    with_keep,
    with_mark,
)
from hfdeploy.plan import registry_of
from hfdeploy.redact import Secret
from hfdeploy.rollout.failure import look, pause_again, pause_line
from hfdeploy.rollout.goal import Goal, Means
from hfdeploy.spec import CustomEngine, EndpointSpec, Registry
from hfdeploy.wire import Body, Endpoint, State

_CARRIERS = {"secrets": SECRETS, "registry": IMAGE}
"""What is sent to send the values."""

_ASK_AGAIN_S = 15.0
"""Seconds between two tries of a PUT that was refused for want of quota or hardware."""


def named(changes: Changes, goal: Goal) -> list[str]:
    return [*changes.names, *(["secrets"] if SECRETS in goal.resend else [])]


def sealed(changes: Changes, goal: Goal, live: Endpoint) -> Body:
    """The PUT's body with the secret values that belong to the fields in it, and always the tags.

    Whether tags survive an update that does not name them is not documented, and without the owner's nobody may change
    or delete the endpoint any more. A PUT for tags of ours alone is never sent.
    """
    body = copy.deepcopy(changes.body)
    if REVISION in goal.resend:
        body["model"]["revision"] = goal.revision
    if SECRETS in goal.resend:
        body.setdefault("model", {})["secrets"] = {name: value.reveal() for name, value in goal.secrets.items()}
    has_credentials = add_credentials(body, goal.plan.spec, goal.registry_password)
    if body:
        tags = body.get("tags", list(live.tags))
        tags = tags if goal.keep is None else with_keep(tags, goal.keep)
        if SECRETS in goal.resend:
            tags = with_mark(tags, "secrets", goal.marks.get("secrets"))
        if has_credentials and IMAGE in goal.resend:
            tags = with_mark(tags, "registry", goal.marks.get("registry"))
        body["tags"] = tags
    return body


def with_doubts(goal: Goal, found: Endpoint) -> Goal:
    """The goal of a first rollout that another run began: what no answer shows is sent, unless it is there for certain.

    Also where the service gave up on it, which it does not take back by itself.
    """
    at = found.status.updated_at
    # Whole seconds could be shared with somebody else's change.
    is_certain = "." in at and at == goal.asked_at and not found.status.state.is_failure
    return goal if is_certain else replace(goal, resend=goal.resend | goal.doubtful)


def with_values_seen(goal: Goal, found: Endpoint) -> Goal:
    """The goal by what the endpoint says of its secret values: sent unless they are these, and not sent twice.

    A run that failed or was killed may have sent others than the state remembers, or these already.
    """
    for kind, seen in marks_of(found.tags).items():
        wanted = goal.marks.get(kind)
        if wanted is not None and seen != wanted:
            goal = replace(goal, resend=goal.resend | {_CARRIERS[kind]})
        elif wanted is not None and kind == "secrets" and SECRETS in goal.resend:
            goal = replace(goal, resend=goal.resend - {SECRETS}, prove_anyway=True, is_unproved=True)
    return goal


def add_credentials(body: Body, spec: EndpointSpec, password: Secret | None) -> bool:
    """Put the registry's credentials into a custom image that is being sent, which is one value, always whole.

    Tells whether there was one. What is put back may be somebody's image of another registry, which gets none of them.
    """
    registry = signs_in(spec, body)
    if registry is not None and password is not None:
        variant = body["model"]["image"]["custom"]
        credentials = {"username": registry.username, "password": password.reveal()}
        # A new value: the one in the body may be part of what is compared and shown later.
        body["model"]["image"] = {"custom": {**variant, "credentials": credentials}}
        return True
    return False


def signs_in(spec: EndpointSpec, body: Body) -> Registry | None:
    """How a spec signs in to the registry of the image in a body; None where that is another one, or no image is."""
    variant = body.get("model", {}).get("image", {}).get("custom")
    if variant is None or not isinstance(spec.engine, CustomEngine):
        return None
    is_its_own = registry_of(str(variant.get("url"))) == registry_of(spec.engine.image)
    return spec.engine.registry if is_its_own else None


def put(
    goal: Goal, changes: Changes, body: Body, means: Means, deadline: float, *, before: Collection[str]
) -> Endpoint:
    """Send the update, with a note of it, and of the replicas of `before`, for whoever comes after a killed run."""
    update = _Update(goal, body, means)
    means.journal.open(tuple(dict.fromkeys(name.partition(".")[0] for name in named(changes, goal))), sorted(before))
    try:
        live = put_until(goal, update.send, means, deadline)
    except HfdeployError as error:
        if isinstance(error, ApiError | AuthError | OwnershipError):
            means.journal.withdraw()
        raise update.told(error) from None
    require_reached(goal, live, means)
    _require_tags(goal, body, live, means)
    if not compare(goal.wanted, live).items:
        means.journal.answer(live)
    for name in left_behind(goal.previous_body, goal.wanted, live) if goal.previous_body else ():
        means.report.warn(
            f"{name} is no longer in the spec of {goal.place} and stays there as it was: the API takes no answer for "
            f"it but another value. Write the one that is wanted."
        )
    return live


def require_reached(goal: Goal, reached: Endpoint, means: Means) -> None:
    """Let go of an endpoint that took the name between the look and the update, which the API cannot make one step.

    Raises:
        OwnershipError: the update reached another endpoint than the one in the state.
    """
    if reached.generation != goal.generation:
        raise OwnershipError(f"{goal.place}: {let_go(means.api, goal.namespace, reached, goal.owner)}")


def let_go(api: Api, namespace: str, reached: Endpoint, owner: str) -> str:
    """Take this stack's tags off an endpoint that is not its own, and say so in a sentence.

    An update named them, and by them a later run would take it for ours, and delete it. Other stacks' tags stay.
    """
    told = (
        f"it was deleted and created anew at {reached.generation} by "
        f"{reached.status.created_by.name or 'somebody unknown'} meanwhile, so the update reached an endpoint that is "
        f"not this stack's; its owner should look at it."
    )
    if not is_ours(reached, owner):
        return told
    ours = {*own_tags(owner, logical_name_of(reached.tags) or ""), KEEP}
    theirs = [tag for tag in reached.tags if tag not in ours]
    try:
        api.update(namespace, reached.name, {"tags": theirs}, is_applied=lambda seen: not is_ours(seen, owner))
    except Cancelled:
        raise
    except HfdeployError as trouble:
        return f"{told} This stack's tags could not be taken off it, which has to be done by hand: {trouble}"
    return f"{told} This stack's tags were taken off it again."


def _require_tags(goal: Goal, body: Body, live: Endpoint, means: Means) -> None:
    """Read the tags back: without the owner's, the endpoint can never be changed or deleted by us."""
    lost = sorted(set(body.get("tags", ())) - set(live.tags))
    if not is_ours(live, goal.owner):
        means.report.warn(
            f"the service did not keep the owner tag on {goal.place}: hfdeploy will neither change nor delete it "
            f"without"
        )
    elif lost:
        means.report.warn(f"the service did not keep {', '.join(lost)} on {goal.place}")


def put_until(goal: Goal, send: Callable[[], Endpoint], means: Means, deadline: float) -> Endpoint:
    """Missing quota or hardware is no fault of the configuration: asked again until the deadline.

    After each pause the endpoint is looked at first: the name may be somebody else's by then, and the update holds our
    secrets.

    Raises:
        OwnershipError: it is a later one of that name, which was sent nothing.
        QuotaExceeded, CapacityMissing: still refused at the deadline.
    """
    while True:
        try:
            return send()
        except (QuotaExceeded, CapacityMissing) as refusal:
            if means.clock.now() + _ASK_AGAIN_S > deadline:
                raise
            means.report.show(f"asking again: {refusal}")
            means.clock.sleep(_ASK_AGAIN_S)
        look(goal, means.api)


class _Update:
    """One update on its way, and what has to be said of an endpoint that was resumed for it."""

    def __init__(self, goal: Goal, body: Body, means: Means) -> None:
        self._goal, self._body, self._means = goal, body, means
        self._bills = ""
        """A sentence for as long as it may run because of this update, over all its repetitions."""

    def send(self) -> Endpoint:
        """Once; where it is paused and refuses, it is resumed, and paused again where it refuses all the same.

        A pause that failed is tried again after the next refusal.
        """
        try:
            return self._sent_or_resumed()
        except ApiError as refusal:
            if not self._bills:
                raise
            may_run, told = pause_again(self._goal, self._means)
            self._bills = told if may_run else ""
            raise refusal.told_with(told) from None

    def told(self, error: HfdeployError) -> HfdeployError:
        """What ends the update, in its own class, with what may bill because of it: nothing where that is gone."""
        if self._bills in str(error) or isinstance(error, NotFound | OwnershipError):
            return error
        if isinstance(error, ApiError):
            return error.told_with(self._bills)
        return type(error)(f"{str(error).rstrip('.')}. {self._bills}")

    def _sent_or_resumed(self) -> Endpoint:
        goal, api = self._goal, self._means.api
        try:
            return self._sent()
        except (QuotaExceeded, CapacityMissing):
            raise
        except ApiError as refusal:
            live = look(goal, api)
            if live.status.state is not State.PAUSED or refusal.status not in {400, 409} or not goal.is_first:
                raise
        # Whether a paused endpoint takes an update is not documented; a running one does.
        try:
            api.resume(goal.namespace, goal.plan.name)
        except (UnclearOutcome, Cancelled):
            self._bills = f"It may have been resumed for this update and may bill. {pause_line(goal)}"
            raise
        self._bills = f"It had been resumed for this update and may bill. {pause_line(goal)}"
        return self._sent()

    def _sent(self) -> Endpoint:
        goal = self._goal
        return self._means.api.update(
            goal.namespace,
            goal.plan.name,
            self._body,
            is_applied=lambda live: not compare(goal.wanted, live).items and not goal.resend,
        )
