"""A server in front of the emulator that passes everything on, or says what it is told to: a service gone hostile.

It knows the canary token and hands on the emulator's own in its place, so that a whole run can be made with it.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
from canaries import TOKEN
from control_plane import OWNER


@dataclass(frozen=True)
class Asked:
    """One request, whole."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def echo(self) -> str:
        """Everything that was sent, as frameworks in debug mode send it back."""
        lines = "".join(f"{name}: {value}\n" for name, value in self.headers.items())
        return f"{self.method} {self.path}\n{lines}\n{self.body.decode('utf-8', 'replace')}"


@dataclass(frozen=True)
class Said:
    """One answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[Asked, Said], Said]
"""Gets the request and what the emulator says to it."""


class Front:
    """`url` is where it listens; `on` makes it say something else."""

    def __init__(self, url: str, behind: str) -> None:
        self.url, self._behind = url, behind
        self.asked: list[Asked] = []
        self._rules: list[tuple[str, str, Answer]] = []
        self._client = httpx2.Client(timeout=60, trust_env=False)

    def on(self, method: str, path: str, answer: Answer) -> None:
        """What to say to a request; `*` in the path stands for any text. Later rules win."""
        self._rules.insert(0, (method, path, answer))

    def behave(self) -> None:
        """Pass everything on again."""
        self._rules.clear()

    def close(self) -> None:
        self._client.close()

    def answer(self, asked: Asked) -> Said:
        self.asked.append(asked)
        said = self._behind_it(asked)
        for method, path, answer in self._rules:
            if method == asked.method and fnmatch(asked.path.partition("?")[0], path):
                return answer(asked, said)
        return said

    def _behind_it(self, asked: Asked) -> Said:
        headers = {name: value for name, value in asked.headers.items() if name != "content-length"}
        if headers.get("authorization") == f"Bearer {TOKEN}":
            headers["authorization"] = f"Bearer {OWNER}"
        reply = self._client.request(asked.method, f"{self._behind}{asked.path}", headers=headers, content=asked.body)
        kept = {name: reply.headers[name] for name in ("x-request-id", "retry-after") if name in reply.headers}
        return Said(reply.status_code, reply.content, reply.headers.get("content-type", ""), kept)


@contextmanager
def front_of(behind: str) -> Iterator[Front]:
    """A front on a free port of the loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = front.answer(Asked(self.command, self.path, headers, body))
            self.send_response(said.status)
            self.send_header("content-type", said.content_type)
            self.send_header("content-length", str(len(said.body)))
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    front = Front(f"http://127.0.0.1:{server.server_port}", behind)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        front.close()


def echoing(status: int) -> Answer:
    """Refuse with everything that was sent: in the sentence, and in a header."""

    def answer(asked: Asked, _said: Said) -> Said:
        token = asked.headers.get("authorization", "")
        # Moved letter by letter to where sentences are cut, so that halves would show.
        return Said(
            status,
            (f"{'x' * (200 - len(asked.method))} {token} " + asked.echo).encode(),
            "text/plain",
            {"x-request-id": token},
        )

    return answer
