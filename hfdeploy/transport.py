"""HTTP that ends on time: a transport whose calls keep one deadline from the first byte to the last.

A socket timeout starts anew with every byte, so a server that sends one each few seconds holds a call for ever, in the
headers as well as in the body. Here every read and write of a call asks how much of the call's own time is left, and
whether somebody asked to stop. Only the resolution of a host name is the system's, with the system's own limits.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from hfdeploy import errors, settings, trust

CONNECT: Final = 5.0
READ: Final = 30.0
"""Seconds for a connection and for silence where nobody set bounds (reliability: connect 5 s, read 30 s)."""

MAX_BODY: Final = 8 * 1024 * 1024
"""Bytes of a reply: far more than a page of endpoints. JSON made to hurt takes some thirty times as much memory."""

MAX_REFUSAL: Final = 1024 * 1024
"""Bytes that are read of an answer other than 2xx; of the rest nothing is needed."""

_GRACE: Final = 1.5
"""Seconds that a request under way may still take once somebody asked to stop; two are promised."""

_SLICE: Final = 0.25
"""Seconds of silence after which a reader looks at the stop check."""

_PIECE: Final = 16 * 1024
_FAILURES: Final = (
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.ProxyError,
    httpcore2.UnsupportedProtocol,
)


@contextmanager
def bounded(
    *, total: float, connect: float = CONNECT, read: float = READ, stopped: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Within this block each request of this thread through a `Transport` ends within `total` seconds from now.

    `connect` and `read` (seconds) bound one connection attempt and one silence. When `stopped` turns true, what is
    under way has another second and a half.
    """
    token = _bounds.set(_Bounds(total, connect, read, stopped))
    try:
        yield
    finally:
        _bounds.reset(token)


def is_bounded() -> bool:
    """Whether the current request is one of ours, rather than of somebody who shares the session."""
    return _bounds.get() is not None


class Untrusted(httpx2.TransportError):
    """Who answers cannot be proved to be who was asked; nothing of the request was sent."""


class Transport(httpx2.BaseTransport):
    """HTTP/1.1 over pooled connections, within the bounds set by `bounded`; proxies as the environment says.

    Without https only this machine is connected to; with `is_public` only addresses of the internet are, whatever a
    name server says. Replies are refused compressed: a few kilobytes can be made of gigabytes.

    Raises, from a request: httpx2's own exceptions, as its standard transport does, and `Untrusted`.
    """

    def __init__(self, *, is_public: bool = False) -> None:
        self._is_public = is_public
        self._pools: dict[tuple[str, str | None], httpcore2.ConnectionPool] = {}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the body is read by whoever takes the response."""
        url = request.url
        raw = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        sent = httpcore2.Request(
            method=request.method,
            url=raw,
            headers=[
                *((name, value) for name, value in request.headers.raw if name.lower() != b"accept-encoding"),
                (b"accept-encoding", b"identity"),
            ],
            content=request.stream,
            extensions=request.extensions,
        )
        with _as_httpx(request):
            reply = self._pool(url).handle_request(sent)
        answer = httpx2.Response(
            reply.status, headers=reply.headers, stream=_Body(reply, request), extensions=reply.extensions
        )
        if answer.headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
            reply.close()
            raise httpx2.DecodingError("the reply is compressed, which was not asked for", request=request)
        return answer

    def close(self) -> None:
        """Close every connection; the next request opens new ones."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.close()

    def _pool(self, url: httpx2.URL) -> httpcore2.ConnectionPool:
        key = (url.scheme, _proxy_for(url))
        pool = self._pools.get(key)
        # Two threads may build one each the first time; the loser's has no connections yet and is dropped.
        return pool or self._pools.setdefault(key, _new_pool(*key, self._is_public))


class _Stranger(Exception):
    """A name leads to an address that who was asked cannot have."""


class _Bounds:
    """How long the current request may go on."""

    def __init__(self, total: float, connect: float, read: float, stopped: Callable[[], bool]) -> None:
        self.connect, self.read = connect, read
        self._until = time.monotonic() + total
        self._stopped = stopped
        self._is_stopping = False

    def left(self) -> float:
        """Seconds; zero or less when the time is over."""
        now = time.monotonic()
        if not self._is_stopping and self._stopped():
            self._is_stopping = True
            self._until = min(self._until, now + _GRACE)
        return self._until - now


_bounds: ContextVar[_Bounds | None] = ContextVar("_bounds", default=None)


class _Backend(httpcore2.NetworkBackend):
    """Connects within the bounds: each address of a host gets its share, all together no more than is left.

    `may_connect` is asked about the very address that is connected to, so no second lookup can answer differently.
    """

    def __init__(self, may_connect: trust.Where) -> None:
        self._inner = httpcore2.SyncBackend()
        self._may_connect = may_connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        bounds = _bounds.get() or _Bounds(READ, timeout or CONNECT, READ, lambda: False)
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in _addresses(host, port):
            if not self._may_connect(address):
                raise _Stranger(f"{host} leads to {address}, which is not where it can be, so nothing was sent")
            left = bounds.left()
            if left <= 0:
                raise httpcore2.ConnectTimeout("no time left to connect")
            try:
                stream = self._inner.connect_tcp(
                    address, port, min(left, bounds.connect), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as refused:
                failure = refused
            else:
                return _Stream(stream)
        raise failure


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step is bounded by the request it serves, not by the one that opened it."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        bounds = _bounds.get()
        if bounds is None:
            return self._inner.read(max_bytes, timeout)
        silence_ends = time.monotonic() + bounds.read
        while True:
            left = min(bounds.left(), silence_ends - time.monotonic())
            if left <= 0:
                raise httpcore2.ReadTimeout("no answer in time")
            try:
                return self._inner.read(max_bytes, min(left, _SLICE))
            except httpcore2.ReadTimeout:
                continue  # one slice of silence; the loop knows how many are allowed

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        bounds = _bounds.get()
        if bounds is None:
            self._inner.write(buffer, timeout)
            return
        for start in range(0, len(buffer), _PIECE):
            left = bounds.left()
            if left <= 0:
                raise httpcore2.WriteTimeout("not sent in time")
            self._inner.write(buffer[start : start + _PIECE], min(left, bounds.read))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        bounds = _bounds.get()
        if bounds is not None:
            timeout = max(0.001, min(bounds.left(), bounds.connect))
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


class _Body(httpx2.SyncByteStream):
    """A reply's body: no longer than `MAX_BODY`, of a refusal the beginning; failures in httpx2's words."""

    def __init__(self, reply: httpcore2.Response, request: httpx2.Request) -> None:
        self._reply, self._request = reply, request

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        with _as_httpx(self._request):
            for chunk in self._reply.iter_stream():
                size += len(chunk)
                if not 200 <= self._reply.status < 300 and size > MAX_REFUSAL:
                    return
                if size > MAX_BODY:
                    raise httpcore2.ReadError(f"the reply is longer than {MAX_BODY // 1024**2} MiB")
                yield chunk

    def close(self) -> None:
        self._reply.close()


@contextmanager
def _as_httpx(request: httpx2.Request) -> Iterator[None]:
    """Both libraries name the same failures alike."""
    try:
        yield
    except _Stranger as stranger:
        raise Untrusted(str(stranger), request=request) from None
    except _FAILURES as failure:
        if isinstance(failure, httpcore2.ConnectError) and trust.is_refused_certificate(failure):
            raise Untrusted(str(failure), request=request) from None
        kind = getattr(httpx2, type(failure).__name__, httpx2.TransportError)
        raise kind(str(failure), request=request) from None


def _new_pool(scheme: str, proxy: str | None, is_public: bool) -> httpcore2.ConnectionPool:
    where: trust.Where = trust.anywhere
    if proxy is None and (is_public or scheme == "http"):
        where = trust.on_the_internet if is_public else trust.here
    shared: Mapping[str, Any] = {
        "ssl_context": httpx2.create_ssl_context() if scheme == "https" else None,  # reads every certificate there is
        "max_connections": None,
        "max_keepalive_connections": 20,
        "keepalive_expiry": 5.0,
        "network_backend": _Backend(where),
    }
    if proxy is None:
        return httpcore2.ConnectionPool(**shared)
    chosen = httpx2.Proxy(proxy)
    if chosen.url.scheme not in {"http", "https"}:
        raise errors.UsageError(f"The proxy {chosen.url.host} is a {chosen.url.scheme} one; only http proxies work.")
    url = chosen.url
    raw = httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    return httpcore2.HTTPProxy(raw, proxy_auth=chosen.raw_auth, proxy_headers=chosen.headers.raw, **shared)


def _proxy_for(url: httpx2.URL) -> str | None:
    """What the environment says, except that this machine is never reached through another."""
    if settings.is_loopback(str(url)) or proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as failure:
        raise httpcore2.ConnectError(f"{host} cannot be resolved: {failure.strerror}") from None
    return list(dict.fromkeys(str(info[4][0]) for info in found))
