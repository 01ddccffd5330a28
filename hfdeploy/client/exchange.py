"""Requests with their retries: how reads are repeated, and how a change is made once although answers get lost."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Final, TypeVar

import httpx2
from huggingface_hub import HfApi

from hfdeploy import errors, wire
from hfdeploy.client import answer, retry
from hfdeploy.client.session import Deadlines, Session
from hfdeploy.wait import Clock

T = TypeVar("T")

_CLOSED: Final = frozenset({429, 503})
"""What a limiter, or a service that is down for a while, answers."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")


class Exchange:
    """One session, one clock, the deadlines; the operations of the API are written in its words.

    Methods that take a `deadline` (a time on the clock) raise `answer.Trouble`; those that start one raise our errors.
    """

    def __init__(self, session: Session, clock: Clock, deadlines: Deadlines) -> None:
        self._session, self.clock, self.deadlines = session, clock, deadlines
        self._moments = count(1)
        self._changed: dict[tuple[str, str], int] = {}
        self._closed_until = float("-inf")

    def close(self) -> None:
        """Give the session back."""
        self._session.close()

    def deadline(self) -> float:
        """When a call that starts now has to end."""
        return self.clock.now() + self.deadlines.call

    def moment(self) -> int:
        """A number that grows with every use: what was read before a change is told from what was read after it."""
        return next(self._moments)

    def changed(self, namespace: str, name: str) -> int:
        """The moment of this process's last change of that endpoint; 0 where there was none."""
        return self._changed.get((namespace, name), 0)

    @contextmanager
    def changing(self, namespace: str, name: str) -> Iterator[None]:
        """Whatever is read of that endpoint before the end of this block is out of date."""
        try:
            yield
        finally:
            self._changed[namespace, name] = self.moment()

    def ask(self, request: str, read: Callable[[float], T]) -> T:
        """A read under a deadline of its own, its troubles as our errors."""
        try:
            return read(self.deadline())
        except answer.Trouble as trouble:
            met = trouble
        raise answer.as_error(request, met)

    def fetch(
        self,
        method: str,
        path: str,
        read: Callable[[httpx2.Response], T],
        deadline: float,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """One request, once."""

        def send() -> T:
            return self._session.fetch(method, path, read, seconds=self._left(deadline), params=params, body=body)

        return self._in_turn(send, deadline)

    def call(self, method: Callable[[HfApi], T], deadline: float) -> T:
        """One request through a method of huggingface_hub, once."""
        return self._in_turn(lambda: self._session.call(method, seconds=self._left(deadline)), deadline)

    def get(
        self,
        path: str,
        read: Callable[[httpx2.Response], T],
        deadline: float,
        *,
        params: Mapping[str, str | int] | None = None,
    ) -> T:
        """A GET, repeated where that may help."""
        return self._repeat_read(
            f"GET {path}", lambda: self.fetch("GET", path, read, deadline, params=params), deadline
        )

    def query(self, path: str, read: Callable[[httpx2.Response], T], deadline: float, *, body: Mapping[str, Any]) -> T:
        """A POST that changes nothing, as the routes of metrics are: repeated like a GET."""
        return self._repeat_read(f"POST {path}", lambda: self.fetch("POST", path, read, deadline, body=body), deadline)

    def look(self, namespace: str, name: str, deadline: float) -> wire.Endpoint:
        """One endpoint as it is now, asked for again where that may help."""
        return self._repeat_read(
            f"GET {path_of(namespace, name)}", lambda: self.look_once(namespace, name, deadline), deadline
        )

    def look_once(self, namespace: str, name: str, deadline: float) -> wire.Endpoint:
        """One endpoint as it is now, asked for once."""
        return self.call(
            lambda hub: wire.parse_endpoint(hub.get_inference_endpoint(name, namespace=namespace).raw), deadline
        )

    def repeat(
        self, request: str, send: Callable[[], T], *, when: Callable[[BaseException], bool], deadline: float
    ) -> T:
        """Send again while `when` allows it and there is time."""
        return retry.repeat(send, request=request, when=when, clock=self.clock, deadline=deadline)

    def change(
        self,
        request: str,
        namespace: str,
        name: str,
        *,
        send: Callable[[float], wire.Endpoint],
        is_reached: Callable[[wire.Endpoint], bool],
    ) -> wire.Endpoint:
        """Send a change; after an unclear answer look first, and send again only what is not there yet.

        Raises:
            errors.UnclearOutcome: at the deadline it may or may not have been made.
        """
        change = _Change(send, lambda: self.look_once(namespace, name, deadline), is_reached)
        deadline = self.deadline()
        try:
            with self.changing(namespace, name):
                return self.repeat(request, lambda: change.attempt(deadline), when=change.may_repeat, deadline=deadline)
        except answer.Trouble as trouble:
            met = trouble
        raise answer.as_unclear(request, met) if change.is_unclear else answer.as_error(request, met)

    def _repeat_read(self, request: str, read: Callable[[], T], deadline: float) -> T:
        return self.repeat(request, read, when=retry.may_pass_or_glitch, deadline=deadline)

    def _in_turn(self, send: Callable[[], T], deadline: float) -> T:
        """Send when the service wants to be asked again: a limiter that closed for one request is shut for all."""
        closed = self._closed_until - self.clock.now()
        if closed > 0:
            if closed >= self._left(deadline):
                raise answer.Refused(429, "the service asked to be left alone, so it was not sent", retry_after=closed)
            self.clock.sleep(closed)
        try:
            return send()
        except answer.Refused as refused:
            if refused.status in _CLOSED and refused.retry_after > 0:
                self._closed_until = max(self._closed_until, self.clock.now() + refused.retry_after)
            raise

    def _left(self, deadline: float) -> float:
        return deadline - self.clock.now()


class _Change:
    """A change on its way: sent, perhaps made, looked for, sent again."""

    def __init__(
        self,
        send: Callable[[float], wire.Endpoint],
        look: Callable[[], wire.Endpoint],
        is_reached: Callable[[wire.Endpoint], bool],
    ) -> None:
        self._send, self._look, self._is_reached = send, look, is_reached
        self._was_sent = False
        self.is_unclear = False

    def attempt(self, deadline: float) -> wire.Endpoint:
        if self._was_sent:
            live = self._looked()
            if self._is_reached(live):
                return live
            self.is_unclear = False
        self._was_sent = True
        try:
            return self._send(deadline)
        except answer.Trouble as trouble:
            self.is_unclear = answer.may_have_happened(trouble)
            raise

    def _looked(self) -> wire.Endpoint:
        try:
            return self._look()
        except answer.Refused as refused:
            if refused.status == 404:
                self.is_unclear = False  # what is gone was not changed
            raise

    def may_repeat(self, trouble: BaseException) -> bool:
        """An answer that cannot be read is followed by a look as well: it says nothing about what was done."""
        return retry.may_pass(trouble) or (isinstance(trouble, answer.Unreadable) and self.is_unclear)


def path_of(namespace: str, name: str = "", *, version: str = "v2") -> str:
    """The path of a namespace's endpoints, or of one of them.

    Raises:
        errors.UsageError: a part that would change the path it is put into.
    """
    return "/".join([f"/{version}/endpoint", checked(namespace), *([checked(name)] if name else [])])


def checked(part: str) -> str:
    """A namespace or a name that is safe as part of a path.

    Raises:
        errors.UsageError: it is not.
    """
    if not _NAME.fullmatch(part):
        raise errors.UsageError(f"{answer.cut(part)!r} cannot be a namespace or the name of an endpoint.")
    return part
