"""A tenth of all tries is a flake: how often a good endpoint is called bad, and whether a bad one is ever missed.

Once as pure judgements, as often as it takes to see a fifth of a percent, and once as real streams over real sockets.
A rollout retries what was inconclusive, so a verdict is what it has come to when it is one.
"""

import random
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest
from clocks import Clock
from speaker import Answer, Line, Speaker, http, opening, stream, tgi, tgi_token
from test_verify import EMPTY, GOOD, LONG, check_of, tries

from hfdeploy.verdict import Judgement, Reason, Verdict, conclude, failed, inconclusive
from hfdeploy.verify import prove

FLAKES = 0.1
MOST_FALSE = 0.002

PASS = Judgement(Verdict.PASSED, Reason.PASSED, "fine")
STEADY = [
    failed(reason, "wrong")
    for reason in (Reason.EMPTY, Reason.ERROR_EVENT, Reason.WRONG_CONTENT_TYPE, Reason.UNEXPECTED_TEXT)
]
NOTHING_SAID = [
    inconclusive(reason, "a flake")
    for reason in (Reason.STALL, Reason.FIRST_TOKEN_TIMEOUT, Reason.TRUNCATED, Reason.TRANSPORT, Reason.SERVER_ERROR)
]


def verdict(try_it: Callable[[], Judgement]) -> Verdict:
    """What a rollout comes to: three tries, the first pass ends them, and all over again while nothing is proved."""
    while True:
        judgements: list[Judgement] = []
        while len(judgements) < 3 and not (judgements and judgements[-1].passed):
            judgements.append(try_it())
        if (found := conclude(judgements, healthy_start=True).verdict) is not Verdict.INCONCLUSIVE:
            return found


@pytest.mark.fault(24)
@pytest.mark.parametrize("seed", range(5))
def test_a_good_endpoint_with_flakes_is_not_called_bad(seed: int) -> None:
    """A flake may even look like evidence: less than a fifth of a percent of the rollouts fail for that."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    flakes = [*NOTHING_SAID, *STEADY]

    found = [verdict(lambda: chance.choice(flakes) if chance.random() < FLAKES else PASS) for _ in range(20_000)]

    assert found.count(Verdict.FAILED) / len(found) < MOST_FALSE


@pytest.mark.fault(24)
@pytest.mark.parametrize("wrong", STEADY, ids=lambda one: one.reason.value)
def test_a_steady_wrong_answer_is_found_every_time(wrong: Judgement, record_property) -> None:
    """Flakes around it delay the verdict and never turn it."""
    chance = random.Random(24)  # noqa: S311 - a simulation

    found = [verdict(lambda: chance.choice(NOTHING_SAID) if chance.random() < FLAKES else wrong) for _ in range(20_000)]

    assert set(found) == {Verdict.FAILED}
    record_property("false_successes", found.count(Verdict.PASSED))


CUT = stream(*tgi("The", " cat")[:-1])
FLAKY_STREAMS: list[Answer] = [
    CUT,
    http(503, {"error": "no healthy upstream"}),
    http(429, {"error": "Model is overloaded", "error_type": "overloaded"}),
    lambda line: line.reset(),
    lambda _line: None,
    EMPTY,
]


def proved(answer: Callable[[], Answer], clock: Clock) -> Verdict:
    """One rollout's proof over a socket; again while nothing is proved."""
    with Speaker() as server:
        server.on("/health", http(200))
        server.on("/info", http(200, {"model_id": "/repository", "model_sha": None, "max_total_tokens": 4096}))
        server.on("/generate_stream", lambda line: answer()(line))
        while True:
            found = prove(check_of(server), clock=clock, deadlines=LONG).verdict
            if found is not Verdict.INCONCLUSIVE:
                return found


@pytest.mark.fault(24)
def test_streams_with_flakes_pass(clock: Clock) -> None:
    """The same over sockets: streams that are cut, refused, reset and empty among good ones."""
    chance = random.Random(2026)  # noqa: S311 - a simulation

    def answer() -> Answer:
        return chance.choice(FLAKY_STREAMS) if chance.random() < FLAKES else GOOD

    found = [proved(answer, clock) for _ in range(150)]

    assert set(found) == {Verdict.PASSED}


@pytest.mark.fault(24)
@pytest.mark.parametrize("steady", ["empty", "page"])
def test_steady_wrong_streams_fail(clock: Clock, steady: str) -> None:
    """With a tenth of flakes among them that prove nothing."""
    wrong = {"empty": EMPTY, "page": http(200, b"<html>Sign in</html>", "text/html")}[steady]
    chance = random.Random(2027)  # noqa: S311 - a simulation

    def answer() -> Answer:
        return chance.choice(FLAKY_STREAMS[:-1]) if chance.random() < FLAKES else wrong

    assert {proved(answer, clock) for _ in range(50)} == {Verdict.FAILED}


SERVER = textwrap.dedent("""
    import http.server, json, sys, time
    from pathlib import Path

    class Engine(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer("application/json")
            self.wfile.write(b"{}")
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.answer("text/event-stream")
            for number in range(1000):
                token = {"id": 1, "text": f" {number}", "logprob": 0, "special": False}
                self.wfile.write(b"data:" + json.dumps({"token": token, "generated_text": None}).encode() + b"\\n\\n")
                self.wfile.flush()
                time.sleep(0.02)
        def answer(self, kind):
            self.send_response(200)
            self.send_header("content-type", kind)
            self.end_headers()
        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Engine)
    print(server.server_port, flush=True)
    server.serve_forever()
""")
"""An engine in a process of its own, which streams a token every 20 ms and does not come to an end."""


@pytest.fixture
def engine() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.fault(24, 25)
def test_an_engine_killed_between_two_tokens_has_proved_nothing(engine: subprocess.Popen[str], clock: Clock) -> None:
    """Some text came, and it was good; a pass would be a false one, and a failure would undo a rollout for a crash."""
    assert engine.stdout is not None
    url = f"http://127.0.0.1:{int(engine.stdout.readline())}"
    pieces: list[str] = []

    def listen(piece: str) -> None:
        pieces.append(piece)
        if len(pieces) == 3:
            engine.send_signal(signal.SIGKILL)
            engine.wait()

    proof = prove(check_of(At(url)), clock=clock, deadlines=LONG, on_text=listen)

    assert len(pieces) >= 3
    assert (proof.passed, proof.verdict) == (False, Verdict.INCONCLUSIVE)
    assert [judgement.reason for judgement in proof.judgements] == [Reason.TRUNCATED, *[Reason.TRANSPORT] * 2]


class At:
    """What `check_of` asks of a server: where it is."""

    def __init__(self, url: str) -> None:
        self.url = url


@pytest.mark.fault(24, 25)
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_stream_that_breaks_in_every_try_has_proved_nothing(clock: Clock, how: str) -> None:
    """Between tokens, inside a frame: neither is an end of the stream."""

    def broken(line: Line) -> None:
        line.say(opening(), tgi_token("a"), tgi_token(" b"), tgi_token(" c")[:20])
        if how == "reset":
            line.reset()

    with Speaker() as server:
        server.on("/health", http(200))
        server.on("/info", http(200, {}))
        server.on("/generate_stream", broken)
        proof = prove(check_of(server), clock=clock, deadlines=LONG)
        assert tries(server) == 3

    assert proof.verdict is Verdict.INCONCLUSIVE
