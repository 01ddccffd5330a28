"""From inputs and state to what a rollout is asked for."""

import copy
import hashlib
import json

from hfdeploy.diff import IMAGE, REVISION, SECRETS, Path, dropped_of_image, serves_otherwise
from hfdeploy.errors import UsageError
from hfdeploy.plan import REGISTRY, Plan, registry_of
from hfdeploy.provider import memory
from hfdeploy.provider.outputs import as_declared
from hfdeploy.provider.props import KEEP, Props, spec_fields
from hfdeploy.provider.session import Session
from hfdeploy.provider.unfinished import Note
from hfdeploy.redact import Secret
from hfdeploy.rollout import Goal
from hfdeploy.spec import EndpointSpec, is_commit, parse_spec
from hfdeploy.wire import Body


def make_goal(
    news: Props,
    olds: Props | None,
    plan: Plan,
    values: memory.Values,
    session: Session,
    note: Note,
) -> tuple[Goal, Props]:
    """What to bring live, given what was brought live before (None: nothing of this endpoint yet).

    `note` tells of updates that no run has seen through. An image has parts that no comparison shows.
    The second value is what the state has to remember of the secrets once it is live.
    """
    declared, before = spec_fields(news), as_declared(olds or {})
    namespace, generation = declared["namespace"], news["generation"]
    is_first = olds is None or olds.get("generation") != generation
    is_takeover = is_first and plan.spec.adopt == generation
    known = memory.posted(f"{namespace}/{plan.name}", generation) if is_first else (olds or {}).get("remembered")
    rotated = memory.changed(values, known)
    resend: set[Path] = set()
    if set(rotated) - {REGISTRY}:
        resend.add(SECRETS)
    if REGISTRY in rotated:
        resend.add(IMAGE)
    is_moved = any(before.get(name) != declared.get(name) for name in ("repository", "revision"))
    if is_moved and not is_first:
        resend.add(REVISION)
    previous = None if is_first else _parsed(before)
    previous_body = _previous_body(previous, before, olds or {}, session)
    if previous_body is not None and dropped_of_image(previous_body, plan.body):
        resend.add(IMAGE)
    if previous is not None and "engine" in note.others(generation, declared):
        resend.add(IMAGE)
    if previous is not None and _username(previous) != _username(plan.spec):
        resend.add(IMAGE)
    # The commit that is kept is that of the endpoint in the state; another one was made of what the branch is now.
    wanted = with_commit(plan.body, None if is_moved or is_first else (olds or {}).get("revision"))
    # That the live configuration is the wanted one already is no proof: a killed run may have sent it.
    is_unproved = previous_body is None or serves_otherwise(previous_body, wanted)
    remembered = (olds or {}).get("remembered")
    salted = memory.remember(values, remembered)
    goal = Goal(
        plan=plan,
        namespace=namespace,
        owner=news["owner"],
        logical=news["logical_name"],
        generation=generation,
        wanted=wanted,
        resend=frozenset(resend),
        doubtful=_doubtful(plan) if is_first and not is_takeover and known is None else frozenset(),
        asked_at=note.asked_at(generation, declared),
        revision=plan.spec.revision,
        rotated=tuple(rotated) if is_takeover or not is_first else (),
        secrets=values.container,
        registry_password=values.registry_password,
        digest=_digest(plan),
        marks=memory.marks(salted),
        knows_values=bool((remembered or {}).get("digests")),
        is_takeover=is_takeover,
        previous_spec=previous,
        previous_body=previous_body,
        previous_password=_previous_password(previous, plan.spec, values, session),
        keep=_keep(session.is_retained(f"{namespace}/{plan.name}"), olds or {}),
        # What was taken over served somebody before: a failure is put back, not paused, and a pause is a person's.
        is_first=is_first and not is_takeover,
        prove_anyway=plan.spec.verify.when == "always"
        or previous is None
        or previous.verify != plan.spec.verify
        or is_unproved
        or bool(note.fields(generation)),
        is_unproved=is_unproved,
    )
    return goal, salted


def _doubtful(plan: Plan) -> frozenset[Path]:
    """What another run may have asked for otherwise of an endpoint that it made, with no answer that shows it.

    A commit comes back as it was sent; what a branch or a tag stood for says nothing of which it was.
    """
    return frozenset({IMAGE, SECRETS, *([] if is_commit(plan.spec.revision) else [REVISION])})


def _username(spec: EndpointSpec) -> str | None:
    """Who signs in to the image's registry; comes back blanked, so no comparison shows a change."""
    registry = getattr(spec.engine, "registry", None)
    return registry.username if registry else None


def _previous_password(
    previous: EndpointSpec | None, spec: EndpointSpec, values: memory.Values, session: Session
) -> Secret | None:
    """What signs in to the registry of the image that is put back, as far as it is known.

    The value of its own source, or that of the new spec where it is the same account of the same registry: another
    registry must never be given it.
    """
    registry = getattr(previous and previous.engine, "registry", None)
    if previous is None or registry is None:
        return None
    is_same = _username(spec) == registry.username and _registry(spec) == _registry(previous)
    return session.secret(registry.password) or (values.registry_password if is_same else None)


def _registry(spec: EndpointSpec) -> str:
    return registry_of(str(getattr(spec.engine, "image", None) or ""))


def _keep(is_retained: bool | None, olds: Props) -> bool | None:
    """What was tagged because it was retained loses the tag again; a tag that a person put on stays."""
    return is_retained or (False if is_retained is False and olds.get(KEEP) else None)


def _previous_body(previous: EndpointSpec | None, before: Props, olds: Props, session: Session) -> Body | None:
    if previous is None:
        return None
    try:
        return with_commit(session.plan_for_reading(previous, before["namespace"]).body, olds.get("revision"))
    except UsageError:
        return None


def _digest(plan: Plan) -> str:
    """What a failed configuration is remembered by; `rollout.attempt` and the wanted proof are part of it.

    Not the values of secrets: the marks beside it on the endpoint tell those.
    """
    whole = {"body": plan.body, "spec": plan.spec.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:12]


def _parsed(declared: Props) -> EndpointSpec | None:
    try:
        return parse_spec(declared)
    except UsageError:
        return None


def with_commit(body: Body, kept: str | None) -> Body:
    """The wanted body with the commit that a branch, or nothing, was resolved to when the endpoint was made.

    Without such a commit a branch compares with nothing: whatever the service resolved it to is what was asked for.
    """
    wanted = copy.deepcopy(body)
    if not is_commit(wanted["model"].get("revision")):
        wanted["model"]["revision"] = kept
    return wanted
