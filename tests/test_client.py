"""Operations of the management API, against a server that says what the service says, byte by byte."""

import subprocess
import sys
import threading
import traceback

import pytest
from huggingface_hub import constants, get_session
from replies import endpoint_reply
from speaker import Speaker, http

from hfdeploy import client, errors, redact, wire
from hfdeploy.client import Deadlines
from hfdeploy.redact import Secret
from hfdeploy.settings import Settings

TOKEN = "hf_made0up0token0of0this0very0test"
ALL = "/v2/endpoint/acme"
TINY = f"{ALL}/tiny"
PAGE = f"{ALL}?limit=100"
BODY = {"name": "tiny", "model": {"repository": "acme/tiny"}}


@pytest.fixture
def speaker():
    with Speaker() as speaker:
        yield speaker


@pytest.fixture
def settings(speaker) -> Settings:
    return Settings(api_url=speaker.url, token=Secret(TOKEN))


@pytest.fixture
def api(settings, clock):
    with client.connect(settings, clock=clock, deadlines=Deadlines(connect=2, read=0.5)) as api:
        yield api


def asked(speaker) -> list[str]:
    return [f"{heard.method} {heard.path}" for heard in speaker.heard]


def failing(status: int, error: object = "no reason", **headers: str):
    return http(status, error if isinstance(error, bytes | str) else {"error": error}, **headers)


def test_a_read_is_one_request_with_our_own_token(api, speaker, monkeypatch) -> None:
    """The ambient login of whoever types the command must not be mixed in."""
    monkeypatch.setenv("HF_TOKEN", "hf_somebody0elses0token00000000000")
    speaker.on(TINY, http(200, endpoint_reply()))

    live = api.get("acme", "tiny")

    (heard,) = speaker.heard
    assert (heard.method, heard.path, heard.body) == ("GET", TINY, b"")
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"
    assert heard.headers["user-agent"].startswith("hfdeploy/")
    assert (live.name, live.status.state, live.generation) == ("tiny", wire.State.RUNNING, "2026-11-01T09:00:00.000Z")


def test_what_is_not_there_is_an_error_or_none(api, speaker) -> None:
    """Refresh asks whether, everything else asks what."""
    speaker.on(TINY, http(404, {"error": "Not Found: no such endpoint", "code": "NOT_FOUND"}))

    assert api.find("acme", "tiny") is None
    with pytest.raises(errors.NotFound, match=r"/v2/endpoint/acme/tiny answered 404"):
        api.get("acme", "tiny")
    assert asked(speaker) == [f"GET {TINY}"] * 2


REFUSALS = [
    (400, "model.image.vLLM: missing field url", errors.ApiError, "missing field url"),
    (400, "Compute instance not available yet", errors.CapacityMissing, "not available yet"),
    (403, "Forbidden: Payment method required for namespace: acme", errors.AuthError, "Payment method required"),
    (404, "Not Found", errors.NotFound, "404"),
    (409, "Conflict: Quota exceeded for nvidia-l4", errors.QuotaExceeded, "Quota exceeded"),
    (422, "secrets: invalid type: null", errors.ApiError, "422"),
    (451, "no", errors.ApiError, "451"),
]
GONE_OR_BUSY = {("DELETE", 404), ("DELETE", 409)}


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    ("verb", "status", "text", "kind", "words"),
    [
        (verb, *refusal)
        for verb in ("GET", "POST", "PUT", "DELETE")
        for refusal in REFUSALS
        if (verb, refusal[0]) not in GONE_OR_BUSY
    ],
)
def test_a_refusal_is_one_request_and_one_sentence(api, speaker, verb, status, text, kind, words) -> None:
    """What was asked, what the service said, and its request id for the support; never a second attempt."""
    speaker.on(TINY if verb != "POST" else ALL, failing(status, text, x_request_id="req-17"))

    with pytest.raises(errors.HfdeployError, match=words) as problem:
        send(api, verb)

    assert type(problem.value) is kind
    assert "req-17" in str(problem.value)
    assert len(speaker.heard) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": "Bad Request: wrong", "code": "BAD_REQUEST"}, "Bad Request: wrong"),
        ({"error": ["one", "two"]}, "one; two"),
        ({"error": {"message": "nested"}}, "nested"),
        ({"message": "flat"}, "flat"),
        (["not", "an object"], "not; an object"),
        (["not an object"], "not an object"),
        (b'"a string"', "a string"),
        (b"17", "17"),
        (b"null", "null"),
        (b"", "no body"),
        (b"{half a bo", "{half a bo"),
        (b"<html><style>p{}</style><h1>Teapot</h1><script>x()</script></html>", "Teapot"),
        (b"\xff\xfe broken", "broken"),
        (b"red \x1b[31m alert\r\nnext\x00line \xe2\x80\xae!", "red [31m alert next line !"),
        (b"[" * 100_000, "[["),
    ],
    ids=repr,
)
def test_any_error_body_becomes_a_sentence(api, speaker, body, words) -> None:
    """Proxies answer with pages, old versions with strings, and huggingface_hub breaks on the half of them."""
    speaker.on(TINY, http(418, body))

    with pytest.raises(errors.ApiError) as problem:
        api.get("acme", "tiny")

    assert words in problem.value.text
    assert len(problem.value.text) <= 256
    assert problem.value.text.isprintable()
    assert "x()" not in str(problem.value)


@pytest.mark.fault(35)
def test_an_echoed_secret_reaches_nobody(api, speaker) -> None:
    """A 400 may quote what was sent, secrets included, and its text ends up in CI logs."""
    redact.known.add("s3cret-of-the-container")
    speaker.on(ALL, failing(400, f'invalid: {{"KEY": "s3cret-of-the-container", "auth": "Bearer {TOKEN}"}}'))

    with pytest.raises(errors.ApiError) as problem:
        api.create("acme", BODY)

    assert "s3cret" not in str(problem.value)
    assert TOKEN not in str(problem.value)
    assert "invalid" in str(problem.value)


@pytest.mark.fault(35)
@pytest.mark.parametrize("answer", [failing(400, "no"), http(200, b"<html>"), failing(401)], ids=["400", "html", "401"])
def test_no_exception_of_ours_leads_to_the_token(api, speaker, answer) -> None:
    """The SDK's own exceptions hold the request, and with it the header; crash reports walk that chain."""
    speaker.on(TINY, answer)

    with pytest.raises(errors.HfdeployError) as problem:
        api.get("acme", "tiny")

    assert problem.value.__cause__ is None
    assert problem.value.__context__ is None
    assert TOKEN not in "".join(traceback.format_exception(problem.value))


def test_a_create_sends_the_body_as_it_is(api, speaker) -> None:
    """The plan decides about nulls; the SDK would add some of its own."""
    speaker.on(ALL, http(200, endpoint_reply(state="pending")))

    live = api.create("acme", BODY)

    (heard,) = speaker.heard
    assert (heard.method, heard.json) == ("POST", BODY)
    assert live.status.state is wire.State.PENDING


@pytest.mark.fault(4, 5)
def test_a_taken_name_is_told_from_quota_by_looking(api, speaker) -> None:
    """Both are 409; the text about names was never recorded, so only a look can tell."""
    speaker.on(ALL, failing(409, "Conflict: something"))
    speaker.on(TINY, http(200, endpoint_reply()))

    with pytest.raises(errors.NameTaken, match=r"made 2026-11-01T09:00:00.000Z by alice"):
        api.create("acme", BODY)
    assert asked(speaker) == [f"POST {ALL}", f"GET {TINY}"]


def test_a_conflict_about_a_name_that_nobody_has_is_no_taken_name(api, speaker) -> None:
    """The name may be free only a moment after a delete: whoever creates looks again."""
    speaker.on(ALL, failing(409, "Conflict: something"))
    speaker.on(TINY, failing(404))

    with pytest.raises(errors.ApiError) as problem:
        api.create("acme", BODY)
    assert type(problem.value) is errors.ApiError


def test_an_update_sends_what_it_is_given(api, speaker) -> None:
    """Partial merge: what is not in the body is not touched."""
    speaker.on(TINY, http(200, endpoint_reply(state="updating")))

    live = api.update("acme", "tiny", {"model": {"revision": None}}, is_applied=lambda _live: False)

    (heard,) = speaker.heard
    assert (heard.method, heard.json) == ("PUT", {"model": {"revision": None}})
    assert live.status.state is wire.State.UPDATING


@pytest.mark.fault(22)
@pytest.mark.parametrize(
    "answer", [http(200, {}), http(202), http(204), failing(404)], ids=["200", "202", "204", "404"]
)
def test_a_delete_is_done_when_it_is_gone(api, speaker, answer) -> None:
    """Which status it is has never been recorded; and gone already is gone."""
    speaker.on(TINY, answer)

    api.delete("acme", "tiny")

    assert asked(speaker) == [f"DELETE {TINY}"]


@pytest.mark.fault(22)
def test_a_busy_endpoint_is_deleted_when_it_is_free(api, speaker, clock) -> None:
    """An update under way is no reason to leave a bill behind."""
    speaker.on(TINY, failing(409, "busy"), failing(409, "busy"), http(200))

    api.delete("acme", "tiny")

    assert asked(speaker) == [f"DELETE {TINY}"] * 3
    assert clock.elapsed < 30


@pytest.mark.fault(22)
def test_an_endpoint_that_stays_busy_is_reported(api, speaker, clock) -> None:
    """It stays in the state, and the run ends red."""
    speaker.on(TINY, failing(409, "an update is under way"))

    with pytest.raises(errors.TimedOut, match=r"600 s.*an update is under way"):
        api.delete("acme", "tiny")
    assert clock.elapsed == pytest.approx(600)


@pytest.mark.parametrize(
    ("action", "path", "state"),
    [("pause", "pause", "paused"), ("resume", "resume", "pending"), ("scale_to_zero", "scale-to-zero", "scaledToZero")],
)
def test_an_action_is_one_post(api, speaker, action, path, state) -> None:
    """Pausing stops a bill, resuming starts one: once is what was meant."""
    speaker.on(f"{TINY}/{path}", http(200, endpoint_reply(state=state)))

    live = getattr(api, action)("acme", "tiny")

    assert live.status.state == state
    assert asked(speaker) == [f"POST {TINY}/{path}"]


def test_resuming_what_runs_already_is_no_error(api, speaker) -> None:
    """The service answers 400; the wish is fulfilled all the same."""
    speaker.on(f"{TINY}/resume", failing(400, "Bad Request: endpoint is already running"))
    speaker.on(TINY, http(200, endpoint_reply()))

    assert api.resume("acme", "tiny").status.state is wire.State.RUNNING


def test_a_list_has_all_pages(api, speaker) -> None:
    """huggingface_hub stops after the first twenty; the bill does not."""
    names = [f"endpoint-{number}" for number in range(250)]
    for start in (0, 100, 200):
        cursor = f"&cursor=c{start}" if start else ""
        page = {"items": [endpoint_reply(name) for name in names[start : start + 100]]}
        speaker.on(f"{PAGE}{cursor}", http(200, page | ({"nextCursor": f"c{start + 100}"} if start < 200 else {})))

    assert [live.name for live in api.list("acme")] == names


def test_a_list_by_tags_is_checked_on_our_side_too(api, speaker) -> None:
    """What the service's filter does with two tags is not documented, and a sweep deletes what it finds."""
    mine, other = endpoint_reply("mine"), endpoint_reply("other") | {"tags": ["hfd-keep"]}
    speaker.on(f"{PAGE}&tags=hfd-o-0123456789ab", http(200, {"items": [mine, other]}))

    assert [live.name for live in api.list("acme", tags=["hfd-o-0123456789ab"])] == ["mine"]


@pytest.mark.parametrize("cursor", ["c1", "c2"], ids=["the same page", "two pages in turn"])
def test_pages_in_a_circle_end(api, speaker, cursor) -> None:
    """A listing that never ends would hold every waiting endpoint."""
    for page, following in {"": "c1", "&cursor=c1": cursor, "&cursor=c2": "c1"}.items():
        speaker.on(f"{PAGE}{page}", http(200, {"items": [endpoint_reply()], "nextCursor": following}))

    with pytest.raises(errors.Unreachable, match="circle"):
        api.list("acme")
    assert len(speaker.heard) <= 4


def test_an_empty_page_in_the_middle_is_not_the_end(api, speaker) -> None:
    """A filtered page may be empty and still have a successor."""
    speaker.on(PAGE, http(200, {"items": [], "nextCursor": "c1"}))
    speaker.on(f"{PAGE}&cursor=c1", http(200, {"items": [endpoint_reply()], "nextCursor": None}))

    assert [live.name for live in api.list("acme")] == ["tiny"]


def test_an_unreadable_endpoint_does_not_blind_the_list(api, speaker, caplog) -> None:
    """Somebody else's endpoint of a new kind must not stop our refresh."""
    speaker.on(PAGE, http(200, {"items": [{"name": "strange"}, "what", endpoint_reply()]}))

    assert [live.name for live in api.list("acme")] == ["tiny"]
    assert "strange" in caplog.text


@pytest.mark.parametrize(
    "reply",
    [b"<html>", b"[]", b"{}", b'{"items": {}}', b"null", b'{"items": [', b""],
    ids=lambda reply: reply.decode() or "empty",
)
def test_a_list_that_is_none_is_not_an_empty_one(api, speaker, reply) -> None:
    """Taken for empty, it would look as if everything had been deleted."""
    speaker.on(PAGE, http(200, reply))

    with pytest.raises(errors.Unreachable, match="unreadable"):
        api.list("acme")


def test_hardware_comes_whole(api, speaker) -> None:
    """The SDK flattens it and leaves out what vendors and regions say."""
    reply = {"vendors": [{"name": "aws", "status": "available", "regions": []}]}
    speaker.on("/v2/provider/acme", http(200, reply))

    assert api.hardware("acme") == reply


def test_replicas_are_named_with_their_stage(api, speaker) -> None:
    """They tell the old container from the new one during an update."""
    items = [{"id": "abc-1", "status": {"stage": "running", "live": True}}, {"id": "abc-2", "status": {}}]
    speaker.on(f"{TINY}/replica", http(200, {"items": items}))

    assert api.replicas("acme", "tiny") == [
        client.Replica("abc-1", "running", True),
        client.Replica("abc-2", "", False),
    ]


def test_logs_are_the_last_lines(api, speaker) -> None:
    """They are the evidence when a container does not start."""
    entries = [
        {"timestamp": "2026-11-01T09:00:00Z", "line": f"line {number}\n", "replica_id": "a"} for number in range(5)
    ]
    speaker.on("/v3/endpoint/acme/tiny/logs?tail=3", http(200, entries))

    assert api.logs("acme", "tiny", tail=3) == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize("status", [404, 501])
def test_logs_come_from_the_older_route_where_there_is_no_search(api, speaker, status) -> None:
    """Log search is not available everywhere."""
    speaker.on("/v3/endpoint/acme/tiny/logs?tail=2", failing(status))
    speaker.on(f"{TINY}/logs?tail=2", http(200, b"one\ntwo\nthree\n", "text/plain"))

    assert api.logs("acme", "tiny", tail=2) == ["two", "three"]
    assert len(speaker.heard) == 2


@pytest.mark.parametrize("newer", [True, False])
def test_logs_do_not_show_what_the_container_was_given(api, speaker, newer) -> None:
    """Containers print their environment when they start."""
    redact.known.add("s3cret-of-the-container")
    line = "KEY=s3cret-of-the-container"
    speaker.on("/v3/endpoint/acme/tiny/logs?tail=1", http(200, [{"line": line}]) if newer else failing(501))
    speaker.on(f"{TINY}/logs?tail=1", http(200, line.encode(), "text/plain"))

    assert api.logs("acme", "tiny", tail=1) == ["KEY=***"]


@pytest.mark.parametrize("part", ["", "..", "a/b", "a?b", "a#b", "a%2fb", "a b", "\n", "ä", "a" * 200])
def test_a_name_that_would_change_the_address_is_not_sent(api, speaker, part) -> None:
    """`acme/../other` is another namespace."""
    for call in (
        lambda: api.get(part, "tiny"),
        lambda: api.list(part),
        lambda: api.hardware(part),
        lambda: api.create("acme", {"name": part}),
        lambda: api.update("acme", part or "..", {}, is_applied=lambda _live: True),
        lambda: api.delete("acme", part or ".."),
    ):
        with pytest.raises(errors.UsageError, match="cannot be"):
            call()
    assert speaker.heard == []


def test_without_a_token_nothing_is_opened(speaker) -> None:
    """The sentence says where one can be put."""
    with pytest.raises(errors.AuthError, match=r"HF_TOKEN.*hfdeploy:token"):
        client.connect(Settings(api_url=speaker.url))


def test_one_process_talks_to_one_address_at_a_time(settings, api, speaker) -> None:
    """huggingface_hub has one address per process: with two, a real token could reach an emulator."""
    with pytest.raises(errors.UsageError, match="already talks to"):
        client.connect(Settings(api_url="http://127.0.0.1:1", token=Secret(TOKEN)))
    speaker.on(TINY, http(200, endpoint_reply()))

    with client.connect(settings) as second:
        assert second.get("acme", "tiny") == api.get("acme", "tiny")


def test_the_address_is_free_again_when_all_have_left(speaker) -> None:
    """A long-lived process may serve one stack after the other."""
    with Speaker() as other:
        for each in (speaker, other):
            each.on(TINY, http(200, endpoint_reply()))
            with client.connect(Settings(api_url=each.url, token=Secret(TOKEN))) as api:
                api.get("acme", "tiny")
        assert (len(speaker.heard), len(other.heard)) == (1, 1)


def test_many_threads_share_one_client(settings, speaker) -> None:
    """The plugin works on up to 256 resources at a time."""
    names = [f"endpoint-{number}" for number in range(64)]
    for name in names:
        speaker.on(f"{ALL}/{name}", http(200, endpoint_reply(name)))
    found: list[str] = []
    with client.connect(settings) as api:
        threads = [
            threading.Thread(target=lambda name=name: found.append(api.get("acme", name).name)) for name in names
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(found) == sorted(names)


def test_what_was_taken_is_given_back(speaker, settings, clock) -> None:
    """Others in the process use huggingface_hub too, and their downloads are redirected."""
    before = constants.INFERENCE_ENDPOINTS_ENDPOINT
    speaker.on("/elsewhere", http(302, location="/"))
    speaker.on("/", http(200, b"followed", "text/plain"))

    with client.connect(settings, clock=clock):
        assert get_session().get(f"{speaker.url}/elsewhere").status_code == 302
        assert f"{speaker.url}/v2" == constants.INFERENCE_ENDPOINTS_ENDPOINT

    assert get_session().get(f"{speaker.url}/elsewhere").text == "followed"
    assert before == constants.INFERENCE_ENDPOINTS_ENDPOINT


def test_importing_changes_nothing_for_others() -> None:
    """People import hfdeploy in programs that use huggingface_hub for their own purposes."""
    code = (
        "import huggingface_hub.utils._http as http, huggingface_hub.constants as constants\n"
        "before = (http._GLOBAL_CLIENT_FACTORY, constants.INFERENCE_ENDPOINTS_ENDPOINT)\n"
        "import hfdeploy.client, hfdeploy.hub, hfdeploy.settings\n"
        "assert before == (http._GLOBAL_CLIENT_FACTORY, constants.INFERENCE_ENDPOINTS_ENDPOINT)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def send(api, verb: str):
    """The operation that is this verb."""
    match verb:
        case "GET":
            return api.get("acme", "tiny")
        case "POST":
            return api.create("acme", BODY)
        case "PUT":
            return api.update("acme", "tiny", {"type": "public"}, is_applied=lambda live: live.type == "public")
    return api.delete("acme", "tiny")
