"""Existence: look, POST, return at once; delete what is ours."""

import json
from typing import Any

from pydantic.alias_generators import to_snake

from hfdeploy.diff import REPLACES, is_same_link
from hfdeploy.errors import ApiError, HfdeployError, Inconclusive, OwnershipError, QuotaExceeded, Unreachable
from hfdeploy.owner import adopted_tags, is_ours, own_tags, require_ours, why_not_delete, with_keep
from hfdeploy.plan import Plan
from hfdeploy.provider.guard import require_few_unlisted
from hfdeploy.provider.host import Row
from hfdeploy.provider.memory import Values, note_posted, require_values
from hfdeploy.provider.props import KEEP, Props, spec_fields
from hfdeploy.provider.refusal import told_with_alternatives
from hfdeploy.provider.session import Session
from hfdeploy.provider.unfinished import Note
from hfdeploy.rollout import add_credentials, let_go
from hfdeploy.spec import parse_spec
from hfdeploy.wait import poll
from hfdeploy.wire import Body, Endpoint

_ROUNDS = 5
_CONFLICT = 409
_GONE_S = 120.0
"""How long a deleted endpoint is waited for. Nobody knows how long the service shows one; an assumption."""


def note_retention(news: Props, session: Session) -> None:
    """Remember for the endpoint's configuration, which is registered later, whether it is retained on purpose."""
    session.note_retention(f"{news.get('namespace')}/{news.get('name')}", is_kept=bool(news.get(KEEP)))


def ensure(props: Props, session: Session, row: Row) -> Props:
    """Make the endpoint exist as ours, and return its outputs at once.

    Pulumi forgets a resource whose create() raises, and a forgotten endpoint keeps billing. So nothing here may fail
    after the request was accepted; waiting and verifying belong to the endpoint's configuration.

    Raises:
        OwnershipError: a namesake that is not this stack's; nothing was sent.
        UsageError: secrets without a value; nothing was sent.
    """
    declared = spec_fields(props)
    spec = parse_spec(declared)
    namespace, owner, logical = declared["namespace"], props["owner"], props["logical_name"]
    plan = session.plan(spec, namespace)
    values = require_values(plan, session)
    body = _creation(plan, owner, logical, values)
    body["tags"] = with_keep(body["tags"], bool(props.get(KEEP)))
    if spec.adopt:
        tags = with_keep(own_tags(owner, logical), bool(props.get(KEEP)))
        _adopt(namespace, plan, tags, owner=owner, session=session, row=row)
    with told_with_alternatives(plan, namespace, session):
        live, was_made = _look_or_post(namespace, plan.name, body, owner=owner, logical=logical, session=session)
    if was_made:
        note_posted(f"{namespace}/{plan.name}", live.generation, values)
        Note(row.stack, plan.name, session.program).make(declared, live)
    else:
        row.note(f"continuing with {namespace}/{plan.name}, which this stack made at {live.generation}")
    if not is_ours(live, owner):
        row.warn(
            f"the service did not keep the owner tag on {namespace}/{plan.name}: "
            f"hfdeploy will neither adopt nor delete it without"
        )
    return outputs(declared, live, owner=owner, logical=logical)


def outputs(declared: Props, live: Endpoint, *, owner: str, logical: str) -> Props:
    """What the state keeps of an endpoint's existence: all that reading and deleting need, and no more."""
    kept = {key: declared[key] for key in REPLACES if key in declared}
    return kept | {"generation": live.generation, "owner": owner, "logical_name": logical}


def _creation(plan: Plan, owner: str, logical: str, values: Values) -> Body:
    body: Body = {**plan.body, "model": {**plan.body["model"]}}
    body["tags"] = [*own_tags(owner, logical), *plan.body["tags"]]
    if values.container:
        body["model"]["secrets"] = {name: value.reveal() for name, value in values.container.items()}
    add_credentials(body, plan.spec, values.registry_password)
    return body


def _adopt(namespace: str, plan: Plan, own: list[str], *, owner: str, session: Session, row: Row) -> None:
    """Put our tags on the namesake that was created at the time the spec names; any other is left as it is.

    The tags go first and alone, so that a run which is killed after it continues with its own endpoint.

    Raises:
        OwnershipError: it runs where the spec does not say or is reached otherwise, or did not take the tags.
    """
    spec = plan.spec
    found = session.api.find(namespace, spec.name)
    if found is None:
        row.warn(f"{namespace}/{spec.name} does not exist, so there is nothing to adopt and it is made anew")
        return
    if is_ours(found, owner) or found.generation != spec.adopt:
        return
    place, where = f"{namespace}/{spec.name}", found.provider
    if (where.vendor, where.region) != (spec.cloud, spec.region):
        raise OwnershipError(
            f"{place} was not adopted: it runs on {where.vendor} in {where.region}, and an endpoint cannot move. Set "
            f"cloud and region to these."
        )
    asked, link = plan.body.get("privateService"), found.private_service
    if not is_same_link(asked, link):
        raise OwnershipError(
            f"{place} was not adopted: it is {_linked(link)}, the spec wants it {_linked(asked)}, and no endpoint can "
            f"be given another. {'Set private_service to this' if link else 'Take private_service out'}."
        )
    tags = adopted_tags(own, found.tags)
    session.api.update(namespace, spec.name, {"tags": tags}, is_applied=lambda live: is_ours(live, owner))
    found = session.api.find(namespace, spec.name)
    if found is not None and found.generation != spec.adopt and is_ours(found, owner):
        raise OwnershipError(f"{place} was not adopted: {let_go(session.api, namespace, found, owner)}")
    if found is None or found.generation != spec.adopt or not is_ours(found, owner):
        raise OwnershipError(f"{place} was not adopted: the service did not keep this stack's tags on it.")
    row.note(
        f"took over {place}, which {found.status.created_by.name or 'somebody'} created at {found.generation}; leave "
        f"`adopt` in the spec until a run has succeeded"
    )


def _find(namespace: str, name: str, session: Session) -> Endpoint | None:
    """What has the name, but for an endpoint that this run deleted: the service may show that one for a while.

    Raises:
        Inconclusive: it is still there.
    """
    place = f"{namespace}/{name}"

    def found() -> tuple[Endpoint | None] | None:
        live = session.api.find(namespace, name)
        is_going = live is not None and session.was_deleted(place, live.generation)
        return None if is_going else (live,)

    answer = poll(found, deadline=session.clock.now() + _GONE_S, clock=session.clock)
    if answer is None:
        raise Inconclusive(
            f"{place} was deleted and is still there after {_GONE_S:.0f} s, so no new one was made. Run this again."
        )
    return answer[0]


def _look_or_post(
    namespace: str, name: str, body: Body, *, owner: str, logical: str, session: Session
) -> tuple[Endpoint, bool]:
    """Look, then POST; whatever is unclear about a POST is settled by looking again, never by a second blind POST.

    The flag tells whether this run made the endpoint (or cannot rule out that it did, in which case False is safe).
    """
    api, trouble = session.api, "nothing yet"
    for number in range(_ROUNDS):
        found = _find(namespace, name, session)
        if found is not None:
            require_ours(found, namespace=namespace, owner=owner, logical=logical)
            _require_same_place(found, body, namespace)
            return found, False
        try:
            return api.create(namespace, body), True
        except QuotaExceeded:
            raise
        except ApiError as refused:
            if refused.status != _CONFLICT:
                raise
            # Taken, and nobody has it: the name of a deleted endpoint is free only after a while.
            trouble = str(refused)
            if number + 1 < _ROUNDS:
                session.clock.sleep(2.0**number)
        except Unreachable as unclear:
            trouble = str(unclear)
    raise Inconclusive(
        f"{namespace}/{name} could not be created in {_ROUNDS} rounds of looking and asking; "
        f"the last one said: {trouble}"
    )


def _require_same_place(found: Endpoint, body: Body, namespace: str) -> None:
    """Refuse to continue with what a replacement was to delete: it is ours, and is where it must not be any more."""
    asked, where = body["provider"], found.provider
    if (where.vendor, where.region) != (asked["vendor"], asked["region"]):
        raise OwnershipError(
            f"{namespace}/{found.name} is still there on {where.vendor} in {where.region}, although it was to be "
            f"deleted, and the spec wants it on {asked['vendor']} in {asked['region']}. Look at it with `hfdeploy "
            f"orphans`, remove it with `hfdeploy orphans --delete {namespace}/{found.name}`, and run this again."
        )
    link, wanted = found.private_service, body.get("privateService")
    if not is_same_link(wanted, link):
        raise OwnershipError(
            f"{namespace}/{found.name} is there already {_linked(link)}, the spec wants it {_linked(wanted)}, and no "
            f"endpoint can be given another. Take the change back; or, for a new endpoint, remove this one with "
            f"`hfdeploy orphans --delete {namespace}/{found.name}` (by hand where it is retained) and run this again."
        )


def _linked(service: Body | None) -> str:
    told = {to_snake(key): value for key, value in (service or {}).items()}
    return f"with private_service {json.dumps(told)}" if told else "without private_service"


def read(props: Props, session: Session) -> Props | None:
    """The outputs as they are, or None when the endpoint in the state no longer exists.

    A namesake that was created later is not the endpoint in the state: that one is gone.
    """
    return props if session.find_same(props["namespace"], props["name"], props["generation"]) else None


def remove(props: dict[str, Any], session: Session, row: Row) -> None:
    """Delete the endpoint that this state made, and nothing else. Parses nothing but these four properties.

    Raises:
        OwnershipError: the endpoint of that name is not the one in the state; it was left as it is.
    """
    namespace, name = props["namespace"], props["name"]
    live = session.api.find(namespace, name)
    if live is None:
        return
    reason = why_not_delete(live, owner=props["owner"], generation=props["generation"])
    if reason and live.generation != props["generation"]:
        left = f"{namespace}/{name} is gone already and was left: {reason}"
        if is_ours(live, props["owner"]):
            row.warn(f"{left}. It has this stack's tag: where no state has it, `hfdeploy orphans` names it")
        else:
            row.note(left)
        return
    if reason:
        raise OwnershipError(
            f"{namespace}/{name} was not deleted: {reason}. Put the tag back, or delete it by hand and run "
            f"`pulumi refresh`."
        )
    require_few_unlisted(namespace, name, session)
    try:
        session.api.delete(namespace, name, is_same=lambda seen: seen.generation == live.generation)
        session.note_deleted(f"{namespace}/{name}", live.generation)
    except ApiError as error:
        raise HfdeployError(f"{namespace}/{name} could not be deleted and may bill: {error}") from None
