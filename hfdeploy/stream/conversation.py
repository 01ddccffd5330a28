"""One request and its answer, on a thread of its own, so that whoever waits keeps the time.

A socket's timeout is reset by every byte, a name lookup knows none, and a slow drip of headers ends neither. Here the
thread does nothing but read; the caller takes what came, with the time it came, and leaves when its own time is up.
Leaving shuts the socket down under the thread, which then ends.
"""

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from types import TracebackType
from typing import Final, Self, TypeAlias

import httpx2

from hfdeploy import errors
from hfdeploy.stream.address import Address, is_inside
from hfdeploy.trust import is_refused_certificate
from hfdeploy.wait import never

CONNECT: Final = 5.0
"""Seconds for one address to accept a connection."""

REACTION: Final = 0.25
"""Seconds between two looks at the stop check."""

USER_AGENT: Final = f"hfdeploy/{version('hfdeploy')}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it goes out. `headers` hold the token and are never shown."""

    method: str
    address: Address
    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    def __repr__(self) -> str:
        return f"Call({self.method} {self.address.to(self.path)})"


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of the answer, names in lower case."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of the body, and when they came."""

    at: float
    data: bytes


@dataclass(frozen=True, slots=True)
class _End:
    pass


@dataclass(frozen=True, slots=True)
class _Broken:
    problem: BaseException


_Event: TypeAlias = Head | Piece | _End | _Broken


class Late(Exception):
    """The time given is over and nothing came."""


class Lost(Exception):
    """The connection broke, or never came about. The message is fit for people and holds no header."""


class Stranger(Exception):
    """Who answers cannot be proved to be who was asked; nothing was sent, and another try would meet the same."""


class InsideAddress(Stranger):
    """The name of a public host leads to a private network; nothing was sent."""


class Conversation:
    """A context: entering sends the request, leaving ends it whatever the other side does.

    `limit` seconds is the longest it can be wanted; the thread gives up a moment later even if nobody shuts it down.
    At most `byte_cap` bytes of the body are read, and one piece more.
    """

    def __init__(self, call: Call, *, limit: float, byte_cap: int, stopped: Callable[[], bool] = never) -> None:
        self._call, self._limit, self._byte_cap, self._stopped = call, limit, byte_cap, stopped
        self._events: queue.SimpleQueue[_Event] = queue.SimpleQueue()
        self._is_over = threading.Event()
        self._socket: socket.socket | None = None
        self._host_asked = ""
        self.began = 0.0

    def __enter__(self) -> Self:
        tls()
        self.began = time.monotonic()
        threading.Thread(target=self._talk, name="hfdeploy-conversation", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._hang_up()

    def head(self, until: float) -> Head:
        """Status and headers, waited for until the monotonic clock shows `until`.

        Raises:
            Late, Lost, errors.Cancelled: as they are named.
        """
        event = self._next(until)
        if not isinstance(event, Head):
            raise TypeError(f"an answer began with {type(event).__name__}")
        return event

    def piece(self, until: float) -> Piece | None:
        """The next bytes of the body, None at its end. A piece that came later than `until` is late.

        Raises:
            Late, Lost, errors.Cancelled: as they are named.
        """
        event = self._next(until)
        if isinstance(event, Piece):
            if event.at > until:
                raise Late
            return event
        return None

    def _next(self, until: float) -> _Event:
        while True:
            if self._stopped():
                raise errors.Cancelled("Interrupted while an endpoint was being asked; run again to continue.")
            left = until - time.monotonic()
            try:
                event = self._events.get(timeout=min(REACTION, left)) if left > 0 else self._events.get_nowait()
            except queue.Empty:
                if left <= 0:
                    raise Late from None
                continue
            if isinstance(event, _Broken):
                raise _as_lost(event.problem) from None
            return event

    def _talk(self) -> None:
        try:
            self._read()
        except BaseException as problem:  # noqa: BLE001 - whatever it is, the side that waits must hear of it
            self._events.put(_Broken(problem))

    def _read(self) -> None:
        call = self._call
        timeout = httpx2.Timeout(self._limit + 1, connect=min(CONNECT, self._limit))
        # A proxy of the environment serves the internet; an emulator on this machine is reached directly.
        with (
            httpx2.Client(
                verify=tls(), timeout=timeout, follow_redirects=False, trust_env=not call.address.is_private
            ) as client,
            client.stream(
                call.method,
                call.address.to(call.path),
                headers=call.headers,
                content=call.body or None,
                extensions={"trace": self._watch},
            ) as response,
        ):
            self._events.put(
                Head(response.status_code, {name.lower(): text for name, text in response.headers.items()})
            )
            if response.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
                raise Lost("the answer is compressed, which was not asked for")
            received = 0
            for data in response.iter_raw():
                self._events.put(Piece(time.monotonic(), data))
                received += len(data)
                if received > self._byte_cap or self._is_over.is_set():
                    return
            self._events.put(_End())

    def _watch(self, event: str, info: Mapping[str, object]) -> None:
        """Follows the connection being made: keeps the socket to be able to hang up, and looks where it leads.

        The address is that of the very connection that will be used, so no second lookup can answer differently.
        """
        if event == "connection.connect_tcp.started":
            self._host_asked = str(info["host"])
        if event not in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            return
        stream = info["return_value"]
        self._socket = stream.get_extra_info("socket")  # type: ignore[attr-defined]
        address = self._call.address
        is_direct = self._host_asked == address.host
        if self._is_over.is_set() or (is_direct and not address.is_private and is_inside(_peer(self._socket))):
            self._socket.close()
            raise InsideAddress(f"{address.host} leads to an address of a private network, so nothing was sent")

    def _hang_up(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # it is closed already, which is what is wanted
                # Not SSLSocket.shutdown, which takes the TLS state away from the thread that is reading.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


@cache
def tls() -> ssl.SSLContext:
    """Whom to trust, read once: reading takes longer than many a first token."""
    return httpx2.create_ssl_context()


def _peer(connection: socket.socket | None) -> str:
    return str(connection.getpeername()[0]) if connection else ""


def _as_lost(problem: BaseException) -> BaseException:
    """Our own words for what happens to connections; anything else is a defect and stays what it is.

    The text of a protocol error of our own side may quote a header, so it is left out.
    """
    match problem:
        case Stranger():
            return problem
        case httpx2.ConnectError() if is_refused_certificate(problem):
            return Stranger(f"the endpoint cannot be proved to be who was asked, so nothing was sent: {problem}")
        case httpx2.LocalProtocolError() | httpx2.InvalidURL() | httpx2.UnsupportedProtocol():
            return Lost(f"the request could not be made ({type(problem).__name__})")
        case httpx2.ConnectTimeout():
            return Lost(f"no connection within {CONNECT:g} s")
        case Lost():
            return problem
        case httpx2.TransportError() | httpx2.DecodingError() | OSError():
            return Lost(f"{type(problem).__name__}: {problem}" if str(problem) else type(problem).__name__)
        case _:
            return problem
