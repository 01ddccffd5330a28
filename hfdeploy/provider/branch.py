"""Branches that moved: an endpoint keeps the commit that its branch stood for, and people want to know of a newer one.

Asked of the Hub once per branch and process, while a refresh is on the network anyway. It decides nothing, so no
trouble with it is anybody's: a Hub that does not answer is not asked again by this process.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from hfdeploy import redact
from hfdeploy.errors import HfdeployError, Inconclusive, Untrusted
from hfdeploy.hub import Hub
from hfdeploy.settings import Settings
from hfdeploy.wait import Clock

log = redact.logger(__name__)

_SECONDS: Final = 5.0
"""For one question; a refresh must not hang on a Hub that is down."""


class Branches:
    """What branches stand for now."""

    def __init__(self, settings: Settings, *, clock: Clock, stopped: Callable[[], bool]) -> None:
        self._settings, self._clock, self._stopped = settings, clock, stopped
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str | None], Future[str | None]] = {}
        self._hub: Hub | None = None
        self._is_away = not settings.may_ask_hub

    def commit(self, repository: str, branch: str | None) -> str | None:
        """The commit of a branch (None: the default one); None where the Hub does not say."""
        with self._lock:
            answer = self._asked.get((repository, branch))
            is_mine = answer is None
            if answer is None:
                answer = self._asked[repository, branch] = Future()
        if is_mine:
            found: str | None = None
            try:
                found = self._ask(repository, branch)
            finally:
                answer.set_result(found)
        return answer.result()

    def _ask(self, repository: str, branch: str | None) -> str | None:
        if self._is_away:
            return None
        try:
            return self._open().commit(repository, branch)
        except (Inconclusive, Untrusted) as away:
            self._is_away = True
            log.debug("the Hub is not asked again: %s", away)
        except HfdeployError as refused:
            log.debug("the Hub does not say what a branch stands for: %s", refused)
        return None

    def _open(self) -> Hub:
        with self._lock:
            if self._hub is None:
                self._hub = Hub(self._settings, clock=self._clock, stopped=self._stopped, seconds=_SECONDS)
            return self._hub


def moved(branches: Branches, repository: str, branch: str | None, kept: str | None) -> str | None:
    """A sentence that says where a branch went since its commit was kept; None where it did not, or nobody knows."""
    newer = branches.commit(repository, branch) if kept else None
    if newer is None or newer == kept:
        return None
    return (
        f"{branch or 'the default branch'} of {repository} has moved to {newer} since it was resolved; the endpoint "
        f"keeps {kept}. To serve the newer commit, write it into the spec as `revision`."
    )
