"""Drift: what is live differs from what this stack last brought live, and the stack says what follows from that.

Only configuration counts, and only where the spec would undo it: a change that was written into the spec since is
agreed to. A pause or a replica count is nobody's drift. An update of this stack that was cut short looks the same as
a person's; it is told apart by a note of the machine that sent it (`hfdeploy.provider.unfinished`), and without one
the sentences name who and when rather than whose fault it is.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hfdeploy.errors import BlockingFinding, SpecError
from hfdeploy.provider.difference import changed_fields
from hfdeploy.provider.masking import is_masked
from hfdeploy.provider.outputs import as_declared, as_found
from hfdeploy.provider.props import Props, spec_fields
from hfdeploy.settings import Drift
from hfdeploy.spec import parse_spec
from hfdeploy.wire import Endpoint

_OPERATIONAL: Final = frozenset({"state"})
_KEYS_ONLY: Final = frozenset({"env"})
"""Fields whose values may be private."""

_CALLERS: Final = {
    "public": "anyone may call it, without a token",
    "authenticated": "anyone with a Hugging Face account may call it",
}
_NARROWNESS: Final = ("public", "authenticated", "private")


def signed(outs: Props, live: Endpoint, unfinished: Iterable[str] = ()) -> Props:
    """The outputs of a refresh with who last updated the endpoint and when, if its configuration drifted.

    `unfinished` are the drifted fields that are as a run of this stack sent them before it was cut short.
    """
    unsigned = {key: value for key, value in outs.items() if key != "drift"}
    if not drifted_fields(outs):
        return unsigned
    update: Props = {"by": live.status.updated_by.name, "at": live.status.updated_at}
    if ours := sorted(unfinished):
        update["unfinished"] = ours
    return unsigned | {"drift": update}


def drifted_fields(outs: Mapping[str, Any]) -> list[str]:
    """The spec's fields that are live otherwise than this stack last brought them live."""
    return [name for name in changed_fields(as_declared(outs), as_found(outs)) if name not in _OPERATIONAL]


def unfinished_fields(outs: Mapping[str, Any]) -> list[str]:
    """Those of them that a run of this stack sent and did not bring to an end: nobody's decision."""
    sent = (outs.get("drift") or {}).get("unfinished") or ()
    return [name for name in drifted_fields(outs) if name in sent]


def others_fields(outs: Mapping[str, Any]) -> list[str]:
    """Those of them that are somebody else's doing, or may be."""
    ours = unfinished_fields(outs)
    return [name for name in drifted_fields(outs) if name not in ours]


def undone_fields(outs: Mapping[str, Any], news: Props) -> list[str]:
    """Those of somebody else's that the wanted spec would put back."""
    against = changed_fields(as_found(outs), spec_fields(news))
    return [name for name in others_fields(outs) if name in against]


def is_widened(outs: Mapping[str, Any]) -> bool:
    """Whether more people may call the endpoint than this stack let."""
    before, after = (one.get("security") or "private" for one in (as_declared(outs), as_found(outs)))
    known = {before, after} <= set(_NARROWNESS)
    return known and _NARROWNESS.index(after) < _NARROWNESS.index(before)


def kept_fields(outs: Mapping[str, Any], news: Props, mode: Drift) -> list[str]:
    """Those of them that stay as they are found, in a stack that only reports: nobody wants them otherwise since."""
    if mode is not Drift.REPORT:
        return []
    edited = changed_fields(as_declared(outs), spec_fields(news))
    return [name for name in undone_fields(outs, news) if name not in edited]


def require_agreed(outs: Mapping[str, Any], news: Props, mode: Drift) -> None:
    """In a stack that blocks, refuse to put back what somebody changed.

    Raises:
        BlockingFinding: names every such field with its live value, who and when; nothing was sent.
    """
    fields = undone_fields(outs, news) if mode is Drift.BLOCK else []
    if fields:
        raise BlockingFinding(
            f"{outs.get('namespace')}/{outs.get('name')} is not as this stack last brought it live, and hfdeploy:drift "
            f"is block: {describe(outs, fields)}. Nothing was sent. Write what is live into the spec, or put it back "
            f"in one run: HFDEPLOY_DRIFT=revert before the command."
        )


def with_kept(outs: Mapping[str, Any], news: Props, mode: Drift) -> Props:
    """The inputs to bring live: as wanted, but for the fields that stay as they are found.

    Raises:
        BlockingFinding: no spec can say what is live.
    """
    fields = kept_fields(outs, news, mode)
    if not fields:
        return news
    found = as_found(outs)
    kept = {key: value for key, value in news.items() if key not in fields}
    kept |= {name: found[name] for name in fields if found.get(name) is not None}
    if is_masked([kept.get(name) for name in fields]):
        raise BlockingFinding(
            f"{outs.get('namespace')}/{outs.get('name')} cannot keep what somebody changed ({describe(outs, fields)}): "
            f"there is a credential in it, which is kept nowhere. Put it back in one run: HFDEPLOY_DRIFT=revert before "
            f"the command; a credential belongs in `secrets`."
        )
    try:
        parse_spec(spec_fields(kept))
    except SpecError as error:
        raise BlockingFinding(
            f"{outs.get('namespace')}/{outs.get('name')} cannot keep what somebody changed ({describe(outs, fields)}): "
            f"{error}. Put it back in one run: HFDEPLOY_DRIFT=revert before the command."
        ) from None
    return kept


def describe(outs: Mapping[str, Any], fields: list[str]) -> str:
    """`autoscaling is {"max": 4}, security is "public" (last update by alice at 2026-…)`."""
    found, update = as_found(outs), outs.get("drift") or {}
    told = ", ".join(f"{name} is {shown(name, found.get(name))}" for name in fields)
    return f"{told} (last update by {update.get('by') or 'somebody'} at {update.get('at') or 'an unknown time'})"


def shown(name: str, value: object) -> str:
    """A field's value for a sentence; of a map whose values may be private only the keys."""
    if name == "security" and value in _CALLERS:
        return f"{json.dumps(value)}: {_CALLERS[str(value)]}"
    if name in _KEYS_ONLY and isinstance(value, Mapping):
        return f"{{{', '.join(sorted(value))}}}"
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
