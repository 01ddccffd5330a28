"""Wanted against live: the differences as data, and the smallest request that removes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic.alias_generators import to_snake

from hfdeploy.diff.fields import FIELDS, Field, Path, observed, put_at, value_at
from hfdeploy.owner import with_own_tags
from hfdeploy.spec.credential import MASK, looks_like_token
from hfdeploy.wire import REDACTED, Body, Endpoint, Json

REVISION: Path = ("model", "revision")
IMAGE: Path = ("model", "image")
SECRETS: Path = ("model", "secrets")
_IDLE_TIME: Path = ("compute", "scaling", "scaleToZeroTimeout")
"""Without meaning while replicas may not go down to zero, so it is left out then."""


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs; values in the API's words, never a secret's."""

    field: Field
    wanted: Json
    live: Json

    def __str__(self) -> str:
        return f"{self.field.spec}: {_shown(self.live)} -> {_shown(self.wanted)}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What has to be sent so that live becomes wanted."""

    items: tuple[Change, ...]
    body: Body
    """The PUT's body: exactly the fields that differ; empty when nothing does. Without secret values."""

    @property
    def is_served(self) -> bool:
        """Whether any of them changes what answers a prompt."""
        return any(change.field.is_served for change in self.items)

    @property
    def names(self) -> tuple[str, ...]:
        """The changed fields by their names in the spec, each once, in the order of the table."""
        return tuple(dict.fromkeys(change.field.spec for change in self.items))


def compare(wanted: Body, live: Endpoint, *, resend: Iterable[Path] = ()) -> Changes:
    """Find what differs between a wanted request body and the live endpoint.

    `wanted` has the shape of a create request, its `model.revision` being the commit that was kept from the creation
    (or None). `resend` names paths that are sent although they look the same or cannot be compared: an image whose
    credentials changed, a revision whose text in the spec changed, secrets.
    """
    seen = observed(live)
    forced = set(resend)
    items = tuple(
        Change(field, value_at(wanted, field.path), value_at(seen, field.path))
        for field in FIELDS
        if field.path in forced or not field.is_same(value_at(wanted, field.path), value_at(seen, field.path))
    )
    return Changes(items, _request(items, wanted, live))


def _request(items: Sequence[Change], wanted: Body, live: Endpoint) -> Body:
    body: Body = {}
    moved = any(change.field.path == ("model", "repository") for change in items)
    for change in items:
        value = change.wanted
        if change.field.path == ("tags",):
            value = with_own_tags(value or [], live.tags)
        elif value is None and change.field.path in {("model", "args"), ("model", "command")}:
            value = []
        elif value is None and change.field.path == ("model", "env"):
            value = {}
        put_at(body, change.field.path, value)
    if moved and value_at(body, REVISION) is None:
        # A PUT merges: without this the old repository's commit would be looked for in the new one.
        put_at(body, REVISION, value_at(wanted, REVISION))
    return body


def not_as_asked(wanted: Body, live: Endpoint) -> list[str]:
    """Sentences naming every field that is not as asked for, [] when all are. Sizes up what a PUT really did."""
    return [
        f"{change.field.spec} is {_shown(live_value)} and not {_shown(wanted_value)}"
        for change in compare(wanted, live).items
        for wanted_value, live_value in [_narrowed(change)]
    ]


def dropped_of_image(previous: Body, wanted: Body) -> list[str]:
    """The engine's fields that were asked for before and are left open now; [] where it is another engine.

    Such a field equals whatever is live, and yet the image has to be sent again to be rid of it.
    """
    before, after = value_at(previous, IMAGE) or {}, value_at(wanted, IMAGE) or {}
    return [name for key in before.keys() & after.keys() for name in before[key] if name not in after[key]]


def left_behind(previous: Body, wanted: Body, live: Endpoint) -> list[str]:
    """Names of what was asked for before, is left open now, and still is as it was: a PUT cannot say "no value"."""
    seen = observed(live)
    names = [
        field.spec
        for field in FIELDS
        if field.path not in {REVISION, IMAGE, _IDLE_TIME}
        and value_at(wanted, field.path) is None
        and value_at(previous, field.path) is not None
        and field.is_same(value_at(previous, field.path), value_at(seen, field.path))
        and field.is_same(None, value_at(seen, field.path))
    ]
    before, now = value_at(previous, IMAGE) or {}, value_at(seen, IMAGE) or {}
    for name in dropped_of_image(previous, wanted):
        (variant,) = before.values()
        if any(fields.get(name) == variant[name] for fields in now.values()):
            names.append(f"engine.{to_snake(name)}")
    return names


def _narrowed(change: Change) -> tuple[Json, Json]:
    """The two values as a sentence needs them: of an image only the fields that are not as asked for."""
    if change.field.path != IMAGE or not isinstance(change.live, dict):
        return change.wanted, change.live
    (key, asked), *_ = change.wanted.items()
    if key not in change.live:
        return key, next(iter(change.live), None)
    names = [name for name, value in asked.items() if name not in REDACTED and change.live[key].get(name) != value]

    def told(variant: Body) -> str:
        return f"{key} with {', '.join(f'{name} {variant.get(name)}' for name in names)}"

    return told(asked), told(change.live[key])


def _shown(value: Json) -> str:
    """A value as a sentence can hold it: env values may be private, so maps show their keys only."""
    if isinstance(value, dict):
        return "{" + ", ".join(str(key) for key in value) + "}"
    # What somebody wrote into a live endpoint may be a credential, and sentences end up in logs and files.
    if looks_like_token(str(value)):
        return MASK
    return repr(value) if isinstance(value, str) else str(value)
