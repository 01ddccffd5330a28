"""One list call for everybody who waits: fifty endpoints coming up are one request per poll, not fifty."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hfdeploy import errors, wire
from hfdeploy.client.api import Api

MAX_AGE: Final = 1.0
"""Seconds for which a list answers everybody: at most one list call a second, however many wait."""


class Listing:
    """The endpoints of a namespace as last listed, shared between threads.

    What was listed before this process changed an endpoint does not answer for that endpoint. Absence from a list
    proves nothing; it is followed by a GET.
    """

    def __init__(self, api: Api, *, max_age: float = MAX_AGE) -> None:
        self._api, self._max_age = api, max_age
        self._lock = threading.Lock()
        self._shelves: dict[str, _Shelf] = {}

    def fetch(self, namespace: str, name: str) -> wire.Endpoint:
        """The endpoint, at most `max_age` seconds old.

        Raises:
            errors.NotFound: a GET says that there is none of that name.
            errors.Unreachable: no usable answer; those who waited for the same list get the same error.
        """
        with self._lock:
            shelf = self._shelves.setdefault(namespace, _Shelf(threading.Lock(), {}))
        with shelf.lock:
            if not self._answers(shelf, namespace, name):
                self._fill(shelf, namespace)
            if shelf.trouble is not None:
                raise errors.Unreachable(shelf.trouble)
            found = shelf.endpoints.get(name)
        return found or self._api.get(namespace, name)

    def _answers(self, shelf: "_Shelf", namespace: str, name: str) -> bool:
        is_fresh = self._api.clock.now() - shelf.listed_at < self._max_age
        return is_fresh and shelf.moment > self._api.changed(namespace, name)

    def _fill(self, shelf: "_Shelf", namespace: str) -> None:
        shelf.moment, shelf.trouble = self._api.moment(), None
        try:
            shelf.endpoints = {endpoint.name: endpoint for endpoint in self._api.list(namespace)}
        except errors.Unreachable as trouble:
            shelf.trouble = str(trouble)
        shelf.listed_at = self._api.clock.now()


@dataclass
class _Shelf:
    """What is known of one namespace; `moment` is when the list was asked for, among this process's changes."""

    lock: threading.Lock
    endpoints: Mapping[str, wire.Endpoint]
    listed_at: float = float("-inf")
    moment: int = 0
    trouble: str | None = None
