"""Send one request to an endpoint, read the answer, time it. Judging is `hfdeploy.verdict`'s."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hfdeploy import redact
from hfdeploy.redact import Flow, Secret, bearer
from hfdeploy.stream.address import Address
from hfdeploy.stream.conversation import USER_AGENT, Call, Conversation
from hfdeploy.stream.prompt import Request
from hfdeploy.stream.reading import USUAL, Deadlines, Reading, silent
from hfdeploy.verdict import Kind, Sample
from hfdeploy.wait import never


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a small question (health, info, models): no stream, read whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def measure(
    address: Address,
    request: Request,
    *,
    token: Secret | None,
    deadlines: Deadlines = USUAL,
    on_text: Callable[[str], None] = silent,
    stopped: Callable[[], bool] = never,
) -> Sample:
    """One try. `on_text` gets pieces of text as they come, without secrets of ours that the endpoint sends back.

    Raises:
        errors.Cancelled: somebody asked to stop.
        errors.AuthError: the token cannot be a token.
        conversation.Stranger: who answers cannot be who was asked; nothing was sent.
    """
    accept = "text/event-stream" if request.kind is Kind.STREAM else "application/json"
    call = Call("POST", address, request.path, _headers(token, accept, request.content_type), request.body)
    scrub, flow = redact.known.scrub, Flow(redact.known, on_text)
    with Conversation(call, limit=deadlines.total, byte_cap=deadlines.byte_cap, stopped=stopped) as talk:
        sample = Reading(talk, request, deadlines, flow).read()
    flow.finish()
    return replace(
        sample,
        text=scrub(sample.text),
        error=scrub(sample.error),
        transport=scrub(sample.transport),
        finish_reason=sample.finish_reason and scrub(sample.finish_reason),
        content_type=scrub(sample.content_type),
    )


def fetch(
    address: Address,
    path: str,
    *,
    token: Secret | None,
    seconds: float = 10.0,
    byte_cap: int = 1 << 20,
    headers: Mapping[str, str] | None = None,
    stopped: Callable[[], bool] = never,
) -> Reply:
    """GET one path, whole, within `seconds`. Redirects are answers, not followed.

    Raises:
        conversation.Late, conversation.Lost, conversation.Stranger: there is no answer.
        errors.Cancelled, errors.AuthError: as for `measure`.
    """
    call = Call("GET", address, path, _headers(token, "*/*") | dict(headers or {}))
    with Conversation(call, limit=seconds, byte_cap=byte_cap, stopped=stopped) as talk:
        until = talk.began + seconds
        head = talk.head(until)
        body = b""
        while len(body) <= byte_cap and (piece := talk.piece(until)):
            body += piece.data
        return Reply(head.status, head.headers, body)


def _headers(token: Secret | None, accept: str, content_type: str = "") -> dict[str, str]:
    headers = {
        "accept": accept,
        "accept-encoding": "identity",
        "cache-control": "no-store",
        "user-agent": USER_AGENT,
    }
    if content_type:
        headers["content-type"] = content_type
    if token:
        headers["authorization"] = bearer(token)
        redact.known.add(token.reveal())
    return headers
