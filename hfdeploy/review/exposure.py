"""Objections to who can reach an endpoint, and to a change that leaves its callers without an answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hfdeploy.policy import Severity
from hfdeploy.review.delta import Action, Delta
from hfdeploy.review.finding import Finding, finding_of
from hfdeploy.spec import LoadedSpec, Security

WHO: Final[Mapping[Security, str]] = {
    Security.PRIVATE: "only members of its owner's account or organisation, with their token",
    Security.AUTHENTICATED: "anybody with a Hugging Face account, with a token of that account",
    Security.PUBLIC: "anybody on the internet, without a token",
}
"""Who can call an endpoint, in words. The levels come in the order of how many that are."""

CLOSED: Final = "Set security to private, or to authenticated for callers with a Hugging Face account."
"""What settles that an endpoint is public."""

RETIRED: Final = "protected"
"""The level of before, which took the token of any account, as authenticated does."""

_ORDER: Final = tuple(WHO)


def level_of(word: str) -> Security:
    """The level that a live endpoint says of itself; `RETIRED`, and one not known, are taken for authenticated."""
    return Security(word) if word in set(Security) else Security.AUTHENTICATED


def of_public(name: str) -> str:
    """What it means that an endpoint is public, in a sentence."""
    return f"{name} is public: {WHO[Security.PUBLIC]}, can call it, and its owner pays for every request."


def of_exposure(one: LoadedSpec) -> Iterator[Finding]:
    """An endpoint that anybody may call; whoever wrote the spec has acknowledged it, so it is only kept in sight."""
    if one.spec.security is Security.PUBLIC:
        yield finding_of(one, "public-endpoint", Severity.NOTE, "security", of_public(one.spec.name), fix=CLOSED)


def of_change(deltas: Sequence[Delta], loaded: Sequence[LoadedSpec]) -> Iterator[Finding]:
    """What a change does to those who call the endpoints, at the line of each spec; what is removed has none."""
    files = {one.spec.name: one for one in loaded}
    for delta in deltas:
        if one := files.get(delta.name):
            yield from _of_security(delta, one)
            yield from _of_replacement(delta, one)


def _of_security(delta: Delta, one: LoadedSpec) -> Iterator[Finding]:
    before, after = delta.exposure.before, delta.exposure.after
    if before is None or after is None or before is after:
        return
    said = f"{delta.name} goes from {before} to {after}. Before: {WHO[before]}. After: {WHO[after]}."
    if _ORDER.index(after) > _ORDER.index(before):
        fix = f"Set security to {before}, if more callers are not meant."
        yield finding_of(one, "exposure-widened", Severity.WARNING, "security", said, fix=fix)
    else:
        fix = "Tell those who call it now: without the right token they get 401."
        yield finding_of(one, "exposure-narrowed", Severity.NOTE, "security", said, fix=fix)


def _of_replacement(delta: Delta, one: LoadedSpec) -> Iterator[Finding]:
    if delta.action is not Action.REPLACE or not delta.cuts_traffic:
        return
    why = f" ({'; '.join(delta.changes)})" if delta.changes else ""
    yield finding_of(
        one,
        "replace-cuts-traffic",
        Severity.WARNING,
        "name",
        f"{delta.name} is deleted and made anew{why}: nothing answers meanwhile, and its address may change.",
        fix=f"Write a second spec under another name, move the callers there, and remove {delta.name} then.",
    )
