"""Estimates as CSV with the columns of FOCUS 1.2 (focus.finops.org), for the tools that read bills.

One row per endpoint and 730-hour month. `ListCost` is the most it can cost, which limits are compared with; the range
is in the columns of our own. What an invoice would say (`BilledCost`, `EffectiveCost`) is empty: an estimate is none.
Who has to agree is not here: that is about the change as a whole, and a row is about one endpoint.
"""

import csv
import io
import json
from decimal import Decimal
from typing import Final

from hfdeploy.cost import CURRENCY, HOURS_PER_MONTH, Estimate
from hfdeploy.policy import Facts
from hfdeploy.render.text import plain_line
from hfdeploy.review import Review

COLUMNS: Final = (
    "BillingCurrency",
    "ChargeCategory",
    "ServiceCategory",
    "ServiceName",
    "RegionId",
    "ResourceId",
    "ResourceName",
    "SkuId",
    "PricingUnit",
    "PricingQuantity",
    "ListUnitPrice",
    "ListCost",
    "ContractedCost",
    "BilledCost",
    "EffectiveCost",
    "Tags",
    "x_EstimateFloor",
    "x_EstimateCeiling",
    "x_EstimateExpected",
    "x_PriceAsOf",
)
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What makes a spreadsheet compute a cell instead of showing it."""


def focus_csv(review: Review, *, namespace: str | None, stack: str = "", answered: str = "") -> str:
    """The endpoints that will be there, or are, each with its range; one without a price has empty amounts, never zero.

    `answered` is the day on which the service named its prices: those of the snapshot have a date of their own.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    costs, places = review.costs_of_all, {plan.name: plan.spec.namespace for plan in review.plans}
    writer.writerows(
        _row(name, facts, costs[name], places.get(name) or namespace or "", stack, answered)
        for name, facts in review.facts.items()
    )
    return text.getvalue()


def _row(name: str, facts: Facts, cost: Estimate, namespace: str, stack: str, answered: str) -> list[str]:
    # Quantity times unit price is the cost, also of what nobody pays for now.
    replica_hours = Decimal(0 if facts.is_paused else HOURS_PER_MONTH * facts.max_replicas)
    tags: dict[str, str | bool] = {"stack": stack} if stack else {}
    tags |= dict.fromkeys(facts.tags, True)
    return [
        CURRENCY,
        "Usage",
        "AI and Machine Learning",
        "Hugging Face Inference Endpoints",
        _shown(facts.hardware.region),
        _shown(f"{namespace}/{name}" if namespace else name),
        _shown(name),
        _shown(facts.hardware.id),
        "Hours",
        _amount(replica_hours),
        _amount(cost.rate),
        _amount(cost.ceiling),
        "",
        "",
        "",
        _shown(json.dumps(tags, ensure_ascii=False)),
        _amount(cost.floor),
        _amount(cost.ceiling),
        _amount(cost.expected),
        _shown(cost.price_as_of or ("" if cost.rate is None else answered)),
    ]


def _amount(amount: Decimal | None) -> str:
    """A number of ours: the only cells that a spreadsheet is to compute with."""
    return "" if amount is None else f"{amount.normalize():f}"


def _shown(text: str) -> str:
    """Text of others on one line; an apostrophe in front keeps a spreadsheet from computing it."""
    text = plain_line(text)
    return f"'{text}" if text.startswith(_FORMULA) else text
