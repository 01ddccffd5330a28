"""The stock plugin process that runs our providers, and what we need of it beyond its interface.

`python -m pulumi.dynamic` has a pool of four threads, shows what providers print at stack level only, and goes on
working after its engine was killed. Everything here is optional: where the host is not as expected, nothing is
touched, and the providers are correct without it, only slower and quieter.
"""

import gc
import logging
import os
import re
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from hfdeploy import redact
from hfdeploy.render import plain_line

log = redact.logger(__name__)

POOL = 256
"""Threads of the widened pool; waiting threads cost little, and 200 endpoints start side by side."""

_STOCK_POOL = 4
_CANCEL = "/pulumirpc.ResourceProvider/Cancel"
_ADDRESS = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\]):\d{1,5}")
_WATCH_SECONDS = 0.5
_GRACE_SECONDS = 5.0
_STOPPED = threading.Event()
_PREPARING = threading.Lock()
_PREPARED = threading.Event()
_WATCHING = threading.Lock()


def prepare(size: int = POOL) -> bool:
    """Widen the host's pool and let it obey the engine's Cancel, once; tells whether this call did.

    Check, Diff and Read queue behind running operations in the same pool, so four slow rollouts would stall all
    others. Guarded: a host that is not the stock one of four threads is left as it is.
    """
    with _PREPARING:
        if _PREPARED.is_set():
            return False
        _PREPARED.set()
        found = _stock_server()
        if found is None:
            return False
        pool, handlers = found
        _widen(pool, size)
        for handler in handlers:
            _obey_cancel(getattr(handler, "_method_handlers", {}))
        return True


def _stock_server() -> tuple[ThreadPoolExecutor, list[object]] | None:
    """Pool and tables of the gRPC server that the host's `main()` holds while it waits; None where there is no such.

    Found on the main thread's stack: a search of all objects would disturb those that other threads are making.
    """
    frame = _main_frame()
    while frame is not None:
        state = getattr(frame.f_locals.get("server"), "_state", None)
        pool = getattr(state, "thread_pool", None)
        if isinstance(pool, ThreadPoolExecutor):
            is_stock = getattr(pool, "_max_workers", None) == _STOCK_POOL
            return (pool, list(getattr(state, "generic_handlers", ()))) if is_stock else None
        frame = frame.f_back
    return None


def _main_frame() -> FrameType | None:
    """Where the main thread is.

    Without the collector: Python up to 3.11.8 holds a lock of the interpreter here that a collection which begins
    meanwhile may wait for, and the whole process stands still for good (github.com/python/cpython/issues/106883).
    """
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - its only place
    finally:
        if was_collecting:
            gc.enable()


def _widen(pool: ThreadPoolExecutor, size: int) -> None:
    pool._max_workers = size  # noqa: SLF001 - the pool has no public way to grow; 3.11 to 3.13 tried
    for _ in range(pool._work_queue.qsize()):  # noqa: SLF001
        # A thread is added when work arrives; what arrived before would go on queueing for the first four.
        pool._adjust_thread_count()  # noqa: SLF001


def _obey_cancel(methods: dict[str, grpc.RpcMethodHandler]) -> None:
    """Let the engine's Cancel end what is waiting.

    The engine sends it on the first Ctrl-C or SIGTERM and then waits for the operations under way. The stock host does
    nothing about it, so a rollout would go on for its half hour.
    """
    stock = methods.get(_CANCEL)
    if stock is None:
        return

    def cancel(request: object, context: grpc.ServicerContext) -> object:
        _STOPPED.set()
        answer: object = stock.unary_unary(request, context)
        return answer

    methods[_CANCEL] = grpc.unary_unary_rpc_method_handler(
        cancel, request_deserializer=stock.request_deserializer, response_serializer=stock.response_serializer
    )


def engine_address() -> str | None:
    """The engine's own gRPC address: always the last argument of the plugin process."""
    last = sys.argv[-1] if sys.argv else ""
    return last if _ADDRESS.fullmatch(last) else None


def is_stopped() -> bool:
    """Whether the engine is gone or has cancelled, or this process is ending: nothing more may be sent then."""
    return _STOPPED.is_set() or not threading.main_thread().is_alive()


def watch_engine() -> None:
    """Notice within two seconds that the engine was killed; a killed engine leaves its plugins running.

    The engine listens as long as it lives, so a refused connection says more than the parent process, which is a
    shell. Two refusals in a row count.
    """
    address = engine_address()
    if address is None or not _WATCHING.acquire(blocking=False):
        return
    threading.Thread(target=_watch, args=(address,), name="engine-watch", daemon=True).start()


def _watch(address: str) -> None:
    host, _, port = address.rpartition(":")
    refusals = 0
    while True:
        # Not a wait for the stop: an engine that has cancelled can be killed before it ends its plugins.
        time.sleep(_WATCH_SECONDS)  # noqa: TID251 - nobody waits for this thread, and no clock is wound in here
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
            refusals = 0
        except ConnectionRefusedError:
            refusals += 1
        except OSError:
            log.debug("the engine at %s could not be asked whether it lives", address)
        if refusals >= 2:
            _STOPPED.set()
            _leave()


def _leave() -> None:
    """End the process that nobody will ever ask again, once the operations under way had time to notice."""
    time.sleep(_GRACE_SECONDS)  # noqa: TID251 - nobody waits for this thread, and no clock is wound in here
    os._exit(0)


class Row:
    """The row of one resource in Pulumi's display."""

    def __init__(self, urn: str) -> None:
        self.urn = urn

    @property
    def stack(self) -> str:
        """The stack's name, from `urn:pulumi:STACK::PROJECT::...`."""
        parts = self.urn.split(":")
        return parts[2] if len(parts) > 2 else ""

    def show(self, text: str) -> None:
        """Replace the live text of the row."""
        _send(text, self.urn, is_lasting=False)

    def note(self, text: str) -> None:
        """Leave a line below the row for good."""
        _send(text, self.urn, is_lasting=True)

    def warn(self, text: str) -> None:
        """Leave a warning below the row; it turns nothing red."""
        _send(text, self.urn, is_lasting=True, severity=engine_pb2.WARNING)


class EngineLog(logging.Handler):
    """Hands this package's log records to the engine, on the row they belong to.

    Below warnings they are debug lines, which `pulumi up --debug` shows and nothing else does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(redact.ScrubbingFilter())

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one record on; not those of this module, which are about lines that the engine did not take."""
        if record.name != __name__:
            severity = engine_pb2.WARNING if record.levelno >= logging.WARNING else engine_pb2.DEBUG
            _send(self.format(record), current_row().urn, is_lasting=True, severity=severity)


def log_to_engine() -> None:
    """Let the engine have the log of this process; once, however often it is configured."""
    package = redact.logger(__name__.partition(".")[0])
    if not any(isinstance(handler, EngineLog) for handler in package.handlers):
        package.addHandler(EngineLog())
        package.setLevel(logging.DEBUG)


def current_row() -> Row:
    """The row of the resource whose request this thread is answering."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - the stock host passes no request to a provider
    while frame is not None:
        urn = getattr(frame.f_locals.get("request"), "urn", None)
        if isinstance(urn, str):
            return Row(urn)
        frame = frame.f_back
    return Row("")


_CHANNEL_LOCK = threading.Lock()
_STUBS: dict[str, engine_pb2_grpc.EngineStub] = {}


def _send(
    text: str, urn: str, *, is_lasting: bool, severity: "engine_pb2.LogSeverity.ValueType" = engine_pb2.INFO
) -> None:
    """Hand a line to the engine, with nothing in it that a terminal would obey or nobody should see.

    A line that cannot be shown must never fail a rollout.
    """
    address = engine_address()
    if address is None or is_stopped():
        return
    line = plain_line(redact.known.scrub(text))
    try:
        with _CHANNEL_LOCK:
            stub = _STUBS.get(address) or _STUBS.setdefault(
                address, engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))
            )
        stub.Log(
            engine_pb2.LogRequest(severity=severity, message=line, urn=urn, ephemeral=not is_lasting),
            timeout=2,
        )
    except (grpc.RpcError, ValueError) as error:
        log.debug("the engine did not take a line: %s", error)
