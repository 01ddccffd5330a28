"""What stands in a policy.yaml, in the manner of a spec: unknown keys are typos, all mistakes are said at once."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from hfdeploy.policy.rules import RULES
from hfdeploy.spec import Section, Security
from hfdeploy.spec.scalar import Count, Flag, Line, Word, shown
from hfdeploy.spec.schema import DIALECT, AsWritten

_MONEY: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Level(StrEnum):
    """How much a rule weighs in a policy."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"
    OFF = "off"


def _rule(value: str) -> str:
    rule = RULES.get(value)
    if rule is None:
        near = get_close_matches(value.lower().replace("_", "-"), RULES, n=1)
        raise ValueError(f"is no rule{f'; did you mean {near[0]}?' if near else ': docs/rules.md lists them all'}")
    if rule.is_fixed:
        raise ValueError("cannot be changed by a policy: where it speaks, nothing is deployed")
    return value


def _money(value: object) -> object:
    match value:
        case Decimal():
            return value
        case str() if _MONEY.fullmatch(value):
            return Decimal(value)
        case int() | float() if not isinstance(value, bool) and _MONEY.fullmatch(f"{value:.15g}"):
            return Decimal(f"{value:.15g}")
        case _:
            raise ValueError(f"must be an amount in USD such as 500 or 2.50; found {shown(value)}")


def _day(value: object) -> object:
    if isinstance(value, date):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # such as the 31st of June: the sentence below fits
    raise ValueError(f"must be a day such as 2026-12-31; found {shown(value)}")


_RULE_NAMES: Final[list[Any]] = sorted(rule.id for rule in RULES.values() if not rule.is_fixed)
RuleId = Annotated[Word, AfterValidator(_rule), WithJsonSchema({"enum": _RULE_NAMES})]
Money = Annotated[
    Decimal,
    BeforeValidator(_money),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]


def _version(value: str) -> str:
    if value != "1":
        raise ValueError(f"must be 1, the only version that this release reads; found {shown(value)}")
    return value


class Limits(Section):
    """What no endpoint may go beyond. What is left out is not limited; in names, * stands for any text."""

    clouds: tuple[Word, ...] | None = None
    """The clouds that may be used, such as [aws, gcp]."""

    regions: tuple[Word, ...] | None = None
    """The regions that may be used, such as [us-east-1, eu-*]."""

    instances: tuple[Word, ...] | None = None
    """The hardware that may be used, in today's spelling, such as ["nvidia-l4 *", "intel-spr x2"]."""

    max_price_per_hour_usd: Money | None = None
    """The most that one replica may cost in an hour."""

    max_replicas: Count | None = None
    """The most that autoscaling.max may be."""

    security: tuple[Security, ...] | None = None
    """The security levels that may be used."""

    required_tags: tuple[Word, ...] = ()
    """Tags that every endpoint has to carry, such as ["team:*"]."""

    registries: tuple[Word, ...] | None = None
    """Where images may come from, such as [docker.io/vllm, ghcr.io/huggingface]."""

    images_by_digest: Flag = False
    """Whether every image has to be named by its digest."""

    monthly_ceiling_usd: Money | None = None
    """The most that all endpoints together may cost in a month with every replica up."""


class Approval(Section):
    """Who has to agree when a change makes a month dearer."""

    group: Line
    """What the group is called where approvals are given, such as finops."""

    above_monthly_delta_usd: Money
    """With every replica up, a month may get dearer by this much without asking them."""


class Waiver(Section):
    """An exception from one rule, for some endpoints, until a day."""

    rule: RuleId
    """The rule that is not to count."""

    endpoint: Word
    """For which endpoints, by name; * stands for any text."""

    until: Day
    """The last day on which it holds."""

    reason: Line
    """Why; shown with every finding that it weakens."""

    by: Line
    """Who decided that."""


class Policy(Section):
    """What an organisation allows its endpoints, and what it wants to be asked about."""

    version: Annotated[Line, AfterValidator(_version), WithJsonSchema({"const": 1})] = "1"
    """Version of this format; may be left out."""

    rules: Mapping[RuleId, Level] = Field(default={}, json_schema_extra={"propertyNames": {"enum": _RULE_NAMES}})
    """How much a rule weighs: error, warning, note or off. One left out weighs what docs/rules.md says."""

    limits: Limits = Limits()
    """What no endpoint may go beyond."""

    approvals: tuple[Approval, ...] = ()
    """Who has to agree to a change that costs more."""

    waivers: tuple[Waiver, ...] = ()
    """Exceptions, each with an end."""


def policy_schema() -> dict[str, Any]:
    """The format of a policy as JSON Schema, for editors."""
    schema = Policy.model_json_schema(schema_generator=AsWritten)
    return {"$schema": DIALECT} | schema | {"title": "hfdeploy: a policy for reviews"}
