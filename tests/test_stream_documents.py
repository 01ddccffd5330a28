"""Answers that do not stream: vectors, the toolkit's documents, and small questions such as health."""

import json
import re

import pytest
from exchange import PATIENT, QUICK, TOKEN, answer, ask, listening
from speaker import http, opening, stream

from hfdeploy.stream import About, Prompt, Route, Target, endpoint_address, fetch, make_request
from hfdeploy.stream.answer import read_answer
from hfdeploy.stream.prompt import TEXTS
from hfdeploy.verdict import Reason, Vectors, Verdict, Wanted, judge

server = pytest.fixture(listening)

VECTORS = [[0.1, 0.2], [0.3, 0.4]]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (VECTORS, Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ({"embeddings": VECTORS}, Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ({"data": [{"embedding": row} for row in VECTORS]}, Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ([[VECTORS], [VECTORS]], Vectors(2, 2, (2,), is_finite=True, zeros=0)),
        ([[0.1, 0.2]], Vectors(2, 1, (2,), is_finite=True, zeros=0)),
        ([[0.1, 0.2], [0.1]], Vectors(2, 2, (1, 2), is_finite=True, zeros=0)),
        ([[0.0, 0.0], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=True, zeros=1)),
        ([[None, 0.2], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ([["a", 0.2], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ([[True, 0.2], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ([[10**400, 1], [0.1, 0.2]], Vectors(2, 2, (2,), is_finite=False, zeros=0)),
        ({"data": [None, None]}, Vectors(2, 2, (0,), is_finite=True, zeros=2)),
        ([], Vectors(2, 0, (), is_finite=True, zeros=0)),
        ({"anything": "else"}, None),
        ("text", None),
    ],
)
def test_vectors_are_summed_up_in_every_shape(body, expected) -> None:
    """Wrong vectors look like right ones until somebody looks."""
    assert read_answer(json.dumps(body).encode(), inputs=2).vectors == expected


def test_nan_and_infinity_in_json_are_not_finite() -> None:
    """Python's own server side writes them so."""
    content = read_answer(b"[[NaN, 1.0], [Infinity, 1.0]]", inputs=2)

    assert content.vectors == Vectors(2, 2, (2,), is_finite=False, zeros=0)


def test_good_embeddings_pass_on_both_routes(server) -> None:
    """TEI's own and OpenAI's."""
    server.on("/embed", http(200, VECTORS))
    server.on("/v1/embeddings", http(200, {"data": [{"embedding": row} for row in VECTORS]}))

    for route in (Route.EMBED, Route.EMBEDDINGS):
        sample = ask(server, route=route)
        assert judge(sample, Wanted()).sentence.startswith("2 vectors of 2 numbers")
    assert server.asked("/embed")[0].json == {"inputs": list(TEXTS)}
    assert server.asked("/v1/embeddings")[0].json == {"model": "acme/model", "input": list(TEXTS)}


DOCUMENTS = {
    "vectors cut off": (Route.EMBED, http(200, "[[0.1, 0.2"), Verdict.FAILED, Reason.MALFORMED),
    "a length that never comes": (
        Route.EMBED,
        lambda line: line.say(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n[[0.1"),
        Verdict.INCONCLUSIVE,
        Reason.TRUNCATED,
    ),
    "an error with 200": (Route.EMBED, http(200, {"error": "no"}), Verdict.FAILED, Reason.ERROR_EVENT),
    "a page": (Route.EMBED, http(200, "<html>", "text/html"), Verdict.FAILED, Reason.WRONG_CONTENT_TYPE),
    "silence": (Route.EMBED, lambda line: line.wait(), Verdict.INCONCLUSIVE, Reason.TOTAL_TIMEOUT),
    "a body without end": (
        Route.EMBED,
        lambda line: (line.say(opening("application/json")), line.repeat(b" ", 0.05)),
        Verdict.INCONCLUSIVE,
        Reason.TOTAL_TIMEOUT,
    ),
    "a flood": (Route.EMBED, http(200, " " * 9000), Verdict.INCONCLUSIVE, Reason.BYTE_CAP),
    "scores": (Route.RERANK, http(200, [{"index": 0, "score": 0.9}]), Verdict.PASSED, Reason.PASSED),
    "no scores": (Route.RERANK, http(200, []), Verdict.FAILED, Reason.EMPTY),
    "ranks": (Route.RANKING, http(200, {"results": [{"index": 0}]}), Verdict.PASSED, Reason.PASSED),
    "labels": (Route.PREDICT, http(200, [{"label": "a", "score": 1.0}]), Verdict.PASSED, Reason.PASSED),
    "no json": (Route.PREDICT, http(200, "oops"), Verdict.FAILED, Reason.EMPTY),
}


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_only_a_good_document_passes(server, shape) -> None:
    """The same rules where nothing streams."""
    route, said, verdict, reason = DOCUMENTS[shape]
    server.on(make_request(Target("", ""), route, Prompt(), About()).path, said)

    judgement = judge(ask(server, route=route, deadlines=QUICK.get(reason, PATIENT)), Wanted())

    assert (judgement.verdict, judgement.reason) == (verdict, reason), judgement.sentence


@pytest.mark.parametrize(
    ("task", "said", "verdict"),
    [
        ("text-generation", http(200, [{"generated_text": "Once more"}]), Verdict.PASSED),
        ("text-generation", http(200, [{"generated_text": ""}]), Verdict.FAILED),
        ("fill-mask", http(200, [{"score": 0.9, "token_str": "capital"}]), Verdict.PASSED),
        ("automatic-speech-recognition", http(200, {"text": ""}), Verdict.PASSED),
        ("text-to-image", http(200, b"\x89PNG", "image/png"), Verdict.PASSED),
        ("text-to-image", http(200, b"", "image/png"), Verdict.FAILED),
        ("feature-extraction", http(200, VECTORS), Verdict.PASSED),
        ("feature-extraction", http(200, [[0.0], [0.0]]), Verdict.FAILED),
        ("fill-mask", http(400, {"error": "no mask"}), Verdict.FAILED),
        ("custom", http(400, {"error": "unknown input"}), Verdict.INCONCLUSIVE),
    ],
)
def test_the_toolkit_is_judged_by_one_real_request_of_its_task(server, task, said, verdict) -> None:
    """It answers every task on one route and never streams."""
    server.on("/", said)

    assert judge(ask(server, route=Route.TASK, task=task), Wanted()).verdict is verdict


def test_a_toolkit_text_is_looked_at_for_the_expected_pattern(server) -> None:
    """`expect` holds for every kind of text."""
    server.on("/", http(200, [{"generated_text": "Paris"}]))
    sample = ask(server, route=Route.TASK, task="text-generation")

    assert judge(sample, Wanted(expect="Paris")).passed
    assert judge(sample, Wanted(expect="Rome")).reason is Reason.UNEXPECTED_TEXT


def test_pictures_and_sounds_are_sent_as_such(server) -> None:
    """The toolkit reads the content type."""
    server.on("/", http(200, [{"label": "cat"}]))
    ask(server, route=Route.TASK, task="image-classification")
    ask(server, route=Route.TASK, task="automatic-speech-recognition")

    assert [(heard.headers["content-type"], heard.body[:4]) for heard in server.heard] == [
        ("image/png", b"\x89PNG"),
        ("audio/wav", b"RIFF"),
    ]


def test_a_small_question_is_answered_whole(server) -> None:
    """Health, info and models are asked so."""
    server.on("/info", http(200, {"model_id": "m"}, x_thing="y"))

    reply = fetch(endpoint_address(server.url, server.url), "/info", token=TOKEN, headers={"x-extra": "1"})

    assert (reply.status, json.loads(reply.body), reply.headers["x-thing"]) == (200, {"model_id": "m"}, "y")
    assert server.heard[0].headers["x-extra"] == "1"


def test_a_small_question_reads_no_flood(server) -> None:
    """A custom container may answer anything."""
    server.on("/info", stream(*[b"x" * 1000] * 100, content_type="text/plain"))

    reply = fetch(endpoint_address(server.url, server.url), "/info", token=TOKEN, byte_cap=2000)

    assert 2000 < len(reply.body) < 80_000


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (401, r"the token was not accepted \(401\).*is HF_TOKEN set and valid\?"),
        (403, r"the token may not call this endpoint, or the model is gated \(403\)"),
        (404, r"the engine has no such route for this task, or no such model \(404\)"),
    ],
)
def test_a_refusal_names_its_cause(server, status, cause) -> None:
    """A gated model, a token of somebody else and a task without this route look alike otherwise."""
    judgement = judge(answer(server, http(status, {"error": "no"})), Wanted())

    assert re.search(cause, judgement.sentence), judgement.sentence
