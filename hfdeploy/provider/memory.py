"""Secret values: read in this process, sent, and remembered only as keyed digests.

Values never come back from the API, so a digest in the (encrypted) state is how a changed value is noticed. Values
are never inputs, so a rotation shows no property; the row of the resource names the secret instead.
"""

import hashlib
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hfdeploy.errors import UsageError
from hfdeploy.plan import REGISTRY, Plan, sources_of
from hfdeploy.provider.props import MARKS
from hfdeploy.provider.session import Session
from hfdeploy.redact import Secret, digest, new_salt
from hfdeploy.spec import EndpointSpec, FromEnv, SecretSource


@dataclass(frozen=True, slots=True)
class Values:
    """The secret values of one endpoint at this moment; None where a source is missing."""

    by_name: Mapping[str, Secret | None]

    @property
    def container(self) -> dict[str, Secret]:
        """The container's secrets that have a value."""
        return {name: value for name, value in self.by_name.items() if name != REGISTRY and value is not None}

    @property
    def registry_password(self) -> Secret | None:
        """The image registry's password."""
        return self.by_name.get(REGISTRY)


def read_values(spec: EndpointSpec, session: Session) -> Values:
    """Read every value that the spec's sources name; no hardware has to be known for it."""
    return Values({name: session.secret(source) for name, source in sources_of(spec).items()})


def require_values(plan: Plan, session: Session) -> Values:
    """The same, all of them.

    Raises:
        UsageError: sources are missing; names all of them, before anything is sent.
    """
    values = read_values(plan.spec, session)
    sources = plan.sources
    missing = [f"{name} ({_named(sources[name])})" for name, value in values.by_name.items() if value is None]
    if missing:
        raise UsageError(f"{plan.name} needs secrets that are not set: {', '.join(missing)}. Nothing was sent.")
    return values


def remember(values: Values, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What goes into the state: a salt of this endpoint and a digest of each value."""
    salt = str((before or {}).get("salt") or new_salt())
    return {
        "salt": salt,
        "digests": {name: digest(salt, value.reveal()) for name, value in values.by_name.items() if value is not None},
    }


def changed(values: Values, remembered: Mapping[str, Any] | None) -> list[str]:
    """The secrets whose value is known now and was another, or none, before; and those that are gone."""
    old = dict((remembered or {}).get("digests") or {})
    salt = str((remembered or {}).get("salt") or "")
    new = {name: digest(salt, value.reveal()) for name, value in values.by_name.items() if value is not None}
    differing = {name for name, seen in new.items() if old.get(name) != seen}
    return sorted(differing | (set(old) - set(values.by_name)))


def marks(remembered: Mapping[str, Any]) -> dict[str, str]:
    """Twelve hex digits for the container's values together and for the registry's; none for what has no value.

    They tell nothing without the salt, which the state encrypts.
    """
    digests = dict(remembered["digests"])
    registry = {name: digests.pop(name) for name in [REGISTRY] if name in digests}
    return {
        kind: hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:12]
        for kind, part in (("secrets", digests), ("registry", registry))
        if part
    }


def are_elsewhere(values: Values, olds: Mapping[str, Any]) -> bool:
    """Whether the last refresh saw that the endpoint has other values than these.

    A failed or killed update sent them, and no state knows. Not said while a value is unknown.
    """
    seen, known = olds.get(MARKS) or {}, olds.get("remembered")
    if not known or None in values.by_name.values():
        return False
    wanted = marks(remember(values, known))
    return any(seen[kind] != mark for kind, mark in wanted.items() if kind in seen)


_posted: dict[tuple[str, str], dict[str, Any]] = {}
_posted_lock = threading.Lock()


def note_posted(place: str, generation: str, values: Values) -> None:
    """This process just made the endpoint with these values: its first rollout need not send them again."""
    with _posted_lock:
        _posted[place, generation] = remember(values)


def posted(place: str, generation: str) -> dict[str, Any] | None:
    """What this process made the endpoint with; None after a crash, when nobody knows what was sent."""
    with _posted_lock:
        return _posted.get((place, generation))


def _named(source: SecretSource) -> str:
    return f"environment variable {source.from_env}" if isinstance(source, FromEnv) else f"config {source.from_config}"
