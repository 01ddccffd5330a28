"""A server that says exactly the bytes it is told to, when it is told to: for streams no decent server would send.

It listens on 127.0.0.1 and remembers what it heard. An answer is a function that gets the open line; the last answer of
a path is repeated. Lines are closed when their answer returns, without a word.
"""

import json
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

LONGEST = 20.0
"""Seconds after which an answer gives up on a caller who does not hang up."""

ALIVE = b": keep-alive\n\n"


@dataclass(frozen=True)
class Heard:
    """One request as it came over the wire; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Line:
    """One open connection, after its request was heard."""

    connection: socket.socket
    is_closing: threading.Event
    hung_up: threading.Event

    def say(self, *pieces: bytes) -> None:
        """Send each piece by itself; nobody listening is no error."""
        with suppress(OSError):
            for piece in pieces:
                self.connection.sendall(piece)

    def wait(self, seconds: float | None = None) -> bool:
        """Keep the line open, saying nothing, until the caller hangs up (True), or for so many seconds (False)."""
        left = LONGEST if seconds is None else seconds
        while left > 0 and not self.is_closing.is_set():
            readable, _, _ = select.select([self.connection], [], [], min(0.05, left))
            if readable:
                with suppress(OSError):  # a reset is a hang-up, too
                    if self.connection.recv(1024):
                        continue
                self.hung_up.set()
                return True
            left -= 0.05
        return False

    def repeat(self, piece: bytes, every: float) -> None:
        """Say the same until the caller hangs up, or for `LONGEST` seconds."""
        end = time.monotonic() + LONGEST
        while time.monotonic() < end and not self.wait(every) and not self.is_closing.is_set():
            self.say(piece)

    def reset(self) -> None:
        """Break the connection instead of closing it."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


Answer = Callable[[Line], None]


@dataclass
class Speaker:
    """The server. `url` is where it listens."""

    heard: list[Heard] = field(default_factory=list)
    hung_up: threading.Event = field(default_factory=threading.Event)
    """Set when a caller left while an answer was still going on."""
    tls: ssl.SSLContext | None = None
    """Speaks TLS with it."""
    callers: int = 0
    """Connections made to it, with or without a request."""
    _answers: dict[str, list[Answer]] = field(default_factory=dict)
    _is_closing: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._start(self._accept)
        return self

    def __exit__(self, *_error) -> None:
        self._is_closing.set()
        socket.create_connection(self._listener.getsockname()).close()  # so that nobody waits for a caller any more
        for thread in self._threads:
            thread.join(timeout=10)
        self._listener.close()

    @property
    def port(self) -> int:
        return self._listener.getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def on(self, path: str, *answers: Answer) -> None:
        """What to answer on a path, one after the other; the last one again and again."""
        self._answers[path] = list(answers)

    def asked(self, path: str) -> list[Heard]:
        """The requests for one path."""
        return [request for request in self.heard if request.path == path]

    def _start(self, work, *arguments) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._is_closing.is_set():
                connection.close()
                return
            self.callers += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        if self.tls:
            try:
                connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:  # the caller does not trust this server
                connection.close()
                return
        with connection:
            request = _hear(connection)
            if request is None:
                return
            self.heard.append(request)
            answers = self._answers.get(request.path, [http(404, b"nothing here", "text/plain")])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            answer(Line(connection, self._is_closing, self.hung_up))


def http(
    status: int, body: bytes | str | dict | list = b"", content_type: str = "application/json", **headers: str
) -> Answer:
    """A whole answer with a length."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(content)}", f"content-type: {content_type}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return lambda line: line.say("\r\n".join([*lines, "connection: close", "", ""]).encode() + content)


def opening(content_type: str = "text/event-stream") -> bytes:
    """The head of a stream of unknown length: everything after it is the body, until the connection ends."""
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n".encode()


def stream(*pieces: bytes, content_type: str = "text/event-stream") -> Answer:
    """An event stream, each piece sent by itself, ended by closing the connection."""
    return lambda line: line.say(opening(content_type), *pieces)


def chunked(*pieces: bytes, is_cut: bool = False) -> Answer:
    """An event stream in chunks of HTTP/1.1; cut off, the last chunk that says so is missing."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]
    return lambda line: line.say(head, *chunks, *([] if is_cut else [b"0\r\n\r\n"]))


def event(content: object) -> bytes:
    """One frame as engines send it today."""
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n".encode()


DONE = b"data: [DONE]\n\n"


def tgi_token(text: str, *, special: bool = False, **rest: object) -> bytes:
    """A native frame of TGI."""
    token = {"id": 1, "text": text, "logprob": -0.5, "special": special}
    return event({"index": 1, "token": token, "generated_text": None, "details": None} | rest)


def tgi_end(words: Iterable[str], *, with_details: bool = True) -> list[bytes]:
    """The last, special frame of a native stream."""
    count = len(list(words)) + 1
    details = {"finish_reason": "eos_token", "generated_tokens": count, "seed": None, "input_length": 4}
    return [
        tgi_token("</s>", special=True, generated_text="".join(words), details=details if with_details else None),
    ]


def tgi(*words: str, with_details: bool = True) -> list[bytes]:
    """A good native stream."""
    return [*map(tgi_token, words), *tgi_end(words, with_details=with_details)]


def chat_chunk(delta: dict | None, reason: str | None = None, **rest: object) -> bytes:
    """One chunk of an OpenAI chat; without a delta, one with empty choices."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
    return event({"object": "chat.completion.chunk", "choices": choices} | rest)


def usage(tokens: int) -> bytes:
    """The usage chunk of an OpenAI stream."""
    return chat_chunk(None, usage={"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": tokens + 3})


def chat(*words: str, tokens: int | None = None) -> list[bytes]:
    """A good chat as vLLM streams it; with the usage chunk where `tokens` is given."""
    return [
        chat_chunk({"role": "assistant", "content": ""}),
        *(chat_chunk({"content": word}) for word in words),
        chat_chunk({"content": ""}, "length"),
        *([] if tokens is None else [usage(tokens)]),
        DONE,
    ]


def completions(*words: str) -> list[bytes]:
    """A good completion as TGI streams it: an empty finish reason until the end."""
    return [
        *(event({"object": "text_completion", "choices": [{"text": word, "finish_reason": ""}]}) for word in words),
        event({"object": "text_completion", "choices": [{"text": "", "finish_reason": "length"}]}),
        DONE,
    ]


def _hear(connection: socket.socket) -> Heard | None:
    """Read one request; None when the caller left without one."""
    data = b""
    with suppress(OSError):  # a reset is a way of leaving
        while b"\r\n\r\n" not in data:
            if not (piece := connection.recv(65536)):
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (text.partition(":") for text in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            if not (piece := connection.recv(65536)):
                return None
            body += piece
        method, path, _ = first.split(" ")
        return Heard(method, path, headers, body)
    return None
