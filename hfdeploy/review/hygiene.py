"""Objections to habits that cost money or trust: endpoints that never sleep, models and images that may change."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from hfdeploy.cost import HOURS_PER_MONTH, format_money, format_month
from hfdeploy.lock import FILE, Lock
from hfdeploy.plan import REGISTRY, Plan
from hfdeploy.policy import Severity
from hfdeploy.review.finding import Finding, finding_of
from hfdeploy.spec import FromEnv, LoadedSpec, SecretSource, is_commit

ALWAYS_ON: Final = "always-on*"
"""A tag that says that an endpoint is meant to stay up, such as always-on or always-on:search."""

LONGEST_IDLE: Final = timedelta(hours=1)
"""What the service's own web interface proposes."""

_OWN_TOKENS: Final = frozenset({"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"})
_TRUE: Final = frozenset({"1", "true", "yes", "on"})


def of_hygiene(
    one: LoadedSpec, plan: Plan, lock: Lock, is_set: Callable[[SecretSource], bool] | None
) -> Iterator[Finding]:
    """Everything of this module about one endpoint; `is_set` is None where nobody can know which secrets are there."""
    yield from of_idleness(one, plan)
    yield from of_revision(one, lock)
    yield from of_image(one)
    yield from of_remote_code(one)
    yield from of_gate(one, lock)
    if is_set is not None:
        yield from of_secrets(one, plan, is_set)


def of_idleness(one: LoadedSpec, plan: Plan) -> Iterator[Finding]:
    """What is paid for while nobody asks."""
    scaling, rate = one.spec.autoscaling, plan.hardware.price_per_hour
    if scaling.min and not any(fnmatchcase(tag, ALWAYS_ON) for tag in one.spec.tags):
        cost = format_month(None if rate is None else rate * HOURS_PER_MONTH * scaling.min)
        replicas = "one replica" if scaling.min == 1 else f"{scaling.min} replicas"
        yield finding_of(
            one,
            "always-on",
            Severity.NOTE,
            "autoscaling.min",
            f"{one.spec.name} keeps {replicas} up day and night: {cost} without a single request.",
            fix="Set autoscaling.min to 0, or say with the tag always-on that this is meant.",
        )
    idle = scaling.scale_to_zero_after
    if idle is not None and idle > LONGEST_IDLE:
        hours = Decimal(int(idle / timedelta(minutes=1))) / 60
        tail = format_money(None if rate is None else rate * hours)
        yield finding_of(
            one,
            "long-idle",
            Severity.NOTE,
            "autoscaling.scale_to_zero_after",
            f"{one.spec.name} stays up for {hours:.4g} hours after its last request: each time {tail} for nothing.",
            fix="Lower autoscaling.scale_to_zero_after to 1h or less.",
        )


def of_revision(one: LoadedSpec, lock: Lock) -> Iterator[Finding]:
    """A model that the spec does not pin: which commit it is, where the lock file knows."""
    if is_pinned(one):
        return
    branch = one.spec.revision or "the newest commit"
    locked = lock.of(one.spec)
    if locked and locked.commit:
        yield finding_of(
            one,
            "revision-locked",
            Severity.NOTE,
            revision_field(one),
            f"{one.spec.repository}: {branch} is {locked.commit} by {FILE}, and that is what is deployed.",
            fix=f"Write revision: {locked.commit}.",
        )
    else:
        yield finding_of(
            one,
            "unpinned-revision",
            Severity.NOTE,
            revision_field(one),
            f"{one.spec.repository}: {branch} is deployed, whichever that is then.",
            fix=f"Run `hfdeploy lock`: it writes the commit into {FILE}.",
        )


def is_pinned(one: LoadedSpec) -> bool:
    """Whether a spec names a commit, which nobody can move."""
    return is_commit(one.spec.revision)


def revision_field(one: LoadedSpec) -> str:
    """Where a revision stands, or would."""
    return "revision" if one.spec.revision is not None else "repository"


def of_image(one: LoadedSpec) -> Iterator[Finding]:
    """An image of the spec that may be another one tomorrow; the package's own are pinned."""
    image = getattr(one.spec.engine, "image", None)
    if not image or "@sha256:" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    if tag in {"", "latest"}:
        yield finding_of(
            one,
            "unpinned-image",
            Severity.WARNING,
            "engine.image",
            f"{image} is whatever was pushed last when a replica starts: two replicas may run different programs.",
            fix="Name the version's tag, or better its digest (name@sha256:…).",
        )


def of_remote_code(one: LoadedSpec) -> Iterator[Finding]:
    """Code from a model repository, run beside the secrets of the container."""
    flags = [index for index, arg in enumerate(one.spec.args) if _is_trust(arg)]
    fields = [f"args.{index}" for index in flags]
    fields += [f"env.{name}" for name, value in one.spec.env.items() if _is_trusting(name, value)]
    for field in fields:
        pinned = "" if is_pinned(one) else ", and its revision is not pinned"
        yield finding_of(
            one,
            "remote-code",
            Severity.WARNING,
            field,
            f"The engine runs Python code of {one.spec.repository}, with every secret of the container{pinned}.",
            fix="Take it out, or read the code at one commit and name that as revision.",
        )


def of_gate(one: LoadedSpec, lock: Lock) -> Iterator[Finding]:
    """A gated model that the token of whoever locked it may not read, unless the container brings its own token."""
    locked = lock.of(one.spec)
    if locked is None or not locked.is_refused or _OWN_TOKENS & one.spec.secrets.keys():
        return
    yield finding_of(
        one,
        "gated-repository",
        Severity.WARNING,
        "repository",
        f"{one.spec.repository} is gated, and the token that made {FILE} may not read it: the endpoint would not start "
        f"with that one either.",
        fix="Ask for access on the model's page, then run `hfdeploy lock` again.",
    )


def of_secrets(one: LoadedSpec, plan: Plan, is_set: Callable[[SecretSource], bool]) -> Iterator[Finding]:
    """Secrets whose source is not there."""
    for name, source in plan.sources.items():
        if not is_set(source):
            where = where_is(source)
            yield finding_of(
                one,
                "secret-missing",
                Severity.WARNING,
                "engine.registry.password" if name == REGISTRY else f"secrets.{name}",
                f"{where} is not set here, and the container needs it: an `up` from here would stop.",
                fix=f"Set {where}.",
            )


def where_is(source: SecretSource) -> str:
    """A secret's source in words."""
    if isinstance(source, FromEnv):
        return f"the environment variable {source.from_env}"
    return f"the stack's config {source.from_config}"


def _is_trust(argument: str) -> bool:
    flag, equals, value = argument.partition("=")
    return flag.replace("_", "-") == "--trust-remote-code" and (not equals or value.lower() in _TRUE)


def _is_trusting(name: str, value: str) -> bool:
    return name.upper().endswith("TRUST_REMOTE_CODE") and value.strip().lower() in _TRUE
