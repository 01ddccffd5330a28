"""What is read from the management API: endpoints, lists, hardware, replicas and logs."""

import pytest
from client_calls import ALL, TINY, TOKEN, asked, connected, failing, service, settings_for
from replies import endpoint_reply
from speaker import http

from hfdeploy import client, errors, redact, wire

speaker = pytest.fixture(service)
settings = pytest.fixture(settings_for)
api = pytest.fixture(connected)

PAGE = f"{ALL}?limit=100"


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
