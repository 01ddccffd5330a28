"""What goes beyond the limits of a policy. What nobody knows, such as a price, is beyond a limit too."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from hfdeploy.cost import HOURS_PER_MONTH, format_month, format_rate
from hfdeploy.plan import Plan, with_registry
from hfdeploy.policy.document import Limits

_WORDS: Final[Mapping[str, str]] = {
    "cloud": "cloud",
    "region": "region",
    "instance": "instance",
    "security": "security level",
}

IMAGE_LIMITS: Final = frozenset({"policy-registry", "policy-digest"})
"""The rules about the image that is asked for."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One limit that one endpoint does not keep."""

    rule: str
    field: str
    """Of the spec, in its own words."""

    sentence: str
    fix: str


def breaches(limits: Limits, plan: Plan) -> Iterator[Breach]:
    """Everything in a plan that the limits do not allow."""
    spec, hardware = plan.spec, plan.hardware
    yield from _outside("cloud", limits.clouds, spec.cloud)
    yield from _outside("region", limits.regions, spec.region)
    yield from _outside("instance", limits.instances, hardware.spelling)
    yield from _outside("security", limits.security, spec.security.value)
    yield from _too_dear(limits.max_price_per_hour_usd, plan)
    if limits.max_replicas is not None and spec.autoscaling.max > limits.max_replicas:
        yield Breach(
            "policy-replicas",
            "autoscaling.max",
            f"{spec.autoscaling.max} replicas are more than the policy allows, which is {limits.max_replicas}.",
            f"Lower it to {limits.max_replicas}.",
        )
    for tag in limits.required_tags:
        if not _matches(spec.tags, tag):
            yield Breach(
                "policy-tags", "tags", f"The policy requires a tag {tag}, and there is none.", f"Add a tag {tag}."
            )
    yield from _image(limits, plan)


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


def _too_dear(most: Decimal | None, plan: Plan) -> Iterator[Breach]:
    if most is None:
        return
    price, allowed = plan.hardware.price_per_hour, format_rate(most)
    if price is None:
        said = f"{plan.hardware.spelling} has no price, and the policy allows {allowed} per replica."
        yield Breach("policy-price", "instance", said, "Choose hardware with a price.")
    elif price > most:
        said = f"{plan.hardware.spelling} costs {format_rate(price)}, and the policy allows {allowed} per replica."
        yield Breach("policy-price", "instance", said, f"Choose an instance for {allowed} or less.")


def _image(limits: Limits, plan: Plan) -> Iterator[Breach]:
    """The image that is asked for; where the service chooses one, nobody can say which, and no limit applies."""
    (variant,) = plan.body["model"]["image"].values()
    image = variant.get("url")
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
