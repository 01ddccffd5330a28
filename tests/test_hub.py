"""The Hub: what is read of a repository, redirects, and who gets the token."""

import threading

import pytest
from speaker import Speaker, http

from hfdeploy import errors, redact
from hfdeploy.hub import Hub, ModelFacts
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

TOKEN = "token-that-looks-like-none"
SHA = "c" * 40
MODEL = "/api/models/acme/tiny"
REPLY = {
    "id": "acme/tiny",
    "sha": SHA,
    "pipeline_tag": "text-generation",
    "tags": ["transformers", "conversational"],
    "gated": False,
    "config": {"tokenizer_config": {"chat_template": "{{ messages }}"}},
}


@pytest.fixture
def speaker():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def hub(speaker, clock):
    with Hub(Settings(hub_url=speaker.url, hub_token=Secret(TOKEN)), clock=clock) as hub:
        yield hub


def test_a_repository_is_described_by_its_newest_commit(hub, speaker) -> None:
    """A plan needs the commit, the task and whether there is a chat."""
    speaker.on(MODEL, http(200, REPLY))

    assert hub.model("acme/tiny") == ModelFacts(SHA, "text-generation", ("transformers", "conversational"), False, True)
    assert speaker.heard[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("revision", "path"), [("main", "main"), ("refs/pr/7", "refs%2Fpr%2F7"), ("v1 ../x", "v1%20..%2Fx")]
)
def test_a_branch_is_resolved_to_its_commit(hub, speaker, revision, path) -> None:
    """It is resolved once and kept, so that the same spec deploys the same weights."""
    speaker.on(f"{MODEL}/revision/{path}", http(200, REPLY))

    assert hub.commit("acme/tiny", revision) == SHA


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"config": {"tokenizer_config": {"chat_template": "{{ x }}"}}}, True),
        ({"config": {"tokenizer_config": {}, "chat_template_jinja": "{{ x }}"}}, True),
        ({"siblings": [{"rfilename": "chat_template.jinja"}]}, True),
        ({"tags": ["conversational"]}, True),
        ({"config": {"tokenizer_config": {"eos_token": "</s>"}}}, False),
        ({"config": {"architectures": ["X"]}}, None),
        ({}, None),
    ],
    ids=["config", "jinja", "file", "tag", "none", "no tokenizer", "nothing said"],
)
def test_whether_it_can_chat_is_known_unknown_or_denied(hub, speaker, reply, expected) -> None:
    """The route that a rollout verifies depends on it."""
    speaker.on(MODEL, http(200, {"sha": SHA} | reply))

    assert hub.model("acme/tiny").has_chat_template is expected


@pytest.mark.parametrize(("gated", "expected"), [(False, False), ("auto", True), ("manual", True), (None, False)])
def test_a_gated_repository_is_known_as_one(hub, speaker, gated, expected) -> None:
    """The container will need a token of its own to read it."""
    speaker.on(MODEL, http(200, {"sha": SHA, "gated": gated}))

    assert hub.model("acme/tiny").gated is expected


def test_a_renamed_repository_is_followed_with_the_token(hub, speaker) -> None:
    """The Hub redirects old names for ever."""
    speaker.on("/api/models/acme/old", http(307, location=MODEL))
    speaker.on(MODEL, http(200, REPLY))

    assert hub.commit("acme/old") == SHA
    assert [heard.headers.get("authorization") for heard in speaker.heard] == [f"Bearer {TOKEN}"] * 2


@pytest.mark.fault(33)
def test_the_token_does_not_leave_the_host(hub, speaker) -> None:
    """Weights are redirected to a store that has no business with it."""
    with Speaker() as store:
        store.on("/elsewhere", http(200, REPLY))
        speaker.on(MODEL, http(302, location=f"{store.url}/elsewhere"))

        assert hub.commit("acme/tiny") == SHA

        assert "authorization" not in store.heard[0].headers


def test_redirects_in_a_circle_end(hub, speaker) -> None:
    """A misconfigured mirror."""
    speaker.on(MODEL, http(302, location=MODEL))

    with pytest.raises(errors.Unreachable, match="redirected more than 5 times"):
        hub.commit("acme/tiny")


def test_a_hub_without_a_token_is_asked_without_one(speaker) -> None:
    """Public repositories need none."""
    speaker.on(MODEL, http(200, REPLY))

    with Hub(Settings(hub_url=speaker.url, token=Secret(TOKEN))) as hub:
        hub.commit("acme/tiny")

    assert "authorization" not in speaker.heard[0].headers


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, errors.NotFound, "no such repository or revision"),
        (401, errors.AuthError, "private or gated"),
        (403, errors.AuthError, "private or gated"),
        (400, errors.ApiError, "400"),
    ],
)
def test_a_refusal_is_one_request_and_says_what_it_means(hub, speaker, status, kind, words) -> None:
    """The Hub answers 401 for what does not exist, which nobody would guess."""
    redact.known.add(TOKEN)
    speaker.on(MODEL, http(status, b"<html>", x_error_message=f"Repository not found for {TOKEN}"))

    with pytest.raises(kind, match=words) as problem:
        hub.commit("acme/tiny")
    assert "Repository not found" in str(problem.value)
    assert TOKEN not in str(problem.value)
    assert problem.value.__context__ is None
    assert len(speaker.heard) == 1


@pytest.mark.parametrize("answer", [http(503), http(429), lambda line: line.reset()], ids=["503", "429", "reset"])
def test_a_passing_fault_is_asked_again(hub, speaker, answer) -> None:
    """A review should not fail for one lost packet."""
    speaker.on(MODEL, answer, http(200, REPLY))

    assert hub.commit("acme/tiny") == SHA


def test_a_hub_that_stays_away_is_given_up_after_three_attempts(hub, speaker, clock) -> None:
    """Whoever asked goes on without it."""
    speaker.on(MODEL, http(500, {"error": "down"}))

    with pytest.raises(errors.Unreachable, match="500"):
        hub.commit("acme/tiny")
    assert len(speaker.heard) == 3
    assert clock.elapsed < 30


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b"null", b'{"sha": ', b'{"sha": "x", "config": 7}'], ids=repr
)
def test_an_answer_that_is_no_model_is_an_error(hub, speaker, body) -> None:
    """A login page of a hotel answers 200."""
    speaker.on(MODEL, http(200, body))

    with pytest.raises(errors.ApiError, match="unreadable"):
        hub.commit("acme/tiny")


@pytest.mark.parametrize("name", ["", "../x", "a/b/c", "a b", "a/..?x", "https://x/y", "a/b#c", "/x"])
def test_a_name_that_is_no_repository_is_not_asked_for(hub, speaker, name) -> None:
    """It would ask for something else."""
    with pytest.raises(errors.UsageError, match="not the name of a repository"):
        hub.commit(name)
    assert speaker.callers == 0


def test_a_hub_that_says_nothing_is_left(speaker) -> None:
    """Reviews run in pipelines that are paid by the minute."""
    speaker.on(MODEL, lambda line: line.wait())

    with Hub(Settings(hub_url=speaker.url), seconds=0.3) as hub, pytest.raises(errors.Unreachable, match="Timeout"):
        hub.commit("acme/tiny")


def test_after_a_stop_the_hub_is_not_asked(speaker) -> None:
    """Nothing is sent once somebody asked to stop; what is under way ends."""
    stop = threading.Event()

    def hang_and_stop(line) -> None:
        stop.set()
        line.wait()

    speaker.on(MODEL, hang_and_stop)
    with Hub(Settings(hub_url=speaker.url), stopped=stop.is_set) as hub:
        for words in ("under way", "nothing more is sent"):
            with pytest.raises(errors.Cancelled, match=words):
                hub.commit("acme/tiny")
    assert len(speaker.heard) == 1
