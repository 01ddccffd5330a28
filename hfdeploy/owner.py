"""Whose endpoint is it: the tags that say so, and what follows from them.

A stack's guard mints a random owner id; it rides on every endpoint as the tag `hfd-o-<id>`, beside the logical name
as `hfd-l-<name>`. (namespace, name) is the service's only natural key and there is no idempotency key, so these two
tags are what makes a re-run continue its own half-made endpoint and never touch anybody else's.
What was sent and cannot be read back is noted in two more: configurations that failed (`hfd-bad-`), and which values
the secrets have (`hfd-s-` and `hfd-r-`, keyed digests whose key is in the encrypted state).
Own tags are not user tags: they appear in no diff, no spec and no listing.
"""

import re
import secrets
from collections.abc import Iterable, Sequence

from hfdeploy.errors import OwnershipError
from hfdeploy.wire import Endpoint

PREFIX = "hfd-"
KEEP = "hfd-keep"
_BAD = "hfd-bad-"
_MOST_BAD = 3
"""Failed configurations that an endpoint remembers; older ones are forgotten."""

_MARKS = {"secrets": "hfd-s-", "registry": "hfd-r-"}
"""What tells which values an endpoint has of its container's secrets, and of its image registry's password."""

_OWNER = "hfd-o-"
_LOGICAL = "hfd-l-"
_NO_TIME = "an unknown time"
_LOST = " It carries a stack's owner id: if this stack's state was lost, `hfdeploy recover` rebuilds it."
_OWNER_ID = re.compile(r"[0-9a-f]{12}")


def new_owner_id() -> str:
    """Twelve random hex digits: minted once per stack, so that a copy of a program is another owner."""
    return secrets.token_hex(6)


def is_owner_id(text: object) -> bool:
    """Whether a value is an owner id; an empty or shortened one must never match anything."""
    return isinstance(text, str) and _OWNER_ID.fullmatch(text) is not None


def owner_tag(owner: str) -> str:
    """The tag of an owner id."""
    return f"{_OWNER}{owner}"


def own_tags(owner: str, logical: str) -> list[str]:
    """The tags that ride on the POST."""
    if not is_owner_id(owner):
        raise ValueError(f"{owner!r} is no owner id: twelve hex digits are expected")
    return [f"{_OWNER}{owner}", f"{_LOGICAL}{logical}"]


def is_own_tag(tag: str) -> bool:
    """Whether a tag is ours to manage rather than the user's."""
    return tag.startswith(PREFIX)


def user_tags(tags: Iterable[str]) -> list[str]:
    """The tags that people wrote, in their order."""
    return [tag for tag in tags if not is_own_tag(tag)]


def with_own_tags(wanted: Sequence[str], live: Sequence[str]) -> list[str]:
    """The tags to send so that the user's become `wanted` and ours stay as they are on the live endpoint."""
    return [tag for tag in live if is_own_tag(tag)] + list(wanted)


def with_keep(tags: Sequence[str], is_kept: bool) -> list[str]:
    """The tags with or without the one that says: retained on purpose, never swept."""
    others = [tag for tag in tags if tag != KEEP]
    own = [tag for tag in others if is_own_tag(tag)]
    return [*own, KEEP, *user_tags(others)] if is_kept else others


def bad_tag(digest: str) -> str:
    """The tag that remembers a configuration which failed and was put back."""
    return f"{_BAD}{digest}"


def with_bad_tag(live: Sequence[str], digest: str) -> list[str]:
    """The live tags with one more failed configuration, the oldest forgotten when there are many."""
    bad = [tag for tag in live if tag.startswith(_BAD) and tag != bad_tag(digest)]
    return [tag for tag in live if not tag.startswith(_BAD)] + [*bad[-(_MOST_BAD - 1) :], bad_tag(digest)]


def with_mark(tags: Sequence[str], kind: str, mark: str | None) -> list[str]:
    """The tags with the mark of the secret values that are sent beside them (None: none), instead of an earlier one's.

    Values never come back from the API. The mark rides on the very PUT that carries them, so that whoever failed or
    was killed after it, and wherever the next run takes place, that one sees whose values the endpoint has.
    """
    prefix = _MARKS[kind]
    others = [tag for tag in tags if not tag.startswith(prefix)]
    own = [tag for tag in others if is_own_tag(tag)]
    return [*own, *([f"{prefix}{mark}"] if mark else []), *user_tags(others)]


def marks_of(tags: Iterable[str]) -> dict[str, str]:
    """The marks of the values that were last sent, by `secrets` and `registry`; without those that nobody noted."""
    present = list(tags)
    return {
        kind: tag.removeprefix(prefix) for kind, prefix in _MARKS.items() for tag in present if tag.startswith(prefix)
    }


def owners_of(tags: Iterable[str]) -> list[str]:
    """The owner ids that a list of tags carries: one, none, or more where somebody meddled."""
    return [tag.removeprefix(_OWNER) for tag in tags if tag.startswith(_OWNER)]


def logical_name_of(tags: Iterable[str]) -> str | None:
    """The logical name that our stack gave the endpoint, None without the tag."""
    return next((tag.removeprefix(_LOGICAL) for tag in tags if tag.startswith(_LOGICAL)), None)


def is_ours(endpoint: Endpoint, owner: str) -> bool:
    """Whether the endpoint carries this owner's tag and no other's."""
    return is_owner_id(owner) and owners_of(endpoint.tags) == [owner]


def require_ours(endpoint: Endpoint, *, namespace: str, owner: str, logical: str) -> None:
    """Let a namesake be adopted only when it is this stack's endpoint under this logical name.

    Raises:
        OwnershipError: it is somebody else's, nobody's, or ours under another logical name; nothing was sent.
    """
    place = f"{namespace}/{endpoint.name}"
    if not is_ours(endpoint, owner):
        creator = endpoint.status.created_by.name or "somebody unknown"
        raise OwnershipError(
            f"An endpoint {place} exists already and is not this stack's: {creator} created it at "
            f"{endpoint.generation or _NO_TIME}. Nothing was changed. Give the spec another name, delete that "
            f"endpoint if it is not needed, or take it over with `adopt: {endpoint.generation or _NO_TIME}`."
            f"{_LOST if owners_of(endpoint.tags) else ''}"
        )
    found = logical_name_of(endpoint.tags)
    if found != logical:
        raise OwnershipError(
            f"The endpoint {place} is this stack's, but under the logical name {found!r} and not {logical!r}. Nothing "
            f"was changed. Keep the old logical name, or give the resource "
            f"aliases=[pulumi.Alias(name={found!r})]."
        )


def adopted_tags(own: Sequence[str], live: Sequence[str]) -> list[str]:
    """The tags to send so that a live endpoint becomes ours: whoever owned or kept it before does so no more.

    What another stack noted of its values tells this one nothing.
    """
    theirs = (_OWNER, _LOGICAL, *_MARKS.values())
    return list(own) + [tag for tag in live if not tag.startswith(theirs) and tag != KEEP]


def why_not_delete(endpoint: Endpoint, *, owner: str, generation: str) -> str | None:
    """A sentence that says why this endpoint must not be deleted, or None when it is the one we made.

    Deleting needs the creation time that the state holds and our owner tag: a name that somebody took over after us,
    and an endpoint whose tag was taken off, are left as they are. A creation time that is not known matches none.
    """
    creator = endpoint.status.created_by.name or "somebody unknown"
    if not generation or endpoint.generation != generation:
        return (
            f"the endpoint of that name was created at {endpoint.generation or _NO_TIME} by {creator}, "
            f"and the one in the state at {generation or _NO_TIME}"
        )
    if not is_ours(endpoint, owner):
        others = ", ".join(owners_of(endpoint.tags)) or "none"
        return f"it does not carry this stack's owner tag {_OWNER}{owner} (owner tags found: {others})"
    return None
