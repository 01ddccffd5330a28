"""A service gone hostile: replies that command a terminal, that fill the memory, that are not what they should be."""

import gzip
import json
import re
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from command_line import COMMAND, ROOT, on_terminal, surroundings
from control_plane import OWNER, Running
from front import Asked, Front, Said, front_of
from plugin_process import Plugin, running_plugin
from plugin_stack import Stack, failure
from replies import endpoint_reply
from speaker import Line, Speaker, http

pytest_plugins = ["project"]

EVIL = (
    "\x1b]0;owned\x07\x1b[2J\x1b[1;1Hpassed\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\\x9b31m\x9d0;C1\x9c"
    "\u202egnp.exe\u2066\x00\x08\x7f\rover\nline"
)
"""Titles, links, cursor, clearing, C1 controls, changes of direction, and signs that overwrite."""

COMMANDING = ("\x1b", "\x9b", "\x9d", "\u202e", "\u2066", "\x00", "\x08", "\x7f")
MOST_MEGABYTES = 400
"""Of a whole process; a command that does nothing has about a hundred."""


@pytest.fixture
def front(world: Running) -> Iterator[Front]:
    with front_of(world.url) as front:
        yield front


@pytest.fixture
def plugin(front: Front, tmp_path: Path) -> Iterator[Plugin]:
    config = {"hfdeploy:apiUrl": front.url, "hfdeploy:hubUrl": front.url, "hfdeploy:token": OWNER}
    with running_plugin(config, folder=tmp_path) as process:
        yield process


def endpoint_with(**status: Any) -> Any:
    """The emulator's replies with another status, wherever an endpoint is in them."""

    def answer(_asked: Asked, said: Said) -> Said:
        document = json.loads(said.body)
        for one in document.get("items", [document]) if isinstance(document, dict) else []:
            if "status" in one:
                one["status"] |= status
        return Said(said.status, json.dumps(document).encode())

    return answer


def evil_log(asked: Asked, _said: Said) -> Said:
    return Said(404, b"{}") if asked.path.startswith("/v3") else Said(200, EVIL.encode(), "text/plain")


def commands(text: str) -> list[str]:
    return [sign for sign in COMMANDING if sign in text]


@pytest.mark.fault(35)
def test_nothing_of_others_commands_a_terminal_through_rows(world: Running, front: Front, plugin: Plugin) -> None:
    """Message, log and people's names end up in rows and errors; the engine prints them as they are."""
    person = {"id": "1", "name": EVIL}
    evil = endpoint_with(message=EVIL, errorMessage=EVIL, updatedBy=person, createdBy=person)
    front.on("GET", "/v2/endpoint/acme*", evil)
    front.on("GET", "/v*/logs", evil_log)
    stack = Stack(plugin)
    world.set(outcomes=[{"match": {"name": "tiny"}, "outcome": "update_failed"}])
    with pytest.raises(grpc.RpcError) as caught:
        stack.update(env={"A": "1"}, verify={"prompt": "x", "max_new_tokens": 4})
    world.mutate("tiny", model={"env": {"A": EVIL}})

    shown = [*plugin.lines(), failure(caught)]

    assert any("passed" in line for line in shown)
    assert [found for line in shown for found in commands(line)] == []
    controls = {sign for line in shown for sign in line if unicodedata.category(sign) in {"Cc", "Cf"}}
    assert controls <= {"\n"}


@pytest.mark.parametrize("command", [("logs", "tiny"), ("status",), ("verify", "tiny")], ids=lambda one: one[0])
def test_nothing_of_others_commands_a_terminal_through_a_command(world: Running, front: Front, command) -> None:
    """A real terminal receives what a container, a model and the service say."""
    world.started("tiny")
    world.mutate("tiny", behaviour={"text": EVIL})
    front.on("GET", "/v2/endpoint/acme", endpoint_with(message=EVIL, url=f"{front.url}/{EVIL}"))
    front.on("GET", "/v*/logs", evil_log)
    env = surroundings(HFDEPLOY_API_URL=front.url, HF_TOKEN=OWNER, HFDEPLOY_NAMESPACE="acme", NO_COLOR="1")

    received = on_terminal(*command, env=env)

    assert "tiny" in received or "passed" in received
    # What the terminal library itself does on a terminal stays: a spinner hides the cursor and clears its line.
    ours = re.sub(r"\x1b\[(?:\?25[lh]|1?[AGK]|2K|[0-9;]*m)", "", received)
    assert commands(ours) == []


def test_a_document_for_programs_is_harmless_on_a_terminal(world: Running, front: Front) -> None:
    """JSON keeps what was said, in escapes."""
    world.started("tiny")
    world.mutate("tiny", behaviour={"text": EVIL})
    env = surroundings(HFDEPLOY_API_URL=front.url, HF_TOKEN=OWNER, HFDEPLOY_NAMESPACE="acme")
    ended = subprocess.run([*COMMAND, "verify", "tiny", "--format", "json"], cwd=ROOT, env=env, capture_output=True,
                           check=True, text=True)  # fmt: skip

    assert commands(ended.stdout + ended.stderr) == []
    assert "\x9b" in json.loads(ended.stdout)["sample"]["text"]


def flood(head: bytes, piece: bytes, times: int):
    """A head, and the same piece again and again, or until nobody reads any more."""

    def answer(line: Line) -> None:
        try:
            line.connection.sendall(head)
            for _ in range(times):
                line.connection.sendall(piece)
        except OSError:
            return

    return answer


def head(status: int, length: int, *headers: str) -> bytes:
    return "\r\n".join(
        [f"HTTP/1.1 {status} X", f"content-length: {length}", "content-type: application/json", *headers, "", ""]
    ).encode()


MEGABYTE = 2**20
NESTED = b"[" * 500_000
LISTS = b"[" + b"[]," * 2_700_000 + b"[]]"
PACKED = gzip.compress(b" " * (200 * MEGABYTE))
ENDLESS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
SCRIPTS = b"<script " * 131_072
REPLIES = {
    "200 megabytes": flood(head(200, 200 * MEGABYTE), b" " * MEGABYTE, 200),
    "without an end": flood(ENDLESS, b"100000\r\n" + b" " * MEGABYTE + b"\r\n", 4000),
    "a bomb": flood(head(200, len(PACKED), "content-encoding: gzip"), PACKED, 1),
    "a refused bomb": flood(head(400, len(PACKED), "content-encoding: gzip"), PACKED, 1),
    "nested": http(200, NESTED),
    "lists": http(200, LISTS),
    "a refusal of 200 megabytes": flood(head(400, 200 * MEGABYTE), SCRIPTS, 200),
    "a long number": http(200, b'{"items": [' + b"9" * 5_000_000 + b"]}"),
    "a page": http(200, b"<html><body>Sign in</body></html>", "text/html"),
    "another type": http(200, b"[1, 2]"),
    "items of another type": http(200, {"items": {"a": 1}}),
    "nothing": http(200),
    "no end of years": http(400, {"error": "later"}, retry_after="Thu, 01 Jan 99999999999999 00:00:00 GMT"),
    "no end of limits": http(400, {"error": "later"}, ratelimit=f'"api";r=0;t={"9" * 5000}'),
}


_WEIGHED = """
import atexit, runpy, sys
from pathlib import Path
note = Path(sys.argv.pop(1))
atexit.register(lambda: note.write_text(Path("/proc/self/status").read_text()))
runpy.run_module("hfdeploy.cli", run_name="__main__", alter_sys=True)
"""


def measured(env: dict[str, str], *arguments: str) -> tuple[int, str, float]:
    """Exit code, everything printed, and the megabytes that the process had at its fullest.

    By the process itself: what `wait4` tells of a child counts what its parent had when it was forked.
    """
    with tempfile.NamedTemporaryFile("r") as note:
        ended = subprocess.run([sys.executable, "-c", _WEIGHED, note.name, *arguments], cwd=ROOT, env=env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # fmt: skip
        peak = re.search(r"^VmHWM:\s*(\d+) kB$", note.read(), re.MULTILINE)
    assert peak, ended.stdout
    return ended.returncode, ended.stdout, int(peak[1]) / 1024


@pytest.mark.fault(30)
@pytest.mark.parametrize("name", REPLIES)
def test_a_reply_made_to_hurt_is_one_sentence_and_little_memory(name: str, record_property) -> None:
    """Whoever answers decides what is read, but not how much."""
    with Speaker() as service:
        for path in ("/v2/endpoint/acme?limit=100", "/v2/provider/acme"):
            service.on(path, REPLIES[name])
        env = surroundings(HFDEPLOY_API_URL=service.url, HF_TOKEN=OWNER, HFDEPLOY_NAMESPACE="acme")
        code, printed, megabytes = measured(env, "status")

    record_property("megabytes", round(megabytes))
    assert code in {4, 9}, printed
    assert "Traceback" not in printed
    assert "Unexpected" not in printed
    (error,) = [line for line in printed.splitlines() if line.startswith("error: ")]
    assert len(error) < 600
    assert megabytes < MOST_MEGABYTES


WRONG: dict[str, Any] = {
    "no status": {"status": None},
    "a number for a name": {"name": 7},
    "a list for a model": {"model": []},
    "no compute": {"compute": None},
    "a text for replicas": {"status": {**endpoint_reply()["status"], "readyReplica": "many"}},
    "endless replicas": {"status": {**endpoint_reply()["status"], "readyReplica": float("inf")}},
}


@pytest.mark.parametrize("name", WRONG)
def test_an_endpoint_of_wrong_types_is_named_unreadable(name: str) -> None:
    """Nothing is guessed from half of a reply."""
    with Speaker() as service:
        service.on("/v2/endpoint/acme/tiny", http(200, {**endpoint_reply(), **WRONG[name]}))
        env = surroundings(HFDEPLOY_API_URL=service.url, HF_TOKEN=OWNER, HFDEPLOY_NAMESPACE="acme")
        code, printed, _ = measured(env, "logs", "tiny")

    assert code == 9, printed
    assert "something unreadable" in printed
    assert len(printed.splitlines()) == 1


def test_a_state_that_nobody_knows_is_shown_as_unknown() -> None:
    """A new word of the service breaks nothing."""
    with Speaker() as service:
        listed = {"items": [endpoint_reply(state="hibernating")], "nextCursor": None}
        service.on("/v2/endpoint/acme?limit=100", http(200, listed))
        service.on("/v2/provider/acme", http(404, {"error": "none"}))
        env = surroundings(HFDEPLOY_API_URL=service.url, HF_TOKEN=OWNER, HFDEPLOY_NAMESPACE="acme")
        code, printed, _ = measured(env, "status")

    assert code == 0, printed
    assert "unknown" in printed
