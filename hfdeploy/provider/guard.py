"""The stack's guard: who belongs to the stack, how many of them one run may lose, and what is left at the end.

The guard is made first and removed last. So its check is the one place that stops a run before anything is touched,
and its delete the one that sees what a finished `destroy` left alive.
"""

from typing import Any

from hfdeploy.errors import BlockingFinding, Inconclusive, OwnershipError, UsageError
from hfdeploy.orphans import Orphan, find_tagged, sweep
from hfdeploy.owner import is_owner_id
from hfdeploy.provider.host import Row
from hfdeploy.provider.members import is_listed, is_same_name, losses, named, namespaces_of
from hfdeploy.provider.props import Props, has_unknown, plain
from hfdeploy.provider.session import Roll, Session
from hfdeploy.wait import poll

_INPUTS = ("members", "retained")


def inputs_of(props: Props) -> Props:
    """The declared inputs: `members`, and `retained`, those of them that outlive their resource on purpose."""
    return {key: plain(props[key]) for key in _INPUTS if props.get(key) is not None}


def require_few_losses(olds: Props, news: Props, session: Session) -> None:
    """Refuse a run that would remove or replace many endpoints at once: a wrong glob, a half-read repository.

    Raises:
        BlockingFinding: more than `hfdeploy:maxRemovals`, and this run was not told so.
    """
    before, after = _texts(olds, "members"), news.get("members")
    session.note_roll(Roll(before, 0))
    if not before or after is None or has_unknown(after):
        return
    # A retained endpoint goes on running without its resource.
    at_stake = [one for one in before if one not in _texts(olds, "retained")]
    found = losses(at_stake, _texts(news, "members"))
    most = session.safeguards.most_removals(len(before))
    if found.count > most:
        raise BlockingFinding(
            f"This run would {found}, out of {len(before)} of this stack, and hfdeploy:maxRemovals lets it lose "
            f"{most}. Nothing was touched. Are all specs where hfdeploy:specs looks for them? If this is meant, say "
            f"so for one run: HFDEPLOY_ALLOW_REMOVALS={found.count} before the command."
        )
    session.note_roll(Roll(before, found.count))


def require_few_unlisted(namespace: str, name: str, session: Session) -> None:
    """The second line, at the moment of deleting: for endpoints that the list of members does not have.

    The list is taken before the program's `apply`s run, so what is made inside one cannot be judged beforehand. Such
    endpoints count here, together with what the guard let go: no run loses more than the limit. A `destroy` runs no
    program and loses everything on purpose.

    Raises:
        BlockingFinding: this one would be one too many; it and those after it stay.
    """
    roll = session.roll
    if roll is None or is_listed(namespace, name, roll.members):
        return
    most = session.safeguards.most_removals(len(roll.members))
    with session.counting:
        if roll.lost + roll.unlisted >= most:
            raise BlockingFinding(
                f"{namespace}/{name} was not deleted: it is not on the guard's list (made inside an apply, or by a run "
                f"with --target), and this run removes {roll.lost + roll.unlisted} endpoints already; "
                f"hfdeploy:maxRemovals lets it lose {most}. If this is meant, say so for one run: "
                f"HFDEPLOY_ALLOW_REMOVALS=NUMBER before the command."
            )
        roll.unlisted += 1


def outputs(owner: str, news: Props, olds: Props) -> Props:
    """What the state keeps: who belongs to the stack, what was retained and is no member any more, and where to look.

    State of an older release has neither `kept` nor `namespaces`.
    """
    members = _texts(news, "members")
    kept = [one for one in _texts(olds, "kept") if not any(is_same_name(one, other) for other in members)]
    namespaces = {*_texts(olds, "namespaces"), *namespaces_of(_texts(olds, "members")), *namespaces_of(members)}
    return {
        "owner": owner,
        "members": plain(news.get("members")),
        **{key: value for key, value in inputs_of(news).items() if key == "retained"},
        "kept": sorted({*kept, *_texts(news, "retained")}),
        "namespaces": sorted(namespaces),
    }


def is_changed(olds: Props, news: Props) -> bool:
    """Whether the lists are others than those in the state."""
    return has_unknown(news) or any(plain(olds.get(key)) != plain(news.get(key)) for key in _INPUTS)


def require_nothing_left(props: Props, session: Session, row: Row) -> None:
    """Let the guard go only when no endpoint with this stack's owner tag is alive, but those kept on purpose.

    Raises:
        OwnershipError: some are; the guard stays in the state, and `destroy` does not end green.
        UsageError: nobody knows in which namespace to look.
    """
    owner = props.get("owner")
    if not is_owner_id(owner):
        return
    left = _left_alive(str(owner), props, session)
    if left and session.safeguards.removes_orphans:
        failed = sweep(session.api, left, owner=str(owner))
        for one in left:
            if one.place not in failed:
                row.note(f"removed {one}, which carried this stack's owner tag and was in no state")
        left = [one for one in left if one.place in failed]
        told = "; ".join(f"{place}: {reason}" for place, reason in failed.items())
    else:
        told = ""
    if left:
        raise OwnershipError(_sentence(left, told, row.stack))


def _sentence(left: list[Orphan], told: str, stack: str) -> str:
    count = "1 endpoint of this stack is" if len(left) == 1 else f"{len(left)} endpoints of this stack are"
    places = " ".join(one.place for one in left)
    return (
        f"{count} alive and in no state: {named([str(one) for one in left])}. "
        f"{f'Removing was tried: {told}. ' if told else ''}"
        f"`hfdeploy orphans --stack {stack} --delete {places}` removes {'it' if len(left) == 1 else 'them'}; then run "
        f"`pulumi destroy` again. With hfdeploy:orphans set to delete, destroy does it itself; an endpoint tagged "
        f"hfd-keep is left and not counted."
    )


def _left_alive(owner: str, props: Props, session: Session) -> list[Orphan]:
    members = _texts(props, "members")
    configured = session.settings.namespace
    namespaces = {*_texts(props, "namespaces"), *namespaces_of(members), *([configured] if configured else [])}
    if members and not namespaces:
        raise UsageError(
            "No namespace is known, so nobody can tell whether an endpoint of this stack is still alive: "
            "`pulumi config set hfdeploy:namespace NAME`, then run this again."
        )
    kept = [*_texts(props, "kept"), *_texts(props, "retained")]

    def alive() -> list[Orphan]:
        return [
            one
            for one in find_tagged(session.api, owner, namespaces, catalog=session.catalog)
            if not one.is_kept and not is_listed(one.namespace, one.name, kept)
        ]

    def settled() -> list[Orphan] | None:
        # A deleted endpoint may be listed for a while; what this run deleted is waited for, not counted.
        found = alive()
        return None if any(session.was_deleted(one.place, one.generation) for one in found) else found

    found = poll(settled, deadline=session.clock.now() + session.deletion_seconds, clock=session.clock)
    if found is None:
        raise Inconclusive(
            f"Endpoints that were deleted are still listed after {session.deletion_seconds:.0f} s, so nobody can tell "
            f"whether any is left. Run `pulumi destroy` again."
        )
    return found


def _texts(props: Props, key: str) -> list[str]:
    value: Any = plain(props.get(key)) or []
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
