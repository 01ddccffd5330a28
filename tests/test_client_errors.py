"""Refusals of the management API: one request, one sentence, and no secret in either."""

import traceback

import pytest
from client_calls import ALL, BODY, TINY, TOKEN, connected, failing, service, settings_for
from speaker import http

from hfdeploy import errors, redact

speaker = pytest.fixture(service)
settings = pytest.fixture(settings_for)
api = pytest.fixture(connected)

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


def send(api, verb: str):
    """The operation that is this verb."""
    match verb:
        case "GET":
            return api.get("acme", "tiny")
        case "POST":
            return api.create("acme", BODY)
        case "PUT":
            return api.update("acme", "tiny", {"type": "public"}, is_applied=lambda live: live.type == "public")
    return api.delete("acme", "tiny", is_same=lambda _seen: True)
