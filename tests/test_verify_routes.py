"""What each kind of engine is asked for, and what its answers prove: chats, completions, vectors, other containers."""

from dataclasses import replace

import pytest
from proof import LONG, check_of, tries, well
from speaker import DONE, chat, chat_chunk, completions, event, http, stream

from hfdeploy.stream import Route
from hfdeploy.verdict import Reason, Verdict
from hfdeploy.verify import prove

server = pytest.fixture(well)


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
