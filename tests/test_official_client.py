"""The official client as a verifier: the negative control of ours. What it takes for an answer is none.

Streams that break off, pages, and empty texts end normally in it; streams that never end are never ended by it. Our
own verdicts of the same shapes stand beside it, so that a change of either is seen here.
"""

import threading
import time
from contextlib import ExitStack
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from speaker import ALIVE, DONE, Answer, Speaker, chat, chat_chunk, event, http, opening, stream

from hfdeploy.redact import Secret
from hfdeploy.stream import Deadlines, Prompt, Route, Target
from hfdeploy.verdict import Judgement, Verdict, Wanted
from hfdeploy.verify import Check, prove

BRIEF = Deadlines(first_token=0.5, stall=0.5, total=1.0, after_end=1)

SHAPES: dict[str, tuple[Answer, str, str]] = {
    "good": (stream(*chat("The", " cat")), "ends normally", "passed"),
    "truncated": (stream(*chat("The")[:2]), "ends normally", "inconclusive"),
    "a page with 200": (http(200, "<html>Welcome</html>", "text/html"), "ends normally", "failed"),
    "empty text": (stream(*chat()[:1], chat_chunk({"content": ""}, "stop"), DONE), "ends normally", "failed"),
    "an error frame": (stream(event({"error": "boom"})), "raises", "failed"),
    "a stall": (lambda line: (line.say(opening(), *chat("The")[:2]), line.wait()), "raises", "inconclusive"),
    "pings for ever": (lambda line: (line.say(opening()), line.repeat(ALIVE, 0.05)), "goes on", "inconclusive"),
    "a drip for ever": (
        lambda line: (line.say(opening()), line.repeat(chat_chunk({"content": "a"}), 0.1)),
        "goes on",
        "inconclusive",
    ),
}
"""Eight shapes: what the official client says of one, and what one of our tries does."""


@pytest.fixture
def server():
    with Speaker() as speaker:
        speaker.on("/health", http(200))
        speaker.on("/v1/models", http(200, {"data": [{"id": "acme/model"}]}))
        yield speaker


class Official:
    """The official client, reading one stream in a thread of its own."""

    def __init__(self, server: Speaker) -> None:
        self._client = InferenceClient(base_url=f"{server.url}/v1", token="hf_made_up", timeout=1.0)
        self._ended = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def ending(self, until: float) -> str:
        """How it ended; "goes on" where it did not before the clock showed `until`."""
        self._thread.join(max(0.0, until - time.monotonic()))
        return self._ended or "goes on"

    def _read(self) -> None:
        try:
            for _ in self._client.chat_completion([{"role": "user", "content": "Say something."}], stream=True):
                pass
        except Exception:  # noqa: BLE001 - whatever it is: it did not end normally
            self._ended = "raises"
        else:
            self._ended = "ends normally"


def ours(server: Speaker, clock: Any) -> Judgement:
    """Our verdict of one try."""
    target = Target(
        url=server.url,
        engine="vllm",
        api_url=server.url,
        repository="acme/model",
        token=Secret("hf_made_up"),
        health_route="/health",
    )
    check = Check(target, Prompt("Say something.", 8), route=Route.CHAT, wanted=Wanted())
    return prove(check, clock=clock, deadlines=BRIEF).judgements[0]


@pytest.mark.fault(25, 26)
@pytest.mark.parametrize("shape", SHAPES)
def test_only_the_good_one_of_eight_passes(server: Speaker, clock: Any, shape: str, record_property: Any) -> None:
    """The oracle, on the shapes that were measured with the official client."""
    said, _, verdict = SHAPES[shape]
    server.on("/v1/chat/completions", said)

    judgement = ours(server, clock)

    assert judgement.verdict == Verdict(verdict), judgement.sentence
    record_property("faults", int(shape != "good"))
    record_property("false_successes", int(judgement.verdict is Verdict.PASSED and shape != "good"))


@pytest.mark.fault(25)
def test_the_official_client_takes_three_of_seven_for_answers(record_property: Any) -> None:
    """A control that showed no harm would mean that the shapes prove nothing."""
    with ExitStack() as servers:
        readers = {}
        for shape, (said, _, _) in SHAPES.items():
            server = servers.enter_context(Speaker())
            server.on("/v1/chat/completions", said)
            readers[shape] = Official(server)
        until = time.monotonic() + 8  # eight times its own timeout; the endless ones give up after twenty
        seen = {shape: reader.ending(until) for shape, reader in readers.items()}

    assert seen == {shape: expected for shape, (_, expected, _) in SHAPES.items()}
    assert sum(ending == "ends normally" for shape, ending in seen.items() if shape != "good") == 3
    record_property("controls", 1)
