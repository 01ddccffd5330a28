"""The one door to huggingface_hub: its session, its headers and its module constants, all of them process-wide.

huggingface_hub has one HTTP client and one address of this API per process. So all that is open at a time talks to one
address, and the address is taken when the first opens and freed when the last closes. Nothing happens on import.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any, Final, TypeVar

import httpx2
from huggingface_hub import HfApi, constants, get_session, set_client_factory
from huggingface_hub.utils import build_hf_headers
from huggingface_hub.utils._http import default_client_factory
from pydantic import ValidationError

from hfdeploy import errors, settings
from hfdeploy.client import answer
from hfdeploy.redact import Secret, bearer
from hfdeploy.transport import CONNECT, READ, Transport, bounded, is_bounded

T = TypeVar("T")

_LIBRARY: Final = "hfdeploy"
_MOST_DOUBTS: Final = 2
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a body that is not what it should be ends in, in huggingface_hub and here."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds: for a connection, for silence, for a call with its retries, and for a delete that finds it busy."""

    connect: float = CONNECT
    read: float = READ
    call: float = 60.0
    delete: float = 600.0


class Session:
    """Sends single requests, each with its token and within its bounds; says what came back in `answer`'s words.

    The first 401 may be a glitch. After a second one in a row nothing more is sent, by any thread.
    """

    def __init__(
        self,
        address: str,
        token: Secret,
        *,
        deadlines: Deadlines,
        stopped: Callable[[], bool],
        utcnow: Callable[[], datetime],
    ) -> None:
        self._address, self._deadlines = address, deadlines
        self._stopped, self._utcnow = stopped, utcnow
        bearer(token)  # Else what cannot be sent would look like an answer that cannot be read.
        _door.open(address)
        release = version(_LIBRARY)
        self._headers = build_hf_headers(token=token.reveal(), library_name=_LIBRARY, library_version=release)
        self._hub = HfApi(token=token.reveal(), library_name=_LIBRARY, library_version=release)
        self._lock = threading.Lock()
        self._doubts = 0
        self._is_open = True

    def close(self) -> None:
        """Give the address back, once; connections close with the last session."""
        if self._is_open:
            self._is_open = False
            _door.close()

    def fetch(
        self,
        method: str,
        path: str,
        read: Callable[[httpx2.Response], T],
        *,
        seconds: float,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> T:
        """One request to `path` below the API's address, for what huggingface_hub has no method for.

        `read` turns a 2xx into what is wanted. Raises: answer.Trouble, errors.Cancelled.
        """
        url = f"{self._address}{path}"
        return self._send(
            lambda: read(get_session().request(method, url, headers=self._headers, params=params, json=body)), seconds
        )

    def call(self, method: Callable[[HfApi], T], *, seconds: float) -> T:
        """One request through a method of huggingface_hub. Raises: answer.Trouble, errors.Cancelled."""
        return self._send(lambda: method(self._hub), seconds)

    def _send(self, send: Callable[[], T], seconds: float) -> T:
        if self._stopped():
            raise errors.Cancelled("Interrupted: nothing more is sent. Run again to continue.")
        if self._doubts >= _MOST_DOUBTS:
            raise errors.AuthError("The service has refused this token twice, so nothing more is sent with it.")
        reply = self._try(send, seconds)
        # Raised here, outside of any `except`, so that no exception of the SDK becomes its context: those hold the
        # request, and the request holds the token.
        if isinstance(reply, answer.Trouble):
            raise self._noted(reply)
        self._doubts = 0
        return reply

    def _noted(self, trouble: answer.Trouble) -> Exception:
        """A request that a stop cut short is nobody's trouble; refused tokens are counted."""
        match trouble:
            case answer.Lost() if self._stopped():
                return errors.Cancelled("Interrupted while a request was under way. Run again to continue.")
            case answer.Refused(status=401):
                with self._lock:
                    self._doubts += 1
                    trouble.is_final = self._doubts >= _MOST_DOUBTS
            case answer.Refused():
                self._doubts = 0
        return trouble

    def _try(self, send: Callable[[], T], seconds: float) -> T | answer.Trouble:
        deadlines = self._deadlines
        try:
            with bounded(total=seconds, connect=deadlines.connect, read=deadlines.read, stopped=self._stopped):
                return send()
        except _Judged as judged:
            return answer.refusal(judged.response, self._utcnow())
        except httpx2.TransportError as failure:
            return answer.loss(failure)
        except httpx2.DecodingError:
            return answer.Unreadable("its compression is broken")
        except _UNREADABLE as failure:
            return answer.Unreadable(_unreadable(failure))


class _Judged(Exception):
    """Raised within the session for every answer to us that is not 2xx, before anybody else looks at it.

    huggingface_hub's own reading of errors breaks on bodies that are not objects, and its exceptions hold the request
    with the token.
    """

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__(response.status_code)
        self.response = response


class _Door:
    """The process's one address and one HTTP client: taken by the first session, given back by the last.

    Others in the process may use huggingface_hub for their own purposes before and after us, and want its redirects.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._address = ""
        self._before = ("", False)
        self._users = 0

    def open(self, address: str) -> None:
        with self._lock:
            if self._users and address != self._address:
                raise errors.UsageError(
                    f"This process already talks to {self._address} and cannot talk to {address} too:"
                    " huggingface_hub has one address per process."
                )
            if not self._users:
                self._address = address
                set_client_factory(_new_client)
                self._before = (constants.INFERENCE_ENDPOINTS_ENDPOINT, constants.HF_HUB_DISABLE_TELEMETRY)
                # Its headers would name what it runs in, by a list that it fetches from the Hub first: not ours to ask.
                constants.HF_HUB_DISABLE_TELEMETRY = True
                constants.INFERENCE_ENDPOINTS_ENDPOINT = f"{address}/v2"
            self._users += 1

    @property
    def is_public(self) -> bool:
        """Whether what is open is the service itself, and not an address that somebody chose."""
        return self._address == settings.API

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                set_client_factory(default_client_factory)
                constants.INFERENCE_ENDPOINTS_ENDPOINT, constants.HF_HUB_DISABLE_TELEMETRY = self._before


_door: Final = _Door()


def _new_client() -> httpx2.Client:
    """No redirects: the token goes where it was sent and nowhere else."""
    return httpx2.Client(
        transport=Transport(is_public=_door.is_public),
        follow_redirects=False,
        trust_env=False,  # the transport reads the proxies itself; nothing else of the environment is wanted
        timeout=httpx2.Timeout(READ, connect=CONNECT),
        event_hooks={"response": [_judge]},
    )


def _judge(response: httpx2.Response) -> None:
    if is_bounded() and not response.is_success:
        response.read()
        raise _Judged(response)


def _unreadable(failure: Exception) -> str:
    """Pydantic's own text would quote the input, and an endpoint's input can hold what nobody should see."""
    if isinstance(failure, ValidationError):
        fields = sorted({".".join(map(str, problem["loc"])) for problem in failure.errors(include_input=False)})
        return answer.cut(f"{', '.join(fields)} missing or malformed")
    if isinstance(failure, KeyError):
        return answer.cut(f"{failure.args[0]} is missing")
    return f"not the JSON that was expected ({type(failure).__name__})"
