"""The management API of Inference Endpoints: one method, one operation, with the retries that are safe for it.

huggingface_hub's methods are used where they do exactly what is wanted; the rest goes through the same session,
because they read only the first page of a list, send null for what is unset and nothing for what should be null,
flatten the hardware, and have nothing for logs and replicas.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from huggingface_hub import HfApi

from hfdeploy import errors, wire
from hfdeploy.client import answer, replies, retry
from hfdeploy.client.exchange import Exchange, checked, path_of
from hfdeploy.client.observation import Observation
from hfdeploy.client.removal import Removal
from hfdeploy.client.session import Deadlines, Session
from hfdeploy.settings import Settings
from hfdeploy.wait import Clock, SystemClock, never

PAGE: Final = 100
"""Endpoints asked for at a time; the service's own default is 20."""

MAX_PAGES: Final = 1000


def connect(
    settings: Settings,
    *,
    clock: Clock | None = None,
    stopped: Callable[[], bool] = never,
    deadlines: Deadlines | None = None,
) -> "Api":
    """Open the management API; close it by leaving a `with` block. Sends nothing yet.

    Raises:
        errors.AuthError: there is no token.
        errors.UsageError: this process is talking to another address at the moment.
    """
    if settings.token is None:
        raise errors.AuthError(
            f"There is no token for {settings.api_url}: set HF_TOKEN, log in with `hf auth login`, or set the stack's"
            " secret hfdeploy:token (an emulator that the stack names takes only that one)."
        )
    clock, deadlines = clock or SystemClock(stopped), deadlines or Deadlines()
    session = Session(settings.api_url, settings.token, deadlines=deadlines, stopped=stopped, utcnow=clock.utcnow)
    return Api(Exchange(session, clock, deadlines))


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is in a namespace."""

    endpoints: list[wire.Endpoint]
    unreadable: dict[str, list[str]]
    """Those whose description cannot be read: their tags by name, as far as there are any."""


class Api(Observation):
    """Every operation on endpoints; safe to share between threads.

    Raises, from every method: `errors.AuthError` (401, 403), `errors.Unreachable` (no usable answer within the
    deadline, after the retries that are safe), `errors.ApiError` and its kinds (refused), `errors.Cancelled` (somebody
    asked to stop; nothing more is sent), `errors.UsageError` (a name that cannot be part of an address).
    """

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.clock = exchange.clock

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._exchange.close()

    def moment(self) -> int:
        """A number that grows with every use; what was asked for later has the greater one."""
        return self._exchange.moment()

    def changed(self, namespace: str, name: str) -> int:
        """The moment at which this process last changed that endpoint, 0 for never."""
        return self._exchange.changed(namespace, name)

    def get(self, namespace: str, name: str) -> wire.Endpoint:
        """The endpoint as it is now.

        Raises:
            errors.NotFound: there is none of that name.
        """
        return self._exchange.ask(
            f"GET {path_of(namespace, name)}", lambda deadline: self._exchange.look(namespace, name, deadline)
        )

    def find(self, namespace: str, name: str) -> wire.Endpoint | None:
        """The endpoint as it is now, None where there is none of that name."""
        try:
            return self.get(namespace, name)
        except errors.NotFound:
            return None

    def list(
        self, namespace: str, *, tags: Sequence[str] | None = None, must_read: str | None = None
    ) -> list[wire.Endpoint]:
        """All endpoints of a namespace, over all its pages; with `tags`, those that carry each of them.

        Endpoints that cannot be read are left out with a warning, but for those with the tag `must_read`. Absence here
        is no proof of absence: pages move while they are read.

        Raises:
            errors.Unreachable: no usable answer, or one with that tag that cannot be read.
        """
        found = self.survey(namespace, tags=tags)
        if lost := [name for name, carried in found.unreadable.items() if must_read in carried]:
            raise errors.Unreachable(
                f"GET {path_of(namespace)} names {', '.join(lost)} with the tag {must_read}, which cannot be read."
            )
        return found.endpoints

    def survey(self, namespace: str, *, tags: Sequence[str] | None = None) -> Survey:
        """The same, with the names of those that cannot be read."""
        path, wanted = path_of(namespace), list(tags or ())

        def read_all(deadline: float) -> Survey:
            found: dict[str, wire.Endpoint] = {}
            unreadable: dict[str, list[str]] = {}
            cursors = [""]
            while len(cursors) <= MAX_PAGES:
                asked = {"limit": str(PAGE), "cursor": cursors[-1], "tags": ",".join(wanted)}
                params = {key: value for key, value in asked.items() if value}
                page = self._exchange.get(path, replies.page, deadline, params=params)
                found |= {endpoint.name: endpoint for endpoint in page.endpoints}
                unreadable |= page.unreadable
                if not page.cursor:
                    kept = [endpoint for endpoint in found.values() if set(wanted) <= set(endpoint.tags)]
                    return Survey(kept, unreadable)
                if page.cursor in cursors:
                    raise answer.Unreadable("its pages go round in a circle")
                cursors.append(page.cursor)
            raise answer.Unreadable(f"it has more than {MAX_PAGES} pages")

        return self._exchange.ask(f"GET {path}", read_all)

    def hardware(self, namespace: str) -> wire.Body:
        """The `Vendors` reply: what is on offer, with prices and this namespace's quota."""
        path = f"/v2/provider/{checked(namespace)}"
        return self._exchange.ask(f"GET {path}", lambda deadline: self._exchange.get(path, replies.vendors, deadline))

    def create(self, namespace: str, body: Mapping[str, Any]) -> wire.Endpoint:
        """Ask for a new endpoint; the reply comes long before it runs.

        Sent again only where the service answered 429 or cannot have seen it.

        Raises:
            errors.NameTaken: there is one of that name.
            errors.QuotaExceeded: not allowed to have that many accelerators.
            errors.CapacityMissing: the hardware is not to be had at the moment.
            errors.ApiError: 409 although there is none of that name, or any other refusal.
            errors.UnclearOutcome: it may or may not exist now: look before asking again.
        """
        path, name = path_of(namespace), checked(str(body["name"]))
        request, deadline = f"POST {path} ({name})", self._exchange.deadline()

        def send() -> wire.Endpoint:
            return self._exchange.fetch("POST", path, replies.endpoint, deadline, body=body)

        try:
            with self._exchange.changing(namespace, name):
                return self._exchange.repeat(request, send, when=retry.was_not_accepted, deadline=deadline)
        except answer.Trouble as trouble:
            met = trouble
        if answer.may_have_happened(met):
            raise answer.as_unclear(request, met)
        if isinstance(met, answer.Refused) and met.status == 409 and not answer.is_about_quota(met.text):
            raise answer.conflict(request, met.text, self.find(namespace, name))
        raise answer.as_error(request, met)

    def update(
        self, namespace: str, name: str, body: Mapping[str, Any], *, is_applied: Callable[[wire.Endpoint], bool]
    ) -> wire.Endpoint:
        """Change what `body` names and nothing else.

        A second PUT may start a second rollout, so after an unclear one `is_applied` judges what a GET shows, and only
        values that are not there yet are sent again.

        Raises:
            errors.NotFound, errors.QuotaExceeded, errors.CapacityMissing: as named.
            errors.UnclearOutcome: it may or may not have been applied.
        """
        path = path_of(namespace, name)
        return self._exchange.change(
            f"PUT {path}",
            namespace,
            name,
            send=lambda deadline: self._exchange.fetch("PUT", path, replies.endpoint, deadline, body=body),
            is_reached=is_applied,
        )

    def delete(self, namespace: str, name: str, *, is_same: Callable[[wire.Endpoint], bool]) -> None:
        """Remove the endpoint; one that is not there is removed already, a busy one (409) is waited for.

        Whoever calls has just looked at it. Before each repetition `is_same` judges what a GET shows: an endpoint that
        took the name meanwhile is left as it is.

        Raises:
            errors.TimedOut: still busy at the deadline of deletes.
            errors.UnclearOutcome: it may or may not be gone.
        """
        Removal(self._exchange, namespace, name, is_same).finish()

    def pause(self, namespace: str, name: str) -> wire.Endpoint:
        """Stop it, and its bill; no request wakes it."""
        return self._act(
            namespace,
            name,
            "pause",
            lambda hub: hub.pause_inference_endpoint(name, namespace=namespace).raw,
            lambda live: live.status.state is wire.State.PAUSED,
        )

    def resume(self, namespace: str, name: str) -> wire.Endpoint:
        """Start one that is paused or asleep; one that runs already is left alone."""
        return self._act(
            namespace,
            name,
            "resume",
            lambda hub: hub.resume_inference_endpoint(name, namespace=namespace, running_ok=False).raw,
            lambda live: live.status.state not in {wire.State.PAUSED, wire.State.SCALED_TO_ZERO},
        )

    def scale_to_zero(self, namespace: str, name: str) -> wire.Endpoint:
        """Put it to sleep; the next authorised request wakes it."""
        return self._act(
            namespace,
            name,
            "scale-to-zero",
            lambda hub: hub.scale_to_zero_inference_endpoint(name, namespace=namespace).raw,
            lambda live: live.status.state is wire.State.SCALED_TO_ZERO,
        )

    def _act(
        self,
        namespace: str,
        name: str,
        action: str,
        method: Callable[[HfApi], wire.Body],
        is_reached: Callable[[wire.Endpoint], bool],
    ) -> wire.Endpoint:
        def send(deadline: float) -> wire.Endpoint:
            try:
                return self._exchange.call(lambda hub: wire.parse_endpoint(method(hub)), deadline)
            except answer.Refused as refused:
                if refused.status != 400 or "already running" not in refused.text.lower():
                    raise
            return self._exchange.look(namespace, name, deadline)

        request = f"POST {path_of(namespace, name)}/{action}"
        return self._exchange.change(request, namespace, name, send=send, is_reached=is_reached)
