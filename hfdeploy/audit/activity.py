"""When an endpoint was last used, by whatever the service says of it; not known is neither idle nor busy."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hfdeploy.usage import Load
from hfdeploy.wire import Endpoint, State


@dataclass(frozen=True, slots=True)
class Activity:
    """Whether anybody calls it."""

    is_idle: bool | None
    """None where nobody knows."""

    last_used: datetime | None
    """None where the service names no time."""

    why: str
    """What that is read from, as the end of a sentence without a full stop."""

    is_new: bool = False
    """Whether it is too young to be idle, and nothing says that anybody called it."""


def read_activity(live: Endpoint, now: datetime, *, idle_days: int, load: Load | None, counted: int | None) -> Activity:
    """Judge one endpoint.

    `load` is what its metrics of the last `idle_days` days say, `counted` the requests that its running replicas
    counted since they started; None where nobody asked or the service would not say.
    """
    limit = timedelta(days=idle_days)
    last_used = moment_of(live.status.last_used_at)
    if last_used is not None:
        return Activity(now - last_used >= limit, last_used, f"no request since {last_used:%Y-%m-%d}")
    created = moment_of(live.status.created_at)
    if created is not None and now - created < limit:
        is_called = bool(counted or (load is not None and load.requests))
        return Activity(False, None, f"created {created:%Y-%m-%d}", is_new=not is_called)
    if load is not None and load.requests is not None:
        said = f"its metrics of {load.days:.0f} days count {load.requests or 'no'} requests"
        return Activity(load.requests == 0, None, said)
    if counted:
        return Activity(None, None, "it was called since its replicas started, and the service does not say when")
    updated = moment_of(live.status.updated_at)
    if counted == 0 and live.status.state is State.RUNNING and updated is not None and now - updated >= limit:
        return Activity(True, None, "its replicas counted no request since they started")
    return Activity(None, None, "the service does not say when it was last called")


def moment_of(text: str | None) -> datetime | None:
    """A time of the service; None for one that is missing or cannot be read."""
    try:
        read = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
