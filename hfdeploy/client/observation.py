"""What can be watched of an endpoint: its replicas, what its container prints, what the service measures."""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

import httpx2

from hfdeploy import errors, wire
from hfdeploy.client import replies
from hfdeploy.client.exchange import Exchange, path_of
from hfdeploy.client.replies import Replica

Lines: TypeAlias = list[str]

_NOT_THERE: Final = frozenset({404, 501})
"""Nothing was measured or kept, or this service has no such route."""


class Observation:
    """Reads beside the endpoint's own; errors as `Api` says."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def replicas(self, namespace: str, name: str) -> list[Replica]:
        """The running copies of an endpoint."""
        path = f"{path_of(namespace, name)}/replica"
        return self._exchange.ask(f"GET {path}", lambda deadline: self._exchange.get(path, replies.replicas, deadline))

    def logs(self, namespace: str, name: str, *, tail: int) -> Lines:
        """The newest `tail` lines that the container printed, oldest first.

        From the searchable logs, or from the older route where those are not to be had (404, 501).
        """
        newer, older = f"{path_of(namespace, name, version='v3')}/logs", f"{path_of(namespace, name)}/logs"
        try:
            lines = self._logs(newer, replies.log_entries, tail)
        except errors.ApiError as refused:
            if refused.status not in _NOT_THERE:
                raise
            lines = None
        return (self._logs(older, replies.log_text, tail) if lines is None else lines)[-tail:]

    def metrics(self, namespace: str, name: str, *, start: datetime, stop: datetime) -> wire.Metrics | None:
        """What the service measured in a period; None where it has no figures of this endpoint.

        The route is a POST because the period is its body; it changes nothing.
        """
        path = f"{path_of(namespace, name)}/metrics"
        period = {"start": _written(start), "stop": _written(stop)}
        try:
            return self._exchange.ask(
                f"POST {path}",
                lambda deadline: self._exchange.query(path, replies.metrics, deadline, body=period),
            )
        except errors.ApiError as refused:
            if refused.status not in _NOT_THERE:
                raise
            return None

    def requests_counted(self, namespace: str, name: str) -> int | None:
        """Requests that the running replicas counted since they started; None where that cannot be had.

        The route is part of the larger plans only (401, 403).
        """
        path = f"{path_of(namespace, name)}/open-metrics"
        try:
            return self._exchange.ask(
                f"GET {path}", lambda deadline: self._exchange.get(path, replies.requests_counted, deadline)
            )
        except errors.AuthError:
            return None
        except errors.ApiError as refused:
            if refused.status not in _NOT_THERE:
                raise
            return None

    def _logs(self, path: str, read: Callable[[httpx2.Response], Lines], tail: int) -> Lines:
        return self._exchange.ask(
            f"GET {path}", lambda deadline: self._exchange.get(path, read, deadline, params={"tail": tail})
        )


def _written(moment: datetime) -> str:
    """As the service writes times: UTC with milliseconds and a Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
