"""--usage: how much endpoints are used, by a table or by what the service measured of each."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias, TypeVar

import typer

from hfdeploy.cli import terminal
from hfdeploy.cli.service import QUICK, require_namespace, service
from hfdeploy.errors import ApiError, AuthError, Unreachable
from hfdeploy.plan import Plan
from hfdeploy.settings import Settings
from hfdeploy.usage import Known, measure, read_usage
from hfdeploy.wire import Metrics

if TYPE_CHECKING:
    from hfdeploy.client import Api

METRICS: Final = "metrics"
AT_ONCE: Final = 8
"""Reads on their way at the same time; a limiter that closes for one is waited for by all."""

UsageOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--usage",
        metavar="FILE|metrics",
        help="Show what to expect of the cost: by a CSV (name, active_hours_per_day, avg_replicas), or by metrics.",
    ),
]

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def usage_of_plans(asked: str, plans: Sequence[Plan], chosen: Settings, *, days: int) -> dict[str, Known]:
    """The usage of planned endpoints by name; what is not known of one is said.

    Raises:
        SpecError: every problem of the table.
        UsageError: it cannot be read, or no namespace is known.
        AuthError: metrics take a token.
    """
    most = {plan.name: plan.spec.autoscaling.max for plan in plans}
    if asked != METRICS:
        return of_table(asked, most)
    default = "" if all(plan.spec.namespace for plan in plans) else require_namespace(chosen)
    with terminal.busy("reading metrics"), service(chosen, seconds=QUICK) as api:
        places = {plan.name: plan.spec.namespace or default for plan in plans}
        stop = api.clock.utcnow()
        start = stop - timedelta(days=days)
        read = metrics_of(api, places, start, stop)
    known = {name: measure(found, start, stop) for name, found in read.items()}
    for name, found in known.items():
        if isinstance(found, str):
            terminal.warn(f"Nothing is expected of {name}: {found}.")
    return {name: found.at_most(most[name]) for name, found in known.items() if isinstance(found, Known)}


def of_table(file: str, most: Mapping[str, int]) -> dict[str, Known]:
    """The table, with a word about what names no endpoint here; `most` has the largest number of replicas of each."""
    found = read_usage(Path(file), most)
    for name, known in found.items():
        if name not in most:
            terminal.warn(f"{known.source}: {name} is no endpoint here.")
    return {name: known for name, known in found.items() if name in most}


def metrics_of(api: "Api", places: Mapping[str, str], start: datetime, stop: datetime) -> dict[str, Metrics | None]:
    """What the service measured of endpoints, which `places` has with their namespaces; None for none."""
    return each("metrics", places, lambda namespace, name: api.metrics(namespace, name, start=start, stop=stop))


def each(what: str, places: Mapping[str, str], read: Callable[[str, str], Answer | None]) -> dict[str, Answer | None]:
    """Ask about endpoints, which `places` has with their namespaces; None, and a word about it, where none answers.

    Where one cannot be reached the others are not asked any more: sixty deadlines in a row are an hour of nothing.
    """
    gone = Event()

    def attempt(name: str) -> Answer | None:
        if gone.is_set():
            return None
        try:
            return read(places[name], name)
        except (ApiError, AuthError, Unreachable) as trouble:
            if isinstance(trouble, Unreachable):
                gone.set()
            terminal.warn(f"The {what} of {places[name]}/{name} could not be read: {trouble}")
            return None

    return together(attempt, places)


def together(read: Callable[[Item], Answer], items: Iterable[Item]) -> dict[Item, Answer]:
    """Ask about several things at once, a few at a time."""
    wanted = list(items)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(read, wanted), strict=True))
