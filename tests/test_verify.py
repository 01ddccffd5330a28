"""Proving an endpoint: checked, woken, asked up to three times, concluded."""

import json
import threading
from dataclasses import replace

import pytest
from hostile import HOSTILE
from speaker import (
    DONE,
    Speaker,
    chat,
    chat_chunk,
    completions,
    event,
    http,
    opening,
    stream,
    tgi,
    tgi_end,
    tgi_token,
)

from hfdeploy import errors
from hfdeploy.redact import Secret
from hfdeploy.stream import Deadlines, Prompt, Route, Target
from hfdeploy.verdict import Reason, Verdict, Wanted
from hfdeploy.verify import Check, Patience, prove

API = "https://api.endpoints.huggingface.cloud"
TOKEN = Secret("hf_thisIsNobodysTokenAtAll0000")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
LONG = Deadlines(first_token=30, stall=30, total=40, after_end=5)
ASLEEP = http(503, {"error": "503 Service Unavailable", "code": "SERVICE_UNAVAILABLE"})
GOOD = stream(*tgi("The", " cat"))
EMPTY = stream(*tgi_end([]))


@pytest.fixture
def server():
    """An endpoint of TGI that does everything right, until a test says otherwise."""
    with Speaker() as speaker:
        speaker.on("/health", http(200))
        speaker.on("/info", http(200, {"model_id": "/repository", "model_sha": None, "max_total_tokens": 4096}))
        speaker.on("/generate_stream", GOOD)
        yield speaker


def check_of(server, engine="tgi", **target) -> Check:
    """What is to be proved of it."""
    given = {"api_url": server.url, "repository": "acme/model", "token": TOKEN, "health_route": "/health"} | target
    return Check(Target(url=server.url, engine=engine, **given), Prompt("Say something.", 8))


def tries(server, path="/generate_stream") -> int:
    """How often the server was asked to work."""
    return len(server.asked(path))


def test_a_good_endpoint_is_proved_with_its_measurements(server, clock) -> None:
    """These are the outputs of a rollout."""
    heard = []

    proof = prove(check_of(server), clock=clock, deadlines=LONG, on_text=heard.append)

    assert (proof.passed, proof.verdict, proof.reason) == (True, Verdict.PASSED, Reason.PASSED)
    assert (proof.tokens, proof.counted_by, proof.finish_reason, proof.text_length) == (3, "details", "eos_token", 7)
    assert proof.ttft_ms is not None
    assert proof.ttft_ms > 0
    assert proof.tokens_per_s is not None
    assert (proof.woke, proof.wake_seconds) == (False, 0)
    assert (proof.started_at, proof.ended_at) == ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00")
    assert proof.prompt_sha256 == Prompt("Say something.").sha256
    assert heard == ["The", " cat"]
    assert [request.path for request in server.heard] == ["/health", "/info", "/generate_stream"]
    assert clock.naps == []


def test_the_evidence_holds_the_text_and_never_the_token(server, clock) -> None:
    """It is written to a file that people send around."""
    evidence = json.dumps(prove(check_of(server), clock=clock, deadlines=LONG).as_dict())

    assert "The cat" in evidence
    assert TOKEN.reveal() not in evidence
    assert json.loads(evidence)["tries"][0]["verdict"] == "passed"


def test_neither_sentence_nor_repr_hold_generated_text(server, clock) -> None:
    """Both end up in outputs and logs."""
    proof = prove(replace(check_of(server), wanted=Wanted(expect="dog")), clock=clock, deadlines=LONG)

    assert proof.reason is Reason.UNEXPECTED_TEXT
    assert "The cat" not in f"{proof!r}{proof.sentence}"


# Tries


@pytest.mark.fault(24)
def test_one_good_try_is_enough(server, clock) -> None:
    """Fault 24: a flake is no failure."""
    server.on("/generate_stream", EMPTY, http(500), GOOD)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert proof.passed
    assert [judgement.reason for judgement in proof.judgements] == [Reason.EMPTY, Reason.SERVER_ERROR, Reason.PASSED]
    assert clock.naps == [1, 2]


@pytest.mark.fault(24)
def test_a_steady_wrong_answer_fails_after_three_tries(server, clock) -> None:
    """And not after one, nor after four."""
    server.on("/generate_stream", EMPTY)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.FAILED, Reason.EMPTY, 3)
    assert "(3 tries: empty, empty, empty)" in proof.sentence


@pytest.mark.fault(24)
def test_errors_without_evidence_are_inconclusive(server, clock) -> None:
    """Nothing is restored or deleted because of them."""
    server.on("/generate_stream", http(500), lambda _line: None, http(429))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.OVERLOADED, 3)
    assert "server_error, transport, overloaded" in proof.sentence


@pytest.mark.fault(24, 26)
def test_an_engine_that_hangs_in_every_try_after_a_healthy_start_fails(server, clock) -> None:
    """It loaded, it says it is well, and it does not answer: that is evidence."""
    server.on("/generate_stream", lambda line: line.wait())

    proof = prove(check_of(server), clock=clock, deadlines=replace(LONG, first_token=0.3))

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.FIRST_TOKEN_TIMEOUT)


def test_a_container_without_a_health_route_that_hangs_is_inconclusive(server, clock) -> None:
    """Nothing said that it had started: a 404 on its root only says that somebody is there."""
    server.on("/generate_stream", lambda line: (line.say(opening(), tgi_token("a")), line.wait()))
    check = replace(check_of(server, engine="custom", health_route=None), route=Route.GENERATE)

    proof = prove(check, clock=clock, deadlines=replace(LONG, stall=0.2))

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.STALL, 3)


@pytest.mark.fault(10)
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_ends_everything_at_once(server, clock, status) -> None:
    """After a 401 there is at most one more request."""
    server.on("/health", http(status, {"error": "no"}))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.AUTH)
    assert len(server.heard) == 1


def test_a_token_refused_in_a_try_ends_the_tries(server, clock) -> None:
    """It may be revoked in between."""
    server.on("/generate_stream", http(401))

    assert prove(check_of(server), clock=clock, deadlines=LONG).reason is Reason.AUTH
    assert tries(server) == 1


def test_a_paused_endpoint_is_left_alone(server, clock) -> None:
    """A person paused it; more requests would not start it."""
    server.on("/health", http(400, {"error": "Bad Request: The endpoint is paused, ask a maintainer to restart it"}))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.PAUSED)
    assert len(server.heard) == 1


def test_the_wait_a_busy_server_asks_for_is_kept_within_reason(server, clock) -> None:
    """Coming back earlier makes it busier; coming back in an hour helps nobody."""
    server.on("/generate_stream", http(429, retry_after="12"), http(429, retry_after="3600"), GOOD)

    assert prove(check_of(server), clock=clock, deadlines=LONG).passed
    assert clock.naps == [12, 30]


# Before the first try


def test_nothing_is_sent_to_a_configuration_that_is_not_the_declared_one(server, clock) -> None:
    """The stream would prove the wrong thing."""
    check = replace(check_of(server), mismatches=["revision is abc, asked for is def", "compute is x1 instead of x4"])

    proof = prove(check, clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.NOT_AS_ASKED)
    assert "revision is abc, asked for is def; compute is x1 instead of x4" in proof.sentence
    assert server.callers == 0


@pytest.mark.fault(33)
@pytest.mark.parametrize("url", HOSTILE)
def test_a_foreign_host_gets_no_request_at_all(server, clock, monkeypatch, url) -> None:
    """Fault 33: every name leads to a server that would take the token; nobody even calls it."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("127.0.0.1", server.port))])

    proof = prove(Check(Target(url=url, api_url=API, engine="tgi", token=TOKEN)), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST)
    assert "nothing was sent" in proof.sentence
    assert server.callers == 0


def test_an_endpoint_on_another_port_of_this_machine_gets_nothing(server, clock) -> None:
    """The emulator's own origin is the only one that is asked."""
    check = replace(check_of(server), target=replace(check_of(server).target, api_url="http://127.0.0.1:1"))

    assert prove(check, clock=clock).reason is Reason.FOREIGN_HOST
    assert server.callers == 0


def test_a_public_name_that_leads_home_is_a_foreign_host(server, clock, monkeypatch) -> None:
    """The lookup is data from outside as well."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", ("127.0.0.1", server.port))])
    target = Target(url="https://x.endpoints.huggingface.cloud", api_url=API, engine="tgi", token=TOKEN)

    proof = prove(Check(target), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST)
    assert server.heard == []


def test_an_endpoint_without_an_address_is_inconclusive(clock) -> None:
    """It is shown as running before it has one."""
    proof = prove(Check(Target(url="", api_url=API)), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.UNHEALTHY)


@pytest.mark.parametrize("route", ["//evil.example/health", "https://evil.example", "/x\r\ny: z"])
def test_a_health_route_that_is_no_path_is_not_asked(server, clock, route) -> None:
    """It would take the token elsewhere."""
    proof = prove(check_of(server, health_route=route), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.FOREIGN_HOST)
    assert server.callers == 0


@pytest.mark.fault(28)
def test_a_declared_health_route_that_is_missing_fails(server, clock) -> None:
    """It is part of the configuration, and it is wrong."""
    proof = prove(check_of(server, health_route="/ready"), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.UNHEALTHY)
    assert "/ready answered 404" in proof.sentence


@pytest.mark.fault(33)
def test_a_redirecting_health_route_is_neither_followed_nor_evidence(server, clock) -> None:
    """Fault 33."""
    with Speaker() as other:
        server.on("/health", http(302, location=f"{other.url}/health"))

        proof = prove(check_of(server), clock=clock)

        assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.UNHEALTHY)
        assert other.callers == 0


def test_a_replica_of_another_commit_is_no_proof(server, clock) -> None:
    """During an update the old replicas still answer."""
    server.on("/info", http(200, {"model_sha": OTHER}))

    proof = prove(check_of(server, revision=COMMIT), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.WRONG_REVISION, 0)
    assert f"serves commit {OTHER[:12]}, asked for is {COMMIT[:12]}" in proof.sentence


def test_the_right_commit_may_come_a_moment_later(server, clock) -> None:
    """The old replica leaves while the tries go on."""
    server.on("/info", http(200, {"model_sha": OTHER}), http(200, {"model_sha": COMMIT}))

    proof = prove(check_of(server, revision=COMMIT), clock=clock, deadlines=LONG)

    assert (proof.passed, tries(server)) == (True, 1)


@pytest.mark.parametrize("info", [{"model_sha": None}, {"model_sha": "main"}, {}, [1]])
def test_an_engine_that_does_not_know_its_commit_is_believed(server, clock, info) -> None:
    """On the service models are mounted, and the engine often cannot tell."""
    server.on("/info", http(200, info))

    assert prove(check_of(server, revision=COMMIT), clock=clock, deadlines=LONG).passed


# Waking


@pytest.mark.fault(27)
def test_a_sleeping_endpoint_is_woken_and_waiting_is_no_try(server, clock) -> None:
    """Fault 27: 503, n times, then 200."""
    server.on("/health", *[ASLEEP] * 6, http(200))
    steps = []

    proof = prove(check_of(server), clock=clock, deadlines=LONG, on_step=steps.append)

    assert (proof.passed, proof.woke, proof.wake_seconds) == (True, True, 30)
    assert len(proof.judgements) == 1
    assert steps == ["waking", "try 1 of 3"]
    asked = [heard.headers.get("x-scale-up-timeout") for heard in server.asked("/health")]
    assert asked == [None, *["60"] * 6], "the proxy holds the request once it is known to be needed"


@pytest.mark.fault(27)
def test_an_endpoint_that_does_not_wake_is_inconclusive(server, clock) -> None:
    """Missing hardware is nobody's fault; nothing may be undone because of it."""
    server.on("/health", ASLEEP)

    proof = prove(check_of(server), clock=clock, patience=Patience(wake=100, every=20))

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.WAKING, 0)
    assert "did not wake within 100 s" in proof.sentence
    assert len(server.asked("/health")) == 6
    assert server.heard[-1].headers["x-scale-up-timeout"] == "1"


def test_a_held_request_that_ends_in_a_timeout_is_still_waking(server, clock) -> None:
    """What the proxy says when the time is over is not known."""
    server.on("/health", ASLEEP, http(504), http(502), http(408), lambda _line: None, http(200))

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.passed, proof.woke) == (True, True)


def test_an_engine_that_is_still_loading_is_waited_for(server, clock) -> None:
    """TGI and llama.cpp say 503 in their own words while they load."""
    server.on("/health", http(503, {"error": "unhealthy", "error_type": "healthcheck"}), http(200))

    assert prove(check_of(server), clock=clock, deadlines=LONG).passed


def test_a_container_of_unknown_routes_is_woken_by_its_root(server, clock) -> None:
    """Any answer that is not the proxy's says that somebody is there."""
    server.on("/", ASLEEP, ASLEEP, http(405))
    check = replace(check_of(server, engine="custom", health_route=None), route=Route.GENERATE)

    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.passed, proof.woke) == (True, True)


def test_an_endpoint_that_falls_asleep_between_health_and_prompt_is_woken_again(server, clock) -> None:
    """The idle timeout may end at any moment; that is no failed try."""
    server.on("/health", http(200), ASLEEP, http(200))
    server.on("/generate_stream", ASLEEP, GOOD)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.passed, proof.woke, len(proof.judgements)) == (True, True, 1)


def test_a_prompt_that_is_refused_as_asleep_while_health_is_well_counts_as_a_try(server, clock) -> None:
    """Otherwise a broken proxy would be waited for till the end of the rollout."""
    server.on("/generate_stream", ASLEEP)

    proof = prove(check_of(server), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason, tries(server)) == (Verdict.INCONCLUSIVE, Reason.SERVER_ERROR, 3)
    assert clock.elapsed < 10


def test_a_host_that_cannot_be_reached_is_given_up_after_a_minute(server, clock) -> None:
    """A new name takes a moment to be known, but not a quarter of an hour."""
    server.on("/health", lambda _line: None)

    proof = prove(check_of(server), clock=clock)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.TRANSPORT)
    assert "could not be reached for 60 s" in proof.sentence
    assert 55 <= clock.elapsed <= 65


@pytest.mark.fault(43)
def test_a_stop_request_ends_waking(server, clock) -> None:
    """Ctrl-C has five seconds."""
    asked = threading.Event()
    server.on("/health", lambda line: (asked.set(), line.wait()))

    with pytest.raises(errors.Cancelled):
        prove(check_of(server), clock=clock, patience=Patience(answer=10, trouble=1), stopped=asked.is_set)

    assert server.hung_up.wait(10)


@pytest.mark.fault(43)
def test_a_stop_request_ends_a_try(server, clock) -> None:
    """The same while a prompt is being answered."""
    asked = threading.Event()
    server.on("/generate_stream", lambda line: (line.say(opening(), tgi_token("a")), asked.set(), line.wait()))

    with pytest.raises(errors.Cancelled):
        prove(check_of(server), clock=clock, deadlines=LONG, stopped=asked.is_set)

    assert server.hung_up.wait(10)


# Engines


def openai(server, *models: str):
    """The routes of an engine that speaks OpenAI."""
    server.on("/v1/models", http(200, {"data": [{"id": name} for name in models]}))
    return check_of(server, engine="vLLM")


def test_a_chat_is_asked_under_the_name_the_engine_serves(server, clock) -> None:
    """vLLM answers 404 for every other."""
    check = openai(server, "served-name")
    server.on("/v1/chat/completions", stream(*chat("Hi", tokens=5)))

    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.passed, proof.tokens, proof.counted_by) == (True, 5, "usage")
    assert server.asked("/v1/chat/completions")[0].json["model"] == "served-name"


def test_of_several_served_names_the_repository_is_taken(server, clock) -> None:
    """Adapters are listed beside the model."""
    check = openai(server, "adapter", "acme/model")
    server.on("/v1/chat/completions", stream(*chat("Hi")))

    prove(check, clock=clock, deadlines=LONG)

    assert server.asked("/v1/chat/completions")[0].json["model"] == "acme/model"


@pytest.mark.fault(28)
@pytest.mark.parametrize(
    "refusal",
    [
        http(400, {"error": {"message": "As of transformers v4.44, default chat template is no longer allowed"}}),
        http(500, {"error": {"message": "ChatTemplateResolutionError: chat template"}}),
        http(422, {"error": "Template error: template not found", "error_type": "template_error"}),
        stream(event({"error": {"message": "This model has no chat template"}}), DONE),
    ],
)
def test_a_model_without_a_chat_template_is_asked_for_a_completion(server, clock, refusal) -> None:
    """Base models have none; that is not their fault, and no try."""
    check = openai(server, "acme/model")
    server.on("/v1/chat/completions", refusal)
    server.on("/v1/completions", stream(*completions("a", "b")))

    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.passed, len(proof.judgements), tries(server, "/v1/completions")) == (True, 1, 1)


def test_a_chat_the_spec_insists_on_is_not_replaced_by_a_completion(server, clock) -> None:
    """Whoever asks for a chat wants to know that it does not work."""
    check = replace(openai(server, "acme/model"), route=Route.CHAT)
    server.on("/v1/chat/completions", http(400, {"error": {"message": "no chat template"}}))

    proof = prove(check, clock=clock, deadlines=LONG)

    assert (proof.verdict, tries(server, "/v1/completions")) == (Verdict.FAILED, 0)


def test_after_the_first_refusal_a_chat_is_not_tried_again(server, clock) -> None:
    """Each try is one request."""
    check = openai(server, "acme/model")
    server.on("/v1/chat/completions", http(400, {"error": {"message": "no chat template"}}))
    server.on("/v1/completions", http(500), stream(*completions("a")))

    assert prove(check, clock=clock, deadlines=LONG).passed
    assert (tries(server, "/v1/chat/completions"), tries(server, "/v1/completions")) == (1, 2)


def test_a_role_without_a_word_fails(server, clock) -> None:
    """The official clients call it a normal end."""
    check = openai(server, "acme/model")
    server.on("/v1/chat/completions", stream(chat_chunk({"role": "assistant"}, "stop"), DONE))

    assert prove(check, clock=clock, deadlines=LONG).reason is Reason.EMPTY


def test_an_embedding_model_is_proved_by_its_vectors(server, clock) -> None:
    """TEI says itself which kind of model it serves."""
    server.on("/info", http(200, {"model_type": {"embedding": {"pooling": "cls"}}, "model_sha": None}))
    server.on("/embed", http(200, [[0.1, 0.2], [0.3, 0.4]]))

    proof = prove(check_of(server, engine="tei", task="text-classification"), clock=clock, deadlines=LONG)

    assert proof.passed
    assert (proof.tokens, proof.ttft_ms, proof.tokens_per_s, proof.counted_by) == (0, None, None, "")
    assert proof.sentence.startswith("2 vectors of 2 numbers")


def test_vectors_of_zeros_fail(server, clock) -> None:
    """An index filled with them finds nothing."""
    server.on("/embed", http(200, [[0.0, 0.0], [0.0, 0.0]]))

    proof = prove(check_of(server, engine="tei"), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.FAILED, Reason.BAD_VECTORS)


def test_the_toolkit_is_asked_on_its_root(server, clock) -> None:
    """It has no other route for work, and its health is asked elsewhere."""
    server.on("/", http(200, [{"label": "POSITIVE", "score": 0.99}]))

    proof = prove(check_of(server, engine="huggingface", task="text-classification"), clock=clock, deadlines=LONG)

    assert proof.passed
    assert [(heard.method, heard.path) for heard in server.heard] == [("GET", "/health"), ("POST", "/")]


def test_a_custom_container_is_asked_what_it_is(server, clock) -> None:
    """TGI and vLLM are often run as custom images."""
    proof = prove(check_of(server, engine="custom"), clock=clock, deadlines=LONG)

    assert (proof.passed, tries(server)) == (True, 1)


def test_the_refusal_of_a_container_nobody_knows_is_no_evidence(server, clock) -> None:
    """What it wants to be sent is not known."""
    server.on("/info", http(404))
    server.on("/", http(400, {"error": "unknown input"}))

    proof = prove(check_of(server, engine="custom"), clock=clock, deadlines=LONG)

    assert (proof.verdict, proof.reason) == (Verdict.INCONCLUSIVE, Reason.REFUSED)
