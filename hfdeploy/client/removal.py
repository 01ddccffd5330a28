"""A delete: sent, perhaps done, looked for, and sent again only while the same endpoint is still there."""

from collections.abc import Callable

from hfdeploy import errors, wire
from hfdeploy.client import answer, retry
from hfdeploy.client.exchange import Exchange, path_of
from hfdeploy.wait import poll

_ABSENT = 404
_BUSY = 409


class Removal:
    """One endpoint on its way out, for as long as it is busy or its service gives no clear answer.

    Its name may be another's before it is asked for again: a lost answer can have been a yes.
    """

    def __init__(self, exchange: Exchange, namespace: str, name: str, is_same: Callable[[wire.Endpoint], bool]) -> None:
        self._exchange, self._namespace, self._name, self._is_same = exchange, namespace, name, is_same
        self._request = f"DELETE {path_of(namespace, name)}"
        self._until = exchange.clock.now() + exchange.deadlines.delete
        self._was_sent = self._is_unclear = False
        self._busy = ""

    def finish(self) -> None:
        """Send it until the endpoint is gone.

        Raises:
            errors.TimedOut: still busy at the deadline of deletes.
            errors.UnclearOutcome: it may or may not be gone.
        """
        try:
            with self._exchange.changing(self._namespace, self._name):
                gone = poll(self._attempts, deadline=self._until, clock=self._exchange.clock)
        except answer.Trouble as trouble:
            met = trouble
        else:
            if gone:
                return
            limit = self._exchange.deadlines.delete
            raise errors.TimedOut(
                f"{self._request} was answered 409 for {limit:.0f} s, the endpoint is busy: {self._busy}"
            )
        raise answer.as_unclear(self._request, met) if self._is_unclear else answer.as_error(self._request, met)

    def _attempts(self) -> bool | None:
        # The last look, at the deadline, needs its second.
        deadline = min(self._until + 1, self._exchange.deadline())
        return self._exchange.repeat(
            self._request, lambda: self._attempt(deadline), when=self._may_repeat, deadline=deadline
        )

    def _attempt(self, deadline: float) -> bool | None:
        """True once it is gone, None while it is busy."""
        if self._was_sent and not self._is_there(deadline):
            return True
        self._was_sent, self._is_unclear = True, False
        try:
            self._exchange.call(
                lambda hub: hub.delete_inference_endpoint(self._name, namespace=self._namespace), deadline
            )
        except answer.Refused as refused:
            if refused.status == _BUSY:
                self._busy = refused.text
                return None
            if refused.status == _ABSENT:
                return True
            self._is_unclear = answer.may_have_happened(refused)
            raise
        except answer.Trouble as trouble:
            self._is_unclear = answer.may_have_happened(trouble)
            raise
        return True

    def _is_there(self, deadline: float) -> bool:
        try:
            return self._is_same(self._exchange.look_once(self._namespace, self._name, deadline))
        except answer.Refused as refused:
            if refused.status == _ABSENT:
                return False
            raise

    def _may_repeat(self, trouble: BaseException) -> bool:
        """A look that cannot be read is taken again: without one, nothing more is sent."""
        return retry.may_pass(trouble) or isinstance(trouble, answer.Unreadable)
