"""The proxy in front of every engine: section 12.1 of the API reference and its boxes of section 14."""

import threading

import pytest
from data_plane import MEMBER, STRANGER, http, until

pytest_plugins = ["data_plane"]

ROUTES = [("GET", "/health"), ("GET", "/docs"), ("GET", "/info"), ("POST", ""), ("POST", "/v1/chat/completions")]
UNAVAILABLE = {"error": "503 Service Unavailable", "code": "SERVICE_UNAVAILABLE"}
UNAUTHORIZED = {"error": "401 Unauthorized", "code": "UNAUTHORIZED"}
PROMPT = {"inputs": "Hello", "parameters": {"max_new_tokens": 3}}


@pytest.mark.parametrize("state", ["pending", "initializing", "scaledToZero"])
def test_503_with_body_and_no_retry_after_while_asleep_or_starting(plane, state) -> None:
    """A client that waits for Retry-After would wait for ever."""
    url = plane.add(state=state, is_ready=False)

    reply = http.post(url, json=PROMPT)

    assert (reply.status_code, reply.json()) == (503, UNAVAILABLE)
    assert "retry-after" not in reply.headers


def test_waking_by_authorised_requests_only(plane) -> None:
    """Otherwise anybody who knows the address could run up the bill."""
    url = plane.add(access="authenticated", state="scaledToZero", is_ready=False)

    refused = [http.get(url + "/health"), http.get(url, headers={"Authorization": "Bearer hf_unknown"})]
    assert [reply.status_code for reply in refused] == [401, 401]
    assert plane.woken == []

    for _ in range(2):
        assert http.get(url + "/health", headers=STRANGER).status_code == 503
    assert len(plane.woken) == 2


def test_anyone_wakes_a_public_endpoint(plane) -> None:
    """It is the price of `public`, and the reason why a spec has to acknowledge it."""
    url = plane.add(access="public", state="scaledToZero", is_ready=False)

    http.get(url + "/health")

    assert len(plane.woken) == 1


def test_hold_with_x_scale_up_timeout_until_a_replica_is_ready(plane) -> None:
    """The first prompt of a verification is sent to an endpoint that sleeps."""
    url = plane.add(state="scaledToZero", is_ready=False)
    replies = []
    caller = threading.Thread(
        target=lambda: replies.append(
            http.post(url, json=PROMPT, headers={"X-Scale-Up-Timeout": "30"}, timeout=30).status_code
        )
    )
    caller.start()
    until(lambda: plane.woken)
    assert replies == []

    plane.change(url, state="running", is_ready=True)
    caller.join()

    assert replies == [200]


def test_hold_covers_a_container_that_runs_but_does_not_answer_yet(plane) -> None:
    """`running` is shown before the health route answers."""
    url = plane.add(state="running", is_ready=False)
    replies = []
    caller = threading.Thread(
        target=lambda: replies.append(
            http.get(url + "/health", headers={"X-Scale-Up-Timeout": "30"}, timeout=30).status_code
        )
    )
    caller.start()
    assert http.get(url + "/health").status_code == 503

    plane.change(url, is_ready=True)
    caller.join()

    assert replies == [200]


@pytest.mark.parametrize("answer", [503, 504, 408])
def test_expiry_of_a_hold_answers_as_the_option_says(plane, answer) -> None:
    """The real answer is not known, so callers must bear each of them."""
    plane.options["scale_up_timeout_answer"] = answer
    url = plane.add(state="scaledToZero", is_ready=False)

    reply = http.post(url, json=PROMPT, headers={"X-Scale-Up-Timeout": "0"})

    assert (reply.status_code, set(reply.json())) == (answer, {"error", "code"})


def test_a_hold_has_the_maximum_of_the_option(plane) -> None:
    """A caller who asks for an hour gets the proxy's own limit."""
    plane.options["scale_up_timeout_max_s"] = 0.1
    url = plane.add(state="initializing", is_ready=False)

    assert http.post(url, json=PROMPT, headers={"X-Scale-Up-Timeout": "3600"}).status_code == 503


@pytest.mark.parametrize("asked", ["soon", "-1", "1.5", ""])
def test_a_hold_that_is_no_number_is_no_hold(plane, asked) -> None:
    """Nothing is known of how the proxy reads them; it must not hang."""
    url = plane.add(state="initializing", is_ready=False)

    assert http.post(url, json=PROMPT, headers={"X-Scale-Up-Timeout": asked}).status_code == 503


def test_a_held_request_ends_when_the_endpoint_is_paused(plane) -> None:
    """Nobody will come: better a clear 400 than a long wait."""
    url = plane.add(state="initializing", is_ready=False)
    replies = []
    caller = threading.Thread(
        target=lambda: replies.append(http.post(url, headers={"X-Scale-Up-Timeout": "30"}, timeout=30).status_code)
    )
    caller.start()

    plane.change(url, state="paused")
    caller.join()

    assert replies == [400]


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("current", "Bad Request: The endpoint is paused, ask a maintainer to restart it"),
        ("2024", "Bad Request: Invalid state"),
    ],
)
def test_400_paused_with_the_exact_text(plane, option, text) -> None:
    """A client tells a pause from a bad request by this text alone."""
    plane.options["paused_text"] = option
    url = plane.add(state="paused", is_ready=False)

    reply = http.post(url, json=PROMPT, headers={"X-Scale-Up-Timeout": "60"})

    assert (reply.status_code, reply.json()) == (400, {"error": text, "code": "BAD_REQUEST"})
    assert plane.woken == []


@pytest.mark.parametrize("access", ["authenticated", "private", "protected"])
@pytest.mark.parametrize("token", [{}, {"Authorization": "Bearer hf_unknown"}, {"Authorization": "Basic hf_member"}])
def test_401_on_every_route_for_non_public_types_health_included_without_waking(plane, access, token) -> None:
    """A health check without a token says nothing about the health of an endpoint."""
    url = plane.add(access=access, state="scaledToZero", is_ready=False)

    replies = [http.request(method, url + path, headers=token) for method, path in ROUTES]

    assert [(reply.status_code, reply.json()) for reply in replies] == [(401, UNAUTHORIZED)] * len(ROUTES)
    assert plane.woken == []


def test_organisation_membership_checked_for_private_any_account_for_authenticated(plane) -> None:
    """The difference between the two is who else may spend the owner's money."""
    private, authenticated = plane.add(access="private"), plane.add(access="authenticated")

    assert http.get(private + "/health", headers=MEMBER).status_code == 200
    assert http.get(private + "/health", headers=STRANGER).status_code == 401
    assert http.get(authenticated + "/health", headers=STRANGER).status_code == 200


def test_the_bearer_scheme_is_matched_without_regard_to_case(plane) -> None:
    """Some clients write it in small letters."""
    url = plane.add(access="private")

    assert http.get(url + "/health", headers={"authorization": "bearer hf_member"}).status_code == 200


@pytest.mark.parametrize(
    ("access", "statuses"), [("members", (200, 401)), ("any_account", (200, 200)), ("nobody", (401, 401))]
)
def test_who_reaches_a_private_endpoint_is_an_option(plane, access, statuses) -> None:
    """`private` without PrivateLink is documented, but nobody recorded a call."""
    plane.options["private_access"] = access
    url = plane.add(access="private")

    assert tuple(http.get(url + "/info", headers=who).status_code for who in (MEMBER, STRANGER)) == statuses


@pytest.mark.parametrize("status", [401, 403])
def test_the_status_for_an_outsider_is_an_option(plane, status) -> None:
    """Both mean that the credentials are the problem, and neither says anything about the model."""
    plane.options["outsider_status"] = status
    url = plane.add(access="private")

    assert http.get(url + "/info", headers=STRANGER).status_code == status


def test_nobody_reaches_a_protected_endpoint(plane) -> None:
    """Endpoints of the old type ran, billed, and could not be called."""
    url = plane.add(access="protected")

    assert http.get(url + "/info", headers=MEMBER).status_code == 401


@pytest.mark.parametrize("status", [404, 503])
def test_an_absent_endpoint_answers_as_the_option_says(plane, status) -> None:
    """What a deleted endpoint's host answers was never recorded."""
    plane.options["absent_endpoint_status"] = status

    assert http.get(f"{plane.base}/endpoints/acme/never-made/health").status_code == status


@pytest.mark.parametrize("status", [503, 502])
def test_the_status_of_a_sleeping_endpoint_is_an_option(plane, status) -> None:
    """It was 502 until the middle of 2025."""
    plane.options["asleep_status"] = status
    url = plane.add(state="scaledToZero", is_ready=False)

    assert http.get(url + "/health").status_code == status


@pytest.mark.parametrize("status", [503, 502])
def test_the_status_of_a_failed_endpoint_is_an_option(plane, status) -> None:
    """Not recorded either; no caller may take it for an answer of the model."""
    plane.options["failed_status"] = status
    url = plane.add(state="failed", is_ready=False)

    assert http.get(url + "/health").status_code == status


@pytest.mark.parametrize("state", ["updating", "updateFailed"])
def test_old_replicas_serve_during_an_update_and_after_a_failed_one(plane, state) -> None:
    """The people who call the endpoint should not notice; who verifies must notice."""
    url = plane.add(state=state, revision="0" * 40)

    reply = http.get(url + "/info")

    assert (reply.status_code, reply.json()["model_sha"]) == (200, "0" * 40)


def test_the_proxy_gives_up_after_the_time_of_the_option(plane) -> None:
    """Its request timeout is not known."""
    plane.options["proxy_request_timeout_s"] = 0.1
    url = plane.add(behaviour={"stream": "stall_before_first"})

    reply = http.post(url, json=PROMPT)

    assert (reply.status_code, reply.json()["code"]) == (504, "GATEWAY_TIMEOUT")


def test_the_proxy_takes_bodies_up_to_the_size_of_the_option(plane) -> None:
    """Its body limit is not known."""
    plane.options["proxy_body_limit_bytes"] = 100
    url = plane.add()

    assert http.post(url, json=PROMPT).status_code == 200
    assert http.post(url, json={"inputs": "x" * 100}).status_code == 413


def test_every_request_is_reported_when_it_ends(plane) -> None:
    """The idle timeout and `lastUsedAt` live on these reports."""
    url = plane.add()
    http.get(url + "/health")
    http.post(url, json={})

    until(lambda: len(plane.ended) == 2)
    assert plane.statuses(url) == [200, 422]


def test_requests_carry_an_id_and_name_the_replica_that_answered(plane) -> None:
    """Two revisions answer side by side while an update rolls."""
    url = plane.add()

    reply = http.get(url + "/health")

    assert reply.headers["x-request-id"]
    assert reply.headers["x-emulated-replica"] == url.rpartition("/")[2] + "-0"
    assert reply.headers["x-emulated-revision"] == "a" * 40


def test_served_revision_observable_during_and_after_an_update(plane) -> None:
    """The words, the header and /info change together when the new replica takes over."""
    url = plane.add(state="updating", revision="0" * 40)
    before = http.post(url + "/generate", json=PROMPT)
    plane.change(url, state="running", revision="1" * 40, replica_id="new")

    after = http.post(url + "/generate", json=PROMPT)

    assert [reply.headers["x-emulated-revision"] for reply in (before, after)] == ["0" * 40, "1" * 40]
    assert http.get(url + "/info").json()["model_sha"] == "1" * 40
    assert before.json()["generated_text"] != after.json()["generated_text"]
