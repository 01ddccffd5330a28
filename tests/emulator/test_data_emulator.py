"""The data plane of the whole emulator: what callers of `status.url` meet while the control plane moves."""

import threading

import openai
import pytest
from control_plane import BODY, OWNER, STARTED, STRANGER, merged
from data_plane import http, until
from huggingface_hub import InferenceClient

from hfdeploy.emulator import images

pytest_plugins = ["data_plane"]

PROMPT = {"inputs": "Hello", "parameters": {"max_new_tokens": 3}}
AUTH = {"Authorization": f"Bearer {OWNER}"}


def image(key: str, url: str = "", **fields) -> dict:
    return {"model": {"image": {key: {"url": url or f"registry.example/{key}:1"} | fields}}}


def seeded(emulator, **body) -> str:
    return str(emulator.seed(**body)["object"]["status"]["url"])


def test_503_while_starting_asleep_and_woken_by_authorised_requests_only(emulator) -> None:
    """The whole night of an endpoint: it starts, sleeps, is knocked at by a stranger, and woken by its owner."""
    emulator.create()
    url = f"{emulator.url}/endpoints/acme/demo"
    seen = [emulator.owner.post(url, json=PROMPT).status_code]
    emulator.advance(STARTED)
    seen.append(emulator.owner.post(url, json=PROMPT).status_code)
    emulator.act("scale-to-zero")
    for caller in (emulator.anonymous, emulator.stranger, emulator.owner):
        reply = caller.post(url, json=PROMPT)
        seen.append(reply.status_code)
        assert "retry-after" not in reply.headers
        assert (emulator.state() == "scaledToZero") is (caller is not emulator.owner)
    emulator.advance(STARTED)
    seen.append(emulator.owner.post(url, json=PROMPT).status_code)

    assert seen == [503, 200, 401, 401, 503, 200]


def test_hold_with_x_scale_up_timeout_until_the_replica_answers(emulator) -> None:
    """One request wakes, waits and is answered."""
    url = seeded(emulator, state="scaledToZero", model={"image": BODY["model"]["image"]})
    replies = []
    caller = threading.Thread(
        target=lambda: replies.append(
            http.post(url, json=PROMPT, headers=AUTH | {"X-Scale-Up-Timeout": "60"}, timeout=60).status_code
        )
    )
    caller.start()
    until(lambda: emulator.state() != "scaledToZero")
    emulator.advance(STARTED)
    caller.join()

    assert replies == [200]


def test_400_paused_with_the_exact_text(emulator) -> None:
    """Through the API's own pause."""
    url = emulator.started()["status"]["url"]
    emulator.act("pause")

    reply = emulator.owner.post(url, json=PROMPT)

    text = "Bad Request: The endpoint is paused, ask a maintainer to restart it"
    assert (reply.status_code, reply.json()) == (400, {"error": text, "code": "BAD_REQUEST"})


@pytest.mark.parametrize(
    ("access", "statuses"), [("public", [200] * 3), ("authenticated", [401, 200, 200]), ("private", [401, 401, 200])]
)
def test_401_by_type_of_the_endpoint(emulator, access, statuses) -> None:
    """Anybody, any account, members."""
    url = seeded(emulator, type=access)

    callers = (emulator.anonymous, emulator.stranger, emulator.owner)
    assert [caller.get(url + "/health").status_code for caller in callers] == statuses


@pytest.mark.parametrize(
    ("fields", "works"),
    [({}, True), ({"port": 81}, False), ({"healthRoute": "/healthz"}, False), ({"healthRoute": "/info"}, True)],
    ids=str,
)
def test_a_wrong_port_or_wrong_health_route_leaves_the_state_stuck(emulator, fields, works) -> None:
    """And its callers at the proxy's 503."""
    tgi = BODY["model"]["image"]["tgi"]
    emulator.create(model={"image": {"tgi": tgi | fields}})
    emulator.advance(STARTED)

    status = emulator.owner.get(f"{emulator.url}/endpoints/acme/demo/health").status_code

    assert (emulator.state(), status) == (("running", 200) if works else ("initializing", 503))


LLAMA = {"ctxSize": 4096, "modelPath": "model.gguf", "nParallel": 1, "threadsHttp": 2}


@pytest.mark.parametrize("key", ["tgi", "tei", "vLLM", "sGLang", "llamacpp"])
def test_every_health_route_that_the_control_plane_believes_in_answers(emulator, key) -> None:
    """The two planes must agree on what a container answers."""
    url = seeded(emulator, type="public", **image(key, **(LLAMA if key == "llamacpp" else {})))

    statuses = {route: http.get(url + route).status_code for route in images._HEALTH_ROUTES[key]}
    assert set(statuses.values()) == {200}


def test_tgi_root_list_against_generate_object(emulator) -> None:
    """And a native stream without [DONE]."""
    url = seeded(emulator, type="public", **image("tgi"))

    assert isinstance(http.post(url, json=PROMPT).json(), list)
    assert isinstance(http.post(url + "/generate", json=PROMPT).json(), dict)
    stream = http.post(url + "/generate_stream", json=PROMPT)
    assert stream.headers["content-type"] == "text/event-stream"
    assert "[DONE]" not in stream.text


@pytest.mark.parametrize(
    ("kind", "mark"), [("error_event", '"error_type"'), ("html", "<h1>"), ("empty", '"generated_text":""')]
)
def test_scripted_streams_reach_the_caller(emulator, kind, mark) -> None:
    """`behaviour` of the scripting routes, and back to good manners."""
    url = seeded(emulator, type="public", behaviour={"stream": kind}, **image("tgi"))
    spoiled = http.post(url + "/generate_stream", json=PROMPT)
    emulator.mutate(behaviour=None)

    good = http.post(url + "/generate_stream", json=PROMPT)

    assert (spoiled.status_code, mark in spoiled.text) == (200, True)
    assert mark not in good.text


def test_a_misspelt_script_is_refused(emulator) -> None:
    """It would make a test that cannot fail."""
    emulator.seed()

    reply = emulator.anonymous.patch("/_emulator/endpoints/acme/demo", json={"behaviour": {"steam": "cut"}})

    assert reply.status_code == 400
    assert "`steam` is no scripted behaviour" in reply.json()["error"]


def test_validation_text_of_the_limits_of_the_image(emulator) -> None:
    """`maxTotalTokens` travels from the configuration to the engine."""
    url = seeded(emulator, type="public", **image("tgi", maxInputLength=10, maxTotalTokens=20))

    reply = http.post(url, json={"inputs": "Hello", "parameters": {"max_new_tokens": 50}})

    assert reply.status_code == 422
    assert "must be <= 20. Given: 2 `inputs` tokens and 50 `max_new_tokens`" in reply.json()["error"]


def test_vllm_serves_the_repository_id_and_nothing_else(emulator) -> None:
    """The openai package, over the whole way."""
    url = seeded(emulator, **merged(image("vLLM"), {"model": {"repository": "meta-llama/Llama-3.1-8B-Instruct"}}))
    with openai.OpenAI(base_url=url + "/v1", api_key=OWNER, max_retries=0) as client:
        [model] = client.models.list().data
        asked = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}

        assert model.id == "meta-llama/Llama-3.1-8B-Instruct"
        assert client.chat.completions.create(model=model.id, **asked).choices[0].message.content
        with pytest.raises(openai.NotFoundError, match="The model `dummy` does not exist"):
            client.chat.completions.create(model="dummy", **asked)


def test_tei_batch_limit_from_the_environment_of_the_configuration(emulator) -> None:
    """`model.env`, not a field of the image."""
    url = seeded(emulator, type="public", **merged(image("tei"), {"model": {"env": {"MAX_CLIENT_BATCH_SIZE": "2"}}}))

    assert http.post(url + "/embed", json={"inputs": ["a"] * 3}).status_code == 422
    assert http.post(url + "/embed", json={"inputs": ["a"] * 2}).status_code == 200


def test_toolkit_400_for_everything(emulator) -> None:
    """The managed image."""
    url = seeded(emulator, type="public", model={"image": {"huggingface": {}}})

    assert http.post(url, content=b"nonsense").status_code == 400


def test_served_revision_observable_during_and_after_an_update(emulator) -> None:
    """The old one answers until the new one is ready."""
    emulator.set(tgi_model_sha="commit")
    url = emulator.started(type="public")["status"]["url"]
    old = http.get(url + "/info").json()["model_sha"]
    repository = BODY["model"]["repository"]
    emulator._script("POST", "/hub", {"repository": repository, "commit": "c" * 40})
    emulator.put({"model": {"revision": "c" * 40}})

    during = http.get(url + "/info")
    emulator.advance(STARTED)
    after = http.get(url + "/info")

    assert (during.json()["model_sha"], during.headers["x-emulated-revision"]) == (old, old)
    assert (after.json()["model_sha"], after.headers["x-emulated-revision"]) == ("c" * 40, "c" * 40)


def test_the_sdk_goes_from_the_endpoint_to_a_prompt(emulator) -> None:
    """`InferenceEndpoint.wait` and `.client` with the health route and the address of the emulator."""
    emulator.started()
    endpoint = emulator.api.get_inference_endpoint("demo", namespace="acme", token=OWNER)

    text = endpoint.wait(timeout=10).client.text_generation("Hi", max_new_tokens=5, return_full_text=False)

    assert text == InferenceClient(endpoint.url, token=OWNER).text_generation(
        "Hi", max_new_tokens=5, return_full_text=False
    )


def test_options_of_the_data_plane_are_set_by_the_scripting_routes(emulator) -> None:
    """And refused when they do not exist."""
    emulator.set(paused_text="2024")
    emulator.seed(state="paused")

    assert emulator.owner.get("/endpoints/acme/demo").json()["error"] == "Bad Request: Invalid state"
    assert emulator.anonymous.put("/_emulator/options", json={"paused_text": "2019"}).status_code == 400


def test_a_stranger_of_an_authenticated_endpoint_is_somebody(emulator) -> None:
    """Any account opens it; who it was is in the log."""
    url = seeded(emulator, type="authenticated")

    http.get(url + "/health", headers={"Authorization": f"Bearer {STRANGER}"})

    assert emulator.requests()[-1]["account"] is not None
