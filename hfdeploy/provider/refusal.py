"""Hardware that the service refuses, for want of quota or of stock: no fault of the configuration, and not green."""

from collections.abc import Iterator
from contextlib import contextmanager

from hfdeploy.catalog import Hardware, alternatives, format_rate
from hfdeploy.errors import CapacityMissing, Inconclusive, QuotaExceeded
from hfdeploy.plan import Plan
from hfdeploy.provider.session import Session


@contextmanager
def told_with_alternatives(plan: Plan, namespace: str, session: Session) -> Iterator[None]:
    """Say with a refusal what could be had instead.

    Raises:
        Inconclusive: the service has no quota or no hardware for the plan.
    """
    try:
        yield
    except (QuotaExceeded, CapacityMissing) as refusal:
        rows = alternatives(session.catalog(namespace).rows, plan.hardware)
        what = "quota" if isinstance(refusal, QuotaExceeded) else "stock"
        raise Inconclusive(
            f"{namespace}/{plan.name}: the service has no {what} for {plan.hardware.spelling} in "
            f"{plan.hardware.place}: {str(refusal).rstrip('.')}. {_offered(rows)} Nothing was undone."
        ) from None


def _offered(rows: list[Hardware]) -> str:
    if not rows:
        return "The catalogue has nothing else with as much memory that could be had."
    told = [f"{row.spelling} in {row.place} at {format_rate(row.price_per_hour)}" for row in rows]
    return f"As much memory could be had as {'; '.join(told)}."
