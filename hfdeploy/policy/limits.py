"""What goes beyond the limits of a policy. What nobody knows, such as a price, is beyond a limit too."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from hfdeploy.catalog import Hardware
from hfdeploy.cost import HOURS_PER_MONTH, format_month, format_rate
from hfdeploy.plan import Plan, with_registry
from hfdeploy.policy.document import Limits

_WORDS: Final[Mapping[str, str]] = {
    "cloud": "cloud",
    "region": "region",
    "instance": "instance",
    "security": "security level",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What limits are held against: an endpoint as a plan asks for it, or as it is live."""

    hardware: Hardware
    """With its cloud and region."""

    security: str
    max_replicas: int
    tags: tuple[str, ...]
    image: str | None
    """None where the service chooses or hides it: nobody can say which it is, and no limit applies."""

    is_paused: bool = False
    """Whether it costs nothing as it is now."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One limit that one endpoint does not keep."""

    rule: str
    field: str
    """Of the spec, in its own words."""

    sentence: str
    fix: str


def facts_of(plan: Plan) -> Facts:
    """What a plan asks for."""
    spec = plan.spec
    (variant,) = plan.body["model"]["image"].values()
    return Facts(plan.hardware, spec.security.value, spec.autoscaling.max, tuple(spec.tags), variant.get("url"))


def breaches(limits: Limits, facts: Facts) -> Iterator[Breach]:
    """Everything about an endpoint that the limits do not allow."""
    hardware = facts.hardware
    yield from _outside("cloud", limits.clouds, hardware.vendor)
    yield from _outside("region", limits.regions, hardware.region)
    yield from _outside("instance", limits.instances, hardware.spelling)
    yield from _outside("security", limits.security, facts.security)
    yield from _too_dear(limits.max_price_per_hour_usd, hardware)
    if limits.max_replicas is not None and facts.max_replicas > limits.max_replicas:
        yield Breach(
            "policy-replicas",
            "autoscaling.max",
            f"{facts.max_replicas} replicas are more than the policy allows, which is {limits.max_replicas}.",
            f"Lower it to {limits.max_replicas}.",
        )
    for tag in limits.required_tags:
        if not _matches(facts.tags, tag):
            yield Breach(
                "policy-tags", "tags", f"The policy requires a tag {tag}, and there is none.", f"Add a tag {tag}."
            )
    yield from _image(limits, facts.image)


def over_ceiling(limits: Limits, hourly: Iterable[tuple[str, Decimal | None]]) -> str:
    """Why all endpoints together may not be brought up; empty where they may.

    `hourly` has each endpoint's name, and an hour of it with every replica up: None where nobody knows.
    """
    most = limits.monthly_ceiling_usd
    if most is None:
        return ""
    hourly = list(hourly)
    if unpriced := sorted(name for name, amount in hourly if amount is None):
        return (
            f"The policy allows {format_month(most)} for all endpoints together, and nobody can tell what "
            f"{', '.join(unpriced)} would cost, which has no price."
        )
    month = HOURS_PER_MONTH * sum((amount for _, amount in hourly if amount is not None), Decimal(0))
    if month <= most:
        return ""
    return (
        f"With every replica up all endpoints together cost {format_month(month)}, and the policy allows "
        f"{format_month(most)}."
    )


def _outside(field: str, allowed: Iterable[str] | None, value: str) -> Iterator[Breach]:
    if allowed is None:
        return
    names = [str(name) for name in allowed]
    if not any(fnmatchcase(value, name) for name in names):
        told = ", ".join(names) or "none"
        yield Breach(
            f"policy-{field}",
            field,
            f"{value} is no {_WORDS[field]} that the policy allows: {told}.",
            f"Choose one of: {told}.",
        )


def _matches(tags: Iterable[str], pattern: str) -> bool:
    return any(fnmatchcase(tag, pattern) for tag in tags)


def _too_dear(most: Decimal | None, hardware: Hardware) -> Iterator[Breach]:
    if most is None:
        return
    price, allowed = hardware.price_per_hour, format_rate(most)
    if price is None:
        said = f"{hardware.spelling} has no price, and the policy allows {allowed} per replica."
        yield Breach("policy-price", "instance", said, "Choose hardware with a price.")
    elif price > most:
        said = f"{hardware.spelling} costs {format_rate(price)}, and the policy allows {allowed} per replica."
        yield Breach("policy-price", "instance", said, f"Choose an instance for {allowed} or less.")


def _image(limits: Limits, image: str | None) -> Iterator[Breach]:
    if image is None:
        return
    if limits.images_by_digest and "@sha256:" not in image:
        yield Breach(
            "policy-digest",
            "engine.image",
            f"The image is {image}, and the policy wants images by digest.",
            f"Write engine.image as {image.partition('@')[0]}@sha256:… with the digest of that tag.",
        )
    whole = with_registry(image)
    if limits.registries is not None and not any(_is_below(whole, place) for place in limits.registries):
        told = ", ".join(limits.registries) or "none"
        yield Breach(
            "policy-registry",
            "engine.image",
            f"The image is {whole}, and the policy allows images from {told}.",
            f"Name an image below one of: {told}.",
        )


def _is_below(image: str, place: str) -> bool:
    """Whether an image is in a registry, in a folder of it, or the repository itself; never by half a name."""
    wanted = place.rstrip("/")
    return image == wanted or image.startswith((f"{wanted}/", f"{wanted}:", f"{wanted}@"))
