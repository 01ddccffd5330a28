"""For whom and how often a script holds, what it may do to a replica, and which scripts are refused."""

import threading

import pytest
from data_plane import http
from scripted_calls import HELLO, chat, native

from hfdeploy.emulator import behaviour

pytest_plugins = ["data_plane"]


@pytest.mark.parametrize("status", [400, 429, 500, 503])
@pytest.mark.parametrize("engine", ["tgi", "vLLM", "sGLang", "llamacpp", "tei"])
def test_scripted_statuses_for_the_first_requests(plane, engine, status) -> None:
    """A rollout retries what may pass; health routes neither fail nor count."""
    url = plane.add(engine, task="sentence-embeddings", behaviour={"status": status, "times": 2})
    path = "/embed" if engine == "tei" else "/v1/chat/completions"
    body = {"inputs": "x", "messages": HELLO, "max_tokens": 1}

    seen = [http.get(url + "/health").status_code]
    seen += [http.post(url + path, json=body).status_code for _ in range(3)]

    assert seen == [200, status, status, 200]


def test_a_scripted_status_without_times_stays_and_a_new_script_counts_anew(plane) -> None:
    """Tests script one endpoint several times."""
    url = plane.add(behaviour={"status": 500})
    assert [native(url).status_code for _ in range(3)] == [500] * 3

    plane.change(url, behaviour={"status": 500, "times": 1})
    assert [native(url).status_code for _ in range(2)] == [500, 200]


def test_a_script_may_hold_for_a_few_requests_only(plane) -> None:
    """A rollout retries: the first stream breaks, the second is fine."""
    url = plane.add(behaviour={"stream": "done_only", "times": 1})
    http.get(url + "/info")

    assert ["[DONE]" in native(url).text for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    "field", [{"revision": "b" * 40}, {"image": {"url": "tgi:9.9-broken"}}, {"repository": "acme/bad"}]
)
def test_a_script_may_hold_for_one_configuration_only(plane, field) -> None:
    """The new configuration fails, and the old one works again once it is put back."""
    [value] = field.values()
    url = plane.add(behaviour={"status": 500, "only": value["url"] if isinstance(value, dict) else value})
    seen = [native(url).status_code]
    plane.change(url, **field)
    seen.append(native(url).status_code)

    assert seen == [200, 500]


def test_forced_text_gibberish_and_served_model(plane) -> None:
    """For checks of the content and of the served name."""
    forced, odd = plane.add(behaviour={"text": "The answer is 42."}), plane.add(behaviour={"gibberish": True})
    renamed = plane.add("vLLM", behaviour={"served_model": "other/model"})

    assert native(forced, "/generate").json()["generated_text"] == "The answer is 42."
    assert "\ufffd" in native(odd, "/generate").json()["generated_text"]
    assert http.get(renamed + "/v1/models").json()["data"][0]["id"] == "other/model"
    assert chat(renamed, model="acme/model").status_code == 404


@pytest.mark.parametrize("engine", ["tgi", "vLLM"])
def test_a_replica_dies_of_a_long_prompt_and_lives_on_short_ones(plane, engine) -> None:
    """The plain prompt of a verification must miss it."""
    url = plane.add(engine, behaviour={"fails_above_tokens": 30})
    long = [{"role": "user", "content": "word " * 60}]

    assert chat(url, stream=False).status_code == 200
    assert chat(url, stream=False, messages=long).status_code == {"tgi": 424, "vLLM": 500}[engine]
    assert "CUDA out of memory" in chat(url, messages=long).text
    assert chat(url, stream=False).status_code == 200


def test_a_replica_dies_of_parallel_requests_and_takes_all_with_it(plane) -> None:
    """One request at a time never shows it."""
    url = plane.add(behaviour={"fails_at_concurrency": 3})
    assert "error" not in native(url).text

    plane.options["token_interval_ms"] = 500
    texts = []
    callers = [threading.Thread(target=lambda: texts.append(native(url).text)) for _ in range(3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert ["CUDA out of memory" in text for text in texts] == [True, True, True]
    plane.options["token_interval_ms"] = 1
    assert "error" not in native(url).text


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"steam": "cut"}, "`steam` is no scripted behaviour; there are stream, status,"),
        ({"stream": "explode"}, "`stream` knows no 'explode'; there are error_event, cut,"),
        ({"stream": True}, "`stream` takes a value of type str, not True."),
        ({"split": 1}, "`split` takes a value of type bool, not 1."),
        ({"times": True, "status": 500}, "`times` takes a value of type int, not True."),
        ({"status": 200}, "`status` is an HTTP error from 400 to 599, not 200."),
        ({"fails_above_tokens": 0}, "`fails_above_tokens` counts from 1, not 0."),
        ({"times": 0}, "`times` counts from 1, not 0."),
    ],
)
def test_a_wrong_script_is_refused_with_a_sentence(script, words) -> None:
    """A misspelt script would be a test that cannot fail."""
    with pytest.raises(ValueError, match="^" + words.replace("(", r"\(")):
        behaviour.parse(script)
