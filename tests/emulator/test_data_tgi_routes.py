"""TGI's routes beside the generation: info, health, tokens, metrics, other clouds, and its grammar."""

import json

import pytest
from data_plane import http
from tgi_calls import INPUTS, ask

pytest_plugins = ["data_plane"]


@pytest.mark.parametrize(("option", "sha"), [("commit", "a" * 40), ("absent", None)])
def test_info_tells_the_limits_and_by_option_the_revision(plane, option, sha) -> None:
    """A check of the served revision must bear a server that does not tell."""
    plane.options["tgi_model_sha"] = option
    url = plane.add(image={"url": "tgi:3.2.1", "maxInputLength": 1000, "maxTotalTokens": 1500})

    info = http.get(url + "/info").json()

    assert (info["model_id"], info["model_sha"], info["version"]) == ("acme/model", sha, "3.2.1")
    assert (info["max_input_tokens"], info["max_total_tokens"]) == (1000, 1500)
    assert (info["max_stop_sequences"], info["max_best_of"], info["max_client_batch_size"]) == (4, 2, 4)


def test_health_routes_answer_empty_200_and_while_loading_503_unhealthy(plane) -> None:
    """`running` is shown before."""
    url = plane.add()
    paths = ["/health", "/ping", "/", ""]
    assert [(reply.status_code, reply.content) for reply in (http.get(url + path) for path in paths)] == [
        (200, b"")
    ] * 4

    plane.change(url, is_ready=False)
    reply = http.get(url + "/health")

    assert (reply.status_code, reply.json()) == (503, {"error": "unhealthy", "error_type": "healthcheck"})


def test_tokenize_chat_tokenize_and_metrics(plane) -> None:
    """Joined, the tokens are the text again."""
    url = plane.add()
    tokens = http.post(url + "/tokenize", json={"inputs": INPUTS}).json()
    chat = http.post(url + "/chat_tokenize", json={"messages": [{"role": "user", "content": "Hi"}]}).json()

    assert "".join(token["text"] for token in tokens) == INPUTS
    assert INPUTS[tokens[2]["start"] : tokens[2]["stop"]] == tokens[2]["text"]
    assert "".join(token["text"] for token in chat["tokenize_response"]) == chat["templated_text"]
    assert "tgi_request_count 3" in http.get(url + "/metrics").text


def test_invocations_and_vertex_take_the_bodies_of_other_clouds(plane) -> None:
    """Both are routes of the same server."""
    url = plane.add()
    native = {"inputs": INPUTS, "parameters": {"max_new_tokens": 2, "return_full_text": False}}
    text = http.post(url + "/generate", json=native).json()["generated_text"]

    assert http.post(url + "/invocations", json=native).json() == [{"generated_text": text}]
    assert http.post(url + "/vertex", json={"instances": [native]}).json() == {"predictions": [text]}
    chat = http.post(url + "/invocations", json={"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2})
    assert chat.json()["object"] == "chat.completion"


def test_a_grammar_gives_json_of_that_shape(plane) -> None:
    """Whoever asks for structure parses the answer."""
    schema = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}

    text = ask(plane.add(), grammar={"type": "json", "value": schema}).json()["generated_text"]

    assert json.loads(text) == {"name": "text", "age": 1}
